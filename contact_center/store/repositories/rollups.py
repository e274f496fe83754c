"""Rollups: tallies and samples of whole quarters of an hour, folded from the rows that have ended.

A trigger notes when something that stands in a rollup changes, in the unit that changes it (`interval_stale`). What is noted is counted
from rows until it is folded anew, so that a report never differs from the rows, however far the folding is behind.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.engine import Connection

from contact_center.errors import Conflict
from contact_center.store.repositories.tallies import FOLDED, Source, count, has_sample, quarter_of, sampled
from contact_center.store.schema.figures import call_fact, interval_fact, interval_stale
from contact_center.store.schema.work import segment

QUARTER = timedelta(minutes=15)
AT_ONCE = 64  # quarters folded in one unit
MOST_MARKS = 5000  # read at once
SAMPLES = tuple(dict.fromkeys(name for source in FOLDED for name in source.samples))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Piece:
    """What was counted for one key: it grows by what other rows and rollups say."""

    tallies: dict[str, float] = field(default_factory=dict)
    samples: dict[str, "array[float]"] = field(default_factory=dict)

    def add(self, tallies: Iterable[tuple[str, float]]) -> None:
        """Add sums."""
        for name, value in tallies:
            if value:
                self.tallies[name] = self.tallies.get(name, 0) + value

    def take(self, name: str, values: Iterable[float]) -> None:
        """Add values of a sample."""
        if name not in self.samples:
            self.samples[name] = array("d")
        self.samples[name].extend(values)

    def join(self, other: "Piece") -> None:
        """Add all of another."""
        self.add(other.tallies.items())
        for name, values in other.samples.items():
            self.take(name, values)


def pack(samples: dict[str, "array[float]"]) -> bytes:
    """Samples as bytes: how many of each, then the values, in the order of `SAMPLES`."""
    found = [samples.get(name, array("d")) for name in SAMPLES]
    if not any(found):
        return b""
    return array("I", [len(each) for each in found]).tobytes() + b"".join(each.tobytes() for each in found)


def unpack(data: bytes) -> list[tuple[str, "array[float]"]]:
    """Samples of which there are any."""
    if not data:
        return []
    head, values = array("I"), array("d")
    cut = head.itemsize * len(SAMPLES)
    head.frombytes(data[:cut])
    values.frombytes(data[cut:])
    found, at = [], 0
    for name, length in zip(SAMPLES, head, strict=True):
        if length:
            found.append((name, values[at : at + length]))
        at += length
    return found


def number(at: datetime) -> int:
    """Which quarter of an hour since 1970 an instant lies in."""
    return (at - _EPOCH) // QUARTER


def begin_of(quarter: int) -> datetime:
    """When a quarter of an hour begins."""
    return _EPOCH + quarter * QUARTER


def stale(connection: Connection, project_id: int, since: datetime, until: datetime) -> list[tuple[int, int]]:
    """What is to be counted from rows between two instants: stretches of quarters, in order, from the first until before the last."""
    marks = select(interval_stale.c.since, interval_stale.c.until).where(
        interval_stale.c.project_id == project_id, interval_stale.c.since < until, interval_stale.c.until >= since
    )
    found: list[tuple[int, int]] = []
    for first, last in connection.execute(marks.distinct().order_by(interval_stale.c.since)):
        begin, end = number(first), number(last) + 1
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def within(source: Source, stretches: Sequence[tuple[int, int]]) -> Any:
    """Whether a row belongs to any of these quarters."""
    return or_(*(and_(source.at >= begin_of(first), source.at < begin_of(end)) for first, end in stretches))


@dataclass(frozen=True, slots=True)
class Fold:
    """What is to replace the rollups of some quarters, and the marks that it answers."""

    project_id: int
    stretches: list[tuple[int, int]]
    facts: list[dict[str, Any]]
    done: list[int]
    shortened: list[tuple[int, datetime, datetime]]
    """Marks of long stretches: their number, from when on they were, and from when on they still are."""
    stays: int


def prepare(connection: Connection) -> Fold | None:
    """Count anew what was marked first; None when nothing is marked. Reads only."""
    marks = connection.execute(select(interval_stale).order_by(interval_stale.c.id).limit(MOST_MARKS)).all()
    if not marks:
        return None
    project_id = marks[0].project_id
    quarters: set[int] = set()
    done, shortened = [], []
    for mark in marks:
        if mark.project_id != project_id:
            continue
        first, last = number(mark.since), number(mark.until)
        if last - first >= AT_ONCE:
            if quarters:
                continue  # a long one is taken by itself
            quarters.update(range(first, first + AT_ONCE))
            shortened.append((mark.id, mark.since, begin_of(first + AT_ONCE)))
            break
        if len(quarters | set(range(first, last + 1))) <= AT_ONCE:
            quarters.update(range(first, last + 1))
            done.append(mark.id)
    stretches: list[tuple[int, int]] = []
    for quarter in sorted(quarters):
        if stretches and stretches[-1][1] == quarter:
            stretches[-1] = (stretches[-1][0], quarter + 1)
        else:
            stretches.append((quarter, quarter + 1))
    facts, stays = _count(connection, project_id, stretches)
    return Fold(project_id, stretches, facts, done, shortened, stays)


def write(connection: Connection, fold: Fold) -> None:
    """Put the rollups in. Raises Conflict when somebody else has answered one of the marks meanwhile."""
    if fold.done and connection.execute(delete(interval_stale).where(interval_stale.c.id.in_(fold.done))).rowcount != len(fold.done):
        raise Conflict("Somebody else is folding.")
    for mark, was, since in fold.shortened:
        shorten = update(interval_stale).where(interval_stale.c.id == mark, interval_stale.c.since == was).values(since=since)
        if connection.execute(shorten).rowcount != 1:
            raise Conflict("Somebody else is folding.")
    start = interval_fact.c.interval_start
    ours = [and_(start >= begin_of(first), start < begin_of(end)) for first, end in fold.stretches]
    connection.execute(
        delete(interval_fact).where(
            interval_fact.c.project_id == fold.project_id, interval_fact.c.grain.in_(("queue", "agent")), or_(*ours)
        )
    )
    if fold.facts:
        connection.execute(insert(interval_fact), fold.facts)


def forget(connection: Connection) -> None:
    """Drop every rollup and mark all that ever was to be counted anew."""
    connection.execute(delete(interval_fact))
    connection.execute(delete(interval_stale))
    for table, at in ((segment, segment.c.entered_at), (call_fact, call_fact.c.started_at)):
        marks = select(table.c.project_id, func.min(at), func.max(at)).where(table.c.project_id.is_not(None)).group_by(table.c.project_id)
        connection.execute(insert(interval_stale).from_select(["project_id", "since", "until"], marks))


def behind(connection: Connection) -> int:
    """How many marks wait to be answered."""
    return int(connection.execute(select(func.count()).select_from(interval_stale)).scalar_one())


def _count(connection: Connection, project_id: int, stretches: list[tuple[int, int]]) -> tuple[list[dict[str, Any]], int]:
    pieces: dict[tuple[Any, ...], Piece] = defaultdict(Piece)
    stays = 0
    for source in FOLDED:
        assert source.is_open is not None
        found = (quarter_of(source.at), source.queue, source.channel, source.agent, source.reason)
        keys = [key.label(f"key_{place}") for place, key in enumerate(found)]
        ours = (source.project == project_id, within(source, stretches), ~source.is_open, source.only)
        conditions = source.counts(_EPOCH)
        sums = [count(condition).label(name) for name, condition in conditions.items()]
        rows = connection.execute(
            select(*keys, *sums).select_from(source.tables).where(*ours).group_by(*(literal_column(key.name) for key in keys))
        )
        names = tuple(conditions)
        for row in rows:
            tallies = list(zip(names, row[5:], strict=True))
            stays += int(dict(tallies).get("entered", 0))
            for key in _grains(row):
                pieces[key].add(tallies)
        if source.samples:
            values = select(*keys, *sampled(source)).select_from(source.tables).where(*ours, has_sample(source))
            for row in connection.execute(values):
                for key in _grains(row):
                    for name, value in zip(source.samples, row[5:], strict=True):
                        if value is not None:
                            pieces[key].take(name, (value,))
    return [
        {
            "project_id": project_id,
            "grain": grain,
            "interval_start": begin_of(quarter),
            "queue_id": queue,
            "channel": channel,
            "agent_id": agent,
            "reason_id": reason,
            "tallies": piece.tallies,
            "samples": pack(piece.samples),
        }
        for (grain, quarter, queue, channel, agent, reason), piece in pieces.items()
        if piece.tallies
    ], stays


def _grains(row: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    quarter, queue, channel, agent, reason = row[:5]
    return ("queue", quarter, queue, channel, None, reason), ("agent", quarter, queue, channel, agent, None)
