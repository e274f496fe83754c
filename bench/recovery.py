"""What it costs that nothing is lost: the same mails with and without two commits each, and the time to recover from kill -9.

*Two commits* is the product's way: the original and the cursor first, what it means second. *Rows alone* writes the very
same rows of the same mails in one commit each: no ledger, no claim, no second look. Recovery begins with kill -9 while
10,000 items wait and ends when the last has its fate; the start of the process is in it.
"""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

from bench.places import Setting, engines, say
from bench.report import Row, show

BATCH = 20


def run(setting: Setting) -> None:
    """Measure and print."""
    import uvloop

    count, waiting = (600, 1_000) if setting.quick else (4_000, 10_000)
    with engines(setting) as databases:
        cost, recovery = [], []
        for engine, fresh in databases.items():
            alone = Row("rows alone, one commit a mail", engine)
            ours = Row("two commits, in batches as they come", engine, reference=alone)
            for _ in range(2 if setting.quick else 3):
                alone.values.append(uvloop.run(_write(setting.folder("data"), fresh(), count, ledger=False)))
                ours.values.append(uvloop.run(_write(setting.folder("data"), fresh(), count, ledger=True)))
            cost += [alone, ours]
            row = Row(f"{waiting} items waiting", engine)
            row.values.append(_recover(setting.folder("data"), fresh(), waiting))
            row.note = f"{waiting / row.values[0]:.0f} items/s, start included"
            recovery.append(row)
    show("The price of losing nothing", "mails/s", cost)
    show("From kill -9 to the last fate", "s", recovery)


async def _write(folder: Path, url: str, count: int, *, ledger: bool) -> float:
    """Mails a second, understood beforehand in both cases."""
    from bench.store import _messages
    from contact_center import app as root
    from contact_center.intake.pipeline import _accept, settle_batch
    from contact_center.intake.settle import Rules, own_addresses, settle
    from contact_center.model.acts import Act
    from contact_center.store.repositories import raw_items
    from contact_center.testing import settings_for

    settings = settings_for(folder, database_url=url)
    store = await root.open_database(settings)
    store.seal = root.load_seal(settings)
    messages = list(_messages(count))
    rules = Rules(root.load_keys(settings), root.timedelta(days=settings.follow_up_days))
    item = {"account_id": 1, "project_id": 1, "queue_id": 1, "source_time": None, "envelope": {}, "kind": "email", "options": {}}

    def one(connection: Any, message: Any) -> None:
        now = root.utc_now()
        settle(connection, Act(now), rules, item | {"received_at": now}, message, own_addresses(connection, 1))  # type: ignore[arg-type]

    try:
        began = time.perf_counter()
        if not ledger:
            for message in messages:
                await store.write(one, message)
        else:
            for start in range(0, count, BATCH):
                some = messages[start : start + BATCH]
                await store.write(_accept, 1, [_item(message) for message in some], None, None, root.utc_now())
                rows = await store.read(raw_items.in_flight, 0, BATCH)
                await store.write(settle_batch, rules, list(zip(rows, some, strict=True)), root.utc_now())
        return count / (time.perf_counter() - began)
    finally:
        await store.close()


def _item(message: Any) -> Any:
    from contact_center.model.messages import RawItem

    content = (message.message_key + message.text).encode()
    return RawItem(message.message_key, content, hashlib.sha256(content).hexdigest(), len(content))


def _recover(folder: Path, url: str, waiting: int) -> float:
    """Seconds from the kill of a process that was settling to the moment when nothing waits."""
    from tests.chaos.server import Server

    server = Server(folder / "data", url)
    asyncio.run(_fill(server.folder, url, waiting))
    server.start()
    time.sleep(1.0)
    server.kill()
    began = time.perf_counter()
    server.start()
    try:
        while left := asyncio.run(_left(server.folder, url)):
            time.sleep(0.2)
            if time.perf_counter() - began > 900:
                say(f"{left} items still wait")
                break
        return time.perf_counter() - began
    finally:
        server.kill()


async def _fill(folder: Path, url: str, waiting: int) -> None:
    """Mails of the corpus's kind, accepted and not settled."""
    from contact_center import app as root
    from contact_center.intake.pipeline import _accept
    from contact_center.model.messages import RawItem
    from contact_center.testing import a_mail, settings_for

    store = await root.open_database(settings_for(folder, database_url=url))
    try:
        for start in range(0, waiting, 200):
            items = []
            for number in range(start, min(start + 200, waiting)):
                who, earlier = f"c{number % 997}@example.com", f"<r{number - 3}@example.com>" if number % 3 == 2 else None
                mail = a_mail(
                    message_id=f"<r{number}@example.com>", sender=who, subject=f"Mail {number}", answers=earlier, text="words " * 300
                )
                content = mail.as_bytes()
                items.append(RawItem(f"r{number}", content, hashlib.sha256(content).hexdigest(), len(content)))
            await store.write(_accept, 1, items, None, None, root.utc_now())
    finally:
        await store.close()


async def _left(folder: Path, url: str) -> int:
    from sqlalchemy import text

    from contact_center.store import open_store

    store = await open_store(url or f"sqlite:///{folder / 'contact-center.sqlite3'}", folder / "blobs")
    try:
        return int(await store.read(lambda c: c.execute(text("SELECT count(*) FROM raw_item WHERE state = 'received'")).scalar_one()))
    finally:
        await store.close()
