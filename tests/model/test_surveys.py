"""Surveys: the formulas by hand, and what a text message says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_center.model.surveys import FORMULAS, SCALES, SurveyKind, SurveyTallies, ces, csat, nps, response_rate, score_of, tallies

KINDS = st.sampled_from(SurveyKind)


def test_golden_figures() -> None:
    """Worked by hand: 4 of 6 answers are 4 or 5; 3 promoters and 2 detractors among 6; a mean of 31/6; 6 answered of 8 who were asked."""
    content = tallies(SurveyKind.CSAT, [5, 4, 4, 3, 1, 5, None, None])
    assert (csat(content), response_rate(content)) == (pytest.approx(4 / 6), 0.75)
    likely = tallies(SurveyKind.NPS, [10, 9, 9, 8, 6, 0, None, None])
    assert nps(likely) == pytest.approx(100 * (3 - 2) / 6)
    ease = tallies(SurveyKind.CES, [7, 6, 6, 5, 4, 3])
    assert (ces(ease), response_rate(ease)) == (pytest.approx(31 / 6), 1.0)


def test_nobody_and_no_answer_are_no_nought() -> None:
    """Without answers there is no figure; without anybody asked there is no rate either."""
    for kind in SurveyKind:
        assert FORMULAS[kind](tallies(kind, [None, None])) is None
        assert response_rate(tallies(kind, [None, None])) == 0.0
        assert response_rate(SurveyTallies()) is None


@given(kind=KINDS, data=st.data())
def test_totals_add_and_never_average(kind: SurveyKind, data: st.DataObject) -> None:
    """The figure of two groups together is that of all their answers, and stays on its scale."""
    low, high = SCALES[kind]
    scores = st.lists(st.one_of(st.none(), st.integers(low, high)), max_size=30)
    one, other = data.draw(scores), data.draw(scores)
    both = tallies(kind, one) + tallies(kind, other)
    assert both == tallies(kind, [*one, *other])
    assert 0 <= both.top + both.bottom <= both.answered <= both.sent
    if (value := FORMULAS[kind](both)) is not None:
        least, most = {SurveyKind.CSAT: (0, 1), SurveyKind.NPS: (-100, 100), SurveyKind.CES: (1, 7)}[kind]
        assert least <= value <= most


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (SurveyKind.CSAT, "5", (5, "")),
        (SurveyKind.CSAT, " 4. Thanks a lot!", (4, "Thanks a lot!")),
        (SurveyKind.CSAT, "5 из 5", (5, "")),
        (SurveyKind.CSAT, "3/5 - долго", (3, "долго")),
        (SurveyKind.NPS, "10", (10, "")),
        (SurveyKind.NPS, "0", (0, "")),
        (SurveyKind.CSAT, "10", None),
        (SurveyKind.CSAT, "0", None),
        (SurveyKind.CSAT, "117 is my order", None),
        (SurveyKind.CSAT, "2 days have passed, where is my order?", None),
        (SurveyKind.CSAT, "Five", None),
        (SurveyKind.CSAT, "", None),
        (SurveyKind.CSAT, "3 " + "x" * 400, None),
    ],
)
def test_what_a_text_message_says(kind: SurveyKind, text: str, found: tuple[int, str] | None) -> None:
    """A number of the scale, and perhaps a few words: an answer. Anything else is a message to us, and opens a turn as ever."""
    assert score_of(kind, text) == found


@given(kind=KINDS, text=st.text(max_size=50))
def test_no_text_gives_a_score_beyond_its_scale(kind: SurveyKind, text: str) -> None:
    """Whatever is written."""
    if (found := score_of(kind, text)) is not None:
        low, high = SCALES[kind]
        assert low <= found[0] <= high
