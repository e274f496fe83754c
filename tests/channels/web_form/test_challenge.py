"""Proof of work: what passes, and everything that must not."""

import hashlib

import pytest

from contact_center.channels.web_form.challenge import WINDOW, Challenges, Refused, solve, zero_bits
from contact_center.keys import Keys
from tests.channels.web_form.helpers import KEYS

NOW = 1_800_000_000.0
FORM = Challenges(KEYS, "1/")


def too_easy(challenge: str) -> str:
    """A counter that does not solve it."""
    return next(str(n) for n in range(1000) if zero_bits(hashlib.sha256(f"{challenge}:{n}".encode()).digest()) < 8)


def test_a_solved_challenge_gives_its_nonce() -> None:
    challenge = FORM.issue(NOW, 8)

    assert FORM.accept(challenge, solve(challenge), NOW + 60) == challenge.split(".")[2]


def test_every_challenge_is_another() -> None:
    assert FORM.issue(NOW, 8) != FORM.issue(NOW, 8)


@pytest.mark.parametrize("other", [Challenges(KEYS, "2/"), Challenges(KEYS, "1/page"), Challenges(Keys("another secret key"), "1/")])
def test_work_for_one_page_is_worth_nothing_on_another(other: Challenges) -> None:
    """Another form, somebody's private page, another instance."""
    challenge = other.issue(NOW, 8)

    with pytest.raises(Refused):
        FORM.accept(challenge, solve(challenge), NOW)


@pytest.mark.parametrize("late", [WINDOW + 1, -3600])
def test_work_of_another_time_is_refused(late: float) -> None:
    challenge = FORM.issue(NOW, 8)

    with pytest.raises(Refused):
        FORM.accept(challenge, solve(challenge), NOW + late)


def test_too_little_work_is_refused() -> None:
    challenge = FORM.issue(NOW, 8)

    with pytest.raises(Refused, match="too little"):
        FORM.accept(challenge, too_easy(challenge), NOW)


def test_nobody_lowers_the_difficulty() -> None:
    """It is signed with the rest."""
    issued, _, nonce, code = FORM.issue(NOW, 20).split(".")
    easy = f"{issued}.1.{nonce}.{code}"

    with pytest.raises(Refused):
        FORM.accept(easy, solve(easy), NOW)


@pytest.mark.parametrize("solution", ["", "-1", "x", "1" * 21, "²", "1.5"])
def test_a_solution_is_a_number(solution: str) -> None:
    with pytest.raises(Refused):
        FORM.accept(FORM.issue(NOW, 8), solution, NOW)


@pytest.mark.parametrize("challenge", ["", "...", "1.2.3", "a.b.c.d", "." * 500, "1.2.3.\ud800"], ids=repr)
def test_nonsense_is_refused(challenge: str) -> None:
    with pytest.raises(Refused):
        FORM.accept(challenge, "1", NOW)
