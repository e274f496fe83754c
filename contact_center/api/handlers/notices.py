"""What one is told of, and what one watches."""

from datetime import datetime

from contact_center.api.context import Context
from contact_center.api.desk_schemas import ReadBody
from contact_center.api.schemas import Page, PageQuery, decode_cursor, encode_cursor
from contact_center.errors import NotFound
from contact_center.model.acts import Act
from contact_center.model.desk import NoticeLine
from contact_center.model.people import Viewer
from contact_center.model.tickets import Ticket
from contact_center.store import Connection, journal
from contact_center.store.repositories import notices, tickets
from contact_center.tickets import telling


async def list_notices(ctx: Context, query: PageQuery) -> Page[NoticeLine]:
    """What one was told of tickets that one sees: mentions, and news where one watches; the latest first."""
    return await ctx.read(_page, ctx.viewer, query)


async def read(ctx: Context, body: ReadBody) -> None:
    """Mark one's notices as read: those of a ticket, or all."""
    await ctx.write(_read, ctx.act(), ctx.viewer, body.ticket_id)


async def watch(ctx: Context, ticket_id: int) -> None:
    """Be told of what happens in a ticket."""
    await ctx.write(_watch, ctx.act(), ctx.viewer, ticket_id)


async def unwatch(ctx: Context, ticket_id: int) -> None:
    """Be told of a ticket no more."""
    await ctx.write(_unwatch, ctx.act(), ctx.viewer, ticket_id)


def _page(connection: Connection, viewer: Viewer, query: PageQuery) -> Page[NoticeLine]:
    cursor = decode_cursor(query.cursor, datetime, int)
    found = notices.page(connection, viewer, (cursor[0], cursor[1]) if cursor else None, query.limit + 1)
    items = found[: query.limit]
    following = encode_cursor(items[-1].at, items[-1].id) if len(found) > query.limit else None
    return Page(items, following, journal.horizon(connection))


def _read(connection: Connection, act: Act, viewer: Viewer, ticket_id: int | None) -> None:
    if ticket_id is not None:
        ticket_id = _visible(connection, viewer, ticket_id).id
    telling.read(connection, act, viewer.project_id, viewer.user_id, ticket_id)


def _watch(connection: Connection, act: Act, viewer: Viewer, ticket_id: int) -> None:
    telling.watch(connection, act, viewer.project_id, _visible(connection, viewer, ticket_id), viewer.user_id)


def _unwatch(connection: Connection, act: Act, viewer: Viewer, ticket_id: int) -> None:
    telling.unwatch(connection, act, viewer.project_id, _visible(connection, viewer, ticket_id), viewer.user_id)


def _visible(connection: Connection, viewer: Viewer, ticket_id: int) -> Ticket:
    ticket = tickets.visible(connection, viewer, ticket_id)
    if ticket is None:
        raise NotFound
    return ticket
