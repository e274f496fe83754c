"""The embedded mail receiver: SMTP and LMTP on one port, acknowledged only after the raw item is committed.

aiosmtpd speaks the protocol; DATA is ours, because a mail of hundreds of megabytes must go to disk as it comes, no line
may be refused for its length, and LMTP answers once for each recipient.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from contact_center.channels.base import Environment, Inbox
from contact_center.channels.email.options import LARGE
from contact_center.errors import ChannelMisconfigured
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import RawItem
from contact_center.model.text import clean_text

logger = structlog.get_logger(__name__)

Inboxes = Callable[[], Sequence[tuple[ChannelAccount, Inbox]]]
SESSION_TIMEOUT = 300  # seconds without a byte until a client is dropped
TIMER_EVERY = 64 * 1024  # bytes of a mail after which the clock starts anew
MAX_RECIPIENTS = 200
NULL_SENDER = "<>"
TRY_AGAIN = "451 4.3.0 The mail could not be stored; try again"


class MailReceiver:
    """A door for mail, shared by all mailboxes of this process."""

    def __init__(self, listen: str, max_bytes: int, environment: Environment) -> None:
        self.listen = listen
        self.max_bytes = max_bytes
        self.hostname = environment.hostname
        self.port: int | None = None

    async def run(self, inboxes: Inboxes) -> None:
        """Serve until cancelled. Raises ChannelMisconfigured when the port cannot be had."""
        host, _, port = self.listen.rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: self._protocol(inboxes, loop), host.strip("[]") or "127.0.0.1", int(port))
        except OSError as error:
            raise ChannelMisconfigured(f"The mail receiver cannot listen on {self.listen}: {error.strerror or error}") from error
        self.port = server.sockets[0].getsockname()[1]
        logger.info("mail_receiver.listening", port=self.port)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    def _protocol(self, inboxes: Inboxes, loop: asyncio.AbstractEventLoop) -> "_Protocol":
        return _Protocol(_Handler(inboxes), hostname=self.hostname, max_bytes=self.max_bytes, loop=loop)


class _Handler:
    """Decides which recipients are ours."""

    def __init__(self, inboxes: Inboxes) -> None:
        self.inboxes = inboxes

    async def handle_MAIL(  # noqa: N802 - the name is the library's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        # The library takes an empty sender for a missing MAIL command and refuses RCPT; bounces and notices have one.
        envelope.mail_from = address or NULL_SENDER
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the name is the library's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if self.find(address) is None:
            return "550 5.1.1 Nobody here has this address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        raise AssertionError("DATA is handled by the protocol itself")

    async def handle_exception(self, error: Exception) -> str:
        """Our mistake is no reason for the sender to give up, which the library's 500 would mean."""
        logger.error("mail_receiver.failed", exc_info=error)
        return TRY_AGAIN

    def find(self, address: str) -> Inbox | None:
        """The inbox of an address: its own, that without a plus-part, else a catch-all."""
        local, _, domain = address.lower().rpartition("@")
        wanted = (f"{local}@{domain}", f"{local.split('+')[0]}@{domain}")
        accounts = self.inboxes()
        for name in wanted:
            for account, inbox in accounts:
                if account.address.lower() == name:
                    return inbox
        return next((inbox for account, inbox in accounts if account.options.get("catch_all")), None)


class _Protocol(SMTP):
    """One client. Lines longer than the protocol allows are taken as they are: nothing inbound is refused for its form."""

    line_length_limit = 1024 * 1024

    def __init__(self, handler: _Handler, *, hostname: str, max_bytes: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            handler,
            hostname=hostname,
            ident="contact_center",
            data_size_limit=max_bytes,
            enable_SMTPUTF8=True,
            timeout=SESSION_TIMEOUT,
            loop=loop,
        )
        self._handler = handler
        self._max_bytes = max_bytes
        self._is_lmtp = False

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802
        """RFC 2033: the greeting of LMTP, where every recipient gets an answer of its own."""
        self._is_lmtp = True
        await self.smtp_EHLO(arg)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Take the mail to memory, or to disk when it is large, commit it, and only then say 250."""
        if await self.check_helo_needed():
            return
        if arg or self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("501 Syntax: DATA" if arg else "503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = _Content(self._handler.find(self.envelope.rcpt_tos[0]), self._max_bytes)
        try:
            await self._read_into(content)
            for answer in await self._deliver(content):
                await self.push(answer)
        finally:
            content.discard()
        self._set_post_data_state()  # type: ignore[no-untyped-call]

    async def _read_into(self, content: "_Content") -> None:
        starts_line, received = True, 0
        while True:
            try:
                line = await self._reader.readuntil(b"\r\n")
            except asyncio.LimitOverrunError as error:
                line = await self._reader.read(error.consumed)
            if starts_line and line == b".\r\n":
                return
            if starts_line and line.startswith(b"."):
                line = line[1:]
            starts_line = line.endswith(b"\r\n")
            content.write(line)
            received += len(line)
            if received >= TIMER_EVERY:
                # The library's clock runs per command: a large mail over a slow line would be cut off.
                self._reset_timeout()
                received = 0

    async def _deliver(self, content: "_Content") -> list[str]:
        """Commit the mail for every inbox that was named; one answer, or with LMTP one for each recipient."""
        if content.too_large:
            return self._answers("552 5.3.4 The mail is larger than this server takes")
        assert self.envelope is not None
        answers: dict[int, str] = {}
        result = []
        for recipient in self.envelope.rcpt_tos:
            inbox = self._handler.find(recipient)
            if inbox is None:  # it was ours at RCPT and was switched off since: the next attempt hears so there
                result.append(TRY_AGAIN)
                continue
            if id(inbox) not in answers:
                answers[id(inbox)] = await self._store(inbox, content)
            result.append(answers[id(inbox)])
        if self._is_lmtp:
            return result
        # SMTP has one answer for all: a failure makes the client come again, and what was stored is known by its key.
        return [next((answer for answer in result if answer.startswith("4")), result[0])]

    async def _store(self, inbox: Inbox, content: "_Content") -> str:
        assert self.envelope is not None
        try:
            sha256, size, data = await content.finish()
            sender = "" if self.envelope.mail_from in (None, NULL_SENDER) else clean_text(self.envelope.mail_from)
            envelope = {"mail_from": sender, "rcpt_to": [clean_text(address) for address in self.envelope.rcpt_tos]}
            item = RawItem(provider_key=f"sha256:{sha256}", content=data, sha256=sha256, size=size, envelope=envelope)
            await inbox.accept([item])
        except Exception as error:  # noqa: BLE001 - whatever went wrong here, the sender must keep the mail
            logger.warning("mail_receiver.not_stored", error=str(error))
            return TRY_AGAIN
        return f"250 2.0.0 Stored as {sha256[:16]}"

    def _answers(self, answer: str) -> list[str]:
        count = len(self.envelope.rcpt_tos) if self._is_lmtp and self.envelope else 1
        return [answer] * count


class _Content:
    """A mail as it comes in: in memory while it is small, then in a file."""

    def __init__(self, inbox: Inbox | None, max_bytes: int) -> None:
        self._inbox = inbox
        self._max_bytes = max_bytes
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._done: tuple[str, int, bytes | None] | None = None
        self.size = 0
        self.failed: Exception | None = None

    @property
    def too_large(self) -> bool:
        """Whether the limit was passed; the rest was read and thrown away."""
        return self.size > self._max_bytes

    def write(self, line: bytes) -> None:
        """Take the next piece."""
        self.size += len(line)
        if self.too_large or self.failed is not None:
            return
        try:
            self._keep(line)
        except Exception as error:  # noqa: BLE001 - the mail is read to its end, so that the sender hears the answer
            self.failed = error

    def _keep(self, line: bytes) -> None:
        if self._file is not None:
            self._file.write(line)
            return
        self._memory += line
        if len(self._memory) >= LARGE and self._inbox is not None:
            self._path = self._inbox.new_file()
            self._file = self._path.open("wb")
            self._file.write(self._memory)
            self._memory.clear()

    async def finish(self) -> tuple[str, int, bytes | None]:
        """(sha256, size, bytes or None when they are in the blob store)."""
        if self.failed is not None:
            raise self.failed
        if self._done is None:
            if self._file is not None and self._path is not None and self._inbox is not None:
                self._file.close()
                sha256, size = await self._inbox.adopt(self._path)
                self._path = None
                self._done = (sha256, size, None)
            else:
                data = bytes(self._memory)
                self._done = (hashlib.sha256(data).hexdigest(), len(data), data)
        return self._done

    def discard(self) -> None:
        """Remove what was not adopted."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
