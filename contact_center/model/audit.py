"""What the audit log can tell: a closed vocabulary, so that nobody has to guess what to look for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What was done. The part before the dot is what it was done to."""

    SIGNED_IN = "session.began"
    SIGN_IN_FAILED = "session.refused"
    SIGN_IN_THROTTLED = "session.throttled"
    SIGNED_OUT = "session.ended"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - a name
    PASSWORD_REFUSED = "password.refused"  # noqa: S105 - a name
    INVITED = "invitation.made"
    INVITATION_ACCEPTED = "invitation.accepted"
    TOKEN_MADE = "token.made"  # noqa: S105 - a name
    TOKEN_ENDED = "token.ended"  # noqa: S105 - a name
    EMPLOYEE_ADDED = "employee.added"
    EMPLOYEE_CHANGED = "employee.changed"
    QUEUE_ADDED = "queue.added"
    QUEUE_CHANGED = "queue.changed"
    CHANNEL_ADDED = "channel.added"
    CHANNEL_REFUSED = "channel.refused"
    """Settings were tried, and the other side refused them: nothing was saved."""
    CHANNEL_CHANGED = "channel.changed"
    SETTINGS_CHANGED = "settings.changed"
    """Anything else that administrators arrange; the object says what."""
    CONTACT_OPENED = "contact.opened"
    CONTACTS_MERGED = "contact.merged"
    CONTACTS_UNMERGED = "contact.unmerged"
    CONTACT_DELETED = "contact.deleted"
    IMPORT_UPLOADED = "import.uploaded"
    IMPORT_CHANGED = "import.changed"
    EXPORTED = "data.exported"
    ORIGINAL_DOWNLOADED = "original.downloaded"
    ATTACHMENT_DOWNLOADED = "attachment.downloaded"
    QUARANTINE_RETRIED = "quarantine.retried"
    WRITTEN_BY_HAND = "quarantine.written_by_hand"
    ORIGINAL_READ_AGAIN = "original.read_again"
    KEY_ROTATED = "key.rotated"
    LOG_ALTERED = "audit.altered"
    """The log was found shortened or its head changed by somebody who has no key; it went on from there."""


class Subject(StrEnum):
    """What it was done to."""

    EMPLOYEE = "employee"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a name
    QUEUE = "queue"
    CHANNEL = "channel"
    CALENDAR = "calendar"
    AUX_CODE = "aux_code"
    SKILL = "skill"
    CONTACT_REASON = "contact_reason"
    DISPOSITION = "disposition"
    CANNED_REPLY = "canned_reply"
    VIEW = "view"
    MACRO = "macro"
    RULE = "rule"
    SLA_POLICY = "sla_policy"
    ALERT = "alert"
    WEBHOOK = "webhook"
    CONTACT = "contact"
    ORGANIZATION = "organization"
    ENTRY = "entry"
    ATTACHMENT = "attachment"
    SPOOLED_MAIL = "spooled_mail"
    RAW_ITEM = "raw_item"
    IMPORT = "import"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log."""

    number: int
    at: datetime
    actor_id: int | None
    actor: str
    """Name and address of the employee at that moment; empty when nobody was signed in."""
    address: str
    action: Action
    object_kind: Subject
    object_id: int | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditLine(AuditEntry):
    """An entry as it is listed."""

    names: dict[str, str]
    """What its object, and whatever its detail names by number, is called now: `contact:7`. What has no name is left out."""
