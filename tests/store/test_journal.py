"""The journal: numbers follow commits, so that whoever has read up to N has read everything up to N."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from contact_center.errors import Unavailable
from contact_center.model.events import Event, QueueChanged
from contact_center.model.people import Queue
from contact_center.store import Connection, Store, journal, open_store
from tests.conftest import make_database

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
INSERT = """INSERT INTO event (at, type, project_id, admins_only, data)
            VALUES (now(), 'queue.changed', 1, false, jsonb_build_object('n', $1::int))"""
READ = "SELECT seq, data FROM event WHERE seq > $1 ORDER BY seq"


def note(connection: Connection, number: int, fail: bool = False) -> None:
    journal.append(connection, Event(QueueChanged(Queue(number, "q")), 1), at=NOW)
    if fail:
        raise ValueError("changed my mind")


@pytest.fixture
async def postgres(postgres_server: str, postgres_template: str, tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(await make_database(postgres_server, postgres_template), tmp_path / "blobs")
    yield store
    await store.close()


async def numbers(connection: asyncpg.Connection) -> list[int]:
    return [int(row["seq"]) for row in await connection.fetch(READ, 0)]


async def test_a_later_commit_never_gets_a_smaller_number(postgres: Store) -> None:
    """A transaction that inserted first and committed last is numbered last."""
    first, second, reader = [await asyncpg.connect(postgres.dsn) for _ in range(3)]
    try:
        slow = first.transaction()
        await slow.start()
        await first.execute(INSERT, 1)
        await second.execute(INSERT, 2)
        seen = await numbers(reader)
        assert len(seen) == 1
        await slow.commit()
        rows = await reader.fetch(READ, 0)
        assert [row["data"] for row in rows] == ['{"n": 2}', '{"n": 1}']
        assert [row["seq"] for row in rows][:1] == seen
    finally:
        for connection in (first, second, reader):
            await connection.close()


async def test_rolled_back_and_killed_transactions_leave_nothing_behind(postgres: Store) -> None:
    """A roll-back or a lost connection makes at most a gap, and hides nobody's event."""
    rolled, killed, other = [await asyncpg.connect(postgres.dsn) for _ in range(3)]
    try:
        back = rolled.transaction()
        await back.start()
        await rolled.execute(INSERT, 1)
        dying = killed.transaction()
        await dying.start()
        await killed.execute(INSERT, 2)
        await other.execute(INSERT, 3)
        await back.rollback()
        await other.execute("SELECT pg_terminate_backend($1)", killed.get_server_pid())
        await other.execute(INSERT, 4)
        rows = await other.fetch(READ, 0)
        assert [row["data"] for row in rows] == ['{"n": 3}', '{"n": 4}']
        assert await other.fetchval("SELECT count(*) FROM event WHERE seq IS NULL") == 0
    finally:
        await rolled.close()
        await other.close()
        killed.terminate()


async def test_an_open_numbering_transaction_holds_back_smaller_knowledge(postgres: Store) -> None:
    """Several events of one unit bear neighbouring numbers, whatever commits meanwhile."""
    await asyncio.gather(*(postgres.write(_three, n) for n in range(20)))
    events = await postgres.read(journal.read_after, 0, 1000)
    assert len(events) == 60
    authors = [event.data["queue"]["id"] for event in events]
    assert all(len(set(authors[start : start + 3])) == 1 for start in range(0, 60, 3))


def _three(connection: Connection, number: int) -> None:
    for _ in range(3):
        note(connection, number)


async def test_a_tailing_reader_sees_every_event_once_and_in_order(store: Store) -> None:
    """With many writers, some of which fail, a reader that goes on from the last number misses and repeats nothing."""
    seen: list[int] = []
    ids: list[int] = []
    done = asyncio.Event()

    async def tail() -> None:
        while True:
            ended = done.is_set()
            batch = await store.read(journal.read_after, seen[-1] if seen else 0, 7)
            seen.extend(event.seq for event in batch)
            ids.extend(event.data["queue"]["id"] for event in batch)
            if ended and not batch:
                return
            await asyncio.sleep(0)

    async def write(writer: int) -> None:
        for number in range(25):
            fails = number % 5 == 4
            if fails:
                with pytest.raises(ValueError, match="changed my mind"):
                    await store.write(note, writer * 100 + number, True)
            else:
                await store.write(note, writer * 100 + number)

    reader = asyncio.ensure_future(tail())
    await asyncio.gather(*(write(writer) for writer in range(8)))
    done.set()
    await reader
    assert seen == sorted(set(seen))
    assert sorted(ids) == sorted(w * 100 + n for w in range(8) for n in range(25) if n % 5 != 4)


async def test_a_killed_connection_is_an_outage_and_the_next_unit_works(postgres: Store) -> None:
    """A unit whose connection dies fails as Unavailable, leaves nothing, and the pool heals by itself."""
    from sqlalchemy import text

    def suicide(connection: Connection) -> None:
        note(connection, 1)
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Unavailable):
        await postgres.write(suicide)
    await postgres.write(note, 2)
    events = await postgres.read(journal.read_after, 0, 10)
    assert [event.data["queue"]["id"] for event in events] == [2]


async def test_horizon_and_oldest_of_an_empty_journal(store: Store) -> None:
    """An empty journal ends at 0 and begins at 1; then both follow the events."""
    assert (await store.read(journal.horizon), await store.read(journal.oldest)) == (0, 1)
    await store.write(note, 1)
    await store.write(note, 2)
    events = await store.read(journal.read_after, 0, 10)
    assert (await store.read(journal.oldest), await store.read(journal.horizon)) == (events[0].seq, events[1].seq)
