"""Alerts against a recount over the whole past: one beginning an episode, and an end only after as long a calm."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contact_center.model.alerts import SHORTEST, Alert, Turn, Watched, is_beyond, look

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
LOOKS = st.lists(st.tuples(st.integers(1, 200), st.sampled_from([None, 1.0, 5.0, 9.0])), max_size=60)


def alert(minutes: int, *, above: bool = True) -> Alert:
    return Alert(1, "now.waiting", None, above, 5, minutes, (), sound=False, active=True)


def recount(wanted: Alert, looks: list[tuple[datetime, float | None]]) -> list[Turn]:
    """For each look: walk back over all looks of before, without any state but what was said then."""
    said: list[Turn] = []
    for place, (now, value) in enumerate(looks):
        past = [turn for turn in said if turn is not Turn.NOTHING]
        firing = bool(past) and past[-1] is Turn.BEGAN
        bad = is_beyond(wanted, value)
        run = place
        while run > 0 and is_beyond(wanted, looks[run - 1][1]) == bad:
            run -= 1
        began = [at for at, turn in enumerate(said) if turn is Turn.BEGAN]
        if not bad and firing:
            run = max(run, began[-1])
        lasted = now - looks[run][0]
        lasts = timedelta(minutes=wanted.minutes)
        if bad and not firing and lasted >= lasts:
            said.append(Turn.BEGAN)
        elif not bad and firing and lasted >= max(lasts, SHORTEST):
            said.append(Turn.ENDED)
        else:
            said.append(Turn.NOTHING)
    return said


@given(looks=LOOKS, minutes=st.sampled_from([0, 1, 3]), above=st.booleans())
@example(looks=[(60, 9.0)] * 4 + [(60, 1.0), (60, 9.0), (60, 1.0), (60, 1.0), (60, None), (60, 1.0)], minutes=2, above=True)
def test_episodes_are_those_of_a_recount(looks: list[tuple[int, float | None]], minutes: int, above: bool) -> None:
    """Whatever the figure does: an alert begins and ends exactly where a walk over the whole past says, by turns, never twice."""
    wanted, now, series = alert(minutes, above=above), NOON, []
    for seconds, value in looks:
        now += timedelta(seconds=seconds)
        series.append((now, value))
    was, said = Watched(), []
    for at, value in series:
        was, turn = look(wanted, was, value, at)
        said.append(turn)
        assert was.firing == (len([each for each in said if each is not Turn.NOTHING]) % 2 == 1)
    assert said == recount(wanted, series)
    turns = [turn for turn in said if turn is not Turn.NOTHING]
    assert turns == [Turn.BEGAN, Turn.ENDED] * (len(turns) // 2) + [Turn.BEGAN] * (len(turns) % 2)


@pytest.mark.parametrize(("value", "above", "below"), [(None, False, False), (5.0, False, False), (5.1, True, False), (4.9, False, True)])
def test_the_threshold_itself_is_well(value: float | None, above: bool, below: bool) -> None:
    """Only what is beyond it is feared, and nothing to divide by is no bad figure."""
    assert (is_beyond(alert(0), value), is_beyond(alert(0, above=False), value)) == (above, below)
