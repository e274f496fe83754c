"""Who talked in a call, by what its entry says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_center.model.calls import talks

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
LENGTHS = st.lists(st.integers(0, 4000), min_size=1, max_size=6)


def told(lengths: list[int], hold: int | None) -> dict[str, Any]:
    found, at = [], NOON
    for number, seconds in enumerate(lengths):
        found.append({"agent": f"A{number}", "began_at": at.isoformat(), "seconds": seconds})
        at += timedelta(seconds=seconds)
    return {"type": "call", "result": "answered", "talk_seconds": sum(lengths), "hold_seconds": hold, "talks": found}


@given(LENGTHS, st.integers(0, 4000))
def test_the_parts_make_the_whole(lengths: list[int], hold: int) -> None:
    """Talk and hold of all who talked are the call's, one follows the other, and nobody was on hold longer than they talked: what is told
    beyond that the caller waited between two."""
    found = talks(told(lengths, hold), NOON, NOON + timedelta(seconds=sum(lengths)))
    assert sum(each.seconds or 0 for each in found) == sum(lengths)
    assert sum(each.hold_seconds or 0 for each in found) == pytest.approx(min(hold, sum(lengths)))
    assert all(0 <= (each.hold_seconds or 0) <= (each.seconds or 0) + 1e-6 for each in found)
    ends = [each.ended_at for each in found]
    assert all(end is not None and end <= later.started_at for end, later in zip(ends, found[1:], strict=False))


@pytest.mark.parametrize("ended", [None, NOON + timedelta(seconds=70)])
def test_a_call_that_tells_nobody_apart_is_one_stretch(ended: datetime | None) -> None:
    """From the answer, while it lasts; when it is over, of the length that was told."""
    facts = {"type": "call", "result": "answered", "wait_seconds": 10} | ({"talk_seconds": 60} if ended else {})
    (talk,) = talks(facts, NOON, ended)
    assert (talk.agent, talk.started_at, talk.ended_at) == (None, NOON + timedelta(seconds=10), ended)


def test_whoever_talks_when_the_line_is_dead_talks_no_more() -> None:
    """The last stretch of a call that is over is over, also where its log forgot to say so."""
    facts = told([30], None)
    facts["talks"].append({"agent": "B", "began_at": (NOON + timedelta(seconds=30)).isoformat(), "seconds": None})
    assert [each.seconds for each in talks(facts, NOON, None)] == [30, None]
    assert [each.seconds for each in talks(facts, NOON, NOON + timedelta(seconds=90))] == [30, 60]


@pytest.mark.parametrize("result", ["abandoned", "timeout", "ringing", "callback", None])
def test_nobody_talks_in_a_call_that_did_not_get_through(result: str | None) -> None:
    """Whatever else its entry says."""
    assert talks(told([30], None) | {"result": result}, NOON, NOON) == []
