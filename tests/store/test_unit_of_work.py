"""Units of work: all or nothing, neighbours unharmed, and the same on both engines."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from contact_center.errors import Unavailable
from contact_center.model.events import Event, QueueChanged
from contact_center.model.people import Queue
from contact_center.store import Connection, Store, journal, open_store, sqlite
from contact_center.store.repositories import access
from contact_center.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def project(connection: Connection, slug: str, fail: bool = False) -> int:
    made = access.add_project(connection, slug, slug)
    journal.append(connection, Event(QueueChanged(Queue(made, slug)), made), at=NOW)
    if fail:
        raise ValueError(slug)
    return made


def slugs(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT slug FROM project ORDER BY id")).scalars())


@pytest.fixture
async def embedded(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[SqliteStore]:
    shutil.copyfile(sqlite_template, tmp_path / "own.sqlite3")
    store = await open_store(f"sqlite:///{tmp_path / 'own.sqlite3'}", tmp_path / "blobs")
    assert isinstance(store, SqliteStore)
    yield store
    await store.close()


class Gate:
    """A unit that holds the writer until it is opened."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()

    def unit(self, connection: Connection) -> None:
        self.begun.set()
        assert self.open.wait(20)

    async def hold(self, store: Store) -> "asyncio.Future[None]":
        task = asyncio.ensure_future(store.write(self.unit))
        await asyncio.to_thread(self.begun.wait, 20)
        return task


async def test_an_exception_rolls_back_rows_and_journal(store: Store) -> None:
    """What a failing unit wrote is gone, its events too, and the exception comes out as it was."""
    with pytest.raises(ValueError, match="a"):
        await store.write(project, "a", True)
    assert await store.read(slugs) == []
    assert await store.read(journal.horizon) == 0


async def test_a_failing_unit_does_not_fail_its_neighbours(store: Store) -> None:
    """Of units queued together only those that raise fail."""
    results = await asyncio.gather(*(store.write(project, f"s{n}", n % 3 == 0) for n in range(30)), return_exceptions=True)
    assert [isinstance(result, ValueError) for result in results] == [n % 3 == 0 for n in range(30)]
    assert sorted(await store.read(slugs)) == sorted(f"s{n}" for n in range(30) if n % 3)


async def test_a_broken_constraint_fails_its_own_unit_only(store: Store) -> None:
    """Uniqueness is judged unit by unit."""
    results = await asyncio.gather(*(store.write(project, slug) for slug in ("x", "y", "x")), return_exceptions=True)
    assert [type(result) for result in results].count(IntegrityError) == 1
    assert sorted(await store.read(slugs)) == ["x", "y"]


async def test_the_bell_rings_after_the_commit_only(store: Store) -> None:
    """A ring means something can be read; a unit that failed rings nothing."""
    rung = []
    store.on_commit(lambda: rung.append(1))
    with pytest.raises(ValueError, match="a"):
        await store.write(project, "a", True)
    assert not rung
    await store.write(project, "b")
    await asyncio.sleep(0)
    assert rung
    assert await store.read(slugs) == ["b"]


async def test_the_bell_rings_even_if_whoever_asked_has_gone(store: Store) -> None:
    """A begun unit whose caller was cancelled ends, is stored, and is announced."""
    rung = asyncio.Event()
    store.on_commit(rung.set)
    begun = threading.Event()

    def unit(connection: Connection) -> None:
        project(connection, "a")
        begun.set()

    task = asyncio.ensure_future(store.write(unit))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.wait_for(rung.wait(), 10)
    assert await store.read(slugs) == ["a"]


async def test_a_read_sees_one_snapshot(store: Store) -> None:
    """What is committed while a read runs is not seen by it."""
    await store.write(project, "a")
    first, second = threading.Event(), threading.Event()
    if store.dialect == "postgresql":
        await _snapshot_on_postgres(store)
        return

    def unit(connection: Connection) -> tuple[int, int]:
        before = len(slugs(connection))
        first.set()
        assert second.wait(20)
        return before, len(slugs(connection))

    reading = asyncio.ensure_future(store.read(unit))
    await asyncio.to_thread(first.wait, 20)
    await store.write(project, "b")
    second.set()
    assert await reading == (1, 1)
    assert len(await store.read(slugs)) == 2


async def _snapshot_on_postgres(store: Store) -> None:
    def unit(connection: Connection) -> tuple[int, int]:
        before = len(slugs(connection))
        connection.execute(text("SELECT pg_sleep(0.3)"))
        return before, len(slugs(connection))

    reading = asyncio.ensure_future(store.read(unit))
    await asyncio.sleep(0.1)
    await store.write(project, "b")
    assert await reading == (1, 1)


async def test_reads_cannot_write(store: Store) -> None:
    """Whatever a read does to the tables is gone afterwards."""
    try:
        await store.read(project, "a")
    except Exception as error:
        assert "read-only" in str(error)
    assert await store.read(slugs) == []


async def test_a_queued_unit_is_withdrawn_and_a_begun_one_finishes(embedded: SqliteStore) -> None:
    """Cancelling takes back what has not begun, and nothing else."""
    gate = Gate()
    holding = await gate.hold(embedded)
    queued = asyncio.ensure_future(embedded.write(project, "withdrawn"))
    await asyncio.sleep(0)
    queued.cancel()
    holding.cancel()
    gate.open.set()
    await asyncio.wait([queued, holding])
    await embedded.write(project, "after")
    assert await embedded.read(slugs) == ["after"]


async def test_live_units_go_before_bulk(embedded: SqliteStore) -> None:
    """However many imports wait, what a person asked for is next."""
    order: list[str] = []
    gate = Gate()
    holding = await gate.hold(embedded)

    def unit(connection: Connection, name: str) -> None:
        order.append(name)

    waiting = [asyncio.ensure_future(embedded.write_bulk(unit, f"bulk{n}")) for n in range(5)]
    await asyncio.sleep(0)
    waiting += [asyncio.ensure_future(embedded.write(unit, f"live{n}")) for n in range(3)]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(holding, *waiting)
    assert order == ["live0", "live1", "live2", *(f"bulk{n}" for n in range(5))]


async def test_a_constraint_that_fails_at_commit_reruns_the_units_singly(embedded: SqliteStore) -> None:
    """Only the unit that breaks a constraint at the commit fails, and the writer lives on."""

    def dangling(connection: Connection) -> None:
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        connection.execute(text("INSERT INTO queue (project_id, name, confidential, created_at) VALUES (99, 'q', 0, '2026')"))

    gate = Gate()
    holding = await gate.hold(embedded)
    units = [embedded.write(project, "a"), embedded.write(dangling), embedded.write(project, "b")]
    waiting = [asyncio.ensure_future(unit) for unit in units]
    await asyncio.sleep(0)
    gate.open.set()
    await holding
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)
    assert isinstance(results[1], IntegrityError)
    assert await embedded.read(slugs) == ["a", "b"]
    await embedded.ping()


async def test_a_transaction_the_database_gave_up_fails_everybody_in_it(embedded: SqliteStore) -> None:
    """When SQLite itself rolls a group back, nobody in it is told that their work is stored."""

    def given_up(connection: Connection) -> None:
        connection.connection.driver_connection.execute("ROLLBACK")
        raise ValueError("disk full")

    gate = Gate()
    holding = await gate.hold(embedded)
    units = [embedded.write(project, "a"), embedded.write(given_up), embedded.write(project, "b")]
    waiting = [asyncio.ensure_future(unit) for unit in units]
    await asyncio.sleep(0)
    gate.open.set()
    await holding
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)
    assert isinstance(results[0], Unavailable)
    assert isinstance(results[1], Unavailable)
    assert await embedded.read(slugs) == ["b"]


async def test_a_full_disk_is_an_outage(embedded: SqliteStore) -> None:
    """When no page can be added the unit fails as Unavailable, and the writer goes on once there is room."""

    def fill(connection: Connection, pages: int) -> None:
        connection.connection.driver_connection.execute(f"PRAGMA max_page_count={pages}")

    def write_much(connection: Connection) -> None:
        for n in range(50):
            access.add_project(connection, f"p{n}", "x" * 100_000)

    await embedded.write(fill, 1)
    with pytest.raises(Unavailable):
        await embedded.write(write_much)
    await embedded.write(fill, 1_000_000)
    await embedded.write(write_much)
    assert len(await embedded.read(slugs)) == 50


async def test_nothing_is_needed_in_tmp(embedded: SqliteStore) -> None:
    """What a statement needs beside the database is kept in memory, so that work goes on while /tmp is full."""
    for work in (embedded.read, embedded.write):
        assert await work(lambda connection: connection.execute(text("PRAGMA temp_store")).scalar()) == 2


async def test_a_locked_database_is_an_outage_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign lock makes units fail as Unavailable; when it goes, they work again."""
    import sqlite3

    monkeypatch.setattr(sqlite, "BUSY_MS", 100)
    store = await open_store(f"sqlite:///{tmp_path / 'own.sqlite3'}", tmp_path / "blobs")
    try:
        await store.migrate()
        foreign = sqlite3.connect(tmp_path / "own.sqlite3", isolation_level=None)
        foreign.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable):
            await store.write(project, "a")
        foreign.execute("ROLLBACK")
        foreign.close()
        await store.write(project, "b")
        assert await store.read(slugs) == ["b"]
    finally:
        await store.close()


async def test_a_dead_writer_fails_every_waiter(embedded: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units begun and queued, new ones, and readiness all say that the writer is gone."""
    gate = Gate()
    holding = await gate.hold(embedded)

    def die(_connection: Connection) -> None:
        raise SystemExit

    queued = [asyncio.ensure_future(embedded.write(project, f"q{n}")) for n in range(3)]
    await asyncio.sleep(0)
    monkeypatch.setattr(embedded, "_begin", die)
    gate.open.set()
    await holding
    results = await asyncio.wait_for(asyncio.gather(*queued, return_exceptions=True), 10)
    assert all(isinstance(result, Unavailable) for result in results)
    for attempt in (embedded.write(project, "later"), embedded.ping()):
        with pytest.raises(Unavailable):
            await attempt


async def test_closing_finishes_what_was_queued(tmp_path: Path) -> None:
    """Units handed in before the store is closed are stored; later ones are refused."""
    url = f"sqlite:///{tmp_path / 'own.sqlite3'}"
    store = await open_store(url, tmp_path / "blobs")
    await store.migrate()
    waiting = [asyncio.ensure_future(store.write(project, f"q{n}")) for n in range(5)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*waiting)
    with pytest.raises(Unavailable):
        await store.write(project, "late")
    again = await open_store(url, tmp_path / "blobs")
    assert len(await again.read(slugs)) == 5
    await again.close()


async def test_many_stores_open_a_new_database_at_once(tmp_path: Path) -> None:
    """Whoever comes second while a new database is being set up waits instead of dying."""
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    stores = [await open_store(url, tmp_path / "blobs") for _ in range(6)]
    try:
        await asyncio.gather(*(store.migrate() for store in stores))
        await asyncio.gather(*(store.write(project, f"s{n}") for n, store in enumerate(stores)))
        assert len(await stores[0].read(slugs)) == 6
    finally:
        await asyncio.gather(*(store.close() for store in stores))
