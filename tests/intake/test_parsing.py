"""Parser processes: a hostile original fails alone, and within its time."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from contact_center.errors import QuarantineItem
from contact_center.intake import parsing
from contact_center.intake.parsing import Original, Parsers
from contact_center.model.messages import InboundMessage
from tests.intake import world


def parse_with_own_kind(originals: list[Original]) -> list[Any]:
    """Runs in a parser process, where the test's kind of channel is the only one."""
    parsing.registry.kinds = lambda: {"email": world.KIND}  # type: ignore[assignment]
    return [parsing._parse_one(original) for original in originals]


def ready() -> bool:
    return True


@pytest.fixture
def parsers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parsers]:
    monkeypatch.setattr(parsing, "parse_all", parse_with_own_kind)
    monkeypatch.setattr(parsing, "ready", ready)  # the process imports this module while it starts, not while it parses
    made = Parsers(1, 1.0)
    yield made
    made.close()


def original(subject: str, **envelope: Any) -> Original:
    return Original("email", envelope, orjson.dumps({"subject": subject}))


@pytest.mark.parametrize("harm", ["hang", "die", "fail", "hoard"])
async def test_a_hostile_original_fails_alone(parsers: Parsers, harm: str) -> None:
    """An original that hangs, kills, breaks or exhausts the parser is quarantined; its neighbours are understood."""
    await parsers.warm_up()
    started = time.monotonic()
    outcomes = await parsers.parse([original("1"), original("2", do=harm), original("3")])
    assert [type(outcome) for outcome in outcomes] == [InboundMessage, QuarantineItem, InboundMessage]
    assert [outcome.subject for outcome in (outcomes[0], outcomes[2]) if isinstance(outcome, InboundMessage)] == ["1", "3"]
    assert time.monotonic() - started < 30


async def test_no_process_is_left_behind(parsers: Parsers) -> None:
    """After a hang the old processes are gone: what hangs does not go on eating the machine."""
    await parsers.warm_up()
    assert parsers._pool is not None
    before = list((parsers._pool._processes or {}).values())
    await parsers.parse([original("x", do="hang")])
    for _ in range(100):
        if not any(process.is_alive() for process in before):
            break
        await asyncio.sleep(0.05)
    assert not any(process.is_alive() for process in before)


async def test_nothing_to_parse(parsers: Parsers) -> None:
    """No originals need no process."""
    assert await parsers.parse([]) == []
    assert parsers._pool is None
