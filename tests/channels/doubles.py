"""A stand-in for the intake: an inbox that remembers what it was given, in order, and fails when told to."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import Cursor, PublicTicket, RawItem


@dataclass
class MemoryInbox:
    """Keeps items by provider key, as the ledger does."""

    folder: Path
    items: dict[str, RawItem] = field(default_factory=dict)
    cursors: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: list[bool] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    failure: Exception | None = None
    tickets: dict[str, PublicTicket] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, items: Sequence[RawItem], cursor: Cursor | None = None) -> set[str]:
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        new = await self.unknown([item.provider_key for item in items])
        for item in items:
            self.items.setdefault(item.provider_key, item)
        if items:
            self.log.append("accepted")
        if cursor is not None:
            self.cursors[cursor.name] = cursor.value
        self._changed.set()
        return new

    async def cursor(self, name: str) -> dict[str, Any] | None:
        return self.cursors.get(name)

    async def unknown(self, keys: Sequence[str]) -> set[str]:
        return set(keys) - set(self.items)

    def new_file(self) -> Path:
        path = self.folder / f"incoming-{len(list(self.folder.iterdir()))}"
        path.touch()
        return path

    async def adopt(self, path: Path) -> tuple[str, int]:
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        path.rename(self.folder / sha256)
        return sha256, len(content)

    async def report(self, ok: bool, detail: str = "") -> None:
        self.reports.append(ok)
        self.details.append(detail)
        self._changed.set()

    async def ticket(self, message_key: str) -> PublicTicket | None:
        return self.tickets.get(message_key)

    def contents(self) -> list[bytes]:
        """The originals, whether they came in memory or in a file."""
        return [item.content if item.content is not None else (self.folder / str(item.sha256)).read_bytes() for item in self.items.values()]

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until `condition` holds; it is looked at after every change."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def an_account(address: str = "support@example.com", **options: Any) -> ChannelAccount:
    """An e-mail account."""
    return ChannelAccount(id=1, project_id=1, kind="email", name="Support", address=address, queue_id=1, options=options)
