"""One connection to an IMAP server: what is asked of it, and what it may do to us.

imapclient blocks, so each mailbox has a thread of its own. Whatever the server sends is bounded: every literal and every
line counts against what the command may bring, and a command that takes too long loses its connection.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError
from imapclient.imap4 import IMAP4WithTimeout

from contact_center.channels.email.options import EmailOptions
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable, ContactCenterError

logger = structlog.get_logger(__name__)
T = TypeVar("T")

SOCKET_TIMEOUT = 90.0  # seconds without a byte during a command
COMMAND_SECONDS = 300.0  # seconds for a command that brings no mails
BYTES_PER_SECOND = 8_000  # a server slower than this is given up while it sends mails
ANSWER_BYTES = 1024 * 1024  # what a command that brings no mails may answer
SEARCH_BYTES = 64 * 1024 * 1024  # numbers of six million mails
MAIL_BYTES = 1024**3  # no mail is larger
CHUNK = 4 * 1024 * 1024  # bytes of a large mail fetched at once
IDLE_SLICE = 5.0  # seconds the thread sleeps in IDLE before it looks whether it should stop
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "TOO MANY", "TRY AGAIN", "TEMPORAR", "LATER", "BANDWIDTH")
_NEWS = (b"EXISTS", b"RECENT", b"EXPUNGE")


class TooMuch(IMAPClientAbortError):  # type: ignore[misc]
    """The server sends more than was to be expected; the connection is of no use any more."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as it stood when it was opened."""

    validity: int
    next_uid: int | None
    """The number that the next mail will get; None when the server does not say."""


class Line:
    """A connection and its thread. Methods without `async` run in that thread, by `call`."""

    def __init__(self, options: EmailOptions) -> None:
        self.options = options
        self.client: IMAPClient | None = None
        self.sock: socket.socket | None = None
        self.wire: IMAP4WithTimeout | None = None
        self.allowed = ANSWER_BYTES
        """Bytes that the command at work may still bring."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._stopping = threading.Event()

    async def call(self, work: Callable[..., T], *args: Any, seconds: float = COMMAND_SECONDS) -> T:
        """Run blocking `work` in the mailbox's thread, its errors translated. Raises a ChannelError."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        try:
            done, _ = await asyncio.wait([future], timeout=seconds)
        except asyncio.CancelledError:
            self._give_up()
            future.add_done_callback(_forget)
            raise
        if not done:
            self._give_up()
            future.add_done_callback(_forget)
            raise ChannelUnavailable("The mail server answers too slowly.")
        try:
            return future.result()
        except ContactCenterError:
            raise
        except Exception as error:
            if not isinstance(error, IMAPClientError) or isinstance(error, IMAPClientAbortError):
                self._break()  # nobody knows where in an answer the stream stands
            raise _translated(error) from error

    def close(self) -> None:
        """Break the connection for good; a thread that waits on it wakes with an error."""
        self._stopping.set()
        self._give_up()
        self._thread.shutdown(wait=False)

    def _break(self) -> None:
        """Wake whoever waits on the connection; what it holds is let go in its own thread."""
        sock, wire, self.sock, self.wire, self.client = self.sock, self.wire, None, None, None
        if sock is None:
            return
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            logger.debug("imap.was_broken_already", host=self.options.imap_host)
        self._thread.submit(_let_go, sock, wire)

    def _give_up(self) -> None:
        """Break the connection, and let go of one that the thread is only just making."""
        self._break()
        self._thread.submit(self._drop)

    # In the mailbox's thread.

    def _drop(self) -> None:
        sock, wire, self.sock, self.wire, self.client = self.sock, self.wire, None, None, None
        if sock is not None:
            _let_go(sock, wire)

    def open(self, token: str | None = None) -> None:
        """Connect and sign in, with an access token or with the password."""
        self._break()
        options = self.options
        context = ssl.create_default_context() if options.imap_security != "none" else None
        self.allowed = ANSWER_BYTES
        client = _Client(self, options.imap_host, options.imap_port, ssl=options.imap_security == "tls", ssl_context=context)
        self.client = client
        if options.imap_security == "starttls":
            try:
                client.starttls(context)
            except CapabilityError as error:
                raise ChannelMisconfigured("The mail server does not offer STARTTLS.") from error
            self.sock = client.socket()
        if token is None:
            client.login(options.imap_user, options.imap_password)
        elif client.has_capability("AUTH=XOAUTH2") or not client.has_capability("AUTH=OAUTHBEARER"):
            client.oauth2_login(options.imap_user, token)
        else:
            client.oauthbearer_login(options.imap_user, token)

    def select(self, folder: str) -> Selected:
        """Open a folder, read-only: nothing of ours may change a flag that people look at.

        Raises ChannelMisconfigured when there is none of this name.
        """
        client = self._connected()
        try:
            answer = client.select_folder(folder, readonly=True)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            raise ChannelMisconfigured(f"There is no folder {folder}: {_words(error)}") from error
        if b"UIDVALIDITY" not in answer:
            raise ChannelMisconfigured(f"The mail server gives the mails of {folder} no lasting numbers (UIDVALIDITY).")
        following = answer.get(b"UIDNEXT")
        return Selected(int(answer[b"UIDVALIDITY"]), int(following) if following is not None else None)

    def all_uids(self) -> list[int]:
        """The numbers of all mails in the folder."""
        return sorted(set(self._connected(SEARCH_BYTES).search("ALL")))

    def uids_after(self, last: int) -> list[int]:
        """The numbers above `last`."""
        # "n:*" always names the last mail, even when its UID is below n.
        return sorted({uid for uid in self._connected(SEARCH_BYTES).search(["UID", f"{last + 1}:*"]) if uid > last})

    def received_at(self, uid: int) -> datetime | None:
        """When the server received this mail; None when it is gone."""
        return _when(self._connected().fetch([uid], ["INTERNALDATE"]).get(uid, {}))

    def still_there(self, uids: Sequence[int]) -> set[int]:
        """Those of `uids` that the folder holds at this moment."""
        client = self._connected(SEARCH_BYTES)
        client.noop()  # now the server tells what others have removed
        return set(client.search(["UID", ",".join(map(str, uids))])) & set(uids)

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The size of each mail, in bytes, as the server claims it; without those that are gone."""
        if not uids:
            return {}
        rows = self._connected(ANSWER_BYTES + 500 * len(uids)).fetch(uids, ["RFC822.SIZE"])
        return {uid: max(0, int(rows[uid].get(b"RFC822.SIZE") or 0)) for uid in uids if uid in rows}

    def fetch_whole(self, uids: Sequence[int], expected: int) -> list[tuple[int, bytes, datetime | None]]:
        """Mails, none of them large. Raises TooMuch when they bring far more than the `expected` bytes."""
        rows = self._connected(2 * expected + ANSWER_BYTES).fetch(uids, ["BODY.PEEK[]", "INTERNALDATE"])
        found = ((uid, rows[uid].get(b"BODY[]"), _when(rows[uid])) for uid in uids if uid in rows)
        return [(uid, data, at) for uid, data, at in found if isinstance(data, bytes)]

    def fetch_to_file(self, uid: int, size: int, path: Path) -> datetime | None:
        """A large mail, piece by piece; its time of receipt, None when it is gone."""
        at: datetime | None = None
        with path.open("wb") as file:
            offset = 0
            while True:
                rows = self._connected(CHUNK + ANSWER_BYTES).fetch([uid], [f"BODY.PEEK[]<{offset}.{CHUNK}>", "INTERNALDATE"])
                row = rows.get(uid)
                if row is None:
                    return None
                at = _when(row) or datetime.now(UTC)
                data = row.get(f"BODY[]<{offset}>".encode()) or b""
                if not offset and not data:
                    return None
                file.write(data)
                offset += len(data)
                if (len(data) < CHUNK and offset >= size) or not data:
                    return at
                if offset > MAIL_BYTES:
                    raise TooMuch("a mail without an end")

    def wait(self, seconds: float) -> None:
        """Wait until the open folder changes, or the time is over."""
        client = self._connected()
        if not client.has_capability("IDLE"):
            self._stopping.wait(min(seconds, 30.0))
            self._connected().noop()
            return
        client.idle()
        try:
            waited = 0.0
            while waited < seconds and not self._stopping.is_set():
                self.allowed = ANSWER_BYTES
                slept = min(IDLE_SLICE, seconds - waited)
                # "* OK Still here" wakes us too; only these are news.
                if any(len(line) > 1 and line[1] in _NEWS for line in client.idle_check(timeout=slept)):
                    return
                waited += slept
        finally:
            if not self._stopping.is_set():
                client.idle_done()

    def _connected(self, answer: int = ANSWER_BYTES) -> IMAPClient:
        """The connection, for a command that may bring `answer` bytes."""
        if self.client is None or self._stopping.is_set():
            raise IMAPClientAbortError("the connection was closed")
        self.allowed = answer
        return self.client


class _Client(IMAPClient):  # type: ignore[misc]
    """The library's client over a connection that is bounded from the greeting on."""

    def __init__(self, line: Line, *args: Any, **kwargs: Any) -> None:
        self._line = line
        super().__init__(*args, timeout=SOCKET_TIMEOUT, **kwargs)

    def _create_IMAP4(self) -> Any:  # noqa: N802 - the name is the library's
        return _Wire(self._line, self.host, self.port, self.ssl_context if self.ssl else None)


class _Wire(IMAP4WithTimeout):  # type: ignore[misc]
    """The protocol, every byte of it counted."""

    def __init__(self, line: Line, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self.line = line
        self.context = context
        line.wire = self
        super().__init__(host, port, SOCKET_TIMEOUT)

    def _create_socket(self, _timeout: float | None = None) -> socket.socket:
        sock = socket.create_connection((self.host, self.port), timeout=SOCKET_TIMEOUT)
        self.line.sock = sock
        if self.context is not None:
            self.line.sock = sock = self.context.wrap_socket(sock, server_hostname=self.host)
        return sock

    def read(self, size: int) -> bytes:
        """A literal of `size` bytes."""
        self._count(size)
        data: bytes = self.file.read(size)
        if len(data) < size:
            raise IMAPClientAbortError("the connection broke in the middle of a mail")
        return data

    def readline(self) -> bytes:
        """The next line."""
        line: bytes = self.file.readline(max(0, self.line.allowed) + 2)
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self.line.allowed -= size
        if self.line.allowed < 0:
            raise TooMuch("it sends more than it was asked for")


def _translated(error: Exception) -> ContactCenterError:
    """What happens next because of an error of the library, the system or the server."""
    if isinstance(error, LoginError):
        if any(word in str(error).upper() for word in _PASSING):
            return ChannelUnavailable(f"The mailbox cannot be opened now: {_words(error)}")
        return ChannelAuthFailed(f"The mailbox refuses the password: {_words(error)}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ChannelMisconfigured(f"The mail server's certificate is not valid: {error.verify_message}")
    if isinstance(error, (IMAPClientAbortError, OSError, EOFError)):
        return ChannelUnavailable(f"The mail server does not answer: {_words(error)}")
    if isinstance(error, UnicodeEncodeError):
        return ChannelAuthFailed("The mailbox's name or password has letters that this mail server's login cannot take.")
    if isinstance(error, IMAPClientError):
        return ChannelUnavailable(f"The mail server answered with an error: {_words(error)}")
    return ChannelUnavailable(f"The mail server's answer cannot be understood: {_words(error)}")


def _let_go(sock: socket.socket, wire: IMAP4WithTimeout | None) -> None:
    file = getattr(wire, "file", None)
    for end in (sock.close, *([file.close] if file is not None else [])):
        try:
            end()
        except OSError:
            logger.debug("imap.close_failed")


def _forget(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


def _when(row: dict[bytes, Any]) -> datetime | None:
    at = row.get(b"INTERNALDATE")
    # imapclient returns the machine's local time without a zone.
    return at.astimezone(UTC) if isinstance(at, datetime) else None


def _words(error: BaseException) -> str:
    return str(error).strip("b'\"")[:300] or type(error).__name__
