"""Search in a database of N entries: a rare word, a common one, a phrase, the beginning of a word; and the history of a heavy contact.

Measured in the process, through the same unit of work as the API, parsing and excerpts included. The entries are written by
SQL and indexed by the product's own walk over the tables.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from bench.places import Setting, engines, say
from bench.report import Row, percentile, show
from contact_center.model.people import Viewer
from contact_center.search.finder import find
from contact_center.search.indexer import reindex
from contact_center.store import Connection, Store, open_store
from contact_center.store.repositories import access, timeline
from contact_center.store.repositories.search import Filters
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.tickets import interaction, ticket

HEAVY = 10_000  # entries of one contact
START = datetime(2024, 1, 1, tzinfo=UTC)
RARE_EVERY = 1000
WORDS = """
    заказ доставку оплата товар курьер адрес возврат вопрос здравствуйте спасибо получил сегодня завтра номер счет договор цена скидка
    order delivery payment item courier address refund question hello thanks received today tomorrow number invoice contract
    price discount
""".split()  # noqa: SIM905
QUESTIONS = {
    "rare word": "зебры",
    "common word": "доставка",
    "phrase": '"order delivery"',
    "two words": "доставка оплатой",
    "beginning of a word": "достав",
    "nothing": "абракадабра",
}


def run(setting: Setting) -> None:
    """Measure and print."""
    count, rounds = (50_000, 30) if setting.quick else (1_000_000, 60)
    with engines(setting) as databases:
        tables: dict[str, list[Row]] = {"p50": [], "p99": []}
        for engine, fresh in databases.items():
            asyncio.run(_engine(setting, engine, fresh(), count, rounds, tables))
        for part, rows in tables.items():
            show(f"Search in {count:,} entries, newest 20, {part}", "ms", rows)


async def _engine(setting: Setting, engine: str, url: str, count: int, rounds: int, tables: dict[str, list[Row]]) -> None:
    async with _store(setting, url) as store:
        began = time.perf_counter()
        admin, agent = await store.write(_people)
        for start in range(0, count, 5000):
            await store.write_bulk(_entries, start, min(count, start + 5000))
        loaded = time.perf_counter()
        await reindex(store)
        if store.dialect == "postgresql":
            await store.write(lambda connection: connection.execute(text("ANALYZE")) and None)
        indexed = time.perf_counter() - loaded
        say(f"{engine}: {count:,} entries written in {loaded - began:.0f} s, indexed in {indexed:.0f} s ({count / indexed:.0f}/s)")
        for who, viewer in (("", admin), (", agent of one queue of two", agent)):
            for label, words in QUESTIONS.items():
                times = [await _timed(store, viewer, words) for _ in range(rounds)]
                _note(tables, f"{label}{who}", engine, times)
        times = [await _timed(store, admin, "доставка", Filters(contact_id=1)) for _ in range(rounds)]
        _note(tables, f"common word of a contact with {HEAVY:,}", engine, times)
        _note(tables, f"newest 50 of a contact with {HEAVY:,}", engine, [await _history(store, admin) for _ in range(rounds)])


def _note(tables: dict[str, list[Row]], label: str, engine: str, times: list[float]) -> None:
    tables["p50"].append(Row(label, engine, [percentile(times, 0.5)]))
    tables["p99"].append(Row(label, engine, [percentile(times, 0.99)]))


async def _timed(store: Store, viewer: Viewer, words: str, filters: Filters | None = None) -> float:
    began = time.perf_counter()
    await store.read(find, viewer, words, filters or Filters(), limit=20, unfinished=words == "достав")
    return (time.perf_counter() - began) * 1000


async def _history(store: Store, viewer: Viewer) -> float:
    began = time.perf_counter()
    assert len(await store.read(timeline.page, viewer, 1, None, 50)) == 50
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def _store(setting: Setting, url: str) -> Any:
    store = await open_store(url, setting.folder("blobs"))
    try:
        await store.migrate()
        yield store
    finally:
        await store.close()


def _people(connection: Connection) -> tuple[Viewer, Viewer]:
    from contact_center.model.words import Role

    project = access.add_project(connection, "default", "Default")
    queues = [access.add_queue(connection, project, name, False, START) for name in "AB"]
    users = [access.add_user(connection, project, f"u{n}@x", f"U{n}", role, None, START) for n, role in enumerate((Role.ADMIN, Role.AGENT))]
    access.set_grants(connection, users[1], queues[:1])
    found = [access.viewer_of_user(connection, user) for user in users]
    assert found[0] and found[1]
    return found[0], found[1]


def _entries(connection: Connection, start: int, end: int) -> None:
    """A part of the corpus: twenty entries a person, each with a ticket; of the first ones every other belongs to the first person."""
    chance = random.Random(start)
    people = [n for n in range(start, end) if n % 20 == 0]
    now = START
    connection.execute(insert(contact), [_contact(n) for n in people])
    connection.execute(insert(ticket), [_ticket(n, now) for n in people])
    connection.execute(insert(interaction), list(_rows(chance, start, end)))


def _contact(n: int) -> dict[str, Any]:
    return {"id": n // 20 + 1, "project_id": 1, "name": f"Customer {n // 20 + 1}", "provisional": True, "note": "", "created_at": START}


def _ticket(n: int, now: datetime) -> dict[str, Any]:
    return {
        "id": n // 20 + 1, "project_id": 1, "number": n // 20 + 1, "contact_id": n // 20 + 1, "queue_id": 1 + (n // 20) % 2,
        "subject": f"Вопрос {n}",
        "status": "open", "priority": "normal", "channel": "email", "tags": [], "created_at": now, "updated_at": now, "version": 1,
        "last_at": now, "last_preview": "",
    }  # fmt: skip


def _rows(chance: random.Random, start: int, end: int) -> Iterator[dict[str, Any]]:
    for n in range(start, end):
        words = chance.choices(WORDS, k=40)
        if n % RARE_EVERY == 0:
            words.append("зебра")
        person = 1 if n < 2 * HEAVY and n % 2 == 0 else n // 20 + 1
        yield {
            "project_id": 1, "contact_id": person, "ticket_id": person, "queue_id": 1 + (person - 1) % 2, "kind": "email",
            "direction": "in", "occurred_at": START + timedelta(seconds=n * 30), "received_at": START,
            "sender_name": "", "sender_address": "", "subject": "",
            "visible_text": " ".join(words), "folded": False, "truncated": False, "has_html": False, "automatic": False, "cancelled": False,
        }  # fmt: skip
