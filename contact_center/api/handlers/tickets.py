"""Tickets: lists, one ticket, changes, replies, notes."""

from collections.abc import Callable
from datetime import datetime, timedelta

from contact_center.api.answers import Participant
from contact_center.api.context import Context
from contact_center.api.handlers.views import conditions_of
from contact_center.api.schemas import NoteBody, Page, ReplyBody, TicketPatchBody, TicketQuery, decode_cursor, encode_cursor
from contact_center.errors import Invalid, NotFound, StaleVersion
from contact_center.model.acts import Act
from contact_center.model.people import Viewer
from contact_center.model.tickets import Entry, Ticket
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, channels, reasons, tickets, timeline
from contact_center.store.repositories.tickets import ListKey, list_key
from contact_center.tickets import handing_over, lifecycle, replies
from contact_center.tickets.acting import check_assignee
from contact_center.tickets.lifecycle import TicketPatch
from contact_center.tickets.replies import Draft, Sending

MOST_SNOOZE = timedelta(days=731)
CAN_BE_NONE = ("assignee_id", "snoozed_until", "reason_id")


async def list_tickets(ctx: Context, query: TicketQuery) -> Page[Ticket]:
    """List tickets of a view, the latest activity first."""
    return await ctx.read(_page, ctx.act(), ctx.viewer, query)


async def get_ticket(ctx: Context, ticket_id: int) -> Ticket:
    """One ticket; the ETag is its version."""
    ticket = await ctx.read(_visible, ctx.viewer, ticket_id)
    await ctx.opened(ticket.contact.id)
    ctx.headers["ETag"] = f'"{ticket.version}"'
    return ticket


async def change_ticket(ctx: Context, ticket_id: int, body: TicketPatchBody) -> Ticket:
    """Change fields of a ticket. With If-Match the change is refused (412) when somebody was faster."""
    version = _wanted_version(ctx.request.headers.get("If-Match", ""))
    ticket = await ctx.write(_change, ctx.act(), ctx.viewer, ticket_id, body, version)
    ctx.headers["ETag"] = f'"{ticket.version}"'
    return ticket


async def reply(ctx: Context, ticket_id: int, body: ReplyBody) -> Entry:
    """Answer the customer. The reply waits a few seconds in which it can be called back."""
    return await ctx.write(_reply, ctx.act(), ctx.services.sending, ctx.viewer, ticket_id, body)


async def get_participants(ctx: Context, ticket_id: int) -> list[Participant]:
    """Who takes part in a ticket, and why: those who wrote, those written to, those who got a copy."""
    return await ctx.read(_participants, ctx.viewer, ticket_id)


async def add_note(ctx: Context, ticket_id: int, body: NoteBody) -> Entry:
    """Add a private note that only colleagues see."""
    return await ctx.write(_note, ctx.act(), ctx.viewer, ticket_id, body)


async def call_back(ctx: Context, entry_id: int) -> Entry:
    """Call a reply back before it is sent."""
    return await ctx.write(_decide, ctx.act(), ctx.viewer, entry_id, replies.call_back)


async def send_again(ctx: Context, entry_id: int) -> Entry:
    """Send a failed, bounced or uncertain reply again, as the same message."""
    return await ctx.write(_decide, ctx.act(), ctx.viewer, entry_id, replies.send_again)


async def confirm_sent(ctx: Context, entry_id: int) -> Entry:
    """Say that an uncertain reply did arrive."""
    return await ctx.write(_decide, ctx.act(), ctx.viewer, entry_id, replies.confirm_sent)


def _wanted_version(header: str) -> int | None:
    match = header.strip().removeprefix("W/").strip('"')
    if match in ("", "*"):
        return None
    if not (match.isascii() and match.isdigit()):
        raise Invalid("If-Match must be the ETag of the ticket.", field="If-Match")
    if len(match) > 15:
        raise StaleVersion
    return int(match)


def _page(connection: Connection, act: Act, viewer: Viewer, query: TicketQuery) -> Page[Ticket]:
    cursor = decode_cursor(query.cursor, datetime, int)
    after = ListKey(*cursor) if cursor else None
    if query.queue_id is not None and not viewer.sees_queue(query.queue_id):
        raise NotFound
    extra = conditions_of(connection, act, viewer, query)
    rows = tickets.page(connection, viewer, query.view, queue_id=query.queue_id, words=query.q, after=after, limit=query.limit + 1, **extra)
    items = rows[: query.limit]
    last = list_key(items[-1], query.view, extra.get("sort")) if len(rows) > query.limit else None
    return Page(items, encode_cursor(last.at, last.id) if last else None, journal.horizon(connection))


def _visible(connection: Connection, viewer: Viewer, ticket_id: int) -> Ticket:
    ticket = tickets.visible(connection, viewer, ticket_id)
    if ticket is None:
        raise NotFound
    return ticket


def _change(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, body: TicketPatchBody, version: int | None) -> Ticket:
    ticket = _visible(connection, viewer, ticket_id)
    given = {name: getattr(body, name) for name in body.model_fields_set if name in CAN_BE_NONE or getattr(body, name) is not None}
    if given.get("assignee_id") is not None:
        check_assignee(connection, viewer, given["assignee_id"], given.get("queue_id", ticket.queue_id))
    if "queue_id" in given and access.find_queue(connection, viewer.project_id, given["queue_id"]) is None:
        raise Invalid("There is no such queue.", field="queue_id")
    if (until := given.get("snoozed_until")) is not None and not act.now < until < act.now + MOST_SNOOZE:
        raise Invalid("A ticket is put off until a time to come, within two years.", field="snoozed_until")
    if given.get("reason_id") is not None and not reasons.is_reason(connection, viewer.project_id, given["reason_id"]):
        raise Invalid("There is no such contact reason.", field="reason_id")
    if "tags" in given:
        given["tags"] = tuple(dict.fromkeys(given["tags"]))
    note = (given.pop("handover", None) or "").strip()
    handing_over.check(connection, viewer.user_id, ticket, given, note)
    changed = lifecycle.change(connection, act, viewer.project_id, ticket.id, TicketPatch(**given), version)
    if note:
        handing_over.leave(connection, act, viewer.project_id, changed, note)
    return changed


def _reply(connection: Connection, act: Act, sending: Sending, viewer: Viewer, ticket_id: int, body: ReplyBody) -> Entry:
    ticket = _visible(connection, viewer, ticket_id)
    if body.channel_id is not None:
        _check_channel(connection, viewer, body.channel_id)
    draft = Draft(
        text=body.text,
        to=tuple(address.to_model() for address in body.to),
        cc=tuple(address.to_model() for address in body.cc),
        status=body.status,
        attachment_ids=tuple(body.attachment_ids),
        channel_id=body.channel_id,
        reply_all=body.reply_all,
        seen_entry_id=body.seen_entry_id,
    )
    return replies.reply(connection, act, sending, viewer.project_id, ticket.id, draft)


def _check_channel(connection: Connection, viewer: Viewer, channel_id: int) -> None:
    """Who chooses in whose name to write has a part in it: nobody of Support writes as the personnel department."""
    account = channels.find_account(connection, channel_id)
    if account is None or account.project_id != viewer.project_id or not viewer.sees_queue(account.queue_id):
        raise Invalid("This channel cannot be answered by.", field="channel_id")


def _participants(connection: Connection, viewer: Viewer, ticket_id: int) -> list[Participant]:
    ticket = _visible(connection, viewer, ticket_id)
    rows = tickets.participants_with_roles(connection, ticket.id)
    return [Participant(row["kind"], row["display"], row["role"] or "other") for row in rows]


def _note(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, body: NoteBody) -> Entry:
    ticket = _visible(connection, viewer, ticket_id)
    return lifecycle.add_note(connection, act, viewer.project_id, ticket.id, body.text, tuple(body.mentioned_ids))


def _decide(connection: Connection, act: Act, viewer: Viewer, entry_id: int, verb: Callable[..., Entry]) -> Entry:
    entry = timeline.visible(connection, viewer, entry_id)
    if entry is None or entry.ticket_id is None:
        raise NotFound
    _visible(connection, viewer, entry.ticket_id)  # reading a colleague's entry is not yet a right to send it
    return verb(connection, act, viewer.project_id, entry_id)
