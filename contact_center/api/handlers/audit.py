"""The audit log: for administrators all of it, for supervisors who opened a customer whom they may see."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from contact_center.api.context import Context
from contact_center.api.schemas import Page, PageQuery, decode_cursor, encode_cursor
from contact_center.errors import Invalid, NotFound
from contact_center.model.audit import Action, AuditEntry, Subject
from contact_center.model.people import Viewer
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import contacts


class AuditQuery(PageQuery):
    """Which entries to list."""

    actor_id: int | None = Field(None, ge=1, lt=2**53)
    action: Action | None = None
    object_kind: Subject | None = None
    object_id: int | None = Field(None, ge=1, lt=2**53)
    since: Annotated[AwareDatetime | None, Field(description="Not earlier than this")] = None
    until: Annotated[AwareDatetime | None, Field(description="Earlier than this")] = None


async def list_entries(ctx: Context, query: AuditQuery) -> Page[AuditEntry]:
    """What people did and whose history they opened, newest first."""
    return await ctx.read(_page, ctx.viewer, query)


async def get_openings(ctx: Context, contact_id: int, query: PageQuery) -> Page[AuditEntry]:
    """Who opened this customer, also under the numbers of contacts that were joined into it; newest first."""
    return await ctx.read(_openings, ctx.viewer, contact_id, query)


def _page(connection: Connection, viewer: Viewer, query: AuditQuery) -> Page[AuditEntry]:
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
    return _as_page(connection, rows, query.limit)


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
