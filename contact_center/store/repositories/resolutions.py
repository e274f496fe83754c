"""Each time that a ticket was resolved, noted as of then: what happens to the ticket later changes no figure of before."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from contact_center.model.words import Status
from contact_center.store.prepared import Prepared
from contact_center.store.repositories import hours, sessions
from contact_center.store.schema.figures import resolution
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item

_REOPENED = Prepared(
    update(resolution)
    .where(resolution.c.ticket_id == bindparam("which"), resolution.c.reopened_at.is_(None))
    .values(reopened_at=bindparam("at"))
)
_PAUSED = Prepared(
    select(ticket.c.queue_id, ticket.c.paused_since, ticket.c.paused_seconds, ticket.c.paused_business_seconds).where(
        ticket.c.id == bindparam("ticket_id")
    )
)
_ANSWERS = (
    select(func.count())
    .select_from(segment)
    .join(work_item, work_item.c.id == segment.c.work_item_id)
    .where(work_item.c.ticket_id == ticket.c.id, segment.c.response.is_not(None))
    .scalar_subquery()
)


def note(connection: Connection, ticket_id: int, resolved_at: datetime | None, now: datetime) -> None:
    """The ticket is resolved as of then, or (None) it is open again. Called before the ticket's own row changes."""
    if resolved_at is None:
        _REOPENED.run(connection, {"which": ticket_id, "at": now})
        return
    again = update(resolution).where(resolution.c.ticket_id == ticket_id, resolution.c.resolved_at == resolved_at).values(reopened_at=None)
    if connection.execute(again).rowcount:
        return  # what had opened it was taken back
    row = connection.execute(select(ticket, _ANSWERS.label("answers")).where(ticket.c.id == ticket_id)).one()
    if row.resolved_at is not None:
        return
    # Whoever waits for their customer is not at work on it.
    until = min(resolved_at, row.paused_since or resolved_at)
    business = hours.business_time(connection, row.queue_id, row.created_at, until)
    values = {
        "project_id": row.project_id,
        "ticket_id": ticket_id,
        "queue_id": row.queue_id,
        "agent_id": row.assignee_id,
        "channel": row.channel,
        "reason_id": row.reason_id,
        "answers": row.answers,
        "opened_at": row.created_at,
        "resolved_at": resolved_at,
        "seconds": max(0.0, (until - row.created_at).total_seconds() - row.paused_seconds),
        "business_seconds": max(0.0, business.total_seconds() - row.paused_business_seconds),
    }
    connection.execute(insert(resolution).values(values))
    # They may have asked for the same elsewhere while it was open.
    sessions.changed(connection, row.contact_id, resolved_at)


def paused(connection: Connection, ticket_id: int, status: str, now: datetime) -> dict[str, Any]:
    """What a ticket that gets this status notes of the time in which it was not open: that is no time to its resolution."""
    row = _PAUSED.row(connection, ticket_id=ticket_id)
    if row is None or (status == Status.OPEN) is (row["paused_since"] is None):
        return {}
    if status != Status.OPEN:
        return {"paused_since": now}
    now = max(now, row["paused_since"])  # a clock that was set back takes no time away
    business = hours.business_time(connection, row["queue_id"], row["paused_since"], now)
    return {
        "paused_since": None,
        "paused_seconds": row["paused_seconds"] + (now - row["paused_since"]).total_seconds(),
        "paused_business_seconds": row["paused_business_seconds"] + business.total_seconds(),
    }


def take_back(connection: Connection, ticket_id: int, resolved_at: datetime) -> None:
    """The reply that resolved the ticket was called back: it never was resolved."""
    connection.execute(delete(resolution).where(resolution.c.ticket_id == ticket_id, resolution.c.resolved_at == resolved_at))
