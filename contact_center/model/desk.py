"""What stands on the desk beside a ticket: drafts, a note of hand-over, who watches, which tickets belong together; and notices."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contact_center.model.words import Status


class DraftKind(StrEnum):
    """What somebody is writing."""

    REPLY = "reply"
    NOTE = "note"


class NoticeKind(StrEnum):
    """Why somebody is told of a ticket."""

    MENTION = "mention"
    NEWS = "news"
    """Something happened in a ticket that they watch."""
    SURVEY = "survey"
    """A customer whom they served was not content."""


class LinkKind(StrEnum):
    """How a ticket stands to another, seen from the first. Each has a word for the way back."""

    RELATED = "related"
    DUPLICATE_OF = "duplicate_of"
    DUPLICATED_BY = "duplicated_by"
    PART_OF = "part_of"
    HAS_PART = "has_part"
    SPLIT_FROM = "split_from"
    SPLIT_INTO = "split_into"


BACK = {
    LinkKind.RELATED: LinkKind.RELATED,
    LinkKind.DUPLICATE_OF: LinkKind.DUPLICATED_BY,
    LinkKind.DUPLICATED_BY: LinkKind.DUPLICATE_OF,
    LinkKind.PART_OF: LinkKind.HAS_PART,
    LinkKind.HAS_PART: LinkKind.PART_OF,
    LinkKind.SPLIT_FROM: LinkKind.SPLIT_INTO,
    LinkKind.SPLIT_INTO: LinkKind.SPLIT_FROM,
}
"""The same link, seen from the other ticket."""


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file that was uploaded for a draft."""

    id: int
    filename: str
    size: int


@dataclass(frozen=True, slots=True)
class DraftMark:
    """That somebody has a draft, without a word of it."""

    id: int
    author_id: int
    kind: DraftKind
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A draft as its author left it."""

    id: int
    ticket_id: int
    author_id: int
    kind: DraftKind
    version: int
    """Grows with every change and never begins again. Whoever saves says which one they began from."""
    text: str
    to: str | None
    """Other recipients than the usual one, as they were typed; None: whoever wrote last."""
    cc: str
    channel_id: int | None
    files: tuple[DraftFile, ...]
    seen_entry_id: int | None
    updated_at: datetime
    open: bool = True
    """False: it was sent, discarded or taken over."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What whoever passed a ticket on wants the next one to know."""

    id: int
    author_id: int
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TicketRef:
    """A ticket in one line."""

    id: int
    number: int
    subject: str
    status: Status


@dataclass(frozen=True, slots=True)
class Link:
    """Another ticket that belongs to this one."""

    id: int
    kind: LinkKind
    ticket: TicketRef


@dataclass(frozen=True, slots=True)
class MergedTicket:
    """A ticket that was made part of this one by hand."""

    id: int
    number: int
    merged_at: datetime
    author_id: int | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that stands beside a ticket, as one viewer may see it."""

    ticket_id: int
    mine: list[SavedDraft]
    """The viewer's own drafts, with their words."""
    drafts: list[DraftMark]
    """Those of others."""
    handover: Handover | None
    watcher_ids: list[int]
    links: list[Link]
    merged: MergedTicket | None
    """The latest merge that can still be taken back."""


@dataclass(frozen=True, slots=True)
class Notice:
    """News of a ticket for one person. While one is unread, what follows counts it up."""

    id: int
    ticket_id: int
    kind: NoticeKind
    entry_id: int
    """The newest entry that it tells of."""
    actor_id: int | None
    times: int
    at: datetime
    read: bool


@dataclass(frozen=True, slots=True)
class NoticeLine(Notice):
    """A notice as it is listed."""

    ticket: TicketRef
