"""What a console starts from."""

from contact_center.api.answers import Count, Snapshot
from contact_center.api.context import Context
from contact_center.api.handlers.account import load_me
from contact_center.api.handlers.channels import as_news
from contact_center.model.people import Viewer
from contact_center.model.words import Role, Status
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, channels, handling, notices, outbox, reasons, routing, tickets

MOST_NOTICES = 500


async def snapshot(ctx: Context) -> Snapshot:
    """Me, colleagues, queues, channels and counts, all read at one journal number."""
    settings = ctx.services.settings
    port = int(settings.mail.listen.rpartition(":")[2]) if settings.mail.listen else None
    return await ctx.read(_snapshot, ctx.viewer, settings.mail.undo_send_seconds, port)


def _snapshot(connection: Connection, viewer: Viewer, undo_seconds: float, mail_port: int | None) -> Snapshot:
    rows = tickets.counts(connection, viewer)
    return Snapshot(
        as_of=journal.horizon(connection),
        me=load_me(connection, viewer, undo_seconds),
        users=access.users(connection, viewer.project_id),
        queues=access.queues(connection, viewer.project_id),
        channels=[as_news(account) for account in channels.visible(connection, viewer)],
        counts=[Count(row["queue_id"], Status(row["status"]), row["assignee_id"], row["tickets"]) for row in rows],
        agents=routing.states(connection, viewer.project_id),
        aux_codes=routing.codes(connection, viewer.project_id),
        offers=routing.open_offers(connection, viewer),
        wrap_ups=handling.wraps(connection, viewer),
        contact_reasons=reasons.reasons(connection, viewer.project_id),
        dispositions=reasons.dispositions(connection, viewer.project_id),
        notices=notices.unread(connection, viewer, MOST_NOTICES),
        first_run=not rows and journal.horizon(connection) < 50,
        answered=viewer.role is Role.ADMIN and outbox.has_reply(connection, viewer.project_id),
        mail_port=mail_port,
    )
