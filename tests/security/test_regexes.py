"""No pattern of ours can be kept busy: each is tried against long hostile texts and must end at once."""

import ast
import importlib
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import contact_center
from contact_center import markup, plain_text
from contact_center.channels.email import quoting
from contact_center.channels.email.transfer import Base64Pieces

ROOT = Path(contact_center.__file__).parent
SIZE = 50_000
SECONDS = 1.5  # a linear one takes milliseconds, a quadratic one minutes; between them there is room for a busy machine
PIECES = [
    "a", "A", "0", " ", "\n", "\t", "<", ">", "> ", "(", ")", "[", "{", "-", "=", "_", ".", ",", ":", ";", "@", "\\", '"', "'", "/", "#", "+", "%", "*", "|",
    "é", "я", "a ", "a.", "a@", "a,", "a-", "0 ", "0-", "0.", "+0", "(a", "<a", "<a ", "</", "a=", "a='", "=?", "=?utf-8?q?", "\r\n", "\n ", "\n> ", "\n-", "a\n", ">a\n",
    "On 1, a wrote", "From: ", "http://a", "a@a.", "&#", "x0", "\x00", "\u200b", ", ", "; ", "a: b\n", "{a", "}}", "()", "<>", "[]", "--", "==",
]  # fmt: skip
# Patterns that are only ever given short texts: module, how the pattern begins, and the length that its callers see to.
BOUNDED = [
    ("email.quoting", r"[@<][^<>", 200),  # the last 200 characters of an attribution
    ("search.query", r"\s*[#№]", 1000),  # the longest search
    ("email.transfer", "b'([^=]*)=+", 0),  # only what ends with the sign; see the test of base64 below
]


METHODS = {"match", "fullmatch", "search", "finditer", "findall", "sub", "subn", "split", "compile"}


@dataclass(frozen=True)
class Used:
    """A pattern, the file it stands in, and how that file uses it."""

    owner: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


def patterns() -> list[Used]:
    """Every compiled pattern at the top of a module or in a table there, and every literal that is given to `re`."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        if {"node_modules", "migrations", "_template"} & set(path.parts) or path.name == "__main__.py" or "re." not in path.read_text():
            continue
        calls = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        by_name: dict[str, set[str]] = {}
        for call in calls:
            if call.func.attr in METHODS:  # type: ignore[attr-defined]
                by_name.setdefault(getattr(call.func.value, "id", ""), set()).add(call.func.attr)  # type: ignore[attr-defined]
        elsewhere = frozenset(method for owner, methods in by_name.items() if owner != "re" for method in methods)
        for variable, value in vars(importlib.import_module(name)).items():
            methods = frozenset(by_name.get(variable, ())) or elsewhere or frozenset({"search", "fullmatch"})
            found += [Used(name, pattern, methods) for pattern in _within(value)]
        for call in calls:
            literal = call.args[0] if call.args else None
            if getattr(call.func.value, "id", "") == "re" and call.func.attr in METHODS - {"compile"} and isinstance(literal, ast.Constant):  # type: ignore[attr-defined]
                found.append(Used(name, re.compile(literal.value), frozenset({call.func.attr})))  # type: ignore[attr-defined,arg-type]
    return found


def _within(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 3 and isinstance(value, dict | list | tuple | set | frozenset):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _within(each, depth + 1)


PATTERNS = patterns()


class TooLong(Exception):
    """A pattern did not come to its end."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise TooLong


def in_time(work: Any, seconds: float = SECONDS) -> bool:
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        work()
    except TooLong:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return True


def hostile() -> Iterator[str]:
    for piece in PIECES:
        text = (piece * (SIZE // len(piece)))[:SIZE]
        yield text
        yield text + "!"
        yield "a" + text + "\n\x00"


TEXTS = list(hostile())
BYTES = [text.encode("utf-8", "replace") for text in TEXTS]


def use(used: Used, text: Any) -> None:
    """What the product does with the pattern."""
    if "match" in used.methods:
        used.pattern.match(text)
    if "fullmatch" in used.methods:
        used.pattern.fullmatch(text)
    if used.methods - {"match", "fullmatch"}:
        for _ in used.pattern.finditer(text):
            pass


def test_patterns_are_found() -> None:
    """The scan sees what it is made for."""
    assert {"contact_center.channels.email.quoting", "contact_center.channels.email.headers"} <= {used.owner for used in PATTERNS}
    assert len(PATTERNS) > 40


@pytest.mark.parametrize("owner", sorted({used.owner for used in PATTERNS}))
def test_no_pattern_can_be_kept_busy(owner: str) -> None:
    """Used as the product uses it, each ends at once for each hostile text of the length that it can be given."""
    slow = []
    for used in PATTERNS:
        if used.owner != owner:
            continue
        length = next((most for name, start, most in BOUNDED if owner.endswith(name) and str(used.pattern.pattern).startswith(start)), SIZE)
        for text in BYTES if isinstance(used.pattern.pattern, bytes) else TEXTS:
            if not in_time(lambda: use(used, text[:length])):  # noqa: B023 - called at once
                slow.append((used.pattern.pattern[:120], sorted(used.methods), repr(text[:12])))
                break
    assert slow == []


@pytest.mark.parametrize("piece", PIECES)
def test_reading_quotes_and_markup_ends(piece: str) -> None:
    """What finds quotes, signatures and text in markup ends at once too, whatever its patterns are given."""
    text = (piece * (SIZE // len(piece)))[:SIZE]
    assert in_time(lambda: quoting.fold(text), 3.0)
    assert in_time(lambda: plain_text.to_text(text), 3.0)


@pytest.mark.parametrize(
    "piece", ["&", "&#", "&am", "&amp;", "&nbsp;", "<p>&", "\u00a9", "< ", '<p title="&">', "<b>", "<!--", "<a href=?&"]
)
def test_cleaning_markup_ends(piece: str) -> None:
    """A megabyte of whatever the cleaner has to look at twice takes it a second or two, not more the larger it is."""
    text = (piece * markup.HTML_LIMIT)[: markup.HTML_LIMIT]
    began = time.process_time()
    clean = markup.sanitise(text)
    assert markup.sanitise(clean) == clean or len(clean) > markup.HTML_LIMIT
    assert time.process_time() - began < 4.0


@pytest.mark.parametrize("piece", ["a", "=", "a=", "=a", "= ", "a\n", "\n", "aaaa=", "!", " ="])
def test_base64_ends(piece: str) -> None:
    """Wherever the padding stands, a hundred kilobytes are decoded at once."""
    data = (piece * 100_000).encode()[:100_000]

    def decode() -> None:
        for whole in (data, b"=" + data, data + b"="):
            pieces = Base64Pieces()
            pieces.take(whole)
            pieces.finish()

    assert in_time(decode, 3.0)
