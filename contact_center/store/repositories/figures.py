"""Tallies from stays in queues: one statement for all rows of a report, and the stays behind any number of it."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, false, func, literal, literal_column, select, true, union_all
from sqlalchemy.engine import Connection

from contact_center.model.figures import COUNTED, Tallies, values
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Report, Row, Stay
from contact_center.model.words import EndReason, OfferState
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.routing import offer
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.types import Utc

NOBODY = "0"


def report(connection: Connection, viewer: Viewer, asked: Asked, now: datetime) -> Report:
    """A report over the queues that the viewer sees; rows where nothing happened are left out, except intervals."""
    frame = _Frame(viewer, asked)
    tallies = frame.stays(connection, now)
    for key, more in frame.offers(connection).items():
        tallies[key] = tallies.get(key, Tallies()) + more
    waits = frame.waits(connection, frame.key)
    keys = [start.isoformat() for start in asked.starts] if asked.by is By.INTERVAL else sorted(tallies)
    rows = [_row(key, tallies.get(key, Tallies()), waits.get(key)) for key in keys]
    whole = sum((row.tallies for row in rows), Tallies())
    return Report(asked.since, asked.until, rows, _row("", whole, frame.waits(connection, literal("")).get("")))


def stays(connection: Connection, viewer: Viewer, asked: Asked, tally: str, now: datetime, after: int, limit: int) -> list[Stay]:
    """The stays that a tally of the report counts, by number, from beyond `after`."""
    columns = (segment, work_item.c.ticket_id, ticket.c.number, ticket.c.subject, contact.c.name)
    frame = _Frame(viewer, asked)
    tables = frame.tables.join(work_item, work_item.c.id == segment.c.work_item_id).join(ticket, ticket.c.id == work_item.c.ticket_id)
    tables = tables.join(contact, contact.c.id == ticket.c.contact_id)
    statement = frame.within(select(*columns), tables).where(_conditions(now)[tally], segment.c.id > after)
    return [_stay(row) for row in connection.execute(statement.order_by(segment.c.id).limit(limit))]


def _conditions(now: datetime) -> Mapping[str, ColumnElement[bool]]:
    """Which stays a tally counts."""
    ended = {reason: segment.c.end_reason == reason for reason in EndReason}
    is_open = segment.c.ended_at.is_(None)
    return {
        "entered": true(),
        "transferred_in": segment.c.passed_in,
        "answered": ended[EndReason.COMPLETED],
        "answered_in_target": and_(ended[EndReason.COMPLETED], segment.c.ended_at <= segment.c.due_at),
        "settled": ended[EndReason.NO_REPLY_NEEDED],
        "abandoned": false(),  # a missed call asks for a callback and never stood in a queue of ours
        "transferred": ended[EndReason.TRANSFERRED],
        "overflowed": ended[EndReason.OVERFLOWED],
        "merged": ended[EndReason.MERGED],
        "open": is_open,
        "open_over_target": and_(is_open, segment.c.due_at < now),
    }


class _Frame:
    """Which stays a report is about, and what makes a row of it."""

    def __init__(self, viewer: Viewer, asked: Asked) -> None:
        self._viewer = viewer
        self._asked = asked
        self.tables: FromClause = segment
        self.key: ColumnElement[Any]
        match asked.by:
            case By.QUEUE:
                self.key = segment.c.queue_id
            case By.AGENT:
                self.key = func.coalesce(segment.c.agent_id, literal_column(NOBODY))
            case By.CHANNEL:
                self.key = segment.c.channel
            case By.INTERVAL:
                intervals = _intervals(asked)
                within = and_(segment.c.entered_at >= intervals.c.begins, segment.c.entered_at < intervals.c.ends)
                self.tables, self.key = self.tables.join(intervals, within), intervals.c.key

    def within(self, statement: Select[Any], tables: FromClause, agent: ColumnElement[Any] = segment.c.agent_id) -> Select[Any]:
        """The statement over these stays only."""
        asked, viewer = self._asked, self._viewer
        conditions = [segment.c.project_id == viewer.project_id, segment.c.entered_at >= asked.since, segment.c.entered_at < asked.until]
        if not viewer.sees_all:
            conditions.append(segment.c.queue_id.in_(viewer.queue_ids))
        if asked.queue_id is not None:
            conditions.append(segment.c.queue_id == asked.queue_id)
        if asked.agent_id is not None:
            conditions.append(agent == asked.agent_id if asked.agent_id else agent.is_(None))
        if asked.channel is not None:
            conditions.append(segment.c.channel == asked.channel)
        return statement.select_from(tables).where(*conditions)

    def stays(self, connection: Connection, now: datetime) -> dict[str, Tallies]:
        """Tallies by key."""
        conditions = _conditions(now)
        counts = [_count(conditions[name]).label(name) for name in COUNTED]
        wait = func.coalesce(func.sum(case((conditions["answered"], segment.c.wait_seconds))), 0.0)
        statement = self.within(select(self.key.label("key"), *counts, wait.label("wait_seconds")), self.tables).group_by(self.key)
        return {str(key): Tallies(**tallies) for key, tallies in _by_key(connection, statement)}

    def offers(self, connection: Connection) -> dict[str, Tallies]:
        """Offers made for these stays, by key; by the agent asked, where agents are the rows."""
        key = offer.c.agent_id if self._asked.by is By.AGENT else self.key
        states = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)
        counts = [_count(offer.c.state == state).label(f"offers_{state}") for state in states]
        tables = self.tables.join(offer, offer.c.segment_id == segment.c.id)
        statement = self.within(select(key.label("key"), *counts), tables, offer.c.agent_id).group_by(key)
        return {str(key): Tallies(**tallies) for key, tallies in _by_key(connection, statement)}

    def waits(self, connection: Connection, key: ColumnElement[Any]) -> dict[str, tuple[float, float]]:
        """Median and 90th percentile of the waits of the answered: the smallest wait that so many did not exceed."""
        wait = segment.c.wait_seconds
        place = func.row_number().over(partition_by=key, order_by=wait).label("place")
        of = func.count().over(partition_by=key).label("of")
        answered = self.within(select(key.label("key"), wait.label("wait"), place, of), self.tables)
        each = answered.where(segment.c.end_reason == EndReason.COMPLETED).subquery()
        median = func.min(case((each.c.place * 2 >= each.c.of, each.c.wait)))
        p90 = func.min(case((each.c.place * 10 >= each.c.of * 9, each.c.wait)))
        rows = connection.execute(select(each.c.key, median, p90).group_by(each.c.key))
        return {str(row[0]): (row[1], row[2]) for row in rows}


def _by_key(connection: Connection, statement: Select[Any]) -> list[tuple[Any, dict[str, Any]]]:
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return [(row.pop("key"), row) for row in rows]


def _intervals(asked: Asked) -> Any:
    """The intervals as a table: the index on the beginning of a stay is used for each."""
    rows = [
        select(literal(begins.isoformat()).label("key"), literal(begins, Utc()).label("begins"), literal(ends, Utc()).label("ends"))
        for begins, ends in pairwise([*asked.starts, asked.until])
    ]
    return union_all(*rows).cte("intervals")


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _row(key: str, tallies: Tallies, waits: tuple[float, float] | None) -> Row:
    median, p90 = waits or (None, None)
    return Row(key, tallies, median, p90, values(tallies), provisional=tallies.open > 0)


def _stay(row: Any) -> Stay:
    reason = EndReason(row.end_reason) if row.end_reason else None
    return Stay(
        row.id, row.ticket_id, row.number, row.subject, row.name, row.queue_id, row.agent_id, row.channel,
        row.entered_at, row.due_at, row.ended_at, reason,
    )  # fmt: skip
