"""Clocks of promises: exact over nights, holidays, changed clocks and pauses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_center.model.hours import Calendar
from contact_center.model.sla import Clock, Course, Policy, cancelled, continued, nearest
from contact_center.model.words import Goal, Priority
from tests.model.test_hours import ALWAYS, INSTANTS, NEVER, OFFICE, calendars, utc

MICRO = timedelta(microseconds=1)
MOSCOW = Course(Calendar("Europe/Moscow", OFFICE))


def a_clock(at: datetime, target: timedelta) -> Clock:
    return Clock(1, Goal.RESOLUTION, at, target)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, timedelta]]:
    """What happens to a clock, and after how long."""
    gaps = st.timedeltas(timedelta(0), timedelta(days=4))
    return draw(st.lists(st.tuples(st.sampled_from(["pause", "run", "raise", "stop", "again"]), gaps), max_size=8))


@given(calendars(), INSTANTS, st.integers(1, 40 * 3600), histories())
@settings(max_examples=300, deadline=None)
def test_due_is_the_instant_at_which_the_target_is_spent(
    calendar: Calendar, start: datetime, seconds: int, steps: list[tuple[str, timedelta]]
) -> None:
    """However often it was stopped, resumed and aimed: the business time of the stretches in which it ran, up to the instant at which it
    is due, is the target, and a microsecond earlier it is less. The promise is broken exactly when the end comes later."""
    course, at = Course(calendar), start
    clock = course.started(a_clock(start, timedelta(seconds=seconds)), start)
    stretches: list[list[datetime]] = [[start, start]]
    runs = True

    def spent(until: datetime) -> timedelta:
        closed = stretches[:-1] if runs else stretches
        before = sum((calendar.business_time(*each) for each in closed), timedelta(0))
        return before + (calendar.business_time(stretches[-1][0], until) if runs else timedelta(0))

    for what, gap in steps:
        at += gap
        if runs:
            stretches[-1][1] = at
        over = clock.stopped_at is not None
        if what == "pause" and runs and not over:
            clock, runs = course.paused(clock, at), False
        elif what in ("run", "again") and not runs:
            clock, runs = course.started(clock, at), True
            stretches.append([at, at])
        elif what == "raise" and runs:
            target = clock.target / 2
            clock = course.started(replace(course.paused(clock, at), target=target), at)
            stretches.append([at, at])
        elif what == "stop" and runs:
            clock, runs = course.stopped(clock, at), False
            assert clock.met is (clock.breached_at is None)
        if clock.breached_at is not None or clock.due_at is None or not runs:
            continue
        assert clock.due_at >= clock.running_since
        if spent(clock.running_since) < clock.target:
            assert spent(clock.due_at) == clock.target
            assert spent(clock.due_at - MICRO) < clock.target
        else:
            assert clock.due_at == clock.running_since, "what is spent already is due at once"


@given(calendars(), INSTANTS, st.integers(1, 40 * 3600), st.timedeltas(timedelta(0), timedelta(days=9)))
@settings(max_examples=150, deadline=None)
def test_a_promise_is_broken_by_its_due_time_and_nothing_else(calendar: Calendar, start: datetime, seconds: int, gap: timedelta) -> None:
    """An answer at the due time keeps it, one a microsecond later does not, whoever noticed when."""
    course = Course(calendar)
    clock = course.started(a_clock(start, timedelta(seconds=seconds)), start)
    end = start + gap
    stopped = course.stopped(clock, end)
    assert stopped.met is (clock.due_at is None or end <= clock.due_at)
    if clock.due_at is not None:
        assert course.stopped(clock, clock.due_at).met is True
        late = course.stopped(clock, clock.due_at + MICRO)
        assert (late.met, late.breached_at) == (False, clock.due_at)
        assert clock.warn_at is not None and clock.warn_at <= clock.due_at


@given(calendars(), INSTANTS, st.integers(1, 40 * 3600), st.lists(st.timedeltas(timedelta(0), timedelta(days=2)), max_size=5))
@settings(max_examples=100, deadline=None)
def test_pausing_for_no_time_changes_nothing(calendar: Calendar, start: datetime, seconds: int, gaps: list[timedelta]) -> None:
    """A pause that ends in the moment in which it began leaves the clock due when it was."""
    course, at = Course(calendar), start
    clock = untouched = course.started(a_clock(start, timedelta(seconds=seconds)), start)
    for gap in gaps:
        at += gap
        clock = course.started(course.paused(clock, at), at)
    if untouched.due_at is not None and at < untouched.due_at:
        assert clock.due_at == untouched.due_at


def test_an_hour_over_night() -> None:
    """Half an hour before closing, an hour is due half an hour after the next opening; Friday's on Monday."""
    begun = MOSCOW.started(a_clock(utc(2026, 11, 20, 14, 30), timedelta(hours=1)), utc(2026, 11, 20, 14, 30))
    assert begun.due_at == utc(2026, 11, 23, 6, 30)
    assert begun.warn_at == utc(2026, 11, 23, 6, 18)


def test_without_a_calendar_the_clock_counts() -> None:
    """Around the clock an hour is an hour."""
    begun = Course(None, 50).started(a_clock(utc(2026, 11, 20, 14, 30), timedelta(hours=1)), utc(2026, 11, 20, 14, 30))
    assert (begun.warn_at, begun.due_at) == (utc(2026, 11, 20, 15), utc(2026, 11, 20, 15, 30))


def test_what_never_opens_is_never_due() -> None:
    """A calendar without hours promises nothing that could be broken."""
    begun = Course(Calendar("UTC", NEVER)).started(a_clock(utc(2026, 1, 1), timedelta(hours=1)), utc(2026, 1, 1))
    assert (begun.due_at, begun.warn_at) == (None, None)
    assert nearest([begun]) is None
    assert Course(Calendar("UTC", NEVER)).stopped(begun, utc(2027, 1, 1)).met is True


def test_a_broken_promise_stays_broken() -> None:
    """Neither a pause, nor a longer target, nor taking back the end, nor cancelling makes it whole; it is due since it was."""
    course = Course(Calendar("UTC", ALWAYS))
    begun = course.started(a_clock(utc(2026, 1, 1), timedelta(hours=1)), utc(2026, 1, 1))
    paused = course.paused(begun, utc(2026, 1, 1, 2))
    assert paused.breached_at == utc(2026, 1, 1, 1)
    resumed = course.started(replace(paused, target=timedelta(days=9)), utc(2026, 1, 2))
    assert resumed.due_at == utc(2026, 1, 1, 1)
    assert course.stopped(resumed, utc(2026, 1, 2)).met is False
    assert continued(course.stopped(resumed, utc(2026, 1, 2))).breached_at == utc(2026, 1, 1, 1)
    assert (cancelled(resumed, utc(2026, 1, 3)).met, cancelled(resumed, utc(2026, 1, 3)).cancelled) == (False, False)


def test_what_is_cancelled_counts_for_nothing() -> None:
    """No answer was needed: neither kept nor broken, and nothing is due."""
    begun = MOSCOW.started(a_clock(utc(2026, 11, 20, 9), timedelta(hours=1)), utc(2026, 11, 20, 9))
    gone = cancelled(begun, utc(2026, 11, 20, 9, 30))
    assert (gone.cancelled, gone.met, gone.is_over, nearest([gone])) == (True, None, True, None)


def test_taking_back_the_end_leaves_the_clock_as_it_was() -> None:
    """A reply that is called back has cost no time and given none."""
    begun = MOSCOW.started(a_clock(utc(2026, 11, 20, 9), timedelta(hours=1)), utc(2026, 11, 20, 9))
    assert continued(MOSCOW.stopped(begun, utc(2026, 11, 20, 9, 5))) == begun


def test_the_promise_that_is_due_first_is_shown() -> None:
    """Of those that run; one that stands still is not due."""
    first = MOSCOW.started(Clock(1, Goal.RESOLUTION, utc(2026, 11, 20, 9), timedelta(hours=3)), utc(2026, 11, 20, 9))
    second = MOSCOW.started(Clock(2, Goal.FIRST_RESPONSE, utc(2026, 11, 20, 9), timedelta(hours=1)), utc(2026, 11, 20, 9))
    found = nearest([first, second])
    assert found is not None and found.goal is Goal.FIRST_RESPONSE
    left = nearest([first, MOSCOW.paused(second, utc(2026, 11, 20, 9, 1))])
    assert left is not None and left.goal is Goal.RESOLUTION


@pytest.mark.parametrize(("priority", "seconds"), [(Priority.URGENT, 900), (Priority.NORMAL, None)])
def test_a_target_that_is_not_named_is_not_promised(priority: Priority, seconds: int | None) -> None:
    """A policy may promise something for urgent tickets alone."""
    policy = Policy(1, "Gold", None, {Priority.URGENT: {Goal.FIRST_RESPONSE: 900}})
    target = policy.target(priority, Goal.FIRST_RESPONSE)
    assert (None if target is None else target.total_seconds()) == seconds
    assert policy.target(priority, Goal.RESOLUTION) is None


def test_instants_are_utc() -> None:
    """Whatever zone an instant came in, what follows from it is UTC."""
    begun = MOSCOW.started(a_clock(utc(2026, 11, 20, 9), timedelta(hours=1)), utc(2026, 11, 20, 9))
    assert begun.due_at is not None and begun.due_at.tzinfo is UTC
