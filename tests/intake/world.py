"""A pipeline over a real store with a channel kind of its own, whose parser does what the item's envelope says."""

import os
import time
from datetime import datetime, timedelta
from typing import Any

import orjson

from contact_center.channels.base import ChannelKind, Options
from contact_center.errors import QuarantineItem
from contact_center.intake.parsing import Parsers
from contact_center.intake.pipeline import Pipeline
from contact_center.intake.settle import Rules
from contact_center.intake.understanding import Original, Outcome
from contact_center.keys import Keys
from contact_center.model.messages import InboundMessage, InboundPerson, RawItem
from contact_center.model.tickets import Proof
from contact_center.model.words import PointKind, ProofState
from contact_center.store import Connection, Store
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import access, channels, raw_items
from contact_center.testing import FrozenClock

KEYS = Keys("a secret of sixteen")


def person(address: str, name: str = "") -> InboundPerson:
    return InboundPerson(PointKind.EMAIL, address, name)


def message(sender: str | None = "ivan@example.com", **values: Any) -> InboundMessage:
    """What an item means, with the fields that a test does not care for filled in."""
    text = values.pop("text", "hello")
    named = tuple(person(address) for address in values.pop("named", ()))
    if values.pop("proven", False):
        values["proof"] = Proof(ProofState.VERIFIED)
    fields = {"kind": "email", "subject": "Help", "text": text, "visible_text": text, "html": None, "sent_at": None, "message_key": None}
    return InboundMessage(sender=person(sender) if sender is not None else None, participants=named, **(fields | values))


def parse(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """Runs in a parser process: hang, die, fail or understand, as the envelope says."""
    match envelope.get("do"):
        case "hang":
            time.sleep(60)  # longer than any parser may take
        case "die":
            os._exit(9)
        case "fail":
            raise RecursionError("too deep")
        case "hoard":
            raise MemoryError
    return message(**orjson.loads(content))


KIND = ChannelKind(
    name="email", label="Test", options=Options, connect=lambda *_: None,  # type: ignore[arg-type, return-value]
)  # fmt: skip


class DirectParsers(Parsers):
    """Understands in this process: for tests that are about what comes after."""

    def __init__(self) -> None:
        super().__init__(1, 1.0)
        self.broken: set[str] = set()
        """Words that cannot be understood until they are mended."""

    async def parse(self, originals: Any) -> list[Outcome]:
        return [self._one(original) for original in originals]

    def _one(self, original: Original) -> Outcome:
        content = original.content or b"{}"
        if any(word.encode() in content for word in self.broken):
            return QuarantineItem("not understood")
        return parse(content, original.envelope)

    async def warm_up(self) -> None:
        """Nothing to start."""


def item(key: str, envelope: dict[str, Any] | None = None, source_time: datetime | None = None, **meaning: Any) -> RawItem:
    return RawItem(key, orjson.dumps(meaning | {"subject": meaning.get("subject", key)}), envelope=envelope or {}, source_time=source_time)


def _begin(connection: Connection, now: datetime) -> int:
    project_id = access.add_project(connection, "default", "Default")
    queue_id = access.add_queue(connection, project_id, "Support", False, now)
    return channels.add_account(
        connection, project_id=project_id, kind="email", name="Support", address="support@localhost", queue_id=queue_id,
        options={}, created_at=now,
    )  # fmt: skip


class World:
    """An account and its pipeline."""

    def __init__(self, store: Store, account_id: int, parsers: Parsers, clock: FrozenClock, batch: int = 20) -> None:
        self.store, self.account_id, self.clock = store, account_id, clock
        self.parsers = parsers
        self.files = BlobFiles(store.blob_dir)
        self.rules = Rules(KEYS, timedelta(days=14))
        self.pipeline = Pipeline(store, self.files, parsers, self.rules, clock, batch=batch)

    async def accept(self, *items: RawItem) -> int:
        return len(await self.pipeline.accept(self.account_id, items, None, None))

    async def take_in(self, *items: RawItem) -> None:
        await self.accept(*items)
        await self.pipeline.settle_all()

    async def books(self) -> dict[str, int]:
        counts = (await self.store.read(raw_items.books, 1)).get(self.account_id, {})
        return {fate: count for fate, count in counts.items() if count}


async def make_world(store: Store, parsers: Parsers | None = None, batch: int = 20) -> World:
    clock = FrozenClock()
    return World(store, await store.write(_begin, clock()), parsers or DirectParsers(), clock, batch)
