"""Search over everything one may see."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from contact_center.api.context import Context
from contact_center.api.permissions import Permission, allows
from contact_center.api.schemas import PageQuery, decode_cursor, encode_cursor
from contact_center.errors import BadRequest, Invalid, NotFound
from contact_center.model.people import Viewer
from contact_center.model.words import Direction
from contact_center.search import finder
from contact_center.search.finder import ContactHit, EntryHit, TicketHit
from contact_center.store import Connection
from contact_center.store.repositories import contacts
from contact_center.store.repositories.search import Filters


class SearchQuery(PageQuery):
    """What to look for, and what entries are limited to.

    Every word must be there, in whatever form; words in quotes must stand together. `prefix` lets the last word be unfinished.
    """

    q: str = Field("", max_length=1000)
    kind: str | None = Field(None, max_length=40)
    direction: Direction | None = None
    queue_id: int | None = Field(None, ge=1, lt=2**53)
    contact_id: int | None = Field(None, ge=1, lt=2**53)
    after: Annotated[AwareDatetime | None, Field(description="Not earlier than this")] = None
    before: Annotated[AwareDatetime | None, Field(description="Earlier than this")] = None
    has_file: bool = False
    prefix: bool = True
    limit: int = Field(20, ge=1, le=100)


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """People and tickets come with the first page; `items` are entries, newest first."""

    people: list[ContactHit]
    tickets: list[TicketHit]
    items: list[EntryHit]
    next_cursor: str | None
    as_of: int
    upto: int
    """The journal number the index has come to."""
    behind: int
    """How many numbers of the journal it has not read yet; -1 while the whole index is being made."""


async def search(ctx: Context, query: SearchQuery) -> SearchAnswer:
    """Find people, tickets and entries by their words, numbers and addresses; entries newest first, without limit of age."""
    return await ctx.read(_search, ctx.viewer, query)


def _search(connection: Connection, viewer: Viewer, query: SearchQuery) -> SearchAnswer:
    if query.queue_id is not None and not viewer.sees_queue(query.queue_id):
        raise NotFound
    found = finder.find(
        connection,
        viewer,
        query.q,
        _filters(connection, query),
        below=_place(query.cursor),
        limit=query.limit,
        unfinished=query.prefix,
        people=allows(viewer.role, viewer.scopes, Permission.CONTACTS_READ),
    )
    more = encode_cursor(str(found.next_place)) if found.next_place is not None else None
    return SearchAnswer(found.people, found.tickets, found.entries, more, found.as_of, found.upto, found.behind)


def _filters(connection: Connection, query: SearchQuery) -> Filters:
    return Filters(
        kind=query.kind,
        direction=query.direction,
        queue_id=query.queue_id,
        after=_instant(query.after, "after"),
        before=_instant(query.before, "before"),
        contact_id=None if query.contact_id is None else contacts.survivor_of(connection, query.contact_id),
        has_file=query.has_file,
    )


def _instant(value: datetime | None, field: str) -> datetime | None:
    try:
        return None if value is None else value.astimezone(UTC)
    except OverflowError:  # at the ends of time
        raise Invalid("There is no such time.", field=field) from None


def _place(cursor: str | None) -> int | None:
    """A place has more digits than JSON numbers are safe with, so it travels as a string."""
    values = decode_cursor(cursor, str)
    if values is None:
        return None
    try:
        place = int(values[0]) if len(values[0]) <= 20 else 2**63
    except ValueError:
        raise BadRequest("The cursor is not one of ours.") from None
    if abs(place) >= 2**63:
        raise BadRequest("The cursor is not one of ours.")
    return place
