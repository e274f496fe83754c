"""What stands around the product: a mail server that takes its answers, customers who send until they hear a yes, a bad line."""

import asyncio
import contextlib
import smtplib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes

from aiosmtpd.smtp import SMTP, Envelope, Session

from contact_center.testing import a_mail

Verdict = Callable[[str, Envelope], str | None]
"""What the sink says at a stage ("MAIL", "RCPT", "DATA"): a refusal, or None for yes."""


class Sink:
    """A mail server that keeps what it is given; `verdict` may make it refuse."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[bytes] = []
        self.verdict: Verdict = lambda _stage, _envelope: None
        self._server: asyncio.Server | None = None

    @property
    def copies(self) -> Counter[str]:
        """How often each Message-ID came."""
        return Counter(str(message_from_bytes(mail)["Message-ID"]) for mail in self.mails)

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="sink", loop=loop), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def handle_MAIL(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.verdict("MAIL", envelope) or "250 OK"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.verdict("RCPT", envelope) or "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refused = self.verdict("DATA", envelope)
        if refused is None:
            self.mails.append(bytes(envelope.content or b""))
        return refused or "250 OK"


class Customers(threading.Thread):
    """Send mails to the product's receiver, each again until it is taken."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.tokens = tokens
        self.accepted: list[str] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        for token in self.tokens:
            while not self.stopped.is_set() and not self._sent(token):
                self.stopped.wait(0.05)
            if self.stopped.is_set():
                return
            self.accepted.append(token)

    def _sent(self, token: str) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as smtp:
                smtp.sendmail("c@example.com", ["support@localhost"], letter(token))
        except (OSError, smtplib.SMTPException):
            return False
        return True


def letter(token: str, *, answers: str | None = None, text: str = "") -> bytes:
    """A customer's mail that can be found by its token."""
    who = f"c{sum(token.encode()) % 7}@example.com"
    mail = a_mail(message_id=f"<{token}@example.com>", subject=token, sender=who, text=text or f"About {token}", answers=answers)
    return mail.as_bytes()


class Wire:
    """A TCP line to a port that can be cut, hold its breath, crawl, or break after a number of bytes from the far side."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.cut_after: int | None = None
        """Bytes from the far side after which each connection breaks."""
        self.cut_when: Callable[[bytes, bool], bool] | None = None
        """Asked about every piece (bytes, whether from the far side); True breaks the connection before it is passed on."""
        self.silent = False
        """Nothing passes in either direction, and nobody is told."""
        self.refusing = False
        self.delay = 0.0
        """Seconds before each piece."""
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    def break_all(self) -> None:
        """Drop every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        if self.refusing:
            writer.transport.abort()
            return
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there}
        await asyncio.gather(self._pump(reader, there, from_far=False), self._pump(there_reader, writer, from_far=True))
        self._writers -= {writer, there}

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, from_far: bool) -> None:
        left = self.cut_after if from_far else None
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                while self.silent:
                    await asyncio.sleep(0.1)
                if self.cut_when is not None and self.cut_when(data, from_far):
                    break
                if self.delay:
                    await asyncio.sleep(self.delay)
                if left is not None:
                    data, left = data[:left], left - len(data)
                target.write(data)
                await target.drain()
                if left is not None and left <= 0:
                    break
        for writer in (target,):
            writer.transport.abort()


@contextlib.asynccontextmanager
async def wire_to(target: int) -> AsyncIterator[Wire]:
    """A bad line to `target`."""
    made = Wire(target)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.silent = False
        made.break_all()
        server.close()
