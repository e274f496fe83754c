"""Reading a mailbox of a real Dovecot: every mail once, no flag touched, whatever happens to the connection."""

import asyncio
import contextlib
import imaplib
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from imapclient import IMAPClient

from contact_center.channels.email import imap
from contact_center.channels.email.imap import ImapReader
from contact_center.channels.email.options import EmailOptions
from contact_center.errors import ChannelAuthFailed, ChannelError, ChannelMisconfigured, ChannelUnavailable
from tests.channels.doubles import MemoryInbox
from tests.servers import Dovecot

_numbers = count(1)


class Mailbox:
    """A user of the server, with an empty INBOX."""

    def __init__(self, server: Dovecot) -> None:
        self.server = server
        self.user = f"user{next(_numbers)}"

    @property
    def maildir(self) -> Path:
        return self.server.folder / "mail" / self.user / "Maildir"

    def options(self, **changes: object) -> EmailOptions:
        values = {"imap_host": "127.0.0.1", "imap_port": self.server.port, "imap_security": "none"}
        return EmailOptions.model_validate(values | {"imap_user": self.user, "imap_password": "secret"} | changes)

    @contextlib.contextmanager
    def client(self) -> Iterator[IMAPClient]:
        client = IMAPClient("127.0.0.1", self.server.port, ssl=False, timeout=30)
        client.login(self.user, "secret")
        client.select_folder("INBOX")
        try:
            yield client
        finally:
            client.logout()

    def put(self, *mails: bytes, flags: tuple[bytes, ...] = ()) -> None:
        with self.client() as client:
            for mail in mails:
                client.append("INBOX", mail, flags)

    def flags(self) -> dict[int, tuple[bytes, ...]]:
        with self.client() as client:
            return dict(client.get_flags(client.search("ALL")))


def a_mail(text: str = "hello") -> bytes:
    return f"From: ivan@example.org\r\nSubject: {text}\r\nMessage-ID: <{text}@example.org>\r\n\r\n{text}\r\n".encode()


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Mailbox:
    return Mailbox(dovecot)


@pytest.fixture
def inbox(tmp_path: Path) -> MemoryInbox:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return MemoryInbox(folder)


@contextlib.asynccontextmanager
async def reading(mailbox: Mailbox, inbox: MemoryInbox, **changes: object) -> AsyncIterator[asyncio.Task[None]]:
    """A reader at work; its errors are raised at the end of waiting."""
    task = asyncio.create_task(ImapReader(mailbox.options(**changes)).run(inbox))
    caught_up = asyncio.create_task(inbox.until(lambda: bool(inbox.reports)))
    await asyncio.wait([task, caught_up], return_when=asyncio.FIRST_COMPLETED)
    caught_up.cancel()
    if task.done():
        task.result()
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChannelError):
            await task


async def catch_up(mailbox: Mailbox, inbox: MemoryInbox, **changes: object) -> None:
    inbox.reports.clear()
    async with reading(mailbox, inbox, **changes):
        pass


async def put(mailbox: Mailbox, *mails: bytes) -> None:
    await asyncio.to_thread(mailbox.put, *mails)


async def test_a_backlog_is_fetched_with_its_times(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """Everything in the folder arrives byte for byte, with the server's time of receipt."""
    mails = [a_mail(f"m{number}") for number in range(30)]
    await put(mailbox, *mails)
    before = time.time()
    await catch_up(mailbox, inbox)
    assert sorted(inbox.contents()) == sorted(mails)
    assert all(item.source_time and abs(item.source_time.timestamp() - before) < 120 for item in inbox.items.values())


async def test_nothing_is_marked_as_read(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """Reading changes no flag that people see."""
    await put(mailbox, a_mail("one"), b"Subject: big\r\n\r\n" + b"x" * 76 + b"\r\n")
    await catch_up(mailbox, inbox)
    assert all(b"\\Seen" not in flags for flags in (await asyncio.to_thread(mailbox.flags)).values())


async def test_new_mail_comes_by_idle(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """A mail that arrives while the reader waits is there long before any poll."""
    async with reading(mailbox, inbox):
        for number in range(3):
            await put(mailbox, a_mail(f"live{number}"))
            await inbox.until(lambda number=number: len(inbox.items) == number + 1, 20)  # type: ignore[misc]
    assert len(inbox.contents()) == 3


async def test_mail_that_others_read_is_not_lost(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """Flags set by people, before or while the reader is away, hide no mail."""
    await asyncio.to_thread(mailbox.put, a_mail("read"), flags=(b"\\Seen", b"\\Flagged", b"\\Answered"))
    await catch_up(mailbox, inbox)
    await asyncio.to_thread(mailbox.put, a_mail("read while away"), flags=(b"\\Seen",))
    await catch_up(mailbox, inbox)
    assert len(inbox.items) == 2


async def test_a_second_connection_fetches_nothing_again(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """What the ledger holds is not accepted a second time."""
    await put(mailbox, a_mail("once"))
    await catch_up(mailbox, inbox)
    await catch_up(mailbox, inbox)
    assert inbox.log == ["accepted"]


async def test_a_gap_below_the_cursor_is_filled(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """A mail missing from the ledger is fetched at the next connection although the cursor stands above it."""
    await put(mailbox, a_mail("a"), a_mail("b"), a_mail("c"))
    await catch_up(mailbox, inbox)
    del inbox.items[sorted(inbox.items)[0]]
    await catch_up(mailbox, inbox)
    assert len(inbox.items) == 3


async def test_a_failed_commit_is_repeated(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """When accept fails the cursor does not move, and the next connection brings the mail."""
    await put(mailbox, a_mail("again"))
    inbox.failure = ChannelUnavailable("the database is away")
    with pytest.raises(ChannelUnavailable):
        await catch_up(mailbox, inbox)
    assert not inbox.cursors
    inbox.failure = None
    await catch_up(mailbox, inbox)
    assert inbox.contents() == [a_mail("again")]


def forget_index(mailbox: Mailbox) -> None:
    """Make the server assign a new UIDVALIDITY, as after a restored backup."""
    mailbox.server.stop()
    for path in mailbox.maildir.rglob("dovecot*"):
        if path.is_file():
            path.unlink()
    time.sleep(1.1)  # UIDVALIDITY is a time in seconds
    mailbox.server.start()


async def test_a_new_uidvalidity_loses_nothing(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """After the server renumbers the folder every mail is offered under a new key, the new one among them."""
    await put(mailbox, a_mail("old"))
    await catch_up(mailbox, inbox)
    (old,) = inbox.cursors.values()
    await asyncio.to_thread(forget_index, mailbox)
    await put(mailbox, a_mail("new"))
    await catch_up(mailbox, inbox)
    (new,) = inbox.cursors.values()
    assert new["uidvalidity"] != old["uidvalidity"]
    assert sorted(inbox.contents()) == sorted([a_mail("old"), a_mail("old"), a_mail("new")])


async def test_a_server_that_stops_is_unavailable(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """A connection that breaks while waiting ends in ChannelUnavailable, and a down server too."""
    async with reading(mailbox, inbox) as task:
        await asyncio.to_thread(mailbox.server.stop)
        try:
            with pytest.raises(ChannelUnavailable):
                await asyncio.wait_for(asyncio.shield(task), 30)
            with pytest.raises(ChannelUnavailable):
                await ImapReader(mailbox.options()).check()
        finally:
            await asyncio.to_thread(mailbox.server.start)


async def test_a_wrong_password(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """A refused password asks for a new one, in the check and at work."""
    with pytest.raises(ChannelAuthFailed):
        await ImapReader(mailbox.options(imap_password="wrong")).check()
    with pytest.raises(ChannelAuthFailed):
        await catch_up(mailbox, inbox, imap_password="wrong")


@pytest.mark.parametrize("password", ['quo"te', "back\\slash", "пароль", ""], ids=["quote", "backslash", "russian", "empty"])
async def test_odd_passwords_are_refused_not_crashed(mailbox: Mailbox, password: str) -> None:
    """Any characters may be in a password; the wrong one is refused in the ordinary way."""
    with pytest.raises(ChannelAuthFailed):
        await ImapReader(mailbox.options(imap_password=password)).check()


async def test_a_missing_folder(mailbox: Mailbox) -> None:
    """A folder that does not exist is a wrong setting."""
    with pytest.raises(ChannelMisconfigured, match="Nowhere"):
        await ImapReader(mailbox.options(imap_folder="Nowhere")).check()


async def test_a_folder_with_a_russian_name(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """Folder names beyond ASCII work."""

    def fill() -> None:
        with mailbox.client() as client:
            client.create_folder("Заявки & Co")
            client.append("Заявки & Co", a_mail("ru"))

    await asyncio.to_thread(fill)
    await catch_up(mailbox, inbox, imap_folder="Заявки & Co")
    assert inbox.contents() == [a_mail("ru")]


async def test_no_tls_where_tls_is_wanted(mailbox: Mailbox) -> None:
    """Without STARTTLS on the server the settings are to blame, and no password is sent in plain text."""
    with pytest.raises(ChannelMisconfigured, match="STARTTLS"):
        await ImapReader(mailbox.options(imap_security="starttls")).check()
    with pytest.raises((ChannelUnavailable, ChannelMisconfigured)):
        await ImapReader(mailbox.options(imap_security="tls")).check()


async def test_working_settings_pass_the_check(mailbox: Mailbox) -> None:
    """The check succeeds and leaves no connection behind."""
    reader = ImapReader(mailbox.options())
    await reader.check()

    assert reader._client is None


async def test_cancelling_while_idle_is_prompt(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """A reader that waits for news stops at once when told to."""
    async with reading(mailbox, inbox) as task:
        await put(mailbox, a_mail("first"))
        await inbox.until(lambda: len(inbox.items) == 1)
        started = time.monotonic()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < imap.IDLE_SLICE / 2


async def test_a_large_mail_comes_by_file(mailbox: Mailbox, inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail of 20 MB between two small ones is fetched in pieces into a file, byte for byte."""
    big = b"Subject: big\r\n\r\n" + (b"0123456789" * 7 + b"\r\n") * 280_000
    monkeypatch.setattr(imaplib, "_MAXLINE", 10_000_000)
    await put(mailbox, a_mail("before"), big, a_mail("after"))
    await catch_up(mailbox, inbox)
    assert sorted(inbox.contents()) == sorted([a_mail("before"), big, a_mail("after")])
    (item,) = [item for item in inbox.items.values() if item.content is None]
    assert item.size == len(big)


async def test_an_expunged_mail_is_passed_over(mailbox: Mailbox, inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that somebody deletes between listing and fetching stops nothing."""
    await put(mailbox, a_mail("gone"), a_mail("stays"))
    listed = ImapReader._sizes

    def sizes(reader: ImapReader, uids: list[int]) -> dict[int, int]:
        found = listed(reader, uids)
        with mailbox.client() as client:
            client.delete_messages([min(uids)])
            client.expunge()
        return found

    monkeypatch.setattr(ImapReader, "_sizes", sizes)
    await catch_up(mailbox, inbox)
    assert inbox.contents() == [a_mail("stays")]


async def test_a_deleted_mailbox_folder_on_disk(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """An emptied mailbox is no error and takes nothing back."""
    await put(mailbox, a_mail("kept by us"))
    await catch_up(mailbox, inbox)
    shutil.rmtree(mailbox.maildir)
    await catch_up(mailbox, inbox)
    assert inbox.contents() == [a_mail("kept by us")]
