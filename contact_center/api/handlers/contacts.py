"""Contacts: search, one contact with its whole timeline, changes, points, merging."""

from datetime import datetime

from contact_center.api.context import Context
from contact_center.api.schemas import (
    CandidateQuery,
    ContactPatchBody,
    ContactQuery,
    DistinctBody,
    MergeBody,
    MoveBody,
    Page,
    PageQuery,
    PointBody,
    PointPatchBody,
    decode_cursor,
    encode_cursor,
)
from contact_center.contacts import book, candidates, identity, merging
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Candidate, Contact, Holders, Viewer
from contact_center.model.tickets import Entry, Ticket
from contact_center.model.words import View
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access, contacts, organizations, tickets, timeline
from contact_center.store.repositories import candidates as pairs
from contact_center.store.repositories.timeline import TimelineKey
from contact_center.tickets import moving


async def list_contacts(ctx: Context, query: ContactQuery) -> Page[Contact]:
    """List contacts one may see, by name or contact point."""
    return await ctx.read(_page, ctx.viewer, query)


async def get_contact(ctx: Context, contact_id: int) -> Contact:
    """One contact. A merged one leads to the survivor."""
    contact = await ctx.read(_visible, ctx.viewer, contact_id)
    await ctx.opened(contact.id)
    return contact


async def get_timeline(ctx: Context, contact_id: int, query: PageQuery) -> Page[Entry]:
    """The contact's history on every channel, newest first; confidential entries one may not read come as stubs."""
    resolved, page = await ctx.read(_timeline, ctx.viewer, contact_id, query)
    await ctx.opened(resolved)
    return page


async def get_tickets(ctx: Context, contact_id: int) -> list[Ticket]:
    """The contact's tickets that one may see, the latest activity first; at most 100."""
    resolved, found = await ctx.read(_tickets, ctx.viewer, contact_id)
    await ctx.opened(resolved)
    return found


async def change_contact(ctx: Context, contact_id: int, body: ContactPatchBody) -> Contact:
    """Change a contact's name, note, owner or organization; a name given by a person makes it no longer provisional."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, contact_id, body)


async def add_point(ctx: Context, contact_id: int, body: PointBody) -> Contact:
    """Add a contact point. 409 names the contact that already has it."""
    value = identity.require(body.kind, body.value)
    return await ctx.write(_add_point, ctx.act(), ctx.viewer, contact_id, body, value)


async def remove_point(ctx: Context, contact_id: int, point_id: int) -> Contact:
    """Remove a contact point; what came by it stays in the history."""
    return await ctx.write(_remove_point, ctx.act(), ctx.viewer, contact_id, point_id)


async def mark_point(ctx: Context, contact_id: int, point_id: int, body: PointPatchBody) -> Contact:
    """Say whether a contact point reaches one person or a group. 409 for a personal one that several contacts have."""
    return await ctx.write(_mark_point, ctx.act(), ctx.viewer, contact_id, point_id, body)


async def get_holders(ctx: Context, contact_id: int, point_id: int) -> Holders:
    """Whom a contact point reaches, as far as one may see them; what comes by it goes to the latest linked."""
    return await ctx.read(_holders, ctx.viewer, contact_id, point_id)


async def move_ticket(ctx: Context, ticket_id: int, body: MoveBody) -> Ticket:
    """Give a ticket to another contact, with what was said in it: it was somebody else. Both histories change."""
    return await ctx.write(_move_ticket, ctx.act(), ctx.viewer, ticket_id, body.contact_id)


async def move_entry(ctx: Context, entry_id: int, body: MoveBody) -> Entry:
    """Give one entry to another contact. It stays in its ticket; a ticket that has nothing else from outside goes along."""
    return await ctx.write(_move_entry, ctx.act(), ctx.viewer, entry_id, body.contact_id)


async def list_candidates(ctx: Context, query: CandidateQuery) -> list[Candidate]:
    """Pairs of contacts that may be one person, the highest score first. Nothing is joined by itself."""
    return await ctx.read(candidates.find, ctx.viewer, limit=query.limit)


async def get_candidates(ctx: Context, contact_id: int, query: CandidateQuery) -> list[Candidate]:
    """Contacts that may be the same person as this one, the highest score first."""
    return await ctx.read(_candidates, ctx.viewer, contact_id, query.limit)


async def dismiss_candidate(ctx: Context, contact_id: int, body: DistinctBody) -> None:
    """Say that these are different people; they are not suggested again."""
    await ctx.write(_dismiss, ctx.act(), ctx.viewer, contact_id, body.other_id)


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
    rows = contacts.search_contacts(connection, viewer, query.q, cursor[0] if cursor else 0, query.limit + 1, query.since)
    items = rows[: query.limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > query.limit else None, journal.horizon(connection))


def _timeline(connection: Connection, viewer: Viewer, contact_id: int, query: PageQuery) -> tuple[int, Page[Entry]]:
    resolved = contacts.survivor_of(connection, contact_id)
    if not contacts.is_visible(connection, viewer, resolved):
        raise NotFound
    cursor = decode_cursor(query.cursor, datetime, int)
    before = TimelineKey(*cursor) if cursor else None
    rows = timeline.page(connection, viewer, resolved, before, query.limit + 1)
    items = rows[: query.limit]
    more = encode_cursor(items[-1].occurred_at, items[-1].id) if len(rows) > query.limit else None
    return resolved, Page(items, more, journal.horizon(connection))


def _tickets(connection: Connection, viewer: Viewer, contact_id: int) -> tuple[int, list[Ticket]]:
    contact = _visible(connection, viewer, contact_id)
    return contact.id, tickets.page(connection, viewer, View.ALL, contact_id=contact.id, limit=100)


def _change(connection: Connection, act: Act, viewer: Viewer, contact_id: int, body: ContactPatchBody) -> Contact:
    contact = _visible(connection, viewer, contact_id)
    if body.name is not None:
        contact = book.rename(connection, act, viewer.project_id, contact.id, body.name)
    if body.note is not None:
        contact = book.annotate(connection, act, viewer.project_id, contact.id, body.note)
    if "organization_id" in body.model_fields_set:
        if body.organization_id is not None and organizations.visible(connection, viewer, body.organization_id) is None:
            raise Invalid("There is no such organization.", field="organization_id")
        contact = book.set_organization(connection, act, viewer.project_id, contact.id, body.organization_id)
    if "owner_id" in body.model_fields_set:
        _check_owner(connection, viewer, body.owner_id)
        contact = book.set_owner(connection, act, viewer.project_id, contact.id, body.owner_id)
    return contact


def _check_owner(connection: Connection, viewer: Viewer, user_id: int | None) -> None:
    owner = access.viewer_of_user(connection, user_id) if user_id is not None else None
    if user_id is not None and (owner is None or owner.project_id != viewer.project_id):
        raise Invalid("There is no such employee.", field="owner_id")


def _add_point(connection: Connection, act: Act, viewer: Viewer, contact_id: int, body: PointBody, value: str) -> Contact:
    contact = _visible(connection, viewer, contact_id)
    try:
        return book.add_point(connection, act, viewer.project_id, contact.id, body.kind, value, body.value)
    except Conflict as error:
        # Sharing takes what comes by the point to the contact linked last: only from people one may see.
        if not all(contacts.is_visible(connection, viewer, other) for other in error.details["contact_ids"]):
            raise Conflict("Another contact, whom you may not see, already has this address.") from None
        if not body.shared:
            raise
    return book.add_point(connection, act, viewer.project_id, contact.id, body.kind, value, body.value, shared=True)


def _mark_point(connection: Connection, act: Act, viewer: Viewer, contact_id: int, point_id: int, body: PointPatchBody) -> Contact:
    contact = _visible(connection, viewer, contact_id)
    return book.mark_point(connection, act, viewer.project_id, contact.id, point_id, body.role)


def _holders(connection: Connection, viewer: Viewer, contact_id: int, point_id: int) -> Holders:
    contact = _visible(connection, viewer, contact_id)
    if point_id not in [point.id for point in contact.points]:
        raise NotFound
    return contacts.holders_for(connection, viewer, point_id)


def _move_ticket(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, contact_id: int) -> Ticket:
    ticket = tickets.visible(connection, viewer, ticket_id)
    if ticket is None:
        raise NotFound
    return moving.move_ticket(connection, act, viewer.project_id, ticket.id, _visible(connection, viewer, contact_id))


def _move_entry(connection: Connection, act: Act, viewer: Viewer, entry_id: int, contact_id: int) -> Entry:
    entry = timeline.visible(connection, viewer, entry_id)
    # Reading a colleague's entry is not yet a right to the ticket it stands in, which changes too.
    if entry is None or (entry.ticket_id is not None and tickets.visible(connection, viewer, entry.ticket_id) is None):
        raise NotFound
    return moving.move_entry(connection, act, viewer.project_id, entry_id, _visible(connection, viewer, contact_id))


def _candidates(connection: Connection, viewer: Viewer, contact_id: int, limit: int) -> list[Candidate]:
    contact = _visible(connection, viewer, contact_id)
    return candidates.find(connection, viewer, of=contact.id, limit=limit)


def _dismiss(connection: Connection, act: Act, viewer: Viewer, contact_id: int, other_id: int) -> None:
    one, other = _visible(connection, viewer, contact_id), _visible(connection, viewer, other_id)
    if one.id == other.id:
        raise Conflict("A contact is the same person as itself.")
    pairs.dismiss(connection, one.id, other.id, act.user_id, act.now)


def _remove_point(connection: Connection, act: Act, viewer: Viewer, contact_id: int, point_id: int) -> Contact:
    contact = _visible(connection, viewer, contact_id)
    return book.remove_point(connection, act, viewer.project_id, contact.id, point_id)


def _merge(connection: Connection, act: Act, viewer: Viewer, contact_id: int, other_id: int) -> Contact:
    survivor, loser = _visible(connection, viewer, contact_id), _visible(connection, viewer, other_id)
    audit.note(connection, act, Action.CONTACTS_MERGED, Subject.CONTACT, survivor.id, other_id=loser.id)
    return merging.merge(connection, act, viewer.project_id, survivor.id, loser.id)


def _undo_merge(connection: Connection, act: Act, viewer: Viewer, contact_id: int, merge_id: int) -> Contact:
    survivor = _visible(connection, viewer, contact_id)
    row = contacts.find_merge(connection, merge_id)
    if row is None or row["survivor_id"] != survivor.id:
        raise NotFound
    restored = merging.unmerge(connection, act, viewer.project_id, merge_id)[1]
    audit.note(connection, act, Action.CONTACTS_UNMERGED, Subject.CONTACT, survivor.id, other_id=restored.id)
    # Whoever could see the two as one may be a stranger to the one who is separate again.
    return contacts.visible_contact(connection, viewer, restored.id) or _visible(connection, viewer, survivor.id)
