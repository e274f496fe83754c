"""One inbound-message transaction: the product's settling of an item beside raw SQL of the same size."""

import asyncio
import functools
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.places import PERF, Setting, engines, has_references, reference
from bench.report import Row, interleave, show


def run(setting: Setting) -> None:
    """Measure and print."""
    count = 200 if setting.quick else 1500
    with_raw = has_references()
    with engines(setting) as databases:
        cases: list[tuple[Row, Callable[[], float]]] = []
        for engine, fresh in databases.items():
            raw = Row("raw sqlite3, one commit each" if engine == "sqlite" else "asyncpg, one statement each", engine)
            if with_raw:
                cases.append((raw, functools.partial(_raw, setting, engine, fresh, count, "normal")))
            if with_raw and engine == "sqlite":  # what the product asks of the disk
                full = Row("raw sqlite3, synchronous=FULL", engine, reference=raw)
                cases.append((full, functools.partial(_raw, setting, engine, fresh, count, "full")))
            for producers in (20, 1):
                row = Row(f"product settle, {producers} producers", engine, reference=raw)
                cases.append((row, functools.partial(_product, setting, fresh, count, producers)))
        interleave(2 if setting.quick else 3, cases)
    show(f"One inbound message, {count} of them", "messages/s", [row for row, _ in cases])


def _raw(setting: Setting, engine: str, fresh: Any, count: int, sync: str) -> float:
    scratch = setting.folder("reference")
    if engine == "sqlite":
        return float(reference("store_sqlite", count, sync, scratch=scratch)["rate"])
    return float(reference("store_postgresql", count, fresh(), scratch=scratch)["rate"])


def _product(setting: Setting, fresh: Any, count: int, producers: int) -> float:
    import uvloop

    return float(uvloop.run(_settle_all(setting.folder("data"), fresh(), count, producers)))


async def _settle_all(folder: Path, url: str, count: int, producers: int) -> float:
    """Messages a second: `producers` tasks, each waiting for its commit before it takes the next item."""
    from contact_center import app as root
    from contact_center.intake.pipeline import settle_batch
    from contact_center.intake.settle import Rules
    from contact_center.testing import settings_for

    settings = settings_for(folder, database_url=url)
    store = await root.open_database(settings)
    try:
        rules = Rules(root.load_keys(settings), root.timedelta(days=settings.follow_up_days))
        parsed = iter(await received(store, list(_messages(count))))

        async def produce() -> None:
            for item, message in parsed:
                await store.write(settle_batch, rules, [(item, message)], root.utc_now())

        began = time.perf_counter()
        await asyncio.gather(*(produce() for _ in range(producers)))
        return count / (time.perf_counter() - began)
    finally:
        await store.close()


async def received(store: Any, messages: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Items in the ledger, and what a parser would make of them."""
    from contact_center.app import utc_now
    from contact_center.intake.pipeline import _accept
    from contact_center.model.messages import RawItem
    from contact_center.store.repositories import raw_items

    items = []
    for message in messages:
        content = message.message_key.encode()
        items.append(RawItem(message.message_key, content, hashlib.sha256(content).hexdigest(), len(content)))
    await store.write(_accept, 1, items, None, None, utc_now())
    rows = await store.read(raw_items.in_flight, 0, len(messages))
    return list(zip(rows, messages, strict=True))


def _messages(count: int) -> Iterator[Any]:
    """The reference's own messages (2,000 characters, 2,000 customers), or plain ones of the same size."""
    from contact_center.model.messages import InboundMessage, InboundPerson
    from contact_center.model.words import EntryKind, PointKind

    seen: dict[str, str] = {}
    for facts in _facts(count):
        first = seen.setdefault(facts["thread"], facts["ext"])
        yield InboundMessage(
            kind=EntryKind.EMAIL,
            sender=InboundPerson(PointKind.EMAIL, facts["value"], facts["value"]),
            participants=(InboundPerson(PointKind.EMAIL, "support@localhost"),),
            subject=facts["subject"],
            text=facts["body"],
            visible_text=facts["body"],
            html=None,
            sent_at=None,
            message_key=facts["ext"].strip("<>"),
            thread_hints=(first.strip("<>"),) if first != facts["ext"] else (),
        )


def _facts(count: int) -> Iterator[dict[str, Any]]:
    if not PERF.is_dir():
        for number in range(count):
            customer = number * 7919 % 2000
            yield {
                "value": f"user{customer}@example.com",
                "thread": f"t{customer}-{number % 3}",
                "ext": f"<m{number}@x>",
                "body": f"order delivery {number} " * 90,
                "subject": f"Subject {number}",
            }
        return
    names: dict[str, Any] = {}
    exec(compile((PERF / "common.py").read_text("utf-8"), "common", "exec"), names)
    yield from names["msgs"](count)
