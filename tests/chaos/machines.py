"""Faults 7, 21 to 25, 42, 43, 47 and 48: the database, the disk, the clock and the memory."""

import asyncio
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from aiosmtpd.smtp import Envelope

from tests.chaos.house import House
from tests.chaos.peers import wire_to


async def killed_at_a_system_call(house: House) -> None:
    """Fault 7: kill -9 at a write or a sync that nobody chose."""
    strace = _need("strace")
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    for call in ("pwrite64", "fdatasync", "pwrite64"):
        house.server.kill()
        place = house.dice.randrange(20, 160) if call == "pwrite64" else house.dice.randrange(2, 20)
        watch = [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={place}"]
        await asyncio.to_thread(house.server.start, "", before=watch)
        house.customers_send(house.tokens(10))
        house.deliver(house.tokens(10))
        for _ in range(100):
            if not house.server.alive:
                break
            await asyncio.sleep(0.1)
        house.server.kill()
        await asyncio.to_thread(house.server.start)
    await house.customers_done()
    await house.quiet()


async def locked(house: House) -> None:
    """Fault 21: another program holds the database for longer than anybody waits."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.deliver(house.tokens(5))
    house.customers_send(house.tokens(10))
    other = sqlite3.connect(house.server.folder / "contact-center.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    house.deliver(house.tokens(5))
    await asyncio.sleep(12)
    house.told("database is locked", "busy")
    other.execute("ROLLBACK")
    other.close()
    house.fault_ended = time.monotonic()
    await house.customers_done()
    await house.quiet()


async def full_disk(house: House) -> None:
    """Fault 22: no room for another page; nothing is said yes to, and all comes in when there is room again."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.server.kill()
    size = (house.server.folder / "contact-center.sqlite3").stat().st_size >> 20
    # A limit on the size of files says the same to a program as a disk that is full.
    await asyncio.to_thread(house.server.start, "", file_mb=size + 1)
    house.deliver(house.tokens(30), None)
    house.customers_send(house.tokens(30))
    await asyncio.sleep(10)
    house.told("disk is full", "disk I/O error")
    house.server.kill()
    await asyncio.to_thread(house.server.start)
    house.fault_ended = time.monotonic()
    await house.customers_done()
    await house.quiet()


async def full_log_and_tmp(house: House) -> None:
    """Fault 22: no room for another line of the log, nor for anything in /tmp; mail goes on all the same, both ways."""
    crowded = house.folder / "tmp"
    crowded.mkdir()
    fill = 'mount -t tmpfs -o size=64k tmpfs "$TMPDIR" && { cat /dev/zero > "$TMPDIR/full" 2> /dev/null; exec "$@"; }'
    await asyncio.to_thread(
        house.server.start,
        before=[_need("unshare"), "--user", "--map-root-user", "--mount", "sh", "-c", fill, "sh"],
        log=Path("/dev/full"),
        TMPDIR=str(crowded),
        CONTACT_CENTER_LOG_LEVEL="debug",
    )
    await house.connect_mailbox()
    house.deliver(house.tokens(10))
    house.customers_send(house.tokens(10))
    house.sink.verdict = _once_later()
    await house.reply("words that nobody can log")
    await house.customers_done()
    house.fault_ended = time.monotonic()
    await house.quiet(120)
    assert house.server.starts == 1, "it died of a log that it could not write"


def _once_later() -> Callable[[str, Envelope], str | None]:
    left = ["451 later"]
    return lambda at, _envelope: left.pop() if at == "DATA" and left else None


async def a_sync_fails(house: House) -> None:
    """Fault 23: the disk says once that it could not keep what it was given."""
    strace = _need("strace")
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.server.kill()
    watch = [strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=6"]
    await asyncio.to_thread(house.server.start, "", before=watch)
    house.customers_send(house.tokens(10))
    house.deliver(house.tokens(10))
    await asyncio.sleep(6)
    await house.customers_done()
    house.told("disk I/O error")
    house.server.kill()
    await asyncio.to_thread(house.server.start)
    await house.quiet()


async def cut_at_commit(house: House) -> None:
    """Fault 24: the line to PostgreSQL breaks at COMMIT: before it arrives, and before its yes comes back."""
    parts = urlsplit(house.server.database_url)
    async with wire_to(parts.port or 5432) as wire:
        through = parts._replace(netloc=f"{parts.username}@127.0.0.1:{wire.port}")
        house.server.database_url = urlunsplit(through)
        await asyncio.to_thread(house.server.start)
        await house.connect_mailbox()
        house.customers_send(house.tokens(30))
        house.deliver(house.tokens(30))
        for far in (False, True, False, True):
            wire.cut_when = lambda data, from_far, far=far: from_far is far and b"COMMIT" in data and house.dice.random() < 0.3
            await asyncio.sleep(2)
        wire.cut_when = None
        house.fault_ended = time.monotonic()
        await house.reply("after the storm")
        await house.customers_done()
        await house.quiet()


async def wrong_clock(house: House) -> None:
    """Fault 42: the machine's clock is a day behind, then a day ahead, then right."""
    faketime = _need("faketime")
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    for shift in ("-1d", "+1d", "-1h"):
        house.server.kill()
        await asyncio.to_thread(
            house.server.start, "", before=[faketime, "-f", shift], FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1"
        )
        house.deliver(house.tokens(5))
        house.customers_send(house.tokens(5))
        await house.customers_done()
        await asyncio.sleep(3)
    house.server.kill()
    await asyncio.to_thread(house.server.start)
    house.fault_ended = time.monotonic()
    await house.quiet()


async def killed_while_migrating(house: House) -> None:
    """Fault 43: killed in the middle of making the tables; the next start makes them whole."""
    for path in house.server.folder.glob("contact-center.sqlite3*"):
        path.unlink()
    assert not await asyncio.to_thread(house.server.start, "migrate.step=kill")
    assert await asyncio.to_thread(house.server.start)
    house.customers_send(house.tokens(5))
    await house.customers_done()
    await house.quiet()


async def told_to_stop(house: House) -> None:
    """Fault 47: SIGTERM while mail pours in: it ends by itself within twenty seconds, and nothing was promised in vain."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.customers_send(house.tokens(40))
    house.deliver(house.tokens(40))
    await asyncio.sleep(0.5)
    house.server.signal(signal.SIGTERM)
    assert house.server.process is not None
    await asyncio.to_thread(house.server.process.wait, 25)
    await asyncio.to_thread(house.server.start)
    house.fault_ended = time.monotonic()
    await house.customers_done()
    await house.quiet()


async def short_of_memory(house: House) -> None:
    """Fault 48: the process may have little memory, and what is parsed wants much."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.server.kill()
    await asyncio.to_thread(house.server.start, "", memory_mb=900)
    tokens = house.tokens(6)
    house.deliver(tokens, [_heavy(token) for token in tokens])
    house.customers_send(house.tokens(10))
    await asyncio.sleep(10)
    house.server.kill()
    await asyncio.to_thread(house.server.start)
    house.fault_ended = time.monotonic()
    await house.customers_done()
    await house.quiet()


def _heavy(token: str) -> bytes:
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "c@example.com", "box@example.org", token, f"<{token}@example.com>"
    mail.set_content("heavy")
    mail.add_attachment(b"x" * (24 << 20), maintype="application", subtype="octet-stream", filename="big.bin")
    return mail.as_bytes()


def _need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"{program} is missing: install Debian's {program}")
    return found
