"""The desk beside a ticket: drafts, notes of hand-over, links, splitting and merging."""

from contact_center.api.context import Context
from contact_center.api.desk_schemas import DraftBody, DraftQuery, LinkBody, MergeTicketBody, SplitBody
from contact_center.errors import Forbidden, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.desk import Desk, DraftKind, LinkKind, MergedTicket, SavedDraft
from contact_center.model.people import Viewer
from contact_center.model.tickets import Ticket
from contact_center.store import Connection, Row
from contact_center.store.repositories import channels, notices, tickets
from contact_center.store.repositories import desk as desks
from contact_center.store.repositories import drafts as rows
from contact_center.tickets import desk, drafts, merging, splitting
from contact_center.tickets.drafts import Writing
from contact_center.tickets.replies import Sending
from contact_center.tickets.splitting import Split


async def get_desk(ctx: Context, ticket_id: int) -> Desk:
    """What stands beside a ticket: one's own drafts and the marks of others', a note of hand-over, watchers, links."""
    return await ctx.read(_desk, ctx.viewer, ticket_id)


async def save_draft(ctx: Context, ticket_id: int, body: DraftBody) -> SavedDraft:
    """Keep what one is writing. Saved is saved: it survives a crash, another browser and another assignee."""
    return await ctx.write(_save, ctx.act(), ctx.viewer, ticket_id, body)


async def discard_draft(ctx: Context, ticket_id: int, query: DraftQuery) -> None:
    """End one's own draft, whatever it says by now."""
    await ctx.write(_discard, ctx.act(), ctx.viewer, ticket_id, query.kind)


async def take_draft(ctx: Context, ticket_id: int, draft_id: int) -> SavedDraft:
    """Make a colleague's draft one's own, with its files. The history tells of it."""
    return await ctx.write(_take, ctx.act(), ctx.viewer, ticket_id, draft_id)


async def dismiss_handover(ctx: Context, ticket_id: int) -> None:
    """Take the note of hand-over away: it was read."""
    await ctx.write(_dismiss, ctx.act(), ctx.viewer, ticket_id)


async def link(ctx: Context, ticket_id: int, body: LinkBody) -> Desk:
    """Say how the ticket stands to another. Both histories tell of it."""
    return await ctx.write(_link, ctx.act(), ctx.viewer, ticket_id, body)


async def unlink(ctx: Context, ticket_id: int, link_id: int) -> Desk:
    """Say that two tickets belong together no more."""
    return await ctx.write(_unlink, ctx.act(), ctx.viewer, ticket_id, link_id)


async def split(ctx: Context, ticket_id: int, body: SplitBody) -> Ticket:
    """Make a ticket of its own of an entry, or of all that was said from it on. The turn goes along with what opened it."""
    return await ctx.write(_split, ctx.act(), ctx.services.sending, ctx.viewer, ticket_id, body)


async def merge(ctx: Context, ticket_id: int, body: MergeTicketBody) -> Ticket:
    """Make another ticket part of this one. It can be taken back while nothing has happened in it since."""
    return await ctx.write(_merge, ctx.act(), ctx.viewer, ticket_id, body.other_ticket_id)


async def undo_merge(ctx: Context, ticket_id: int) -> Ticket:
    """Take the latest merge into this ticket back; answers with the ticket that is there again."""
    return await ctx.write(_undo_merge, ctx.act(), ctx.viewer, ticket_id)


def _visible(connection: Connection, viewer: Viewer, ticket_id: int) -> Ticket:
    ticket = tickets.visible(connection, viewer, ticket_id)
    if ticket is None:
        raise NotFound
    return ticket


def _desk(connection: Connection, viewer: Viewer, ticket_id: int) -> Desk:
    ticket = _visible(connection, viewer, ticket_id)
    writing = rows.open_of(connection, ticket.id)
    merge = desks.last_merge(connection, ticket.id)
    merged = None
    if merge is not None and _sees_what_went(connection, viewer, merge) and merging.can_undo(connection, merge):
        merged = MergedTicket(merge["loser_id"], merge["number"], merge["merged_at"], merge["author_id"])
    return Desk(
        ticket_id=ticket.id,
        mine=[rows.saved(connection, row) for row in writing if row["author_id"] == viewer.user_id],
        drafts=[rows.mark(row) for row in writing if row["author_id"] != viewer.user_id],
        handover=desks.open_handover(connection, ticket.id),
        watcher_ids=notices.watchers(connection, ticket.id),
        links=desks.links(connection, viewer, ticket.id),
        merged=merged,
    )


def _save(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, body: DraftBody) -> SavedDraft:
    ticket = _visible(connection, viewer, ticket_id)
    if body.channel_id is not None:
        account = channels.find_account(connection, body.channel_id)
        if account is None or account.project_id != viewer.project_id or not viewer.sees_queue(account.queue_id):
            raise Invalid("This channel cannot be answered by.", field="channel_id")
    writing = Writing(body.text, body.to, body.cc, body.channel_id, tuple(body.attachment_ids), body.seen_entry_id)
    return drafts.save(connection, act, viewer.project_id, ticket, viewer.user_id, body.kind, writing, body.version)


def _discard(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, kind: DraftKind) -> None:
    ticket = _visible(connection, viewer, ticket_id)
    drafts.discard(connection, act, viewer.project_id, ticket, viewer.user_id, kind)


def _take(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, draft_id: int) -> SavedDraft:
    ticket = _visible(connection, viewer, ticket_id)
    return drafts.take(connection, act, viewer.project_id, ticket, draft_id, viewer.user_id)


def _dismiss(connection: Connection, act: Act, viewer: Viewer, ticket_id: int) -> None:
    desk.dismiss_handover(connection, act, viewer.project_id, _visible(connection, viewer, ticket_id))


def _link(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, body: LinkBody) -> Desk:
    ticket, other = _visible(connection, viewer, ticket_id), _visible(connection, viewer, body.other_ticket_id)
    if body.kind in (LinkKind.SPLIT_FROM, LinkKind.SPLIT_INTO):
        raise Invalid("Only splitting a ticket says so.", field="kind")
    desk.link(connection, act, viewer.project_id, ticket, other, body.kind)
    return _desk(connection, viewer, ticket.id)


def _unlink(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, link_id: int) -> Desk:
    ticket = _visible(connection, viewer, ticket_id)
    desk.unlink(connection, act, viewer.project_id, ticket, link_id)
    return _desk(connection, viewer, ticket.id)


def _split(connection: Connection, act: Act, sending: Sending, viewer: Viewer, ticket_id: int, body: SplitBody) -> Ticket:
    ticket = _visible(connection, viewer, ticket_id)
    wish = Split(body.entry_id, body.and_later, body.subject)
    return splitting.split(connection, act, sending, viewer.project_id, ticket.id, wish)


def _merge(connection: Connection, act: Act, viewer: Viewer, ticket_id: int, other_id: int) -> Ticket:
    ticket, other = _visible(connection, viewer, ticket_id), _visible(connection, viewer, other_id)
    return merging.merge(connection, act, viewer.project_id, ticket.id, other.id)


def _undo_merge(connection: Connection, act: Act, viewer: Viewer, ticket_id: int) -> Ticket:
    ticket = _visible(connection, viewer, ticket_id)
    merge = desks.last_merge(connection, ticket.id)
    if merge is not None and not _sees_what_went(connection, viewer, merge):
        raise Forbidden("What was merged goes back to a queue to which you have no access.")
    return merging.undo(connection, act, viewer.project_id, ticket.id)


def _sees_what_went(connection: Connection, viewer: Viewer, merge: Row) -> bool:
    """Whether the viewer will see the ticket that is there again once a merge is taken back."""
    loser = tickets.find(connection, merge["loser_id"])
    return loser is not None and (viewer.sees_queue(loser.queue_id) or loser.assignee_id == viewer.user_id)
