"""The registry: golden values, balance, and words in both languages."""

import re

import pytest

from contact_center.model.figure_words import SAMPLE_WORDS, TALLY_WORDS
from contact_center.model.figures import BY_ID, FIGURES, Tallies, percentile, values

GOLDEN = Tallies(entered=1060, answered=1000, answered_in_target=860, abandoned=60, abandoned_in_target=20)


@pytest.mark.parametrize(
    ("figure", "percent"),
    [("offered", "81.13"), ("standard", "82.69"), ("positive", "83.02"), ("answered", "86.00")],
)
def test_the_golden_row(figure: str, percent: str) -> None:
    """1000 answered, 860 of them in time; 60 abandoned, 20 of them in time: four vendors, four service levels."""
    value = values(GOLDEN)[f"service_level.{figure}"]
    assert value is not None
    assert f"{value * 100:.2f}" == percent


def test_an_overdue_open_turn_is_a_miss_already() -> None:
    """Mail that lies about beyond its target lowers the level now, not when somebody answers at last; a fresh one does not."""
    tallies = Tallies(entered=10, answered=6, answered_in_target=6, open=4, open_over_target=2)
    assert values(tallies)["service_level.async"] == 0.75


def test_nothing_to_divide_by_is_no_figure() -> None:
    """An empty interval has no service level, and not one of nought or of a hundred percent."""
    assert {name for name, value in values(Tallies()).items() if value is None} == {
        figure.id for figure in FIGURES if "/" in figure.formula or figure.sample
    }


def test_formulas_name_tallies_that_there_are() -> None:
    """What is printed under a figure is what counts, made of the words that the tallies have."""
    known = set(Tallies().by_name)
    assert set(TALLY_WORDS) == known
    for figure in FIGURES:
        assert figure.sample in SAMPLE_WORDS if figure.sample else set(re.findall(r"[a-z_]+", figure.formula)) <= known, figure.id
        assert re.search("[а-я]", figure.in_words("ru")) and not re.search("[a-z]+_[a-z]", figure.in_words("en")), figure.id
        assert figure.en and (re.search("[а-я]", figure.ru) or figure.id in ("csat", "nps", "ces")), figure.id
    assert len(BY_ID) == len(FIGURES)


def test_tallies_add_up() -> None:
    """The total of two queues is the sum of their tallies, figure by figure recomputed, and balance is kept."""
    one = Tallies(entered=4, answered=3, answered_in_target=1, open=1, wait_seconds=9)
    two = Tallies(entered=2, abandoned=1, overflowed=1)
    both = one + two
    assert (both.entered, both.answered, both.wait_seconds, both.balanced) == (6, 3, 9, True)
    assert not (one + Tallies(answered=1)).balanced


@pytest.mark.parametrize(("values", "percent", "wanted"), [([5.0], 50, 5), ([1.0, 2.0], 50, 1), ([1.0, 2.0, 3.0], 50, 2), ([1.0] * 9 + [7.0], 90, 1), ([1.0] * 8 + [7.0] * 2, 90, 7), ([], 90, None)])  # fmt: skip
def test_a_percentile_is_a_value_that_there_was(values: list[float], percent: int, wanted: float | None) -> None:
    """The smallest that so many percent did not exceed, and nothing between two."""
    assert percentile(values, percent) == wanted
