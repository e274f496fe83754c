"""The audit log: for administrators all of it, for supervisors who opened a customer whom they may see."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from contact_center.api.context import Context
from contact_center.api.schemas import Page, PageQuery, decode_cursor, encode_cursor
from contact_center.errors import Invalid, NotFound
from contact_center.model.audit import Action, AuditEntry, AuditLine, Subject
from contact_center.model.people import Viewer
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import contacts
from contact_center.store.repositories.names import Thing, names


class AuditQuery(PageQuery):
    """Which entries to list."""

    actor_id: int | None = Field(None, ge=1, lt=2**53)
    action: Action | None = None
    object_kind: Subject | None = None
    object_id: int | None = Field(None, ge=1, lt=2**53)
    since: Annotated[AwareDatetime | None, Field(description="Not earlier than this")] = None
    until: Annotated[AwareDatetime | None, Field(description="Earlier than this")] = None


async def list_entries(ctx: Context, query: AuditQuery) -> Page[AuditLine]:
    """What people did and whose history they opened, newest first."""
    return await ctx.read(_page, ctx.viewer, query)


async def get_openings(ctx: Context, contact_id: int, query: PageQuery) -> Page[AuditEntry]:
    """Who opened this customer, also under the numbers of contacts that were joined into it; newest first."""
    return await ctx.read(_openings, ctx.viewer, contact_id, query)


def _page(connection: Connection, viewer: Viewer, query: AuditQuery) -> Page[AuditLine]:
    cursor = decode_cursor(query.cursor, int)
    rows = audit.page(
        connection,
        viewer.project_id,
        actor_id=query.actor_id,
        action=query.action,
        kind=query.object_kind,
        object_ids=[query.object_id] if query.object_id is not None else None,
        since=_instant(query.since, "since"),
        until=_instant(query.until, "until"),
        before=cursor[0] if cursor else 0,
        limit=query.limit + 1,
    )
    page = _as_page(connection, rows, query.limit)
    return Page(_named(connection, page.items), page.next_cursor, page.as_of)


def _named(connection: Connection, entries: list[AuditEntry]) -> list[AuditLine]:
    """The entries with what is called how in them, asked once for all."""
    found = names(connection, (thing for entry in entries for thing in _things(entry)))
    lines = []
    for entry in entries:
        called = {f"{kind}:{number}": found[kind, number] for kind, number in _things(entry) if (kind, number) in found}
        lines.append(AuditLine(**{field.name: getattr(entry, field.name) for field in fields(AuditEntry)}, names=called))
    return lines


def _things(entry: AuditEntry) -> Iterator[Thing]:
    if entry.object_id is not None:
        yield entry.object_kind, entry.object_id
    for name in ("contact_id", "other_id"):
        if isinstance(number := entry.detail.get(name), int):
            yield Subject.CONTACT, number
    yield from ((Subject.QUEUE, number) for number in entry.detail.get("queue_ids") or () if isinstance(number, int))


def _openings(connection: Connection, viewer: Viewer, contact_id: int, query: PageQuery) -> Page[AuditEntry]:
    contact = contacts.visible_contact(connection, viewer, contact_id)
    if contact is None:
        raise NotFound
    cursor = decode_cursor(query.cursor, int)
    rows = audit.page(
        connection,
        viewer.project_id,
        action=Action.CONTACT_OPENED,
        kind=Subject.CONTACT,
        object_ids=[contact.id, *(int(merge["loser_id"]) for merge in contacts.merges_into(connection, contact.id))],
        before=cursor[0] if cursor else 0,
        limit=query.limit + 1,
    )
    return _as_page(connection, rows, query.limit)


def _as_page(connection: Connection, rows: list[AuditEntry], limit: int) -> Page[AuditEntry]:
    items = rows[:limit]
    return Page(items, encode_cursor(items[-1].number) if len(rows) > limit else None, journal.horizon(connection))


def _instant(value: datetime | None, field: str) -> datetime | None:
    try:
        return None if value is None else value.astimezone(UTC)
    except OverflowError:  # at the ends of time
        raise Invalid("There is no such time.", field=field) from None
