"""Each time that a ticket was resolved, noted as of then: what happens to the ticket later changes no figure of before."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from contact_center.store.prepared import Prepared
from contact_center.store.repositories import hours
from contact_center.store.schema.figures import resolution
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.types import Utc

AGAIN = timedelta(days=7)
"""A customer who asks for something within so long after a resolution came again."""

_REOPENED = Prepared(
    update(resolution)
    .where(resolution.c.ticket_id == bindparam("which"), resolution.c.reopened_at.is_(None))
    .values(reopened_at=bindparam("at"))
)
_AGAIN = Prepared(
    update(resolution)
    .where(
        resolution.c.contact_id == select(ticket.c.contact_id).where(ticket.c.id == bindparam("which")).scalar_subquery(),
        resolution.c.again_at.is_(None),
        resolution.c.resolved_at < bindparam("at", type_=Utc()),
        resolution.c.resolved_at >= bindparam("earliest", type_=Utc()),
    )
    .values(again_at=bindparam("at", type_=Utc()))
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
    calendar = hours.of_queue(connection, row.queue_id)
    lasted = resolved_at - row.created_at
    business = lasted if calendar is None else calendar.business_time(row.created_at, resolved_at)
    values = {
        "project_id": row.project_id,
        "ticket_id": ticket_id,
        "contact_id": row.contact_id,
        "queue_id": row.queue_id,
        "agent_id": row.assignee_id,
        "channel": row.channel,
        "reason_id": row.reason_id,
        "answers": row.answers,
        "opened_at": row.created_at,
        "resolved_at": resolved_at,
        "seconds": lasted.total_seconds(),
        "business_seconds": business.total_seconds(),
    }
    connection.execute(insert(resolution).values(values))


def take_back(connection: Connection, ticket_id: int, resolved_at: datetime) -> None:
    """The reply that resolved the ticket was called back: it never was resolved."""
    connection.execute(delete(resolution).where(resolution.c.ticket_id == ticket_id, resolution.c.resolved_at == resolved_at))


def came_again(connection: Connection, ticket_id: int, at: datetime) -> None:
    """The customer of this ticket asks for something: whatever was resolved for them within the week before was not the end of it."""
    _AGAIN.run(connection, {"which": ticket_id, "at": at, "earliest": at - AGAIN})
