"""What a console starts from, and the change feed for everybody else."""

from contact_center.api.answers import Count, Feed, FeedEvent, Snapshot
from contact_center.api.context import Context
from contact_center.api.handlers.account import load_me
from contact_center.api.handlers.channels import as_news
from contact_center.api.schemas import EventsQuery
from contact_center.model.people import Viewer
from contact_center.model.words import Status
from contact_center.store import Connection, journal
from contact_center.store.audience import for_viewer, reach_of
from contact_center.store.repositories import access, channels, tickets


async def snapshot(ctx: Context) -> Snapshot:
    """Me, colleagues, queues, channels and counts, all read at one journal number."""
    settings = ctx.services.settings
    port = int(settings.mail.listen.rpartition(":")[2]) if settings.mail.listen else None
    return await ctx.read(_snapshot, ctx.viewer, settings.mail.undo_send_seconds, port)


async def events(ctx: Context, query: EventsQuery) -> Feed:
    """Events after a number, in order: the same journal that the live consoles read. Only what one may see."""
    return await ctx.read(_feed, ctx.viewer, query)


def _snapshot(connection: Connection, viewer: Viewer, undo_seconds: float, mail_port: int | None) -> Snapshot:
    rows = tickets.counts(connection, viewer)
    return Snapshot(
        as_of=journal.horizon(connection),
        me=load_me(connection, viewer, undo_seconds),
        users=access.users(connection, viewer.project_id),
        queues=access.queues(connection, viewer.project_id),
        channels=[as_news(account) for account in channels.accounts(connection, viewer.project_id)],
        counts=[Count(row["queue_id"], Status(row["status"]), row["assignee_id"], row["tickets"]) for row in rows],
        first_run=not rows and journal.horizon(connection) < 50,
        mail_port=mail_port,
    )


def _feed(connection: Connection, viewer: Viewer, query: EventsQuery) -> Feed:
    recorded = journal.read_after(connection, query.after, query.limit)
    reach = reach_of(connection, recorded)
    seen = [(event, news) for event in recorded if (news := for_viewer(event, viewer, reach, None)) is not None]
    return Feed(
        events=[FeedEvent(event.seq, news.type, event.at, event.actor_id, news.data) for event, news in seen],
        horizon=recorded[-1].seq if recorded else max(query.after, journal.horizon(connection)),
        more=len(recorded) == query.limit,
    )
