"""Tickets and timeline entries, in the one shape that the API returns and the journal carries."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contact_center.model.people import ContactRef
from contact_center.model.sla import Due
from contact_center.model.words import Delivery, Direction, Priority, ProofState, Status


@dataclass(frozen=True, slots=True)
class LastEntry:
    """The last thing said in a ticket, for the list."""

    at: datetime
    direction: Direction
    kind: str
    preview: str
    facts: dict[str, Any] | None = None
    """Of a call or a form: what the row says in the reader's language; `type` names the card."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The customer's problem, as list rows and headers show it."""

    id: int
    number: int
    subject: str
    """Empty when nobody wrote one: then `about` says it."""
    contact: ContactRef
    queue_id: int
    status: Status
    assignee_id: int | None
    priority: Priority
    tags: tuple[str, ...]
    channel: str
    """Kind of the channel that the first entry came by."""
    last_entry: LastEntry | None
    waiting_since: datetime | None
    """When the customer's oldest unanswered message came; None when nobody waits."""
    created_at: datetime
    updated_at: datetime
    version: int
    follow_up_of: int | None = None
    """Id of the ticket this one continues, when the answer came too late or from a stranger."""
    merged_into: int | None = None
    unproven: bool = False
    """A message with a forged sender opened it."""
    snoozed_until: datetime | None = None
    """Put off: it opens again then, or as soon as the customer writes."""
    next_step: str = ""
    """What is to be done next."""
    sla_policy_id: int | None = None
    """What is promised to this customer; None: nothing."""
    due: Due | None = None
    """The promise that is to be kept next; None while every clock stands still."""
    about: dict[str, Any] | None = None
    """The call or the form that opened it, as facts to make a subject of in the reader's language."""
    reason_id: int | None = None
    """Why the customer turned to us: a contact reason."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The columns by which counts are kept, as they were before a change."""

    queue_id: int
    status: Status
    assignee_id: int | None


@dataclass(frozen=True, slots=True)
class Address:
    """A name and an address as they stood in the message: a mail address, or a phone number where the channel has those."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with, or goes with, an entry."""

    id: int
    filename: str
    content_type: str
    size: int
    """Bytes after decoding."""
    inline: bool = False
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How far something we send has come."""

    state: Delivery
    attempts: int = 0
    error: str = ""
    held_until: datetime | None = None
    """Until then the reply can still be called back."""
    spooled: bool = False
    """Written to the outgoing spool because the account has no mail server to send through."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a ticket that changed, for the thin lines of the timeline."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a message's sender, by our own mail server's word and by our own rules."""

    state: ProofState
    spf: str = ""
    """The results of the methods in the server's own words; empty when it says nothing of them."""
    dkim: str = ""
    dmarc: str = ""
    warnings: tuple[str, ...] = ()
    """several_senders, no_verdict, own_address, reply_to, same_message_id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a contact's history."""

    id: int
    contact_id: int
    ticket_id: int | None
    ticket_number: int | None
    queue_id: int | None
    kind: str
    direction: Direction
    occurred_at: datetime
    author_id: int | None = None
    """The employee who wrote it, if one did."""
    sender: Address | None = None
    subject: str = ""
    text: str = ""
    """What the person wrote, without quotes and signature; at most `TEXT_LIMIT` characters."""
    truncated: bool = False
    folded: bool = False
    """Whether quoted text or a signature is kept underneath."""
    has_html: bool = False
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    automatic: bool = False
    """Sent by a machine: an auto-reply, a bounce. Never answered automatically, makes no work."""
    attachments: tuple[Attachment, ...] = ()
    delivery: DeliveryState | None = None
    change: Change | None = None
    facts: dict[str, Any] | None = None
    """What a card shows instead of text; `type` names the card: call, form."""
    proof: Proof | None = None
    """Whether the sender is who they seem to be; None when the channel knows nothing of it."""
    stub: bool = False
    """The entry belongs to a confidential queue the viewer may not read: only its time and kind are shown."""


TEXT_LIMIT = 8000


@dataclass(frozen=True, slots=True)
class EntryBody:
    """The whole text of an entry, quotes and signature included."""

    id: int
    text: str
    visible_text: str
    headers: dict[str, Any] = field(default_factory=dict)


def as_stub(entry: Entry) -> Entry:
    """What a viewer without the right to a confidential queue may know of an entry of it."""
    return Entry(
        id=entry.id,
        contact_id=entry.contact_id,
        ticket_id=None,
        ticket_number=None,
        queue_id=None,
        kind=entry.kind,
        direction=entry.direction,
        occurred_at=entry.occurred_at,
        stub=True,
    )
