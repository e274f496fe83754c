"""What a report is asked for, and what it answers. Figures are those of `figures.py`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from contact_center.model.figures import About, Tallies

MOST_INTERVALS = 800


class By(StrEnum):
    """What the rows of a report are."""

    QUEUE = "queue"
    AGENT = "agent"
    CHANNEL = "channel"
    REASON = "reason"
    POLICY = "policy"
    """Of promises: the policy that made them."""
    INTERVAL = "interval"
    HOUR = "hour"
    """The hours of a week on the clock on the wall: "0-9" is Monday from nine to ten."""


class Medium(StrEnum):
    """How customers reach us: each has a service level of its own."""

    TEXT = "text"
    VOICE = "voice"


CALL = "call"
"""What stands for a channel where a call itself is counted. The turn that asks for a call is of its ticket's channel."""


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
    """A report: what began, or happened, in [since, until), narrowed down, and what makes a row."""

    since: datetime
    until: datetime
    by: By
    starts: tuple[datetime, ...] = ()
    """With By.INTERVAL: where the intervals begin, the first at `since`."""
    timezone: str = "UTC"
    """With By.HOUR: on whose wall."""
    queue_id: int | None = None
    agent_id: int | None = None
    channel: str | None = None
    reason_id: int | None = None
    """0: none."""
    policy_id: int | None = None
    medium: Medium | None = None
    about: About = About.WORK
    hours: tuple[tuple[datetime, datetime], ...] | None = None
    """Only what began in one of these stretches; of rows behind a number."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a report."""

    key: str
    """Id of the queue, agent or reason (0: none), kind of the channel, instant at which the interval begins, or hour of the week."""
    tallies: Tallies
    figures: dict[str, float | None]
    """Every figure of the report by id."""
    provisional: bool = False
    """Something is still open: the figures may yet change."""
    restated: bool = False
    """Something became known long after it began: who looked before saw other figures."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report. The total is made of the tallies of its rows."""

    since: datetime
    until: datetime
    rows: list[Row]
    total: Row


@dataclass(frozen=True, slots=True)
class Behind:
    """A row behind a number: a stay in a queue, a call, an offer, a resolution, a promise, a survey."""

    id: int
    kind: str
    contact_id: int
    contact_name: str
    queue_id: int
    agent_id: int | None
    channel: str
    began_at: datetime
    ticket_id: int | None = None
    """None: a call that got through belongs to no ticket."""
    ticket_number: int | None = None
    subject: str = ""
    due_at: datetime | None = None
    ended_at: datetime | None = None
    how: str | None = None
    """How it ended; None: it has not."""
    seconds: float | None = None
    """What it took, of what is measured."""


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


def hours_of(since: datetime, until: datetime, timezone: str, day: int, hour: int) -> tuple[tuple[datetime, datetime], ...]:
    """The stretches between two instants in which the clock on the wall shows this hour of this day of the week (0: Monday)."""
    zone = ZoneInfo(timezone)
    found, start = [], since
    while start < until:
        end = min(_after(start, Step.HOUR, zone), until)
        wall = start.astimezone(zone)
        if (wall.weekday(), wall.hour) == (day, hour):
            found.append((start, end))
        start = end
    return tuple(found)


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
