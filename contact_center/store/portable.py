"""Whole tables out of a database and into another one, the same for both engines, with every row of one moment.

A part is a few megabytes of one table: a line that names the table, its columns and what they hold, then a line of JSON a
row; the bytes of a row's binary columns stand behind its line, and their lengths in it. What can be made anew (the search
index) and what only concerns the running processes (leases, who is at a console) is left out.
"""

import asyncio
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    cast,
    column,
    insert,
    inspect,
    literal_column,
    make_url,
    select,
    table,
    text,
)  # fmt: skip
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from contact_center.errors import BadRequest, ConfigError
from contact_center.store import journal, migrate
from contact_center.store.schema import metadata
from contact_center.store.sqlite import _make_engine
from contact_center.store.types import CleanText, Json, Utc, dump_json

LEFT_OUT = {"search_doc", "search_state", "lease", "presence", "interval_fact", "interval_stale"}
PART = 4 * 1024 * 1024
ROWS = 500
LARGE_ROWS = 16  # of a table with binary columns: a row may be a megabyte
JUMP = 1_000_000
"""How far the journal's numbers jump after a restore: what was numbered after the backup is never another event's number."""

_TYPES: dict[str, Any] = {
    "int": BigInteger(), "bool": Boolean(), "float": Float(), "text": Text(), "utc": Utc(), "json": Json(), "bytes": LargeBinary(),
}  # fmt: skip


def parts(connection: Connection) -> Iterator[tuple[str, int, bytes]]:
    """Everything in the database as of the first statement: (table, rows, part). Every table has at least one part."""
    for source in _tables(connection):
        yield from _parts_of(connection, source)


def read_part(part: bytes) -> tuple[str, list[tuple[str, str]], Iterator[list[Any]]]:
    """The table, its columns with what they hold, and the rows of a part. Raises BadRequest when it is not one."""
    file = io.BytesIO(part)
    try:
        header = orjson.loads(file.readline())
        columns = [(str(name), str(tag)) for name, tag in header["columns"]]
        name = str(header["table"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest("A part of the backup is not readable.") from error
    return name, columns, _rows(file, columns)


def fill(connection: Connection, part: bytes) -> tuple[str, int]:
    """Insert the rows of a part; returns the table and their number."""
    name, columns, rows = read_part(part)
    target = table(name, *(column(each, _TYPES[tag]) for each, tag in columns))
    names = [each for each, _ in columns]
    values = [dict(zip(names, row, strict=True)) for row in rows]
    statement = insert(target)
    for start in range(0, len(values), ROWS):
        connection.execute(statement, values[start : start + ROWS])
    return name, len(values)


def rebuild(url: str, revision: str, fill_all: Callable[[Connection], None], then: Callable[[Connection], None], *, wipe: bool) -> None:
    """Make an empty database at `revision`, let `fill_all` put the rows in, check every reference, migrate to this release, and
    run `then` as a unit of work. On PostgreSQL all of it is one transaction; on SQLite the file must be new and nobody's yet.

    With `wipe` what is in a PostgreSQL database goes first. Raises ConfigError when a reference leads nowhere.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _rebuild_sqlite(url, revision, fill_all, then)
    else:
        asyncio.run(_rebuild_postgres(url, revision, fill_all, then, wipe))


def fold_in(path: Path) -> None:
    """Put what stands beside an SQLite file into it, so that the file alone is the whole database."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def sync_file(path: Path) -> None:
    """Make a file's contents outlive a power failure."""
    import os

    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _tables(connection: Connection) -> list[Table]:
    """The tables there are, with the columns there are: the database may be older than this code."""
    found, known = inspect(connection), set(inspect(connection).get_table_names())
    result = []
    for declared in metadata.sorted_tables:
        if declared.name not in known or declared.name in LEFT_OUT:
            continue
        present = {each["name"] for each in found.get_columns(declared.name)}
        columns = [Column(each.name, each.type, primary_key=each.primary_key) for each in declared.columns if each.name in present]
        result.append(Table(declared.name, MetaData(), *columns))
    return result


def _parts_of(connection: Connection, source: Table) -> Iterator[tuple[str, int, bytes]]:
    name, tags = str(source.name), [_tag(each) for each in source.columns]
    header = orjson.dumps({"table": name, "columns": [[each.name, tag] for each, tag in zip(source.columns, tags, strict=True)]}) + b"\n"
    quoted = [f'"{each.name}"' for each in source.columns]
    wanted = [cast(literal_column(each), Text) if tag == "json" else literal_column(each) for each, tag in zip(quoted, tags, strict=True)]
    order: list[Any] = [literal_column(f'"{each.name}"') for each in source.primary_key]
    statement = select(*wanted).select_from(table(source.name)).order_by(*order)
    many = LARGE_ROWS if "bytes" in tags else ROWS
    buffer, rows, some = io.BytesIO(header), 0, False
    buffer.seek(0, io.SEEK_END)
    with connection.execution_options(stream_results=True).execute(statement) as result:
        while batch := result.fetchmany(many):
            for row in batch:
                _write_row(buffer, tags, row)
                rows += 1
                if buffer.tell() >= PART:
                    yield name, rows, buffer.getvalue()
                    buffer, rows, some = io.BytesIO(header), 0, True
                    buffer.seek(0, io.SEEK_END)
    if rows or not some:
        yield name, rows, buffer.getvalue()


def _write_row(file: io.BytesIO, tags: list[str], row: Iterable[Any]) -> None:
    values: list[Any] = []
    binary: list[bytes] = []
    for tag, value in zip(tags, row, strict=True):
        if value is None:
            values.append(None)
        elif tag == "bytes":
            binary.append(bytes(value))
            values.append(len(value))
        else:
            values.append(_OUT[tag](value))
    file.write(orjson.dumps(values) + b"\n")
    for content in binary:
        file.write(content)


def _rows(file: io.BytesIO, columns: list[tuple[str, str]]) -> Iterator[list[Any]]:
    tags = [tag for _, tag in columns]
    while line := file.readline():
        try:
            values = orjson.loads(line)
            for number, tag in enumerate(tags):
                if values[number] is None:
                    continue
                if tag == "bytes":
                    length = int(values[number])
                    values[number] = file.read(length)
                    if len(values[number]) != length:
                        raise ValueError("cut off")
                elif tag == "utc":
                    values[number] = datetime.fromisoformat(values[number])
        except (ValueError, TypeError, IndexError) as error:
            raise BadRequest("A part of the backup is not readable.") from error
        yield values


def _tag(each: Column[Any]) -> str:
    kinds: list[tuple[Any, str]] = [
        (Utc, "utc"), (Json, "json"), (CleanText, "text"), (Boolean, "bool"), (Integer, "int"), (Float, "float"), (LargeBinary, "bytes"),
        (Text, "text"),
    ]  # fmt: skip
    return next(tag for kind, tag in kinds if isinstance(each.type, kind))


def _instant(value: Any) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else str(value)


_OUT: dict[str, Callable[[Any], Any]] = {
    "int": int, "bool": bool, "float": float, "text": str, "utc": _instant, "json": orjson.Fragment,
}  # fmt: skip


def _rebuild_sqlite(url: str, revision: str, fill_all: Callable[[Connection], None], then: Callable[[Connection], None]) -> None:
    engine = _make_engine(make_url(url))
    migrate.upgrade(engine, revision)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            _empty(connection)
            fill_all(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(3)
            if broken:
                raise ConfigError(f"The backup has references that lead nowhere: {[tuple(row) for row in broken]}")
            connection.exec_driver_sql(f"UPDATE sqlite_sequence SET seq = seq + {JUMP} WHERE name = 'event'")  # noqa: S608
    migrate.upgrade(engine)
    with engine.begin() as connection:
        _as_unit(connection, then)
    engine.dispose()


async def _rebuild_postgres(
    url: str, revision: str, fill_all: Callable[[Connection], None], then: Callable[[Connection], None], wipe: bool
) -> None:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        json_serializer=dump_json,
        json_deserializer=orjson.loads,
        connect_args={"server_settings": {"timezone": "UTC"}},
    )

    def run(connection: Connection) -> None:
        if wipe:
            migrate.downgrade(connection, "base")
        migrate.upgrade(connection, revision)
        references = _drop_references(connection)
        connection.exec_driver_sql("ALTER TABLE event DISABLE TRIGGER event_number")
        _empty(connection)
        fill_all(connection)
        for name, constraint, definition in references:
            connection.exec_driver_sql(f"ALTER TABLE {name} ADD CONSTRAINT {constraint} {definition}")
        connection.exec_driver_sql("ALTER TABLE event ENABLE TRIGGER event_number")
        _set_sequences(connection)
        migrate.upgrade(connection)
        _as_unit(connection, then)

    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(4102)"))
            await connection.run_sync(run)
    finally:
        await engine.dispose()


def _empty(connection: Connection) -> None:
    """A migration may have put rows of its own in: those of the backup come instead."""
    known = set(inspect(connection).get_table_names())
    for each in reversed(metadata.sorted_tables):
        if each.name in known and each.name not in LEFT_OUT:
            connection.execute(text(f'DELETE FROM "{each.name}"'))  # noqa: S608 - our own names


def _drop_references(connection: Connection) -> list[tuple[str, str, str]]:
    """Foreign keys (table, name, definition), gone until the rows are in; making them again checks every one."""
    found = connection.execute(
        text(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 2"
        )
    )
    references = [(str(name), str(constraint), str(definition)) for name, constraint, definition in found]
    for name, constraint, _ in references:
        connection.exec_driver_sql(f"ALTER TABLE {name} DROP CONSTRAINT {constraint}")
    return references


def _set_sequences(connection: Connection) -> None:
    """Numbers that the database gives go on behind those of the backup."""
    known = inspect(connection)
    for each in known.get_table_names():
        for key in known.get_pk_constraint(each)["constrained_columns"]:
            sequence = connection.execute(text("SELECT pg_get_serial_sequence(:name, :key)"), {"name": f'"{each}"', "key": key}).scalar()
            if sequence is not None:
                newest = connection.execute(text(f'SELECT max("{key}") FROM "{each}"')).scalar()  # noqa: S608 - our own names
                _set_sequence(connection, sequence, newest, JUMP if each == "event" else 0)
    _set_sequence(connection, "event_seq", connection.execute(text("SELECT max(seq) FROM event")).scalar(), JUMP)


def _set_sequence(connection: Connection, name: str, newest: int | None, jump: int) -> None:
    number, used = (newest or 0) + jump or 1, "true" if newest is not None else "false"
    connection.exec_driver_sql(f"SELECT setval('{name}', {number}, {used})")


def _as_unit(connection: Connection, then: Callable[[Connection], None]) -> None:
    journal.begin(connection)
    then(connection)
    journal.flush(connection)
