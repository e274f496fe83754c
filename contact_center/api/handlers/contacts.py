"""Contacts: search, one contact with its whole timeline, changes, points, merging."""

from datetime import datetime

from contact_center.api.context import Context
from contact_center.api.schemas import (
    ContactPatchBody,
    ContactQuery,
    MergeBody,
    Page,
    PageQuery,
    PointBody,
    decode_cursor,
    encode_cursor,
)
from contact_center.contacts import book, identity, merging
from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.people import Contact, Viewer
from contact_center.model.tickets import Entry, Ticket
from contact_center.model.words import View
from contact_center.store import Connection, journal
from contact_center.store.repositories import contacts, tickets, timeline
from contact_center.store.repositories.timeline import TimelineKey


async def list_contacts(ctx: Context, query: ContactQuery) -> Page[Contact]:
    """List contacts one may see, by name or contact point."""
    return await ctx.read(_page, ctx.viewer, query)


async def get_contact(ctx: Context, contact_id: int) -> Contact:
    """One contact. A merged one leads to the survivor."""
    return await ctx.read(_visible, ctx.viewer, contact_id)


async def get_timeline(ctx: Context, contact_id: int, query: PageQuery) -> Page[Entry]:
    """The contact's history on every channel, newest first; confidential entries one may not read come as stubs."""
    return await ctx.read(_timeline, ctx.viewer, contact_id, query)


async def get_tickets(ctx: Context, contact_id: int) -> list[Ticket]:
    """The contact's tickets that one may see, the latest activity first; at most 100."""
    return await ctx.read(_tickets, ctx.viewer, contact_id)


async def change_contact(ctx: Context, contact_id: int, body: ContactPatchBody) -> Contact:
    """Change a contact's name or note; a name given by a person makes it no longer provisional."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, contact_id, body)


async def add_point(ctx: Context, contact_id: int, body: PointBody) -> Contact:
    """Add a contact point. 409 names the contact that already has it."""
    value = identity.require(body.kind, body.value)
    return await ctx.write(_add_point, ctx.act(), ctx.viewer, contact_id, body, value)


async def remove_point(ctx: Context, contact_id: int, point_id: int) -> Contact:
    """Remove a contact point; what came by it stays in the history."""
    return await ctx.write(_remove_point, ctx.act(), ctx.viewer, contact_id, point_id)


async def merge(ctx: Context, contact_id: int, body: MergeBody) -> Contact:
    """Join another contact into this one; it can be undone."""
    return await ctx.write(_merge, ctx.act(), ctx.viewer, contact_id, body.other_id)


async def undo_merge(ctx: Context, contact_id: int, merge_id: int) -> Contact:
    """Take a merge back; returns the contact that is separate again."""
    return await ctx.write(_undo_merge, ctx.act(), ctx.viewer, contact_id, merge_id)


def _visible(connection: Connection, viewer: Viewer, contact_id: int) -> Contact:
    contact = contacts.visible_contact(connection, viewer, contact_id)
    if contact is None:
        raise NotFound
    return contact


def _page(connection: Connection, viewer: Viewer, query: ContactQuery) -> Page[Contact]:
    cursor = decode_cursor(query.cursor, int)
    rows = contacts.search_contacts(connection, viewer, query.q, cursor[0] if cursor else 0, query.limit + 1)
    items = rows[: query.limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > query.limit else None, journal.horizon(connection))


def _timeline(connection: Connection, viewer: Viewer, contact_id: int, query: PageQuery) -> Page[Entry]:
    resolved = contacts.survivor_of(connection, contact_id)
    if not contacts.is_visible(connection, viewer, resolved):
        raise NotFound
    cursor = decode_cursor(query.cursor, datetime, int)
    before = TimelineKey(*cursor) if cursor else None
    rows = timeline.page(connection, viewer, resolved, before, query.limit + 1)
    items = rows[: query.limit]
    more = encode_cursor(items[-1].occurred_at, items[-1].id) if len(rows) > query.limit else None
    return Page(items, more, journal.horizon(connection))


def _tickets(connection: Connection, viewer: Viewer, contact_id: int) -> list[Ticket]:
    contact = _visible(connection, viewer, contact_id)
    return tickets.page(connection, viewer, View.ALL, contact_id=contact.id, limit=100)


def _change(connection: Connection, act: Act, viewer: Viewer, contact_id: int, body: ContactPatchBody) -> Contact:
    contact = _visible(connection, viewer, contact_id)
    if body.name is not None:
        contact = book.rename(connection, act, viewer.project_id, contact.id, body.name)
    if body.note is not None:
        contact = book.annotate(connection, act, viewer.project_id, contact.id, body.note)
    return contact


def _add_point(connection: Connection, act: Act, viewer: Viewer, contact_id: int, body: PointBody, value: str) -> Contact:
    contact = _visible(connection, viewer, contact_id)
    try:
        return book.add_point(connection, act, viewer.project_id, contact.id, body.kind, value, body.value)
    except Conflict as error:
        if contacts.is_visible(connection, viewer, error.details["contact_id"]):
            raise
        raise Conflict("Another contact, whom you may not see, already has this address.") from None


def _remove_point(connection: Connection, act: Act, viewer: Viewer, contact_id: int, point_id: int) -> Contact:
    contact = _visible(connection, viewer, contact_id)
    return book.remove_point(connection, act, viewer.project_id, contact.id, point_id)


def _merge(connection: Connection, act: Act, viewer: Viewer, contact_id: int, other_id: int) -> Contact:
    survivor, loser = _visible(connection, viewer, contact_id), _visible(connection, viewer, other_id)
    return merging.merge(connection, act, viewer.project_id, survivor.id, loser.id)


def _undo_merge(connection: Connection, act: Act, viewer: Viewer, contact_id: int, merge_id: int) -> Contact:
    survivor = _visible(connection, viewer, contact_id)
    row = contacts.find_merge(connection, merge_id)
    if row is None or row["survivor_id"] != survivor.id:
        raise NotFound
    return merging.unmerge(connection, act, viewer.project_id, merge_id)[1]
