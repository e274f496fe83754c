"""Faults 8, 10, 12, 13, 15, 16 and 17: the line to a mailbox, the mailbox itself, and two who read it."""

import asyncio
import contextlib
import signal

from tests.chaos.house import House
from tests.chaos.peers import letter, wire_to
from tests.chaos.server import Server

LEASE = 20.0  # seconds after which a silent holder is replaced, with some room


async def cut_in_a_literal(house: House) -> None:
    """Fault 8: the line breaks in the middle of what the server sends, at another place each time."""
    assert house.dovecot is not None
    async with wire_to(house.dovecot.port) as wire:
        await asyncio.to_thread(house.server.start)
        await house.connect_mailbox(imap_port=wire.port)
        house.server.kill()
        house.deliver(house.tokens(20))
        for after in (700, 3000, house.dice.randrange(700, 9000)):
            wire.cut_after = after
            await asyncio.to_thread(house.server.start)
            await asyncio.sleep(3)
            house.server.kill()
        wire.cut_after = None
        await house.quiet()


async def dead_line(house: House) -> None:
    """Fault 13: the line dies without a word while the connector waits for news; new mail comes in all the same, later."""
    assert house.dovecot is not None
    async with wire_to(house.dovecot.port) as wire:
        await asyncio.to_thread(house.server.start)
        await house.connect_mailbox(imap_port=wire.port)
        house.deliver(house.tokens(2))
        await house.quiet()
        wire.silent = True
        house.deliver(house.tokens(3))
        before = wire.connections
        for _ in range(15 * 60):
            if wire.connections > before:
                break
            await asyncio.sleep(1)
        wire.silent = False
        house.fault_ended = 0
        await house.quiet()


async def numbered_anew(house: House) -> None:
    """Fault 10: the folder gets another UIDVALIDITY, once while nobody looks and once under our eyes."""
    assert house.dovecot is not None
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.deliver(house.tokens(10))
    await house.quiet()
    house.server.kill()
    _forget_numbers(house)
    house.deliver(house.tokens(3))
    await asyncio.to_thread(house.server.start)
    await house.quiet()
    _forget_numbers(house)
    house.deliver(house.tokens(3))
    house.fault_ended = 0
    await house.quiet(240)


def _forget_numbers(house: House) -> None:
    assert house.dovecot is not None
    house.dovecot.stop()
    for path in house.dovecot.maildir.glob("dovecot*"):
        path.unlink()
    house.dovecot.start()


async def somebody_else_cleans_up(house: House) -> None:
    """Fault 12: another client reads and removes mails while we fetch; what we fetched stays, what was gone before is told."""
    assert house.dovecot is not None
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.deliver(house.tokens(60))
    for _ in range(20):
        await asyncio.sleep(0.05)
        found = [path for folder in ("new", "cur") for path in (house.dovecot.maildir / folder).glob("*")]
        for path in house.dice.sample(found, min(2, len(found))):
            with contextlib.suppress(OSError):
                words = path.read_bytes()
                token = next((t for t in house.at_source if f"<{t}@".encode() in words), None)
                path.unlink()
                if token:
                    house.may_be_gone.add(token)
    await house.quiet()


async def the_same_again(house: House) -> None:
    """Faults 15 and 16: mails come twice, under one id with other words, and answers before what they answer."""
    assert house.dovecot is not None
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    chain = house.tokens(8)
    letters = [letter(token, answers=f"<{chain[n - 1]}@example.com>" if n else None) for n, token in enumerate(chain)]
    order = list(range(8))
    house.dice.shuffle(order)
    house.deliver([chain[n] for n in order], [letters[n] for n in order])
    house.deliver([chain[n] for n in order[:4]], [letters[n] for n in order[:4]])
    house.at_source = chain
    await house.quiet()


async def two_read_one_mailbox(house: House) -> None:
    """Fault 17: two processes, one mailbox; the holder is stopped past its lease and comes back as if nothing had been."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    other = Server(house.server.folder, house.server.database_url)
    await asyncio.to_thread(other.start)
    try:
        house.deliver(house.tokens(20))
        await asyncio.sleep(0.3)
        house.server.signal(signal.SIGSTOP)
        house.deliver(house.tokens(10))
        await asyncio.sleep(LEASE)
        house.server.signal(signal.SIGCONT)
        house.deliver(house.tokens(10))
        await house.quiet()
    finally:
        other.kill()
