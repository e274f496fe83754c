"""The embedded receiver over a real socket: what is acknowledged is stored, and what is not stored is not acknowledged."""

import asyncio
import contextlib
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from contact_center.channels.base import Environment
from contact_center.channels.email import receiver
from contact_center.channels.email.receiver import MailReceiver
from contact_center.errors import ChannelMisconfigured, Unavailable
from tests.channels.doubles import MemoryInbox, an_account

T = TypeVar("T")
MAIL = b"From: ivan@example.org\r\nSubject: Order\r\n\r\nWhere is it?\r\n"
MIB = 1024 * 1024


class Door:
    """A running receiver with mailboxes for support@ and sales@example.com."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.support, self.sales, self.anybody = (MemoryInbox(folder / name) for name in ("support", "sales", "anybody"))
        for inbox in (self.support, self.sales, self.anybody):
            inbox.folder.mkdir()
        self.accounts = [(an_account(), self.support), (an_account("Sales@Example.com"), self.sales)]
        self.receiver = MailReceiver("127.0.0.1:0", max_bytes, Environment(folder, "mx.example.com"))

    @property
    def port(self) -> int:
        assert self.receiver.port is not None
        return self.receiver.port

    def submit(self, content: bytes, *recipients: str, sender: str = "ivan@example.org") -> tuple[int, bytes]:
        """Send `content` as it is; the reply to the final dot."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.ehlo("client.example.org")
            for code, answer in (client.mail(sender), *(client.rcpt(name) for name in recipients or ("support@example.com",))):
                if code != 250:
                    return code, answer
            return client.data(content)

    def talk(self, *chunks: bytes) -> str:
        """Say `chunks` at once, then QUIT; everything that was answered."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall(b"".join(chunks) + b"QUIT\r\n")
            answer = b""
            while data := connection.recv(65536):
                answer += data
        return answer.decode()


async def in_thread(work: Callable[..., T], *args: Any, **named: Any) -> T:
    return await asyncio.to_thread(work, *args, **named)


@contextlib.asynccontextmanager
async def a_door(folder: Path, max_bytes: int = 64 * MIB) -> AsyncIterator[Door]:
    door = Door(folder, max_bytes)
    task = asyncio.create_task(door.receiver.run(lambda: door.accounts))
    while door.receiver.port is None and not task.done():
        await asyncio.sleep(0.01)
    try:
        yield door
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with a_door(tmp_path) as opened:
        yield opened


HELLO = b"EHLO client.example.org\r\nMAIL FROM:<ivan@example.org>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n"


async def test_a_mail_is_stored_with_its_envelope(door: Door) -> None:
    """A mail arrives byte for byte, with sender and recipients beside it."""
    code, _ = await in_thread(door.submit, MAIL)
    (item,) = door.support.items.values()
    assert (code, item.content) == (250, MAIL)
    assert item.envelope == {"mail_from": "ivan@example.org", "rcpt_to": ["support@example.com"]}


async def test_250_comes_after_the_commit(door: Door) -> None:
    """The client hears 250 only when accept has returned."""
    gate = asyncio.Event()
    accept = door.support.accept

    async def slow(*args: Any) -> None:
        await gate.wait()
        await accept(*args)

    door.support.accept = slow  # type: ignore[method-assign]
    sending = asyncio.create_task(in_thread(door.submit, MAIL))
    done, _ = await asyncio.wait([sending], timeout=0.3)
    assert not done
    gate.set()
    assert (await sending)[0] == 250
    assert door.support.log == ["accepted"]


@pytest.mark.parametrize("failure", [Unavailable(), OSError("disk full"), RuntimeError("a bug of ours")], ids=lambda e: type(e).__name__)
async def test_a_failed_commit_keeps_the_mail_at_the_sender(door: Door, failure: Exception) -> None:
    """Whatever goes wrong while storing, the answer is 451, never 250 and never a final 5xx."""
    door.support.failure = failure
    code, _ = await in_thread(door.submit, MAIL)
    assert code == 451
    assert not door.support.items


async def test_a_full_disk_keeps_a_large_mail_at_the_sender(door: Door) -> None:
    """When the file for a large mail cannot be written, the sender hears 451 after its final dot."""

    def full() -> Path:
        raise OSError("no space left")

    door.support.new_file = full  # type: ignore[method-assign]
    code, _ = await in_thread(door.submit, MAIL + b"x" * 70 + b"\r\n" + (b"y" * 76 + b"\r\n") * 120_000)
    assert code == 451


async def test_an_unknown_recipient_is_refused(door: Door) -> None:
    """An address that nobody owns gets 550 at RCPT."""
    assert (await in_thread(door.submit, MAIL, "nobody@example.com"))[0] == 550


async def test_a_recipient_switched_off_before_the_dot_is_asked_again(door: Door) -> None:
    """A mailbox that vanishes between RCPT and the final dot answers 451, not 250 and not 550."""

    def late() -> int:
        with smtplib.SMTP("127.0.0.1", door.port, timeout=30) as client:
            client.ehlo("client.example.org")
            client.mail("ivan@example.org")
            client.rcpt("support@example.com")
            door.accounts.clear()
            return client.data(MAIL)[0]

    assert await in_thread(late) == 451


@pytest.mark.parametrize(
    "recipient", ["SUPPORT@EXAMPLE.COM", "support+t12-abcdef0123@example.com", "support+a+b@example.com"], ids=["case", "token", "two-plus"]
)
async def test_plus_addresses_and_case(door: Door, recipient: str) -> None:
    """A plus-part and letter case do not matter; the envelope keeps the address as it was named."""
    await in_thread(door.submit, MAIL, recipient)
    (item,) = door.support.items.values()
    assert item.envelope["rcpt_to"] == [recipient]


async def test_a_catch_all_takes_the_rest(door: Door) -> None:
    """With a catch-all mailbox an unknown address is accepted there."""
    door.accounts.append((an_account("any@example.com", catch_all=True), door.anybody))
    assert (await in_thread(door.submit, MAIL, "nobody@elsewhere.example"))[0] == 250
    assert len(door.anybody.items) == 1
    assert not door.support.items


async def test_the_null_sender_is_welcome(door: Door) -> None:
    """A bounce, whose sender is <>, is taken and its sender is empty."""
    assert (await in_thread(door.submit, MAIL, sender="<>"))[0] == 250
    (item,) = door.support.items.values()
    assert item.envelope["mail_from"] == ""


async def test_recipient_needs_a_sender_first(door: Door) -> None:
    """RCPT before MAIL is out of order."""
    answer = await in_thread(door.talk, b"EHLO c\r\nRCPT TO:<support@example.com>\r\n")
    assert "503" in answer


async def test_dots_are_unstuffed(door: Door) -> None:
    """Lines that begin with dots arrive as they were before the transport doubled the dot."""
    content = b"Subject: dots\r\n\r\n.one\r\n..two\r\n...\r\nend.\r\n"
    await in_thread(door.submit, content)
    assert door.support.contents() == [content]


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 3 * MIB + 17])
async def test_lines_of_any_length(door: Door, size: int) -> None:
    """A line beyond the protocol's length arrives whole."""
    content = b"Subject: long\r\n\r\n" + b"z" * size + b"\r\n.after\r\n"
    assert (await in_thread(door.submit, content))[0] == 250
    assert door.support.contents() == [content]


async def test_lmtp_answers_for_each_recipient(door: Door) -> None:
    """After LHLO every accepted recipient gets an answer of its own; one failing store fails only its own."""
    door.sales.failure = Unavailable()
    answer = await in_thread(
        door.talk,
        b"LHLO client\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<support@example.com>\r\nRCPT TO:<sales@example.com>\r\nDATA\r\n",
        MAIL + b".\r\n",
    )
    after = answer.partition("354 ")[2].splitlines()[1:]
    assert [line[:3] for line in after] == ["250", "451", "221"]


async def test_too_large_is_refused_for_good(tmp_path: Path) -> None:
    """A mail beyond the limit gets 552, is not stored, and the connection goes on."""
    async with a_door(tmp_path, max_bytes=1000) as door:
        answer = await in_thread(door.talk, HELLO, b"x" * 2000 + b"\r\n.\r\n", b"NOOP\r\n")
        assert "552" in answer
        assert "221" in answer
        assert not door.support.items


async def test_an_announced_size_is_refused_at_once(tmp_path: Path) -> None:
    """A SIZE beyond the limit is refused at MAIL already."""
    async with a_door(tmp_path, max_bytes=1000) as door:
        assert "552" in await in_thread(door.talk, b"EHLO c\r\nMAIL FROM:<a@example.org> SIZE=5000\r\n")


async def test_a_large_mail_goes_to_a_file(door: Door) -> None:
    """A mail beyond the limit for memory is adopted as a file, and nothing is left behind."""
    content = b"Subject: big\r\n\r\n" + (b"q" * 76 + b"\r\n") * 120_000
    assert (await in_thread(door.submit, content))[0] == 250
    (item,) = door.support.items.values()
    assert (item.content, item.size) == (None, len(content))
    assert door.support.contents() == [content]
    assert len(list(door.support.folder.iterdir())) == 1


async def test_a_file_is_removed_when_the_client_goes(door: Door) -> None:
    """A connection that breaks in the middle of a large mail leaves no file and no item."""

    def broken() -> None:
        with socket.create_connection(("127.0.0.1", door.port), 30) as connection:
            connection.sendall(HELLO + (b"q" * 76 + b"\r\n") * 200_000)

    created = asyncio.Event()
    new_file = door.support.new_file

    def watched() -> Path:
        created.set()
        return new_file()

    door.support.new_file = watched  # type: ignore[method-assign]
    await in_thread(broken)
    await asyncio.wait_for(created.wait(), 10)
    async with asyncio.timeout(10):
        while list(door.support.folder.iterdir()):
            await asyncio.sleep(0.02)
    assert not door.support.items


async def test_two_mailboxes_get_one_mail_each(door: Door) -> None:
    """A mail to two of our addresses is stored in both inboxes, once in each."""
    assert (await in_thread(door.submit, MAIL, "support@example.com", "sales@example.com", "sales+x@example.com"))[0] == 250
    assert door.support.contents() == [MAIL]
    assert door.sales.contents() == [MAIL]


async def test_one_failing_mailbox_makes_the_client_come_again(door: Door) -> None:
    """SMTP has one answer: when one of two stores fails it is 451, and the second attempt adds nothing twice."""
    door.sales.failure = Unavailable()
    first = await in_thread(door.submit, MAIL, "support@example.com", "sales@example.com")
    door.sales.failure = None
    second = await in_thread(door.submit, MAIL, "support@example.com", "sales@example.com")
    assert (first[0], second[0]) == (451, 250)
    assert (len(door.support.items), len(door.sales.items)) == (1, 1)


SMUGGLED = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<support@example.com>\r\nDATA\r\nSubject: forged\r\n\r\nforged\r\n.\r\n"


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\x00.\r\n"], ids=repr)
async def test_smuggled_ends_do_not_make_two_mails(door: Door, end: bytes) -> None:
    """Only CRLF dot CRLF ends a mail: with bare CR or LF the forged second mail stays text of the first."""
    await in_thread(door.talk, HELLO, b"Subject: one\r\n\r\nfirst" + end + SMUGGLED)
    (content,) = door.support.contents()
    assert b"forged" in content


async def test_the_clock_starts_anew_while_a_mail_comes(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that takes longer than the session's limit is not cut off as long as bytes arrive."""
    resets = 0
    reset = receiver._Protocol._reset_timeout

    def counted(self: Any, *args: Any) -> None:
        nonlocal resets
        resets += 1
        reset(self, *args)

    monkeypatch.setattr(receiver._Protocol, "_reset_timeout", counted)
    await in_thread(door.submit, b"Subject: slow\r\n\r\n" + (b"q" * 76 + b"\r\n") * 20_000)
    assert resets > 20


async def test_a_taken_port_is_a_wrong_setting(door: Door, tmp_path: Path) -> None:
    """When somebody listens on the port already, the error says so and nothing is retried blindly."""
    second = MailReceiver(f"127.0.0.1:{door.port}", MIB, Environment(tmp_path, "mx"))
    with pytest.raises(ChannelMisconfigured, match="cannot listen"):
        await second.run(list)
