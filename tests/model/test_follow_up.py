"""After the end: when an answer reopens, and when it opens a new ticket; to the second."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contact_center.model.follow_up import ALWAYS, NEVER, reopens
from contact_center.model.words import Status

DONE_AT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
USUAL = timedelta(days=14)


@given(days=st.integers(1, 3650), seconds=st.integers(-5, 5))
def test_the_last_second_still_reopens(days: int, seconds: int) -> None:
    """An answer exactly N days later goes on in its ticket; one second more, and it opens a new one."""
    now = DONE_AT + timedelta(days=days, seconds=seconds)
    assert reopens(Status.RESOLVED, DONE_AT, now, days, USUAL) is (seconds <= 0)


@given(seconds=st.integers(0, 10**9), days=st.one_of(st.none(), st.integers(ALWAYS, 3650)))
def test_a_closed_ticket_is_never_reopened(seconds: int, days: int | None) -> None:
    """Whatever the queue says, and however soon they write."""
    assert not reopens(Status.CLOSED, DONE_AT, DONE_AT + timedelta(seconds=seconds), days, USUAL)


@given(seconds=st.integers(0, 10**9))
def test_always_new_and_always_the_same(seconds: int) -> None:
    """0 opens a new ticket even within the same second, -1 reopens after decades; a ticket that is not done goes on anyway."""
    now = DONE_AT + timedelta(seconds=seconds)
    assert not reopens(Status.RESOLVED, DONE_AT, now, NEVER, USUAL)
    assert reopens(Status.RESOLVED, DONE_AT, now, ALWAYS, USUAL)
    assert reopens(Status.WAITING, None, now, NEVER, USUAL)


@given(seconds=st.integers(-5, 5))
def test_a_queue_that_says_nothing_follows_the_settings(seconds: int) -> None:
    """Without a word of its own a queue has the number of days that the settings have."""
    assert reopens(Status.RESOLVED, DONE_AT, DONE_AT + USUAL + timedelta(seconds=seconds), None, USUAL) is (seconds <= 0)
