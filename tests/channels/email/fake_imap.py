"""An IMAP server that breaks the rules when told to, for answers that no real server gives."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from contact_center.channels.email.options import EmailOptions


@dataclass
class FakeImap:
    """One mailbox with one folder, and its faults."""

    mails: dict[int, bytes] = field(default_factory=dict)
    validity: int = 7
    greeting: str = "* OK ready"
    login: str = "OK welcome"
    claims: dict[int, int] = field(default_factory=dict)
    """Sizes that are lies."""
    stuck: set[int] = field(default_factory=set)
    """Listed, and never handed over."""
    cut_after: int | None = None
    """Bytes of a literal after which the connection is dropped, once."""
    literal: int | None = None
    """The length that stands before every literal instead of its own."""
    instead: dict[str, bytes] = field(default_factory=dict)
    """Raw answers by command."""
    pace: float = 0.0
    """Seconds between two bytes."""
    seen: list[str] = field(default_factory=list)
    port: int = 0
    logins: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def options(self, **changes: Any) -> EmailOptions:
        """A mailbox on this server."""
        values = {"imap_host": "127.0.0.1", "imap_port": self.port, "imap_security": "none", "imap_user": "ivan", "imap_password": "secret"}
        return EmailOptions.model_validate(values | changes)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._write(writer, f"{self.greeting}\r\n".encode())
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                await self._answer(writer, tag, command)
        writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter, tag: str, command: str) -> None:
        self.seen.append(command)
        name = command.upper().removeprefix("UID ").split(" ")[0]
        if name in self.instead:
            await self._write(writer, self.instead[name].replace(b"TAG", tag.encode()))
            if b"BYE" in self.instead[name]:
                writer.transport.abort()
            return
        if name == "CAPABILITY":
            await self._write(writer, b"* CAPABILITY IMAP4rev1\r\n")
        elif name == "LOGIN":
            self.logins += 1
            await self._write(writer, f"{tag} {self.login}\r\n".encode())
            return
        elif name == "EXAMINE":
            following = max(self.mails, default=0) + 1
            await self._write(
                writer, f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] ok\r\n* OK [UIDNEXT {following}] ok\r\n".encode()
            )
        elif name == "SEARCH":
            await self._write(writer, ("* SEARCH " + " ".join(map(str, self._found(command))) + "\r\n").encode())
        elif name == "FETCH":
            await self._fetch(writer, command)
        await self._write(writer, f"{tag} OK done\r\n".encode())

    def _found(self, command: str) -> list[int]:
        if after := re.search(r"UID (\d+):\*", command):
            return [uid for uid in self.mails if uid >= int(after[1])] or sorted(self.mails)[-1:]
        if named := re.search(r"SEARCH UID ([\d,]+)$", command):
            return [uid for uid in self.mails if uid in map(int, named[1].split(","))]
        return sorted(self.mails)

    async def _fetch(self, writer: asyncio.StreamWriter, command: str) -> None:
        uids: set[int] = set()
        for part in command.split(" ")[2].split(","):
            first, _, last = part.partition(":")
            uids |= set(range(int(first), int(last or first) + 1))
        for number, uid in enumerate(sorted(self.mails), 1):
            if uid not in uids:
                continue
            mail = self.mails[uid]
            if "RFC822.SIZE" in command:
                await self._write(writer, f"* {number} FETCH (UID {uid} RFC822.SIZE {self.claims.get(uid, len(mail))})\r\n".encode())
            elif uid not in self.stuck and "BODY" in command:
                part = re.search(r"<(\d+)\.(\d+)>", command)
                data = mail[int(part[1]) : int(part[1]) + int(part[2])] if part else mail
                section = f"BODY[]<{part[1]}>" if part else "BODY[]"
                head = (
                    f'* {number} FETCH (UID {uid} INTERNALDATE "01-Jan-2026 10:00:00 +0000" {section} {{{self.literal or len(data)}}}\r\n'
                )
                await self._write(writer, head.encode())
                if self.cut_after is not None:
                    await self._write(writer, data[: self.cut_after])
                    self.cut_after = None
                    writer.transport.abort()
                    return
                await self._write(writer, data + b")\r\n")

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if not self.pace:
            writer.write(data)
            await writer.drain()
            return
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(self.pace)


@contextlib.asynccontextmanager
async def serving(fake: FakeImap) -> AsyncIterator[FakeImap]:
    """The server, running."""
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        for writer in fake.writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)
