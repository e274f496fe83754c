"""Servers and networks that misbehave: nothing is lost, nothing is taken twice, everything is bounded."""

import asyncio
import contextlib
import time
from typing import Any

import pytest

from contact_center.channels.email import imap, imap_line
from contact_center.channels.email.imap import ImapReader
from contact_center.channels.email.options import EmailOptions
from contact_center.errors import ChannelAuthFailed, ChannelError, ChannelUnavailable
from tests.channels.doubles import MemoryInbox
from tests.channels.email.fake_imap import FakeImap, serving
from tests.channels.email.mailboxes import Mailbox, a_mail, put
from tests.journeys.proxy import Proxy


async def read(options: EmailOptions, inbox: MemoryInbox, seconds: float = 60.0) -> None:
    """Read until the mailbox was caught up with. Raises what the reader raises."""
    inbox.reports.clear()
    task = asyncio.create_task(ImapReader(options).run(inbox))
    caught_up = asyncio.create_task(inbox.until(lambda: bool(inbox.reports), seconds))
    try:
        await asyncio.wait([task, caught_up], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        await caught_up
    finally:
        for each in (task, caught_up):
            each.cancel()
            with contextlib.suppress(asyncio.CancelledError, ChannelError, TimeoutError):
                await each


def mails(count: int) -> dict[int, bytes]:
    return {uid: a_mail(f"mail {uid} " + "x" * 200) for uid in range(1, count + 1)}


@pytest.mark.parametrize("cut", [1, 100, len(mails(1)[1]) - 1])
async def test_a_literal_cut_in_the_middle(inbox: MemoryInbox, cut: int) -> None:
    """A connection that breaks within a mail: no half mail is stored, and every mail comes once."""
    async with serving(FakeImap(mails(5), cut_after=cut)) as fake:
        await read(fake.options(), inbox)
        assert sorted(inbox.contents()) == sorted(fake.mails.values())


class CuttingProxy(Proxy):
    """Breaks the first connections after so many bytes of the server's."""

    def __init__(self, target: int, limits: list[int]) -> None:
        super().__init__(target)
        self.limits = limits
        self.asleep = False

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        left = self.limits.pop() if self.limits else 10**12
        with contextlib.suppress(OSError):
            while data := await source.read(4096):
                if self.asleep:
                    await asyncio.sleep(3600)
                target.write(data[:left])
                left -= len(data)
                await target.drain()
                if left <= 0:
                    break
        target.transport.abort()


@contextlib.asynccontextmanager
async def cutting(target: int, limits: list[int]) -> Any:
    made = CuttingProxy(target, limits)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.cut()
        server.close()
        await asyncio.sleep(0.01)


async def test_a_real_server_behind_a_line_that_breaks(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """Whatever byte the line breaks at, the next connection brings the rest, and each mail once."""
    sent = [a_mail(f"m{number} " + "y" * 3000) for number in range(12)]
    await put(mailbox, *sent)
    for limit in (900, 2_000, 5_000, 20_000, 35_000):
        async with cutting(mailbox.server.port, [limit] * 3) as proxy:
            with contextlib.suppress(ChannelUnavailable):
                await read(mailbox.options(imap_port=proxy.port), inbox)
    await read(mailbox.options(), inbox)
    assert sorted(inbox.contents()) == sorted(sent)


async def test_a_size_that_is_a_lie(inbox: MemoryInbox) -> None:
    """A mail far larger than the server said is fetched in pieces; one far smaller as it is."""
    big = b"Subject: big\r\n\r\n" + b"z" * (imap_line.CHUNK * 3)
    async with serving(FakeImap({1: a_mail("a"), 2: big, 3: a_mail("c")}, claims={1: 10_000_000, 2: 10})) as fake:
        await read(fake.options(), inbox)
        assert sorted(inbox.contents()) == sorted(fake.mails.values())


async def test_a_literal_without_end(inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal that claims hundreds of gigabytes is not waited for, and none of it is held."""
    monkeypatch.setattr(imap, "PATIENCE", 2)
    async with serving(FakeImap(mails(3), literal=300 * 1024**3)) as fake:
        started = time.monotonic()
        with pytest.raises(ChannelUnavailable):
            await read(fake.options(), inbox)
        assert (inbox.items, time.monotonic() - started < 10) == ({}, True)


GARBAGE = {
    "bye": b"* BYE going down\r\n",
    "binary": bytes(range(256)) * 20 + b"\r\n",
    "wrong tag": b"zz99 OK done\r\n",
    "unbalanced": b"* 1 FETCH (UID ((((((\r\nTAG OK done\r\n",
    "no number": b"* SEARCH one two\r\nTAG OK done\r\n",
    "deep": b"* 1 FETCH " + b"(" * 100_000 + b"\r\nTAG OK done\r\n",
    "endless line": b"* " + b"a" * 3_000_000,
    "no": b"TAG NO not now\r\n",
    "bad": b"TAG BAD what\r\n",
}


@pytest.mark.parametrize("command", ["EXAMINE", "SEARCH", "FETCH"])
@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage(inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch, command: str, name: str) -> None:
    """Whatever is answered, it ends in a channel error, or the mail is reported as not handed over; nothing is entered as gone."""
    monkeypatch.setattr(imap_line, "SOCKET_TIMEOUT", 1.0)
    monkeypatch.setattr(imap, "PATIENCE", 2)
    async with serving(FakeImap(mails(3), instead={command: GARBAGE[name]})) as fake:
        with contextlib.suppress(ChannelError):
            await read(fake.options(), inbox, 20)
            assert not inbox.items or command == "SEARCH"
        assert not [item for item in inbox.items.values() if item.envelope.get("gone")]
        fake.instead.clear()
        await read(fake.options(), inbox)
        assert sorted(inbox.contents()) == sorted(fake.mails.values())


async def test_a_greeting_that_drips(inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends a byte now and then is given up, however alive it seems."""
    monkeypatch.setattr(imap_line.Line.call, "__kwdefaults__", {"seconds": 1.0})
    async with serving(FakeImap(mails(1), pace=0.2)) as fake:
        started = time.monotonic()
        with pytest.raises(ChannelUnavailable, match="too slowly"):
            await read(fake.options(), inbox)
        assert time.monotonic() - started < 5


async def test_one_mail_that_is_never_handed_over(inbox: MemoryInbox) -> None:
    """It stops no other mail, is not taken for gone, is told, and is fetched when the server is mended."""
    async with serving(FakeImap(mails(5), stuck={3})) as fake:
        await read(fake.options(), inbox)
        assert len(inbox.items) == 4
        assert "3" in inbox.details[-1]
        fake.stuck.clear()
        await read(fake.options(), inbox)
        assert sorted(inbox.contents()) == sorted(fake.mails.values())
        assert inbox.details[-1] == ""


async def test_numbers_that_are_used_again(inbox: MemoryInbox) -> None:
    """A server restored from a backup gives old numbers to new mails and says nothing: they are fetched all the same."""
    async with serving(FakeImap(mails(5))) as fake:
        await read(fake.options(), inbox)
        fake.mails = {1: fake.mails[1], 2: fake.mails[2], 3: a_mail("after the restore")}
        await read(fake.options(), inbox)
        assert a_mail("after the restore") in inbox.contents()
        assert all(item.envelope.get("renumbered") for key, item in inbox.items.items() if ":7.1:" in key)
        await read(fake.options(), inbox)
        assert len(inbox.items) == 8


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("NO [AUTHENTICATIONFAILED] wrong", ChannelAuthFailed),
        ("NO [ALERT] account is locked", ChannelAuthFailed),
        ("NO [EXPIRED] password", ChannelAuthFailed),
        ("NO [UNAVAILABLE] backend", ChannelUnavailable),
        ("NO [ALERT] Too many simultaneous connections", ChannelUnavailable),
        ("BAD what", ChannelAuthFailed),
    ],
)
async def test_a_refused_login_is_tried_once(inbox: MemoryInbox, answer: str, expected: type[Exception]) -> None:
    """Only what passes by itself is tried again soon; a wrong password is offered once, so that no account gets locked."""
    async with serving(FakeImap(mails(1), login=answer)) as fake:
        with pytest.raises(expected):
            await read(fake.options(), inbox)
        assert fake.logins == 1


async def test_a_half_open_line_is_found_out(mailbox: Mailbox, inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that died without a word while we waited ends in an error when the next look is due."""
    assert imap.IDLE_REFRESH + imap_line.SOCKET_TIMEOUT < 15 * 60
    monkeypatch.setattr(imap, "IDLE_REFRESH", 2.0)
    monkeypatch.setattr(imap_line, "SOCKET_TIMEOUT", 2.0)
    monkeypatch.setattr(imap_line, "IDLE_SLICE", 0.5)
    async with cutting(mailbox.server.port, []) as proxy:
        task = asyncio.create_task(ImapReader(mailbox.options(imap_port=proxy.port)).run(inbox))
        await inbox.until(lambda: bool(inbox.reports))
        proxy.asleep = True
        with pytest.raises(ChannelUnavailable):
            await asyncio.wait_for(task, 20)
