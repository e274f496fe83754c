"""Work items and segments."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, insert, literal, select, update
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model.words import Demand, Direction, EndReason, WorkState
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.types import Utc, seconds_between

_OPEN_ITEM = Prepared(
    select(work_item.c.id, work_item.c.opened_at, segment.c.id.label("segment_id"), segment.c.queue_id, segment.c.agent_id)
    .join(segment)
    .where(work_item.c.ticket_id == bindparam("ticket_id"), work_item.c.closed_at.is_(None), segment.c.ended_at.is_(None))
)
_CALLBACKS = Prepared(
    select(work_item.c.ticket_id)
    .join(ticket, ticket.c.id == work_item.c.ticket_id)
    .where(work_item.c.kind == Demand.CALLBACK, work_item.c.closed_at.is_(None), ticket.c.contact_id == bindparam("contact_id"))
    .order_by(work_item.c.id)
)
_INSERT_ITEM = Prepared(
    insert(work_item)
    .values({n: bindparam(n) for n in ("project_id", "kind", "ticket_id", "interaction_id", "state", "opened_at")})
    .returning(work_item.c.id)
)
EARLIER_STAY = segment.alias("earlier")
_TURN = Prepared(
    select(
        interaction.c.direction,
        select(EARLIER_STAY.c.id)
        .join(OTHER_ITEM := work_item.alias("other_item"), OTHER_ITEM.c.id == EARLIER_STAY.c.work_item_id)
        .where(OTHER_ITEM.c.ticket_id == bindparam("ticket_id"), EARLIER_STAY.c.response.is_not(None))
        .exists()
        .label("answered"),
    )
    .join(work_item, work_item.c.interaction_id == interaction.c.id)
    .where(work_item.c.id == bindparam("item_id"))
)
LATE_SECONDS = 900
"""A stay that is heard of later than so many seconds after it began restates figures that were looked at before."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to a customer's turn."""

    kind: str
    """`first` of its ticket, or `next`."""
    lasted: timedelta
    business: timedelta
    """In the business time of the queue that answered."""


def _stay_of_same_item() -> ColumnElement[bool]:
    """Whether the item stood in a queue before: this stay came from another."""
    other = segment.alias("other")
    return select(other.c.id).where(other.c.work_item_id == bindparam("work_item_id")).exists()


def _heard_of_late() -> ColumnElement[bool]:
    """Whether the entry that opened the item reached us long after the stay began."""
    lag = seconds_between(bindparam("entered_at", type_=Utc()), interaction.c.received_at)
    heard = select(lag > LATE_SECONDS).join(work_item, work_item.c.interaction_id == interaction.c.id)
    return heard.where(work_item.c.id == bindparam("work_item_id")).scalar_subquery()


_INSERT_SEGMENT = Prepared(
    insert(segment).values(
        {n: bindparam(n) for n in ("work_item_id", "queue_id", "agent_id", "state", "entered_at", "accepted_at", "due_at", "after_hours")}
        | {
            "project_id": select(work_item.c.project_id).where(work_item.c.id == bindparam("work_item_id")).scalar_subquery(),
            "channel": select(ticket.c.channel)
            .join(work_item, work_item.c.ticket_id == ticket.c.id)
            .where(work_item.c.id == bindparam("work_item_id"))
            .scalar_subquery(),
            "passed_in": _stay_of_same_item(),
            "late": _heard_of_late(),
        }
    )
)


def open_item(connection: Connection, ticket_id: int) -> Row | None:
    """The ticket's open work item with its current segment: id, opened_at, segment_id, queue_id, agent_id."""
    return _OPEN_ITEM.row(connection, ticket_id=ticket_id)


def open_callbacks(connection: Connection, contact_id: int) -> list[int]:
    """Tickets in which somebody still has to call this contact, the oldest first."""
    return [int(row) for row in _CALLBACKS.scalars(connection, contact_id=contact_id)]


def opener(connection: Connection, ticket_id: int) -> int | None:
    """The entry that opened the ticket's open work item."""
    statement = select(work_item.c.interaction_id).where(work_item.c.ticket_id == ticket_id, work_item.c.closed_at.is_(None))
    return connection.execute(statement).scalar()


def kind_and_opener(connection: Connection, item_id: int) -> tuple[str, int]:
    """What kind of work it is, and the entry that opened it."""
    row = connection.execute(select(work_item.c.kind, work_item.c.interaction_id).where(work_item.c.id == item_id)).one()
    return str(row.kind), int(row.interaction_id)


def add_item(
    connection: Connection, project_id: int, kind: str, ticket_id: int, interaction_id: int, opened_at: datetime, agent_id: int | None
) -> int:
    """Open a work item; returns its id."""
    values = {
        "project_id": project_id,
        "kind": kind,
        "ticket_id": ticket_id,
        "interaction_id": interaction_id,
        "state": WorkState.ASSIGNED if agent_id else WorkState.WAITING,
        "opened_at": opened_at,
    }
    return int(_INSERT_ITEM.scalar(connection, **values))


def add_segment(
    connection: Connection,
    item_id: int,
    queue_id: int,
    agent_id: int | None,
    entered_at: datetime,
    due_at: datetime | None,
    after_hours: bool = False,
) -> None:
    """Begin a stay in a queue, to be answered by `due_at`; `after_hours`: while the queue is closed."""
    values = {
        "work_item_id": item_id,
        "queue_id": queue_id,
        "agent_id": agent_id,
        "state": WorkState.ASSIGNED if agent_id else WorkState.WAITING,
        "entered_at": entered_at,
        "accepted_at": entered_at if agent_id else None,
        "due_at": due_at,
        "after_hours": after_hours,
    }
    _INSERT_SEGMENT.run(connection, values)


def assign_segment(connection: Connection, segment_id: int, item_id: int, agent_id: int | None, now: datetime) -> None:
    """Say who works on it; None puts it back to waiting."""
    state = WorkState.ASSIGNED if agent_id else WorkState.WAITING
    accepted = now if agent_id else None
    connection.execute(update(segment).where(segment.c.id == segment_id).values(agent_id=agent_id, state=state, accepted_at=accepted))
    connection.execute(update(work_item).where(work_item.c.id == item_id).values(state=state))


def response_to(connection: Connection, ticket_id: int, item_id: int) -> str | None:
    """What an answer to this turn is: the ticket's "first", or the "next"; None for work that something of our own made."""
    row = _TURN.row(connection, ticket_id=ticket_id, item_id=item_id)
    if row is None or row["direction"] == Direction.OUT:
        return None
    return "next" if row["answered"] else "first"


def end_segment(connection: Connection, segment_id: int, reason: EndReason, now: datetime, response: Response | None = None) -> None:
    """End the stay in the queue; with an answer to the customer, note how long they waited for it."""
    values: dict[str, Any] = {
        "state": WorkState.DONE,
        "ended_at": now,
        "end_reason": reason,
        "wait_seconds": seconds_between(segment.c.entered_at, literal(now, Utc())),
        # A fact of this stay: what the ticket is about later restates nothing.
        "reason_id": select(ticket.c.reason_id)
        .join(work_item, work_item.c.ticket_id == ticket.c.id)
        .where(work_item.c.id == segment.c.work_item_id)
        .scalar_subquery(),
    }
    if response is not None:
        values |= {
            "response": response.kind,
            "response_seconds": response.lasted.total_seconds(),
            "response_business_seconds": response.business.total_seconds(),
        }
    connection.execute(update(segment).where(segment.c.id == segment_id).values(values))


def close_item(connection: Connection, item_id: int, now: datetime) -> None:
    """Close the work item."""
    connection.execute(update(work_item).where(work_item.c.id == item_id).values(state=WorkState.DONE, closed_at=now))


def move_items(connection: Connection, from_ticket: int, to_ticket: int) -> None:
    """Give the closed work items of a merged ticket to the one it was merged into."""
    statement = update(work_item).where(work_item.c.ticket_id == from_ticket, work_item.c.closed_at.is_not(None))
    connection.execute(statement.values(ticket_id=to_ticket))


def segments(connection: Connection, ticket_id: int) -> list[RowMapping]:
    """Every segment of the ticket's work items, in order of entry."""
    statement = (
        select(segment, work_item.c.opened_at, work_item.c.closed_at)
        .join(work_item)
        .where(work_item.c.ticket_id == ticket_id)
        .order_by(segment.c.entered_at, segment.c.id)
    )
    return list(connection.execute(statement).mappings())


def reopen_item(connection: Connection, item_id: int, segment_id: int, agent_id: int | None) -> None:
    """Take back the end of a work item and of its last segment: the reply that ended them was called back."""
    state = WorkState.ASSIGNED if agent_id else WorkState.WAITING
    values: dict[str, Any] = {"state": state, "ended_at": None, "end_reason": None, "wait_seconds": None, "agent_id": agent_id}
    values |= {
        "wrap_until": None,
        "wrap_end": None,
        "response": None,
        "response_seconds": None,
        "response_business_seconds": None,
        "repeated": None,
    }
    connection.execute(update(segment).where(segment.c.id == segment_id).values(values))
    connection.execute(update(work_item).where(work_item.c.id == item_id).values(state=state, closed_at=None))
