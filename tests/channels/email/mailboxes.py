"""Mailboxes on a real Dovecot, and a reader at work on them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

from imapclient import IMAPClient

from contact_center.channels.email.imap import ImapReader
from contact_center.channels.email.options import EmailOptions
from contact_center.errors import ChannelError
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

    def put(self, *mails: bytes, flags: tuple[bytes, ...] = (), folder: str = "INBOX") -> None:
        with self.client() as client:
            for mail in mails:
                if folder != "INBOX" and not client.folder_exists(folder):
                    client.create_folder(folder)
                client.append(folder, mail, flags)

    def flags(self) -> dict[int, tuple[bytes, ...]]:
        with self.client() as client:
            return dict(client.get_flags(client.search("ALL")))


def a_mail(text: str = "hello") -> bytes:
    return f"From: ivan@example.org\r\nSubject: {text}\r\nMessage-ID: <{text}@example.org>\r\n\r\n{text}\r\n".encode()


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


def forget_index(mailbox: Mailbox) -> None:
    """Make the server assign a new UIDVALIDITY, as after a restored backup."""
    mailbox.server.stop()
    for path in mailbox.maildir.rglob("dovecot*"):
        if path.is_file():
            path.unlink()
    time.sleep(1.1)  # UIDVALIDITY is a time in seconds
    mailbox.server.start()
