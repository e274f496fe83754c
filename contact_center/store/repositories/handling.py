"""Stays that are being written up, and stretches in which work was in hand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model.handling import StayTime
from contact_center.model.people import Viewer
from contact_center.model.shift import WrapUp
from contact_center.model.words import HandlingKind, WorkState, WrapEnd
from contact_center.store.repositories import sessions
from contact_center.store.schema.access import queue
from contact_center.store.schema.handling import handling
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.types import Utc

# Spelled out, not bound: only so does SQLite see that the index over what is being written up will do.
WRAPPING: ColumnElement[bool] = segment.c.state == literal_column(f"'{WorkState.WRAPPING}'")
_OPEN = handling.c.ended_at.is_(None)
_WRAP = select(
    segment.c.id, segment.c.queue_id, segment.c.agent_id, segment.c.ended_at, segment.c.wrap_until, segment.c.wrap_end,
    segment.c.reason_id, segment.c.disposition_id, work_item.c.ticket_id,
).join(work_item, work_item.c.id == segment.c.work_item_id)  # fmt: skip


# Wrap-up.


def wrap_seconds(connection: Connection, queue_id: int) -> int:
    """How long whoever answers in this queue may write it up."""
    return int(connection.execute(select(queue.c.wrap_seconds).where(queue.c.id == queue_id)).scalar_one())


def begin_wrap(connection: Connection, segment_id: int, until: datetime) -> WrapUp:
    """A stay that ended is written up until then."""
    values = {"state": WorkState.WRAPPING, "wrap_until": until, "wrap_end": None}
    connection.execute(update(segment).where(segment.c.id == segment_id).values(values))
    wrap = find_wrap(connection, segment_id)
    assert wrap is not None
    _start_clock(connection, wrap, wrap.started_at)
    return wrap


def end_wrap(connection: Connection, wrap: WrapUp, end: WrapEnd | None, at: datetime) -> bool:
    """The wrap-up ended then, None: there is nothing to write up any more. False when it had ended already."""
    statement = update(segment).where(segment.c.id == wrap.id, WRAPPING)
    if connection.execute(statement.values(state=WorkState.DONE, wrap_until=at if end else None, wrap_end=end)).rowcount != 1:
        return False
    stopped = update(handling).where(handling.c.segment_id == wrap.id, handling.c.kind == HandlingKind.WRAP, _OPEN)
    connection.execute(stopped.values(ended_at=at, seen_at=at))
    # An agent writes up one thing at a time: what else waits to be written up is in hand from here on.
    following = next(iter(wraps_of_agent(connection, wrap.agent_id)), None)
    if following is not None:
        _start_clock(connection, following, max(at, following.started_at))
    return True


def note(connection: Connection, segment_id: int, **values: int | None) -> None:
    """What a stay was about and what came of it."""
    connection.execute(update(segment).where(segment.c.id == segment_id).values(values))
    if "reason_id" in values:
        sessions.turn_ended(connection, segment_id)


def find_wrap(connection: Connection, segment_id: int) -> WrapUp | None:
    """The wrap-up of this stay, whether it lasts or ended."""
    row = connection.execute(_WRAP.where(segment.c.id == segment_id, segment.c.wrap_until.is_not(None))).mappings().one_or_none()
    return _wrap(row) if row else None


def wraps_of_agent(connection: Connection, user_id: int) -> list[WrapUp]:
    """What this agent has to write up, the first first."""
    return _wraps(connection, _WRAP.where(WRAPPING, segment.c.agent_id == user_id))


def wraps_of_ticket(connection: Connection, ticket_id: int) -> list[WrapUp]:
    """What is being written up of this ticket."""
    return _wraps(connection, _WRAP.where(WRAPPING, work_item.c.ticket_id == ticket_id))


def wraps_due(connection: Connection, now: datetime) -> list[WrapUp]:
    """Wrap-ups whose time is up."""
    return _wraps(connection, _WRAP.where(WRAPPING, segment.c.wrap_until <= now))


def wraps(connection: Connection, viewer: Viewer) -> list[WrapUp]:
    """What is being written up and the viewer may see: their own, and that of their queues."""
    statement = _WRAP.where(WRAPPING, segment.c.project_id == viewer.project_id)
    if not viewer.sees_all:
        statement = statement.where(or_(segment.c.agent_id == viewer.user_id, segment.c.queue_id.in_(viewer.queue_ids)))
    return _wraps(connection, statement)


def project_of_stay(connection: Connection, segment_id: int) -> int:
    """Which project a stay belongs to."""
    return int(connection.execute(select(segment.c.project_id).where(segment.c.id == segment_id)).scalar_one())


def _start_clock(connection: Connection, wrap: WrapUp, at: datetime) -> None:
    facts = (segment.c.project_id, segment.c.queue_id, literal(wrap.ticket_id), segment.c.id, segment.c.agent_id)
    channel = func.coalesce(segment.c.channel, ticket.c.channel)
    source = (
        select(*facts, channel, literal(HandlingKind.WRAP), literal(at, Utc()), literal(at, Utc()))
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .join(ticket, ticket.c.id == work_item.c.ticket_id)
    )
    columns = ["project_id", "queue_id", "ticket_id", "segment_id", "agent_id", "channel", "kind", "started_at", "seen_at"]
    statement = upsert(handling).from_select(columns, source.where(segment.c.id == wrap.id)).on_conflict_do_nothing()
    connection.execute(statement)


def _wraps(connection: Connection, statement: Select[Any]) -> list[WrapUp]:
    return [_wrap(row) for row in connection.execute(statement.order_by(segment.c.ended_at, segment.c.id)).mappings()]


def _wrap(row: RowMapping) -> WrapUp:
    return WrapUp(
        id=row["id"],
        ticket_id=row["ticket_id"],
        queue_id=row["queue_id"],
        agent_id=row["agent_id"],
        started_at=row["ended_at"],
        until=row["wrap_until"],
        end=WrapEnd(row["wrap_end"]) if row["wrap_end"] else None,
        reason_id=row["reason_id"],
        disposition_id=row["disposition_id"],
    )


# Focus.


@dataclass(frozen=True, slots=True)
class OpenFocus:
    """A stretch of looking that lasts, as it was noted last."""

    id: int
    agent_id: int
    ticket_id: int
    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """What a stretch of handling is counted under."""

    project_id: int
    queue_id: int
    channel: str


def open_focus(connection: Connection, user_ids: Iterable[int]) -> dict[int, OpenFocus]:
    """What these agents look at, by agent."""
    rows = connection.execute(_focus().where(handling.c.agent_id.in_(list(user_ids))))
    return {row.agent_id: OpenFocus(*row) for row in rows}


def faded_focus(connection: Connection, seen_before: datetime) -> list[OpenFocus]:
    """Stretches that nobody has renewed since then."""
    return [OpenFocus(*row) for row in connection.execute(_focus().where(handling.c.seen_at < seen_before).order_by(handling.c.id))]


def end_faded(connection: Connection, focus: OpenFocus) -> None:
    """A stretch that nobody renewed ended when it was seen last."""
    statement = update(handling).where(handling.c.id == focus.id, handling.c.seen_at == focus.seen_at, _OPEN)
    connection.execute(statement.values(ended_at=handling.c.seen_at))


def settle_focus(connection: Connection, handling_id: int, segment_id: int | None, seen_at: datetime, ended_at: datetime | None) -> None:
    """A stretch of looking lasted until then, and belongs to this stay; with an end it is over."""
    statement = update(handling).where(handling.c.id == handling_id, _OPEN)
    connection.execute(statement.values(segment_id=segment_id, seen_at=seen_at, ended_at=ended_at))


def add_focus(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Note stretches of looking; one that lasts gives way to one that another process noted in the same moment."""
    if rows:
        connection.execute(upsert(handling).on_conflict_do_nothing(), [{"kind": HandlingKind.FOCUS} | row for row in rows])


def places(connection: Connection, ticket_ids: Iterable[int]) -> dict[int, Place]:
    """Where these tickets stand."""
    statement = select(ticket.c.id, ticket.c.project_id, ticket.c.queue_id, ticket.c.channel)
    rows = connection.execute(statement.where(ticket.c.id.in_(list(ticket_ids))))
    return {row.id: Place(row.project_id, row.queue_id, row.channel) for row in rows}


def stays(connection: Connection, ticket_ids: Iterable[int], since: datetime) -> Mapping[int, list[StayTime]]:
    """The stays of these tickets that had not ended by then, by ticket, in order."""
    statement = (
        select(work_item.c.ticket_id, segment.c.id, segment.c.queue_id, segment.c.entered_at, segment.c.ended_at)
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .where(work_item.c.ticket_id.in_(list(ticket_ids)), or_(segment.c.ended_at.is_(None), segment.c.ended_at > since))
        .order_by(segment.c.entered_at, segment.c.id)
    )
    found: dict[int, list[StayTime]] = {}
    for row in connection.execute(statement):
        found.setdefault(row[0], []).append(StayTime(*row[1:]))
    return found


def of_agent(connection: Connection, user_id: int) -> list[RowMapping]:
    """Every stretch of this agent, in order."""
    return list(
        connection.execute(select(handling).where(handling.c.agent_id == user_id).order_by(handling.c.started_at, handling.c.id)).mappings()
    )


def _focus() -> Select[Any]:
    columns = (handling.c.id, handling.c.agent_id, handling.c.ticket_id, handling.c.started_at, handling.c.seen_at)
    return select(*columns).where(_OPEN, handling.c.kind == HandlingKind.FOCUS)
