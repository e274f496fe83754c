"""Targets on tickets: what a policy promises, and the clock of one promise. Nothing here asks for the time or touches a database.

A clock counts business time, in the calendar of its policy, while its ticket is open; while the ticket waits for the customer it
stands still. From what is spent and since when it runs follows until when it is due, exactly: moving on in steps, over nights,
holidays and changes of the clocks, comes to the same instant as in one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from contact_center.model.hours import Calendar
from contact_center.model.words import Goal, Priority

Targets = Mapping[Priority, Mapping[Goal, int]]
"""Seconds of business time. What is not named is not promised."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is promised to customers, and what happens when it is about to be broken, or is."""

    id: int
    name: str
    calendar_id: int | None
    """Whose time counts; None: around the clock."""
    targets: Targets
    warn_percent: int = 80
    """Of a target: when that much of it is spent, the ticket is said to be at risk."""
    escalate_priority: Priority | None = None
    """What a broken promise raises the priority to, if it is lower."""
    escalate_queue_id: int | None = None
    """Where a ticket goes whose promise is broken."""
    retired: bool = False
    """Not to be chosen any more; tickets that follow it go on to."""

    def target(self, priority: Priority, goal: Goal) -> timedelta | None:
        """What is promised for tickets of this priority; None: nothing."""
        seconds = self.targets.get(priority, {}).get(goal)
        return None if seconds is None else timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Due:
    """The promise of a ticket that is to be kept next."""

    goal: Goal
    at: datetime
    warn_at: datetime
    """From then on it is at risk."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of one promise."""

    id: int
    goal: Goal
    started_at: datetime
    target: timedelta
    spent: timedelta = timedelta(0)
    """Business time before `running_since`."""
    running_since: datetime | None = None
    """None: it stands still."""
    due_at: datetime | None = None
    """None while it stands still, and for a calendar that never opens again."""
    warn_at: datetime | None = None
    warned_at: datetime | None = None
    """When somebody was told that it is at risk."""
    stopped_at: datetime | None = None
    breached_at: datetime | None = None
    """When the promise was broken: the instant at which it was due, not when somebody noticed."""
    cancelled: bool = False
    """Neither kept nor broken: no answer was needed, or the ticket became part of another."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen to it by itself."""
        return self.cancelled or self.stopped_at is not None

    @property
    def met(self) -> bool | None:
        """Whether the promise was kept; None while that is open, and for what was cancelled."""
        return None if self.cancelled or self.stopped_at is None else self.breached_at is None


@dataclass(frozen=True, slots=True)
class Course:
    """How the clocks of a policy run: in whose time, and when they warn. Each method gives the clock as it stands afterwards."""

    hours: Calendar | None
    """None: around the clock."""
    warn_percent: int = 80

    def started(self, clock: Clock, at: datetime) -> Clock:
        """Running from `at`, on top of what was spent before. One that runs already is left as it is."""
        if clock.running_since is not None and not clock.is_over:
            return clock
        spent = clock.spent
        if clock.running_since is not None and clock.stopped_at is not None:
            spent += self.elapsed(clock.running_since, clock.stopped_at)
        return self.aimed(replace(clock, spent=spent, running_since=at, stopped_at=None, cancelled=False))

    def paused(self, clock: Clock, at: datetime) -> Clock:
        """Standing still from `at`."""
        if clock.running_since is None or clock.is_over:
            return clock
        spent = clock.spent + self.elapsed(clock.running_since, at)
        return replace(_judged(clock, at), spent=spent, running_since=None, due_at=None, warn_at=None)

    def stopped(self, clock: Clock, at: datetime) -> Clock:
        """At its end since `at`; `met` says how it came there."""
        return clock if clock.is_over else replace(_judged(clock, at), stopped_at=at)

    def aimed(self, clock: Clock) -> Clock:
        """With the instants that follow from what is spent, since when it runs, and the target."""
        if clock.running_since is None:
            return clock
        if clock.breached_at is not None:
            return replace(clock, due_at=clock.breached_at, warn_at=clock.breached_at)
        due = self._after(clock.running_since, clock.target - clock.spent)
        warn = self._after(clock.running_since, clock.target * self.warn_percent / 100 - clock.spent)
        return replace(clock, due_at=due, warn_at=warn)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Business time between two instants."""
        return end - start if self.hours is None else self.hours.business_time(start, end)

    def _after(self, since: datetime, duration: timedelta) -> datetime | None:
        if self.hours is None:
            return since.astimezone(UTC) + max(duration, timedelta(0))
        return self.hours.add_business(since, duration)


def cancelled(clock: Clock, at: datetime) -> Clock:
    """Counting for nothing since `at`, unless the promise was broken by then: that stays broken."""
    if clock.is_over:
        return clock
    judged = _judged(clock, at)
    return replace(judged, stopped_at=at) if judged.breached_at is not None else replace(judged, cancelled=True, stopped_at=at)


def continued(clock: Clock) -> Clock:
    """As if it had never come to its end: what ended it was taken back."""
    return replace(clock, stopped_at=None, cancelled=False)


def nearest(clocks: Iterable[Clock]) -> Due | None:
    """The promise that is due next, of those that run."""
    running = [clock for clock in clocks if not clock.is_over and clock.due_at is not None]
    if not running:
        return None
    first = min(running, key=lambda clock: (clock.due_at or clock.started_at, clock.id))
    assert first.due_at is not None
    return Due(first.goal, first.due_at, first.warn_at or first.due_at)


def _judged(clock: Clock, at: datetime) -> Clock:
    """With the promise broken, if it was due before `at`."""
    if clock.breached_at is None and clock.due_at is not None and clock.due_at < at:
        return replace(clock, breached_at=clock.due_at)
    return clock
