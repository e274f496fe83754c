"""The short part of `make fuzz`: a few hundred inputs for each reader, the same ones every time, and a few made by Hypothesis."""

import random
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contact_center.channels.email import quoting
from tests.fuzz import mails
from tests.fuzz.targets import Target, targets

TARGETS = {target.name: target for target in targets()}
COUNT = {"mail": 60, "large mail": 30, "header fields": 30, "markup": 100}  # the slow ones; all others have `OTHERS`
OTHERS = 150
SEVERAL = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_are_read_or_refused(name: str) -> None:
    """A reader gives a meaning that can be kept, twice the same, or refuses in its own words; nothing else ever comes out."""
    target, words = TARGETS[name], set()
    for number in range(COUNT.get(name, OTHERS)):
        content = target.input(random.Random(f"suite {name} {number}"))
        try:
            words.add(target.run(content))
        except Exception as error:
            raise AssertionError(f"{name}, number {number}: {content[:300]!r}") from error
    assert words <= {"read", "refused"}
    assert "read" in words, "the inputs are so broken that nothing is tried"


def _made(name: str) -> st.SearchStrategy[bytes]:
    """Inputs made from nothing, whose every choice Hypothesis can make smaller."""
    target: Target = TARGETS[name]
    assert target.make is not None
    return st.randoms(use_true_random=False).map(target.make)


@SEVERAL
@given(_made("mail"))
def test_mails_made_from_nothing(content: bytes) -> None:
    """Nested parts, wrong boundaries, charsets nobody has, encoded words, headers without end."""
    TARGETS["mail"].run(content)


@SEVERAL
@given(_made("markup"))
def test_markup_made_from_nothing(content: bytes) -> None:
    """What is left runs, posts, frames and loads nothing, and cleaning it again changes nothing."""
    TARGETS["markup"].run(content)


@SEVERAL
@given(_made("quotes"))
def test_answers_made_from_nothing(content: bytes) -> None:
    """Shown and folded together hold every word once."""
    TARGETS["quotes"].run(content)


@SEVERAL
@given(st.sampled_from(sorted(set(TARGETS) - {"mail", "large mail", "header fields"})), st.binary(max_size=400))
def test_any_bytes(name: str, content: bytes) -> None:
    """Bytes without any form."""
    TARGETS[name].run(content)


HOSTILE: dict[str, Callable[[int], str]] = {
    "quote marks": lambda size: ">" * size,
    "quoted lines": lambda size: "> x\n" * (size // 4),
    "lines that may begin an attribution": lambda size: "On Mon, 2 Nov\n" * (size // 14),
    "attributions without an end": lambda size: "On 1.1.2026 a@b " * (size // 16),
    "header labels": lambda size: "From: a\nTo: b\n" * (size // 14),
    "blank lines between two words": lambda size: "a" + "\n" * size + "b",
    "rules and blank lines": lambda size: ("_____\n" + "\n" * 20) * (size // 26),
    "blanks in one line": lambda size: "a" + " " * size + "b:",
    "dashes": lambda size: "-" * size + "On x" + "-" * size,
    "colons": lambda size: ":\n" * (size // 2),
    "a mixture": lambda size: "\n".join(mails.answer(random.Random(number))[:100] for number in range(size // 100)),
}  # fmt: skip


def _calls(work: Callable[[], Any]) -> int:
    """How many calls `work` makes: the same on every machine."""
    count = 0

    def note(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def _cpu_seconds(work: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize("name", HOSTILE)
def test_folding_grows_with_the_text_and_no_faster(name: str) -> None:
    """Eight times the text is about eight times the work; were it quadratic it would be sixty-four times."""
    small, large = (HOSTILE[name](size) for size in (4_000, 32_000))
    assert _calls(lambda: quoting.fold(large)) <= 14 * _calls(lambda: quoting.fold(small)) + 500
    # Calls do not show what happens inside a pattern. A hundredth of a second is what the clock itself may be wrong by.
    assert _cpu_seconds(lambda: quoting.fold(large)) <= 32 * _cpu_seconds(lambda: quoting.fold(small)) + 0.01
