"""Faults 31, 32 and 33: mail servers that refuse, fall silent, or take a mail and do not say so."""

import asyncio
import time
from collections.abc import Callable

from aiosmtpd.smtp import Envelope
from sqlalchemy import text

from tests.chaos.house import House
from tests.chaos.peers import Wire, wire_to


async def refused(house: House) -> None:
    """Fault 31: 4xx and 5xx at each stage; what may be tried again is, and what may not is told."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.deliver(house.tokens(6))
    for number, (stage, code) in enumerate((s, c) for s in ("MAIL", "RCPT", "DATA") for c in ("451 later", "554 never")):
        house.sink.verdict = _once(stage, code)
        await house.reply(f"refused {number}")
        await _until(house, lambda states: all(state not in ("leased",) for state in states))
    house.sink.verdict = lambda _stage, _envelope: None
    house.fault_ended = time.monotonic()
    await house.quiet(120)
    states = await _states(house)
    assert sorted(states) == ["failed"] * 3 + ["sent"] * 3, states


def _once(stage: str, code: str) -> Callable[[str, Envelope], str | None]:
    left = [code]
    return lambda at, _envelope: left.pop() if at == stage and left else None


async def the_last_word_is_lost(house: House) -> None:
    """Fault 32: the server takes the mail and its yes is lost: nobody knows, a person is asked, and decides to send again."""
    async with wire_to(house.sink.port) as wire:
        await asyncio.to_thread(house.server.start)
        await house.connect_mailbox(smtp_port=wire.port)
        house.deliver(house.tokens(1))
        wire.cut_when = _after_the_dot()
        await house.reply("did it arrive")
        await _until(house, lambda states: states == ["uncertain"])
        assert len(house.sink.mails) == 1
        wire.cut_when = None
        house.fault_ended = time.monotonic()
        entry_id = await house.store.read(lambda c: c.execute(text("SELECT interaction_id FROM outbox")).scalar_one())
        async with house.client() as client, client.post(f"/api/v1/entries/{entry_id}/send-again") as response:
            assert response.status == 200, await response.text()
        await house.quiet()
    assert set(house.sink.copies.values()) == {2}, "a repetition has the same Message-ID"


def _after_the_dot() -> Callable[[bytes, bool], bool]:
    ended = [False]

    def cut(data: bytes, from_far: bool) -> bool:
        if not from_far and data.endswith(b"\r\n.\r\n"):
            ended[0] = True
            return False
        return from_far and ended[0]

    return cut


async def it_dies_and_comes_back(house: House) -> None:
    """Fault 33: the mail server is away for a while, in the middle of a conversation and before it."""
    async with wire_to(house.sink.port) as wire:
        await asyncio.to_thread(house.server.start)
        await house.connect_mailbox(smtp_port=wire.port)
        house.deliver(house.tokens(3))
        wire.cut_when = lambda data, from_far: from_far and data.startswith(b"354")
        await house.reply("away 0")
        wire.refusing = True
        await house.reply("away 1")
        await asyncio.sleep(3)
        wire.cut_when, wire.refusing = None, False
        house.fault_ended = time.monotonic()
        await house.quiet(120)
    await _calm(wire)


async def _calm(wire: Wire) -> None:
    wire.break_all()
    await asyncio.sleep(0)


async def _states(house: House) -> list[str]:
    return list(await house.store.read(lambda c: c.execute(text("SELECT state FROM outbox ORDER BY id")).scalars().all()))


async def _until(house: House, good: Callable[[list[str]], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (states := await _states(house)) and good(states):
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"the outbox is {await _states(house)}")
