"""A month's report over a million turns, from rollups and from rows, beside a plain count of the same rows by the database alone;
how fast rollups are made, and what marking them costs whoever ends a turn."""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text, update

from bench.crowd import gather
from bench.places import Setting, engines, say
from bench.report import Row, show
from contact_center.app import open_database, utc_now
from contact_center.figures import folder as folding
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Step, starts_of
from contact_center.model.words import EndReason, Role, WorkState
from contact_center.store import Connection
from contact_center.store.repositories import access, figures, rollups
from contact_center.store.schema.work import segment, work_item
from contact_center.testing import settings_for

SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
TICKETS, UNIT, QUEUES = 1000, 10_000, 10
RAW = "SELECT queue_id, count(*) FROM segment WHERE entered_at >= '2026-10-01' AND entered_at < '2026-11-01' GROUP BY queue_id"


def run(setting: Setting) -> None:
    """Measure and print."""
    turns = 50_000 if setting.quick else 1_000_000
    rows: list[Row] = []
    with engines(setting) as databases:
        for engine, fresh in databases.items():
            rows += asyncio.run(_measure(setting.folder("data"), fresh(), engine, turns))
    show(f"A month's report over {turns:,} turns of that month", "ms", rows)


async def _measure(folder: Path, url: str, engine: str, turns: int) -> list[Row]:
    store = await open_database(settings_for(folder, database_url=url))
    try:
        await gather(store, TICKETS)
        queues = await store.write(queues_of, QUEUES)
        began = time.perf_counter()
        for start in range(0, turns, UNIT):
            await store.write_bulk(spread, start, min(turns, start + UNIT), turns, queues, SINCE, UNTIL)
        say(f"{engine}: {turns:,} turns written in {time.perf_counter() - began:.0f} s")
        viewer = Viewer(1, 1, Role.ADMIN, ())
        days = starts_of(SINCE, UNTIL, Step.DAY, "Europe/Moscow")
        raw = Row("plain count by queue, SQL alone", engine, [await _time(store, lambda c: c.execute(text(RAW)).all()) for _ in range(3)])
        found = [raw]
        await store.write_bulk(rollups.forget)
        began, folded = time.perf_counter(), 0
        while (fold := await folding.fold(store)) is not None:
            folded += fold.stays
        took = time.perf_counter() - began
        say(f"{engine}: {folded:,} turns folded anew in {took:.1f} s, {folded / took:,.0f} a second")
        for by, starts in ((By.QUEUE, ()), (By.AGENT, ()), (By.INTERVAL, days), (By.HOUR, ())):
            asked = Asked(SINCE, UNTIL, by, starts, "Europe/Moscow")
            for words, use in (("rows alone", False), ("rollups", True)):
                times = [
                    await _time(store, lambda c, asked=asked, use=use: figures.report(c, viewer, asked, utc_now(), rollups=use))
                    for _ in range(3)
                ]
                found.append(Row(f"report by {by}, {words}", engine, times, reference=raw))
        found.append(Row("ending 1,000 turns, and marking their quarters", engine, [await _ending(store, marks=True) for _ in range(3)]))
        found.append(Row("the same without marks", engine, [await _ending(store, marks=False) for _ in range(3)]))
        return found
    finally:
        await store.close()


async def _time(store: Any, work: Callable[[Connection], Any]) -> float:
    began = time.perf_counter()
    await store.read(work)
    return (time.perf_counter() - began) * 1000


async def _ending(store: Any, *, marks: bool) -> float:
    """Milliseconds for a thousand stays, one unit each statement as in earnest, and taken back."""

    def end(connection: Connection) -> float:
        if not marks:
            connection.execute(text("DROP TRIGGER stay_changed" + (" ON segment" if connection.dialect.name == "postgresql" else "")))
        began = time.perf_counter()
        for number in range(1, 1001):
            connection.execute(update(segment).where(segment.c.id == number).values(end_reason=EndReason.COMPLETED))
        took = (time.perf_counter() - began) * 1000
        raise _Done(took)

    try:
        await store.write(end)
    except _Done as done:
        return float(done.args[0])
    raise AssertionError


class _Done(Exception):
    """Rolls back what was only measured."""


def queues_of(connection: Connection, count: int) -> list[int]:
    """So many queues, the first among them."""
    return [1, *(access.add_queue(connection, 1, f"Queue {n}", False, utc_now()) for n in range(2, count + 1))]


def spread(connection: Connection, start: int, end: int, of: int, queues: list[int], since: datetime, until: datetime) -> None:
    """Turns number `start` to `end` of those spread over a time: one in ten passed on, most answered within some hours."""
    chance, step = random.Random(start), (until - since) / of
    items, stays = [], []
    for n in range(start + 1, end + 1):
        at = since + step * (n - 1)
        ended = at + timedelta(seconds=chance.expovariate(1 / 9000))
        reason = chance.choices((EndReason.COMPLETED, EndReason.NO_REPLY_NEEDED, EndReason.TRANSFERRED), (7, 2, 1))[0]
        ticket = n % TICKETS + 1
        turn = {"id": n, "project_id": 1, "kind": "email", "ticket_id": ticket, "interaction_id": ticket}
        items.append(turn | {"state": WorkState.DONE, "opened_at": at, "closed_at": ended})
        began = {"project_id": 1, "channel": "email", "passed_in": False, "agent_id": None, "entered_at": at, "accepted_at": at}
        done = {"state": WorkState.DONE, "ended_at": ended, "end_reason": reason, "wait_seconds": (ended - at).total_seconds()}
        stays.append({"id": n, "work_item_id": n, "queue_id": chance.choice(queues), "due_at": at + timedelta(hours=4)} | began | done)
    connection.execute(insert(work_item), items)
    connection.execute(insert(segment), stays)
