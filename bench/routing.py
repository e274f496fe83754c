"""Who is offered what: the matcher alone, and a round of the dispatcher with its reads and its offers."""

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.crowd import gather
from bench.places import Setting, engines, say
from bench.report import Row, show
from contact_center.app import open_database, utc_now
from contact_center.model.words import AgentState, Priority, StateReason, WorkState
from contact_center.routing.dispatcher import Dispatcher
from contact_center.routing.matcher import Agent, Waiting, match
from contact_center.routing.offers import Weights
from contact_center.store import Connection
from contact_center.store.repositories import access, routing
from contact_center.store.schema.access import employee, queue_grant
from contact_center.store.schema.presence import presence
from contact_center.store.schema.work import segment, work_item
from contact_center.testing import settings_for

AGENTS, QUEUES = 500, 20


def run(setting: Setting) -> None:
    """Measure and print."""
    waiting = 1_000 if setting.quick else 10_000
    rounds = 3 if setting.quick else 10
    pure = [_pure(waiting, seed) for seed in range(rounds)]
    show(f"Matcher: {AGENTS} agents, {waiting:,} waiting, {QUEUES} queues", "decisions/s", [Row("matcher, no database", "python", pure)])
    rows = []
    with engines(setting) as databases:
        for engine, fresh in databases.items():
            offers, seconds = asyncio.run(_rounds(setting.folder("data"), fresh(), waiting))
            rows.append(Row("offers made, each in a unit of its own", engine, [offers / seconds], note=f"{offers} in {seconds:.1f} s"))
    show(f"Dispatcher: {AGENTS} agents who are free at once, {waiting:,} waiting", "offers/s", rows)


def _pure(count: int, seed: int) -> float:
    """Decisions a second of one pass; the waiting in random order, as a database may give them."""
    chance, now = random.Random(seed), datetime.now(UTC)

    def ago(most: float) -> datetime:
        return now - timedelta(seconds=chance.random() * most)

    agents = [Agent(n, frozenset(chance.sample(range(QUEUES), 3)), 100, ago(3600)) for n in range(AGENTS)]
    channels, priorities = ("email", "sms", "telephony"), list(Priority)
    items = [Waiting(n, chance.randrange(QUEUES), chance.choice(channels), 25, chance.choice(priorities), ago(86400)) for n in range(count)]
    began = time.perf_counter()
    found = match(agents, items, now)
    took = time.perf_counter() - began
    assert len(found) == min(AGENTS, count)
    return len(found) / took


async def _rounds(folder: Path, url: str, waiting: int) -> tuple[int, float]:
    """How many offers a dispatcher makes until everybody has one, and in how many seconds."""
    store = await open_database(settings_for(folder, database_url=url))
    try:
        await gather(store, waiting)
        await store.write(_floor, waiting)
        dispatcher = Dispatcher(store, Weights({}, 25), utc_now)
        began, made = time.perf_counter(), 0
        while more := await dispatcher.offer():
            made += more
        took = time.perf_counter() - began
        began = time.perf_counter()
        await dispatcher.offer()
        say(f"a round in which nobody is free: {(time.perf_counter() - began) * 1000:.1f} ms")
        assert made == AGENTS, made
        return made, took
    finally:
        await store.close()


def _floor(connection: Connection, waiting: int) -> None:
    """Five hundred agents at their consoles, and a turn for each ticket of the crowd."""
    now = utc_now()
    access.change_queue(connection, 1, offers=True, offer_seconds=3600)
    people = [_person(n, now) for n in range(1, AGENTS + 1)]
    connection.execute(insert(employee), people)
    connection.execute(insert(queue_grant), [{"employee_id": each["id"], "queue_id": 1} for each in people])
    seen = now + timedelta(hours=1)
    connection.execute(insert(presence), [{"employee_id": each["id"], "holder": "bench", "since": now, "seen_at": seen} for each in people])
    for each in people:
        routing.begin_state(connection, each["id"], AgentState.AVAILABLE, None, StateReason.CHOSEN, now)
    numbers = range(1, waiting + 1)
    connection.execute(insert(work_item), [_item(n, now) for n in numbers])
    connection.execute(
        insert(segment), [{"id": n, "work_item_id": n, "queue_id": 1, "state": WorkState.WAITING, "entered_at": now} for n in numbers]
    )


def _person(n: int, now: datetime) -> dict[str, Any]:
    return {"id": 1000 + n, "project_id": 1, "email": f"agent{n}@example.com", "name": f"Agent {n}", "role": "agent", "created_at": now}


def _item(n: int, now: datetime) -> dict[str, Any]:
    return {
        "id": n, "project_id": 1, "kind": "email", "ticket_id": n, "interaction_id": n, "state": WorkState.WAITING,
        "opened_at": now - timedelta(seconds=n),
    }  # fmt: skip
