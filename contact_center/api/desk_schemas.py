"""What the API takes about the desk beside a ticket: drafts, links, splitting, merging; and about notices."""

from typing import Annotated

from pydantic import Field

from contact_center.api.framework import Input
from contact_center.model.desk import DraftKind, LinkKind

Number = Annotated[int, Field(ge=1, lt=2**53)]
DRAFT_LIMIT = 500_000
"""Characters of a draft: as many as an answer may have."""


class DraftBody(Input):
    """What somebody has before them; nothing in it ends the draft."""

    kind: DraftKind
    version: int = Field(ge=0, lt=2**31)
    """The version that it began from, 0 for none. When another window has saved since, this one is refused (409, `draft-changed`)."""
    text: str = Field("", max_length=DRAFT_LIMIT)
    to: str | None = Field(None, max_length=2000)
    """Other recipients than the usual one, as they were typed."""
    cc: str = Field("", max_length=10_000)
    channel_id: Number | None = None
    attachment_ids: list[Number] = Field(default_factory=list, max_length=50)
    seen_entry_id: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    """The newest entry of the ticket that the writer had read when they began."""


class DraftQuery(Input):
    """Which of one's two drafts in a ticket."""

    kind: DraftKind = DraftKind.REPLY


class LinkBody(Input):
    """Another ticket, and how this one stands to it."""

    other_ticket_id: Number
    kind: LinkKind = LinkKind.RELATED


class SplitBody(Input):
    """What becomes a ticket of its own."""

    entry_id: Number
    and_later: bool = False
    """Everything that was said from the entry on, and not the entry alone."""
    subject: str = Field("", max_length=998)
    """Empty: the entry's own."""


class MergeTicketBody(Input):
    """The ticket that becomes part of this one."""

    other_ticket_id: Number


class ReadBody(Input):
    """Of which ticket the notices are read; without one: all."""

    ticket_id: Number | None = None
