"""The simulation is held to the exact values of Erlang's formulas, and to the rules of the matcher."""

from dataclasses import replace

import pytest

from contact_center.model.figures import values
from contact_center.routing.simulation import Day, Outcome, run

CALLS = Day(agents=14, arrivals_per_hour=200, hours=150, handle_seconds=180, target_seconds=20)


def level(outcome: Outcome) -> float:
    found = values(outcome.tallies)["service_level.standard"]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("agents", "service_level", "asa"),
    [(13, 0.7956, 17.1), (14, 0.88835, 7.84)],
)
def test_it_agrees_with_erlang_c(agents: int, service_level: float, asa: float) -> None:
    """100 calls in half an hour of 180 seconds: the share answered in 20 seconds and the average wait are those of Erlang C."""
    outcome = run(replace(CALLS, agents=agents))
    assert level(outcome) == pytest.approx(service_level, abs=0.02)
    assert values(outcome.tallies)["asa"] == pytest.approx(asa, rel=0.15)
    assert outcome.busy_seconds / (outcome.seconds * agents) == pytest.approx(10 / agents, abs=0.02)


@pytest.mark.parametrize(("agents", "share"), [(10, 0.1375), (11, 0.0942), (12, 0.0616)])
def test_it_agrees_with_erlang_a(agents: int, share: float) -> None:
    """With a patience of two minutes as many leave as Erlang A says."""
    outcome = run(replace(CALLS, agents=agents, patience_seconds=120))
    assert values(outcome.tallies)["abandonment"] == pytest.approx(share, abs=0.012)


def test_everybody_who_came_is_accounted_for() -> None:
    """What came in was answered or left; nobody stands in line when the day is over."""
    outcome = run(replace(CALLS, hours=8, agents=9, patience_seconds=200, hard=0.3, experts=0.5, relax_seconds=60, urgent=0.1))
    assert outcome.tallies.balanced
    assert outcome.tallies.open == 0


def test_a_skill_that_is_never_relaxed_costs_those_who_need_it() -> None:
    """With few experts, letting anybody take over after a minute shortens the longest wait."""
    strict = run(replace(CALLS, hours=40, hard=0.4, experts=0.3))
    relaxed = run(replace(CALLS, hours=40, hard=0.4, experts=0.3, relax_seconds=60))
    assert relaxed.longest < strict.longest / 2
    assert level(relaxed) > level(strict)


def test_the_same_seed_is_the_same_day() -> None:
    """So that two ways of working can be compared over the very same customers."""
    day = replace(CALLS, hours=4)
    assert run(day).waits == run(day).waits != run(replace(day, seed=2)).waits
