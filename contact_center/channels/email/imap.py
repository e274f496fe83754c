"""Reading a mailbox by IMAP. The state is a UID cursor per UIDVALIDITY, never a flag, a date or a sequence number.

imapclient blocks, so each mailbox has a thread of its own. On every connection all UIDs of the folder are compared with
the ledger, which makes downtime, gaps and a changed UIDVALIDITY ordinary; afterwards IDLE (or a poll) tells of new ones.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError

from contact_center.channels.base import Inbox
from contact_center.channels.email.options import LARGE, EmailOptions
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable
from contact_center.model.messages import Cursor, RawItem

logger = structlog.get_logger(__name__)
T = TypeVar("T")

SOCKET_TIMEOUT = 90.0  # seconds without a byte during a command
BATCH = 200  # mails fetched with one command
BATCH_BYTES = 32 * 1024 * 1024
CHUNK = 4 * 1024 * 1024  # bytes of a large mail fetched at once
IDLE_SLICE = 5.0  # seconds the thread sleeps in IDLE before it looks whether it should stop
IDLE_REFRESH = 120.0  # seconds after which the folder is looked at even if the server said nothing
POLL = 30.0  # seconds between looks at a server without IDLE


class ImapReader:
    """One mailbox, read for ever."""

    def __init__(self, options: EmailOptions) -> None:
        self.options = options
        self._client: IMAPClient | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._stopping = False

    async def run(self, inbox: Inbox) -> None:
        """Connect, catch up, then wait for news; raises a ChannelError when the connection fails."""
        try:
            validity = await self._call(self._open)
            await self._catch_up(inbox, validity, await self._call(self._all_uids))
            await inbox.report(ok=True)
            while True:
                await self._call(self._wait_for_news)
                last = await self._last_uid(inbox, validity)
                await self._catch_up(inbox, validity, await self._call(self._uids_after, last))
                await inbox.report(ok=True)
        finally:
            self._stopping = True
            self._close()
            self._thread.shutdown(wait=False)

    async def check(self) -> None:
        """Log in and select the folder. Raises a ChannelError that says what to mend."""
        try:
            await self._call(self._open)
        finally:
            self._close()
            self._thread.shutdown(wait=False)

    async def _catch_up(self, inbox: Inbox, validity: int, uids: Sequence[int]) -> None:
        name = self._cursor_name()
        for start in range(0, len(uids), BATCH * 5):
            part = uids[start : start + BATCH * 5]
            keys = {self._key(validity, uid): uid for uid in part}
            unknown = sorted(keys[key] for key in await inbox.unknown(list(keys)))
            for batch in self._batches(await self._call(self._sizes, unknown)):
                items = await self._fetch(inbox, validity, batch)
                await inbox.accept(items, Cursor(name, {"uidvalidity": validity, "uid": max(batch)}))
            if part:
                await inbox.accept([], Cursor(name, {"uidvalidity": validity, "uid": max(part)}))

    async def _fetch(self, inbox: Inbox, validity: int, batch: dict[int, int]) -> list[RawItem]:
        if len(batch) == 1 and next(iter(batch.values())) >= LARGE:
            uid, size = next(iter(batch.items()))
            path = inbox.new_file()
            found = await self._call(self._fetch_to_file, uid, size, path)
            if found is None:
                path.unlink(missing_ok=True)
                return []
            sha256, stored = await inbox.adopt(path)
            return [RawItem(self._key(validity, uid), None, sha256, stored, found)]
        rows = await self._call(self._fetch_whole, list(batch))
        # A mail that somebody expunged in the meantime is simply no longer in the answer.
        return [RawItem(self._key(validity, uid), data, None, len(data), at) for uid, data, at in rows]

    async def _last_uid(self, inbox: Inbox, validity: int) -> int:
        cursor = await inbox.cursor(self._cursor_name())
        return int(cursor["uid"]) if cursor and cursor["uidvalidity"] == validity else 0

    async def _call(self, work: Callable[..., T], *args: Any) -> T:
        """Run blocking `work` in the mailbox's thread, its errors translated."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work, *args)
        except LoginError as error:
            raise ChannelAuthFailed(f"The mailbox refuses the password: {_words(error)}") from error
        except ssl.SSLCertVerificationError as error:
            raise ChannelMisconfigured(f"The mail server's certificate is not valid: {error.verify_message}") from error
        except (IMAPClientAbortError, OSError, EOFError) as error:
            raise ChannelUnavailable(f"The mail server does not answer: {_words(error)}") from error
        except UnicodeEncodeError as error:
            raise ChannelAuthFailed("The mailbox's name or password has letters that this mail server's login cannot take.") from error
        except IMAPClientError as error:
            raise ChannelUnavailable(f"The mail server answered with an error: {_words(error)}") from error

    # In the mailbox's thread.

    def _open(self) -> int:
        options = self.options
        context = ssl.create_default_context() if options.imap_security != "none" else None
        client = IMAPClient(
            options.imap_host, options.imap_port, ssl=options.imap_security == "tls", ssl_context=context, timeout=SOCKET_TIMEOUT
        )
        self._client = client
        if options.imap_security == "starttls":
            try:
                client.starttls(context)
            except CapabilityError as error:
                raise ChannelMisconfigured("The mail server does not offer STARTTLS.") from error
        client.login(options.imap_user, options.imap_password)
        try:
            # Read-only: nothing of ours may change a flag that people look at.
            answer = client.select_folder(options.imap_folder, readonly=True)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            raise ChannelMisconfigured(f"There is no folder {options.imap_folder}: {_words(error)}") from error
        return int(answer[b"UIDVALIDITY"])

    def _all_uids(self) -> list[int]:
        return sorted(self._connected().search("ALL"))

    def _uids_after(self, last: int) -> list[int]:
        # "n:*" always names the last mail, even when its UID is below n.
        return sorted(uid for uid in self._connected().search(["UID", f"{last + 1}:*"]) if uid > last)

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        if not uids:
            return {}
        rows = self._connected().fetch(uids, ["RFC822.SIZE"])
        return {uid: int(rows[uid].get(b"RFC822.SIZE", 0)) for uid in uids if uid in rows}

    def _fetch_whole(self, uids: list[int]) -> list[tuple[int, bytes, datetime | None]]:
        rows = self._connected().fetch(uids, ["BODY.PEEK[]", "INTERNALDATE"])
        return [(uid, rows[uid][b"BODY[]"], _when(rows[uid])) for uid in uids if uid in rows and rows[uid].get(b"BODY[]") is not None]

    def _fetch_to_file(self, uid: int, size: int, path: Path) -> datetime | None:
        client = self._connected()
        at: datetime | None = None
        with path.open("wb") as file:
            offset = 0
            while True:
                rows = client.fetch([uid], [f"BODY.PEEK[]<{offset}.{CHUNK}>", "INTERNALDATE"])
                row = rows.get(uid)
                if row is None:
                    return None
                at = _when(row) or datetime.now(UTC)
                data = row.get(f"BODY[]<{offset}>".encode()) or b""
                file.write(data)
                offset += len(data)
                if (len(data) < CHUNK and offset >= size) or not data:
                    return at

    def _wait_for_news(self) -> None:
        client = self._connected()
        if not client.has_capability("IDLE"):
            self._sleep(POLL)
            client.noop()
            return
        client.idle()
        try:
            waited = 0.0
            while waited < IDLE_REFRESH and not self._stopping:
                news = client.idle_check(timeout=IDLE_SLICE)
                # "* OK Still here" wakes us too; only EXISTS and EXPUNGE are news.
                if any(len(line) > 1 and line[1] in (b"EXISTS", b"RECENT", b"EXPUNGE") for line in news):
                    return
                waited += IDLE_SLICE
        finally:
            if not self._stopping:
                client.idle_done()

    def _sleep(self, seconds: float) -> None:
        import threading

        threading.Event().wait(seconds)

    def _connected(self) -> IMAPClient:
        if self._client is None or self._stopping:
            raise IMAPClientAbortError("the connection was closed")
        return self._client

    def _close(self) -> None:
        """Break the connection; a thread that waits on it wakes with an error."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.shutdown()
            except (OSError, IMAPClientError):
                logger.debug("imap.close_failed", host=self.options.imap_host)

    def _batches(self, sizes: dict[int, int]) -> Iterator[dict[int, int]]:
        batch: dict[int, int] = {}
        for uid, size in sizes.items():
            full = len(batch) >= BATCH or sum(batch.values()) + size > BATCH_BYTES
            if batch and (full or size >= LARGE):
                yield batch
                batch = {}
            batch[uid] = size
            if size >= LARGE:
                yield batch
                batch = {}
        if batch:
            yield batch

    def _cursor_name(self) -> str:
        return f"imap:{self.options.imap_folder}"

    def _key(self, validity: int, uid: int) -> str:
        return f"{self.options.imap_folder}:{validity}:{uid}"


def _when(row: dict[bytes, Any]) -> datetime | None:
    at = row.get(b"INTERNALDATE")
    # imapclient returns the machine's local time without a zone.
    return at.astimezone(UTC) if isinstance(at, datetime) else None


def _words(error: BaseException) -> str:
    return str(error).strip("b'\"")[:300] or type(error).__name__
