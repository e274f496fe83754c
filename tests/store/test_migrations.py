"""Migrations: the declared tables, from empty and back, on both engines."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select, text, update

from contact_center.errors import ConfigError
from contact_center.model.acts import Act
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By
from contact_center.model.words import EndReason, Role
from contact_center.store import Connection, Store, migrate, open_store, version
from contact_center.store.repositories import figures as reports
from contact_center.store.repositories import rollups
from contact_center.store.schema import figures, metadata
from contact_center.store.schema.figures import interval_fact
from contact_center.store.schema.search import FTS
from contact_center.store.sqlite import SqliteStore
from contact_center.tickets import turns
from tests.intake.world import make_world
from tests.tickets.test_threading import Desk

TRIGGERS = sorted(["event_number", *(name for names in figures.TRIGGERS.values() for name in names)])


def tables(connection: Connection) -> set[str]:
    names = set(inspect(connection).get_table_names()) - {"alembic_version"}
    # FTS5 is declared as DDL and keeps tables of its own; that the table of the index itself is there shows with them.
    return {name for name in names if not name.startswith(FTS)}


def triggers(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        return sorted(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars())
    return sorted(connection.execute(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")).scalars())


async def test_an_empty_database_gets_exactly_the_declared_tables(store: Store) -> None:
    """After the upgrade nothing differs from the declaration, and the journal's trigger is there."""
    assert await store.read(migrate.drift) == []
    assert await store.read(tables) == set(metadata.tables)
    assert await store.read(triggers) == TRIGGERS
    assert await store.read(version.is_current)


def test_the_version_a_server_asks_for_is_the_newest_migration() -> None:
    """`version.HEAD` is what alembic calls the head."""
    assert migrate.head() == version.HEAD


async def test_down_to_nothing_and_up_again(store: Store) -> None:
    """A downgrade leaves no table, trigger, function or sequence behind, so that the upgrade works again."""
    await store.write(migrate.downgrade, "base")
    assert await store.read(tables) == set()
    assert await store.read(triggers) == []
    await store.migrate()
    assert await store.read(migrate.drift) == []
    assert await store.read(triggers) == TRIGGERS


async def test_migrating_twice_changes_nothing(store: Store) -> None:
    """An upgrade of a current database is a no-op, also for several that start at once."""
    await asyncio.gather(*(store.migrate() for _ in range(3)))
    assert await store.read(version.is_current)


async def test_a_newer_database_is_refused(store: Store) -> None:
    """A version this release does not know is never touched."""
    await store.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None)
    with pytest.raises(ConfigError, match="9999"):
        await store.migrate()


async def test_migrations_run_without_foreign_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite references are checked after a migration, not during it, and on again for everybody else."""
    seen = []
    real = migrate._upgrade

    def watch(connection: Connection, to: str) -> None:
        seen.append(connection.execute(text("PRAGMA foreign_keys")).scalar())
        real(connection, to)

    monkeypatch.setattr(migrate, "_upgrade", watch)
    store = await open_store(f"sqlite:///{tmp_path / 'm.sqlite3'}", tmp_path / "blobs")
    try:
        await store.migrate()
        assert seen == [0]
        assert await store.write(lambda connection: connection.execute(text("PRAGMA foreign_keys")).scalar()) == 1
    finally:
        await store.close()


async def test_a_new_database_and_an_unknown_one(tmp_path: Path) -> None:
    """Other engines are refused by name."""
    with pytest.raises(ConfigError, match="mysql"):
        await open_store("mysql://x/y", tmp_path)


async def test_an_upgrade_keeps_what_was_there(store: Store) -> None:
    """A database of the release before, with work in it, is the same afterwards in all that it had."""
    desk = Desk(await make_world(store), None)
    for number in range(3):
        await desk.mail(f"customer{number}@x")
    await (_back_without_references(store, "0004") if isinstance(store, SqliteStore) else store.write(migrate.downgrade, "0004"))
    before = await store.read(_rows)
    await store.migrate()
    after = await store.read(_rows)
    assert len(before["segment"]) == 3
    for table, rows in before.items():
        assert [{name: row[name] for name in was} for was, row in zip(rows, after[table], strict=True)] == rows


async def test_what_was_folded_before_is_counted_anew(store: Store) -> None:
    """Rollups of the release before lack what it did not count: after the upgrade a report is what its rows say."""
    desk = Desk(await make_world(store), None)
    _, ticket = await desk.mail("customer@x")
    at = datetime.now(UTC)
    await store.write(turns.end, Act(at + timedelta(days=30)), ticket, EndReason.NO_REPLY_NEEDED)

    def fold(connection: Connection) -> None:
        while (found := rollups.prepare(connection)) is not None:
            rollups.write(connection, found)
        for row in connection.execute(select(interval_fact)).all():
            old = {name: value for name, value in row.tallies.items() if name != "left_over_target"}
            connection.execute(update(interval_fact).where(interval_fact.c.id == row.id).values(tallies=old))

    await store.write(fold)
    await (_back_without_references(store, "0009") if isinstance(store, SqliteStore) else store.write(migrate.downgrade, "0009"))
    await store.migrate()
    asked = Asked(at - timedelta(days=3650), at + timedelta(days=31), By.QUEUE)
    report = await store.read(reports.report, Viewer(1, 1, Role.ADMIN, ()), asked, at + timedelta(days=31))
    assert report.total.tallies.left_over_target == 1


async def _back_without_references(store: SqliteStore, to: str) -> None:
    """As upgrades run: SQLite copies a table to change it, and would miss what points at the old one."""
    engine = create_engine(f"sqlite:///{await store.read(_file)}")
    with engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        with connection.begin():
            migrate.downgrade(connection, to)
    engine.dispose()


def _file(connection: Connection) -> str:
    return str(connection.execute(text("SELECT file FROM pragma_database_list WHERE name = 'main'")).scalar_one())


def _rows(connection: Connection) -> dict[str, list[dict[str, object]]]:
    names = ("project", "queue", "ticket", "work_item", "segment", "interaction")
    return {name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY id")).mappings()] for name in names}
