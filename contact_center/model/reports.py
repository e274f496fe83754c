"""What a report is asked for, and what it answers. Figures are those of `figures.py`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from contact_center.model.figures import Tallies
from contact_center.model.words import EndReason

MOST_INTERVALS = 800


class By(StrEnum):
    """What the rows of a report are."""

    QUEUE = "queue"
    AGENT = "agent"
    CHANNEL = "channel"
    INTERVAL = "interval"


class Step(StrEnum):
    """How long the intervals of a report are."""

    QUARTER = "15m"
    HALF = "30m"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Asked:
    """A report: stays in queues that began in [since, until), narrowed down, and what makes a row."""

    since: datetime
    until: datetime
    by: By
    starts: tuple[datetime, ...] = ()
    """With By.INTERVAL: where the intervals begin, the first at `since`."""
    queue_id: int | None = None
    agent_id: int | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a report."""

    key: str
    """Id of the queue or agent (0: nobody), kind of the channel, or the instant at which the interval begins."""
    tallies: Tallies
    median_wait: float | None
    """Of those answered, in seconds."""
    p90_wait: float | None
    figures: dict[str, float | None]
    """Every figure of the registry by id."""
    provisional: bool = False
    """Something is still open: the figures may yet change."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report. The total is made of the tallies of its rows."""

    since: datetime
    until: datetime
    rows: list[Row]
    total: Row


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay in a queue: what figures are counted from."""

    id: int
    ticket_id: int
    ticket_number: int
    subject: str
    contact_name: str
    queue_id: int
    agent_id: int | None
    channel: str
    entered_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    end_reason: EndReason | None


def starts_of(since: datetime, until: datetime, step: Step, timezone: str) -> tuple[datetime, ...]:
    """Where the intervals between two instants begin, on the clock on the wall of a timezone.

    The first begins at `since`, the others at the quarter, hour, midnight, Monday or first of a month; a day on which the clocks
    change has 23 or 25 hours. Raises ValueError when there would be more than `MOST_INTERVALS`.
    """
    zone = ZoneInfo(timezone)
    starts = [since]
    while (following := _after(starts[-1], step, zone)) < until:
        starts.append(following)
        if len(starts) > MOST_INTERVALS:
            raise ValueError("These intervals are too many: ask for longer ones, or for a shorter time.")
    return tuple(starts)


def _after(at: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The next beginning after an instant."""
    wall = at.astimezone(zone)
    if step in (Step.DAY, Step.WEEK, Step.MONTH):
        day = wall.replace(hour=0, minute=0, second=0, microsecond=0, fold=0, tzinfo=None)
        if step is Step.DAY:
            day += timedelta(days=1)
        elif step is Step.WEEK:
            day += timedelta(days=7 - day.weekday())
        else:
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return day.replace(tzinfo=zone).astimezone(at.tzinfo)
    minutes = {Step.QUARTER: 15, Step.HALF: 30, Step.HOUR: 60}[step]
    past = timedelta(minutes=wall.minute % minutes, seconds=wall.second, microseconds=wall.microsecond)
    return at - past + timedelta(minutes=minutes)
