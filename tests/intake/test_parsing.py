"""Parser processes: a hostile original fails alone, and within its time."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from contact_center.channels import parsers
from contact_center.errors import QuarantineItem
from contact_center.intake import parsing, understanding
from contact_center.intake.parsing import Parsers
from contact_center.intake.understanding import Original
from contact_center.model.messages import InboundMessage
from tests.intake import world


def parse_with_own_kind(originals: list[Original]) -> list[Any]:
    """Runs in a parser process, where the test's kind of channel is the only one."""
    parsers.find = lambda kind: world  # type: ignore[assignment, return-value]
    return understanding.parse_all(originals)


def ready(kinds: list[str]) -> bool:
    return True


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parsers]:
    monkeypatch.setattr(parsing, "parse_all", parse_with_own_kind)
    monkeypatch.setattr(parsing, "ready", ready)  # the process imports this module while it starts, not while it parses
    made = Parsers(1, 1.0)
    yield made
    made.close()


def original(subject: str, **envelope: Any) -> Original:
    return Original("email", envelope, orjson.dumps({"subject": subject}))


@pytest.mark.parametrize("harm", ["hang", "die", "fail", "hoard"])
async def test_a_hostile_original_fails_alone(processes: Parsers, harm: str) -> None:
    """An original that hangs, kills, breaks or exhausts the parser is quarantined; its neighbours are understood."""
    await processes.warm_up()
    started = time.monotonic()
    outcomes = await processes.parse([original("1"), original("2", do=harm), original("3")])
    assert [type(outcome) for outcome in outcomes] == [InboundMessage, QuarantineItem, InboundMessage]
    assert [outcome.subject for outcome in (outcomes[0], outcomes[2]) if isinstance(outcome, InboundMessage)] == ["1", "3"]
    assert time.monotonic() - started < 30


async def test_an_interrupt_of_the_terminal_is_the_servers_business(processes: Parsers) -> None:
    """Ctrl C reaches the parser process too: it says nothing, and goes on until the server ends it."""
    await processes.warm_up()
    assert processes._pool is not None
    (number,) = processes._pool._processes
    os.kill(number, signal.SIGINT)
    (outcome,) = await processes.parse([original("1")])
    assert isinstance(outcome, InboundMessage)
    assert list(processes._pool._processes) == [number]


async def test_what_failed_in_a_batch_gets_less_time_alone(processes: Parsers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of nothing but hanging items holds the line for its time once and a third of it for each, not for all of it each."""
    monkeypatch.setattr(parsing, "ALONE_LEAST", 0.3)
    tried: list[tuple[int, float]] = []

    async def hang(originals: list[Original], seconds: float) -> None:
        tried.append((len(originals), seconds))

    monkeypatch.setattr(processes, "_try", hang)
    processes._seconds = 30.0
    outcomes = await processes.parse([original(str(n)) for n in range(4)])
    assert tried == [(4, 30.0)] + [(1, 10.0)] * 4
    assert [outcome.message for outcome in outcomes if isinstance(outcome, QuarantineItem)] == [parsing._too_long(10.0).message] * 4
    tried.clear()
    await processes.parse([original("alone from the start")])
    assert tried == [(1, 30.0)], "what came alone has had all its time: it is not tried again"
    tried.clear()
    monkeypatch.setattr(parsing, "ALONE_LEAST", 20.0)
    await processes.parse([original("1"), original("2")])
    assert tried[1:] == [(1, 20.0)] * 2, "an honest large item is not failed for the company it kept"


async def test_no_process_is_left_behind(processes: Parsers) -> None:
    """After a hang the old processes are gone: what hangs does not go on eating the machine."""
    await processes.warm_up()
    assert processes._pool is not None
    before = list((processes._pool._processes or {}).values())
    await processes.parse([original("x", do="hang")])
    for _ in range(100):
        if not any(process.is_alive() for process in before):
            break
        await asyncio.sleep(0.05)
    assert not any(process.is_alive() for process in before)


async def test_nothing_to_parse(processes: Parsers) -> None:
    """No originals need no process."""
    assert await processes.parse([]) == []
    assert processes._pool is None
