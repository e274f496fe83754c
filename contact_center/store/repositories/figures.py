"""Reports: tallies from rows and rollups, figures from tallies, and the rows behind any number."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection
from dataclasses import fields
from datetime import datetime, timedelta
from math import fsum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, false, func, literal, literal_column, or_, select, true
from sqlalchemy.engine import Connection

from contact_center.model.figures import About, Tallies, made_of, values
from contact_center.model.people import Viewer
from contact_center.model.reports import CALL, Asked, Behind, By, Medium, Report, Row
from contact_center.store.repositories import agent_time, team
from contact_center.store.repositories.rollups import Piece, begin_of, number, stale, unpack
from contact_center.store.repositories.tallies import COUNTED, NOBODY, SOURCES, Source, count, has_sample, quarter_of, sampled
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.figures import interval_fact
from contact_center.store.schema.tickets import ticket
from contact_center.store.scope import sees_contact, sees_ticket

WORTH = timedelta(hours=6)  # a shorter report is counted from rows as fast
MOST_STRETCHES = 40  # of quarters that are to be counted from rows; with more it is all counted from rows
_TALLIES = frozenset(each.name for each in fields(Tallies))
_BY_KEY: ColumnElement[Any] = literal_column(
    "row_key"
)  # by its name: what is constant, as a channel of calls is, is no expression to group by
Pieces = dict[str, Piece]


def report(
    connection: Connection, viewer: Viewer, asked: Asked, now: datetime, *, rollups: bool = True, only: Collection[str] | None = None
) -> Report:
    """A report over the queues that the viewer sees; rows where nothing happened are left out, except intervals.

    `rollups=False` counts every row: the same numbers, slower. `only` some figures cost less: tallies that they are not made of stay
    nought. The time of colleagues has rows by colleague, and the team by queue or
    colleague, whatever was asked.
    """
    match asked.about:
        case About.TIME:
            return agent_time.report(connection, viewer, asked.since, asked.until, now, asked.agent_id)
        case About.TEAM:
            return team.report(connection, viewer, asked, now)
    pieces: Pieces = defaultdict(Piece)
    namer = _Namer(asked)
    plan = _plan(connection, viewer, asked) if rollups else None
    if plan is not None:
        _from_rollups(connection, viewer, asked, plan, namer, pieces)
    for source in (each.only_of(made_of(only)) if only is not None else each for each in _sources(asked)):
        ranges = [(asked.since, asked.until)] if plan is None or source.is_open is None else plan.rows
        for since, until in ranges:
            _from_rows(connection, viewer, asked, source, _between(source, since, until), now, namer, pieces)
        if plan is not None and source.is_open is not None:
            inside = and_(_between(source, *plan.whole), *(~_between(source, *each) for each in plan.rows), source.is_open)
            _from_rows(connection, viewer, asked, source, inside, now, namer, pieces)
    keys = namer.keys() or sorted(pieces)
    rows = [_row(key, pieces.get(key, Piece()), asked.about, only) for key in keys]
    whole = Piece()
    for piece in pieces.values():
        whole.join(piece)
    return Report(asked.since, asked.until, rows, _row("", whole, asked.about, only))


def behind(
    connection: Connection, viewer: Viewer, asked: Asked, tally: str, now: datetime, after: tuple[str, int] = ("", 0), limit: int = 1000
) -> list[Behind]:
    """The rows that a tally of the report counts, by kind and number, from beyond `after`: as many as the tally says."""
    kind, last = after
    found: list[Behind] = []
    # By name, as pages follow each other.
    for source in (each for each in _sources(asked) if each in COUNTED[tally]):
        if source.name < kind or len(found) >= limit:
            continue
        beyond = last if source.name == kind else 0
        found += _behind(connection, viewer, asked, source, tally, now, beyond, limit - len(found))
    return found


def _sources(asked: Asked) -> list[Source]:
    """What the report counts, by name."""
    found = [each for each in SOURCES if each.about is asked.about and (asked.medium is None or each.medium in (None, asked.medium))]
    return sorted(found, key=lambda source: source.name)


# Rows.


def _from_rows(
    connection: Connection, viewer: Viewer, asked: Asked, source: Source, where: Any, now: datetime, namer: "_Namer", pieces: Pieces
) -> None:
    conditions = source.counts(now)
    if not (conditions or source.sums or source.samples):
        return
    key = namer.column(source).label("row_key")
    sums = [count(condition).label(name) for name, condition in conditions.items()]
    sums += [func.coalesce(func.sum(value), 0).label(name) for name, value in source.sums.items()]
    names = (*conditions, *source.sums)
    mine = (where, *_narrowed(viewer, asked, source))
    for row in connection.execute(select(key, *sums).select_from(source.tables).where(*mine).group_by(_BY_KEY)) if sums else ():
        if any(row[1:]):  # what nothing is counted of, as an offer that was withdrawn, makes no row
            pieces[namer.name(row[0])].add(zip(names, row[1:], strict=True))
    if source.oldest is not None:
        since, waits = source.oldest
        for row_key, first in connection.execute(
            select(key, func.min(since)).select_from(source.tables).where(*mine, waits).group_by(_BY_KEY)
        ):
            pieces[namer.name(row_key)].take("age", [(now - first).total_seconds()])
    if source.samples:
        found = select(key, *sampled(source)).select_from(source.tables).where(*mine, has_sample(source))
        columns: dict[Any, list[list[float]]] = defaultdict(lambda: [[] for _ in source.samples])
        for row in connection.execute(found):
            for place, value in enumerate(row[1:]):
                if value is not None:
                    columns[row[0]][place].append(value)
        for found_key, lists in columns.items():
            piece = pieces[namer.name(found_key)]
            for name, each in zip(source.samples, lists, strict=True):
                if each:
                    piece.take(name, each)


def _behind(
    connection: Connection, viewer: Viewer, asked: Asked, source: Source, tally: str, now: datetime, beyond: int, limit: int
) -> list[Behind]:
    columns = {
        "id": source.id, "queue_id": source.queue, "agent_id": source.agent, "channel": source.channel, "began_at": source.at,
        "ticket_id": source.to_ticket, "due_at": source.due, "ended_at": source.ended, "how": source.how, "seconds": source.seconds,
        "of_contact": source.contact,
    }  # fmt: skip
    stretches = [(asked.since, asked.until)] if asked.hours is None else list(asked.hours)
    when = or_(false(), *(_between(source, *each) for each in stretches))
    where = (when, *_narrowed(viewer, asked, source), source.counts(now)[tally], source.id > beyond)
    chosen = select(*(column.label(name) for name, column in columns.items())).select_from(source.tables).where(*where)
    found = chosen.order_by(source.id).limit(limit).subquery()
    whose = func.coalesce(found.c.of_contact, ticket.c.contact_id)
    # What stood in a queue of theirs may be elsewhere by now: that it was there counts, and what it is about is out of sight.
    sees = sees_ticket(viewer)
    subject, name = case((sees, ticket.c.subject), else_=""), case((or_(sees, sees_contact(viewer)), contact.c.name), else_="")
    statement = select(found, ticket.c.number, subject.label("subject"), contact.c.id.label("contact_id"), name.label("name"))
    statement = statement.select_from(found.outerjoin(ticket, ticket.c.id == found.c.ticket_id).join(contact, contact.c.id == whose))
    return [
        Behind(
            row.id, source.name, row.contact_id, row.name, row.queue_id, row.agent_id, row.channel, row.began_at, row.ticket_id, row.number,
            row.subject, row.due_at, row.ended_at, row.how, row.seconds,
        )
        for row in connection.execute(statement.order_by(found.c.id))
    ]  # fmt: skip


def _between(source: Source, since: datetime, until: datetime) -> Any:
    if source.standing:
        return true()
    indexed = source.within >= since if source.within is not None else true()
    return and_(source.at >= since, source.at < until, indexed)


def _narrowed(viewer: Viewer, asked: Asked, source: Source) -> list[Any]:
    conditions: list[Any] = [source.project == viewer.project_id, source.only]
    if not viewer.sees_all:
        conditions.append(source.queue.in_(viewer.queue_ids))
    for column, wanted in ((source.queue, asked.queue_id), (source.channel, asked.channel), (source.policy, asked.policy_id)):
        if wanted is not None:
            conditions.append(column == wanted)
    for column, wanted in ((source.agent, asked.agent_id), (source.reason, asked.reason_id)):
        if wanted is not None:
            conditions.append(column == wanted if wanted else column.is_(None))
    return conditions


# Rollups.


class _Plan:
    """What of a report is counted from rollups, and what from rows."""

    def __init__(self, first: int, end: int, marked: list[tuple[int, int]], asked: Asked) -> None:
        self.whole = (begin_of(first), begin_of(end))
        inside = [(max(begin, first), min(stop, end)) for begin, stop in marked if begin < end and stop > first]
        self.marked = inside
        edges = [(asked.since, self.whole[0]), (self.whole[1], asked.until)]
        self.rows = [(since, until) for since, until in edges if since < until]
        self.rows += [(begin_of(begin), begin_of(stop)) for begin, stop in inside]

    def has(self, quarter: int) -> bool:
        """Whether the rollup of this quarter is true."""
        at = bisect_right(self.marked, (quarter, 2**62)) - 1
        return at < 0 or quarter >= self.marked[at][1]


def _plan(connection: Connection, viewer: Viewer, asked: Asked) -> _Plan | None:
    """None: all is counted from rows."""
    narrow = (
        asked.by is By.POLICY
        or asked.policy_id is not None
        or (_by_agent(asked) and (asked.reason_id is not None or asked.by is By.REASON))
    )
    if asked.about is not About.WORK or asked.until - asked.since < WORTH or narrow:
        return None
    first, end = number(asked.since), number(asked.until)
    first += begin_of(first) < asked.since
    marked = stale(connection, viewer.project_id, asked.since, asked.until)
    return _Plan(first, end, marked, asked) if len(marked) <= MOST_STRETCHES else None


def _by_agent(asked: Asked) -> bool:
    return asked.by is By.AGENT or asked.agent_id is not None


def _from_rollups(connection: Connection, viewer: Viewer, asked: Asked, plan: _Plan, namer: "_Namer", pieces: Pieces) -> None:
    fact = interval_fact.c
    begin, end = plan.whole
    conditions = [
        fact.project_id == viewer.project_id, fact.grain == ("agent" if _by_agent(asked) else "queue"),
        fact.interval_start >= begin, fact.interval_start < end,
    ]  # fmt: skip
    if not viewer.sees_all:
        conditions.append(fact.queue_id.in_(viewer.queue_ids))
    for column, wanted in ((fact.queue_id, asked.queue_id), (fact.channel, asked.channel)):
        if wanted is not None:
            conditions.append(column == wanted)
    for column, wanted in ((fact.agent_id, asked.agent_id), (fact.reason_id, asked.reason_id)):
        if wanted is not None:
            conditions.append(column == wanted if wanted else column.is_(None))
    if asked.medium is not None:
        conditions.append(fact.channel == CALL if asked.medium is Medium.VOICE else fact.channel != CALL)
    key = namer.fact_column()
    found = select(fact.interval_start, key, fact.tallies, fact.samples).where(*conditions)
    for start, named, tallies, samples in connection.execute(found):
        quarter = number(start)
        if plan.has(quarter):
            piece = pieces[namer.name(quarter if named is None else named)]
            piece.add(tallies.items())
            for name, sample in unpack(samples):
                piece.take(name, sample)


class _Namer:
    """What makes a row of a report, and what it is called."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._starts = [start.timestamp() for start in asked.starts]
        self._zone = ZoneInfo(asked.timezone)

    def column(self, source: Source) -> ColumnElement[Any]:
        """What tells the rows apart."""
        match self._asked.by:
            case By.QUEUE:
                return source.queue
            case By.AGENT:
                return func.coalesce(source.agent, NOBODY)
            case By.CHANNEL:
                return source.channel
            case By.REASON:
                return func.coalesce(source.reason, NOBODY)
            case By.POLICY:
                return func.coalesce(source.policy, NOBODY)
            case By.INTERVAL | By.HOUR:
                return quarter_of(source.at)

    def fact_column(self) -> ColumnElement[Any]:
        """The same of a rollup; NULL where it is the quarter itself."""
        fact = interval_fact.c
        match self._asked.by:
            case By.QUEUE:
                return fact.queue_id
            case By.AGENT:
                return func.coalesce(fact.agent_id, NOBODY)
            case By.CHANNEL:
                return fact.channel
            case By.REASON:
                return func.coalesce(fact.reason_id, NOBODY)
            case _:
                return literal(None)

    def name(self, found: Any) -> str:
        """The key of a row."""
        match self._asked.by:
            case By.INTERVAL:
                at = bisect_right(self._starts, begin_of(found).timestamp()) - 1
                return self._asked.starts[max(at, 0)].isoformat()
            case By.HOUR:
                wall = begin_of(found).astimezone(self._zone)
                return f"{wall.weekday()}-{wall.hour}"
            case _:
                return str(found)

    def keys(self) -> list[str]:
        """All rows there are, where that is known; else none."""
        if self._asked.by is By.INTERVAL:
            return [start.isoformat() for start in self._asked.starts]
        return [f"{day}-{hour}" for day in range(7) for hour in range(24)] if self._asked.by is By.HOUR else []


def _row(key: str, piece: Piece, about: About, only: Collection[str] | None) -> Row:
    sums = {f"{name}_seconds": fsum(found) for name, found in piece.samples.items()}
    tallies = Tallies(**{name: value for name, value in (piece.tallies | sums).items() if name in _TALLIES})  # type: ignore[arg-type]
    figures = values(tallies, piece.samples, about, only)
    return Row(key, tallies, figures, provisional=tallies.open + tallies.clocks_running > 0, restated=tallies.late > 0)
