"""Reading a mailbox of a real Dovecot: every mail once, no flag touched, whatever happens to the connection."""

import asyncio
import contextlib
import imaplib
import time
from typing import Any

import pytest

from contact_center.channels.email import imap_line
from contact_center.channels.email.imap import ImapReader
from contact_center.channels.email.imap_line import Line
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable
from tests.channels.doubles import MemoryInbox
from tests.channels.email.mailboxes import Mailbox, a_mail, catch_up, forget_index, put, reading


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

    assert reader.line.client is None


async def test_cancelling_while_idle_is_prompt(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """A reader that waits for news stops at once when told to."""
    async with reading(mailbox, inbox) as task:
        await put(mailbox, a_mail("first"))
        await inbox.until(lambda: len(inbox.items) == 1)
        started = time.monotonic()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < imap_line.IDLE_SLICE / 2


async def test_a_large_mail_comes_by_file(mailbox: Mailbox, inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail of 20 MB between two small ones is fetched in pieces into a file, byte for byte."""
    big = b"Subject: big\r\n\r\n" + (b"0123456789" * 7 + b"\r\n") * 280_000
    monkeypatch.setattr(imaplib, "_MAXLINE", 10_000_000)
    await put(mailbox, a_mail("before"), big, a_mail("after"))
    await catch_up(mailbox, inbox)
    assert sorted(inbox.contents()) == sorted([a_mail("before"), big, a_mail("after")])
    (item,) = [item for item in inbox.items.values() if item.content is None]
    assert item.size == len(big)


@pytest.mark.parametrize("step", ["sizes", "fetch_whole"])
async def test_a_mail_removed_before_it_was_fetched_is_told(
    mailbox: Mailbox, inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A mail that somebody deletes between listing and fetching stops nothing, and is entered as gone."""
    await put(mailbox, a_mail("gone"), a_mail("stays"))
    before: Any = getattr(Line, step)

    def meanwhile(line: Line, uids: list[int], *more: Any) -> Any:
        with mailbox.client() as client:
            client.delete_messages([1])
            client.expunge()
        return before(line, uids, *more)

    monkeypatch.setattr(Line, step, meanwhile)
    await catch_up(mailbox, inbox)
    gone = [item for item in inbox.items.values() if item.envelope.get("gone")]
    assert [item.provider_key.rpartition(":")[2] for item in gone] == ["1"]
    assert a_mail("stays") in inbox.contents()
    assert len(inbox.items) == 2


async def test_a_deleted_mailbox_folder_on_disk(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """An emptied mailbox is no error and takes nothing back."""
    await put(mailbox, a_mail("kept by us"))
    await catch_up(mailbox, inbox)
    # One rename: the server may still be writing its index of the visit before, and would fill what is being emptied.
    mailbox.maildir.rename(mailbox.maildir.with_name("deleted"))
    await catch_up(mailbox, inbox)
    assert inbox.contents() == [a_mail("kept by us")]
