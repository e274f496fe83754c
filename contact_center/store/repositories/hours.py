"""Calendars of opening hours, and which of them a queue follows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection

from contact_center.model.hours import Calendar, NamedCalendar, as_spans
from contact_center.store.prepared import Prepared, Row
from contact_center.store.schema.access import queue
from contact_center.store.schema.hours import calendar

_OF_QUEUE = Prepared(select(calendar).join(queue, queue.c.calendar_id == calendar.c.id).where(queue.c.id == bindparam("queue_id")))

_TARGET = Prepared(
    select(queue.c.target_seconds, calendar)
    .outerjoin(calendar, queue.c.calendar_id == calendar.c.id)
    .where(queue.c.id == bindparam("queue_id"))
)


def calendars(connection: Connection, project_id: int) -> list[NamedCalendar]:
    """All calendars of a project, by name."""
    rows = connection.execute(select(calendar).where(calendar.c.project_id == project_id).order_by(calendar.c.name, calendar.c.id))
    return [named(row) for row in rows.mappings()]


def find(connection: Connection, project_id: int, calendar_id: int) -> NamedCalendar | None:
    """One calendar of the project."""
    statement = select(calendar).where(calendar.c.id == calendar_id, calendar.c.project_id == project_id)
    row = connection.execute(statement).mappings().one_or_none()
    return named(row) if row else None


def of_queue(connection: Connection, queue_id: int) -> Calendar | None:
    """When a queue is open; None: always."""
    row = _OF_QUEUE.row(connection, queue_id=queue_id)
    return named(row).hours if row else None


def target_of_queue(connection: Connection, queue_id: int) -> tuple[timedelta, Calendar | None]:
    """Within how much business time a queue should answer, and when it is open; None: always."""
    row = _TARGET.row(connection, queue_id=queue_id)
    assert row is not None
    return timedelta(seconds=row["target_seconds"]), named(row).hours if row["id"] is not None else None


def closed_with_a_way_out(connection: Connection, now: datetime) -> dict[int, datetime | None]:
    """Queues that are closed now and send what comes meanwhile elsewhere, and since when they are; None: for years."""
    statement = select(queue.c.id.label("queue_id"), calendar).join(calendar, queue.c.calendar_id == calendar.c.id)
    rows = connection.execute(statement.where(queue.c.after_hours_queue_id.is_not(None))).mappings()
    found = {int(row["queue_id"]): named(row).hours for row in rows}
    return {queue_id: each.closed_since(now) for queue_id, each in found.items() if not each.is_open(now)}


def answering(connection: Connection, queue_id: int, at: datetime) -> int:
    """The queue that answers what comes into this one then: another, where it is closed and sends what comes elsewhere."""
    calendar = of_queue(connection, queue_id)
    if calendar is None or calendar.is_open(at):
        return queue_id
    return connection.execute(select(queue.c.after_hours_queue_id).where(queue.c.id == queue_id)).scalar() or queue_id


def business_time(connection: Connection, queue_id: int, start: datetime, end: datetime) -> timedelta:
    """How long a queue was open between two instants."""
    calendar = of_queue(connection, queue_id)
    return end - start if calendar is None else calendar.business_time(start, end)


def name_taken(connection: Connection, project_id: int, name: str, besides: int | None = None) -> bool:
    """Whether another calendar of the project bears this name."""
    found = connection.execute(select(calendar.c.id).where(calendar.c.project_id == project_id, calendar.c.name == name)).scalar()
    return found is not None and found != besides


def add(connection: Connection, project_id: int, name: str, hours: Calendar, now: datetime) -> int:
    """Make a calendar; returns its id."""
    values = {"project_id": project_id, "name": name, "created_at": now} | _columns(hours)
    return int(connection.execute(insert(calendar).values(values).returning(calendar.c.id)).scalar_one())


def change(connection: Connection, calendar_id: int, name: str, hours: Calendar) -> None:
    """Give a calendar this name and these hours."""
    connection.execute(update(calendar).where(calendar.c.id == calendar_id).values({"name": name} | _columns(hours)))


def _columns(hours: Calendar) -> dict[str, Any]:
    return {
        "timezone": hours.timezone,
        "weekly": [_lists(spans) for spans in hours.weekly],
        "holidays": hours.holidays,
        "overrides": {day: _lists(spans) for day, spans in sorted(hours.overrides.items())},
    }


def _lists(spans: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(span) for span in spans]


def named(row: Row) -> NamedCalendar:
    """A calendar from its row."""
    hours = Calendar(
        timezone=row["timezone"],
        weekly=tuple(as_spans(spans) for spans in row["weekly"]),
        holidays=row["holidays"],
        overrides={day: as_spans(spans) for day, spans in row["overrides"].items()},
    )
    return NamedCalendar(row["id"], row["name"], hours)
