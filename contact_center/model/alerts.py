"""Alerts on figures: when one begins and when it is over. Nothing here asks for the time or touches a database.

An alert begins when its figure has stood beyond its threshold for so many minutes without a break, once, and is over when it has stood
within it for as long: what wavers about the threshold neither rings again and again nor is said to be well.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from contact_center.model.figures import About, Figure
from contact_center.model.reports import Medium

LATELY = timedelta(hours=1)
_WINDOWS = {About.RESOLUTION: timedelta(days=1), About.SLA: timedelta(days=1), About.SURVEY: timedelta(days=7)}
_TWO_WEEKS = {"fcr": timedelta(days=14)}
SHORTEST = timedelta(minutes=1)
"""How long a figure must be well again, at least, before it is said to be."""


def window(figure: Figure) -> timedelta | None:
    """Over how long an alert looks: what began, or happened, in the last hour; of what comes slowly, in the last day or week; resolved at
    first contact is known a week later only, and is of two weeks. None: of this moment."""
    if figure.about in (About.NOW, About.TEAM):
        return None
    return _TWO_WEEKS.get(figure.id) or _WINDOWS.get(figure.about, LATELY)


@dataclass(frozen=True, slots=True)
class Firing:
    """An episode: the figure stood beyond the threshold."""

    id: int
    began_at: datetime
    ended_at: datetime | None
    value: float
    """With which it began."""
    last_value: float
    """When it was last looked at beyond the threshold."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody wants to know when a figure stands beyond a threshold."""

    id: int
    figure: str
    """Of the registry."""
    queue_id: int | None
    """None: the whole centre."""
    above: bool
    """Whether above the threshold is bad; else below is."""
    threshold: float
    """Seconds, shares from 0 to 1, or whatever else the figure is measured in."""
    minutes: int
    """For how long without a break; 0: at once."""
    told: tuple[int, ...]
    """Employees; empty: every supervisor who sees the queue."""
    sound: bool
    active: bool
    medium: Medium | None = None
    """Of figures of work: only calls, or all but them, for each has a service level of its own. None: both."""
    firing: Firing | None = None
    """The episode that lasts."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How an alert stands between two looks."""

    firing: bool = False
    beyond_since: datetime | None = None
    within_since: datetime | None = None


class Turn(StrEnum):
    """What a look at a figure made of an alert."""

    NOTHING = "nothing"
    BEGAN = "began"
    ENDED = "ended"


def is_beyond(alert: Alert, value: float | None) -> bool:
    """Whether this is what was feared. Where there is nothing to divide by, nothing is wrong."""
    return value is not None and (value > alert.threshold if alert.above else value < alert.threshold)


def look(alert: Alert, was: Watched, value: float | None, now: datetime) -> tuple[Watched, Turn]:
    """How the alert stands after a look at its figure."""
    lasts = timedelta(minutes=alert.minutes)
    if is_beyond(alert, value):
        since = was.beyond_since or now
        begins = not was.firing and now - since >= lasts
        return Watched(was.firing or begins, since, None), Turn.BEGAN if begins else Turn.NOTHING
    if not was.firing:
        return Watched(), Turn.NOTHING
    since = was.within_since or now
    if now - since >= max(lasts, SHORTEST):
        return Watched(), Turn.ENDED
    return Watched(firing=True, within_since=since), Turn.NOTHING
