"""SQLite: one writer thread with its own connection and natural group commit, and a few reader threads.

Awaiting statement by statement over an async driver costs several thread hops each; one hop a unit is fifteen times
faster. Grouping what is queued into one COMMIT makes `synchronous=FULL` nearly free.
"""

import asyncio
import contextlib
import functools
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import structlog
from sqlalchemy import URL, Engine, create_engine, event, pool, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from contact_center.errors import Unavailable
from contact_center.keys import Seal
from contact_center.store import audit, journal, version
from contact_center.store.engine import Lane, P, T, Unit

logger = structlog.get_logger(__name__)

GROUP = 64  # live units a COMMIT holds at most; bulk units go one by one, so that a person never waits behind an import
BUSY_MS = 5000
OUTAGES = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
}  # fmt: skip
READERS = 4


class _Pending:
    """A unit on its way through the writer thread."""

    __slots__ = ("error", "future", "journaled", "loop", "result", "unit")

    def __init__(self, unit: Callable[[Connection], Any]) -> None:
        self.unit = unit
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None
        self.journaled = False


class SqliteStore:
    """The embedded database."""

    dialect = "sqlite"
    dsn: str | None = None

    def __init__(self, url: URL, blob_dir: Path) -> None:
        self.blob_dir = blob_dir
        self.seal: Seal | None = None
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self._url = url
        self._engine = _make_engine(url)
        event.listen(self._engine, "connect", _keep_off_tmp)
        self._rings: list[Callable[[], None]] = []
        self._lanes: tuple[deque[_Pending], deque[_Pending]] = (deque(), deque())
        self._wake = threading.Condition()
        self._closing = False
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._run_writer, name="store-writer", daemon=True)
        self._thread.start()
        self._local = threading.local()
        self._reader_connections: list[Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")

    def on_commit(self, ring: Callable[[], None]) -> None:
        self._rings.append(ring)

    async def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, await self._submit(Lane.LIVE, functools.partial(_call, unit, args, kwargs)))

    async def write_bulk(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, await self._submit(Lane.BULK, functools.partial(_call, unit, args, kwargs)))

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._run_read, functools.partial(_call, unit, args, kwargs))

    async def migrate(self) -> None:
        if not await self.read(version.is_current):
            from contact_center.store.migrate import upgrade

            await asyncio.to_thread(upgrade, _make_engine(self._url))

    async def ping(self) -> None:
        if self._broken is not None or not self._thread.is_alive():
            raise Unavailable("The database writer has stopped.")
        await self.read(_select_one)

    async def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._reader_connections:
            connection.close()
        self._engine.dispose()

    async def _submit(self, lane: Lane, unit: Callable[[Connection], Any]) -> Any:
        pending = _Pending(unit)
        with self._wake:
            if self._broken is not None or self._closing:
                raise Unavailable("The database writer has stopped.")
            self._lanes[lane.value].append(pending)
            self._wake.notify()
        return await pending.future

    # The writer thread.

    def _run_writer(self) -> None:
        connection: Connection | None = None
        group: list[_Pending] | None = []
        try:
            while (group := self._next_group()) is not None:
                # Not before the first unit: two connections that switch a new file to WAL at once would lock each other out.
                connection = connection or self._engine.connect()
                self._commit_group(connection, group)
                _deliver(group, self._rings)
        except BaseException as error:  # noqa: BLE001 - a dead writer must fail every waiter, whatever killed it
            logger.critical("store.writer_died", error=repr(error))
            self._fail_all(error, group or [])
        finally:
            if connection is not None:
                connection.close()

    def _next_group(self) -> list[_Pending] | None:
        live, bulk = self._lanes
        with self._wake:
            while not live and not bulk:
                if self._closing:
                    return None
                self._wake.wait()
            lane = live or bulk
            limit = GROUP if live else 1
            group = [lane.popleft() for _ in range(min(limit, len(lane)))]
        return [pending for pending in group if not pending.future.cancelled()]

    def _commit_group(self, connection: Connection, group: list[_Pending]) -> None:
        try:
            self._begin(connection)
        except OperationalError as error:
            _fail(group, Unavailable(f"The database is busy: {error.orig}"))
            return
        for number, pending in enumerate(group, 1):
            _run_unit(connection, pending, self.seal)
            if not _in_transaction(connection):
                # SQLite gave the whole transaction up (disk full, I/O error): the units before this one are gone too.
                _roll_back(connection)
                _fail(group[:number], Unavailable(f"The database could not store this: {pending.error}"))
                self._commit_group(connection, group[number:])
                return
        try:
            connection.commit()
        except IntegrityError as error:
            _roll_back(connection)
            if len(group) == 1:
                _fail(group, error)
                return
            for pending in group:
                self._commit_group(connection, [pending])
        except DatabaseError as error:
            # Disk full or an I/O error: nothing of the group is known to be stored, and everybody is told so.
            _roll_back(connection)
            logger.error("store.commit_failed", error=str(error.orig))
            _fail(group, Unavailable(f"The database could not store this: {error.orig}"))

    @staticmethod
    def _begin(connection: Connection) -> None:
        connection.begin()

    def _fail_all(self, error: BaseException, begun: list[_Pending]) -> None:
        with self._wake:
            self._broken = error
            waiting = [*begun, *self._lanes[0], *self._lanes[1]]
            for lane in self._lanes:
                lane.clear()
        _fail(waiting, Unavailable("The database writer has stopped."))
        _deliver(waiting, [])

    # Reader threads.

    def _run_read(self, unit: Callable[[Connection], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._engine.connect().execution_options(contact_center_reader=True)
            self._local.connection = connection
            self._reader_connections.append(connection)
        try:
            return unit(connection)
        except OperationalError as error:
            raise _translate(error) from error
        finally:
            connection.rollback()  # no read transaction outlives its request, or the WAL would grow


def _call(unit: Callable[..., T], args: Any, kwargs: Any, connection: Connection) -> T:
    return unit(connection, *args, **kwargs)


def _select_one(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def _run_unit(connection: Connection, pending: _Pending, seal: Seal | None) -> None:
    pending.result, pending.error = None, None
    journal.begin(connection)
    audit.begin(connection)
    saved = connection.begin_nested()
    try:
        pending.result = pending.unit(connection)
        pending.journaled = journal.flush(connection)
        audit.flush(connection, seal)
        saved.commit()
    except BaseException as error:  # noqa: BLE001 - handed to whoever asked for the unit
        pending.error = _translate(error)
        if saved.is_active and _in_transaction(connection):
            saved.rollback()


def _roll_back(connection: Connection) -> None:
    """End the transaction for the driver too: after a COMMIT that failed SQLAlchemy takes it for over, and it is not."""
    connection.rollback()
    if _in_transaction(connection):
        connection.connection.driver_connection.rollback()  # type: ignore[union-attr]


def _in_transaction(connection: Connection) -> bool:
    return bool(connection.connection.driver_connection.in_transaction)  # type: ignore[union-attr]


def _translate(error: BaseException) -> BaseException:
    """What the machine refuses for the moment can be waited out; anything else stays what it is."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF
    return Unavailable(f"The database cannot do this now: {error.orig}") if code in OUTAGES else error  # type: ignore[attr-defined]


def _fail(group: list[_Pending], error: BaseException) -> None:
    for pending in group:
        pending.error = error


def _deliver(group: list[_Pending], rings: list[Callable[[], None]]) -> None:
    """Wake each waiting loop once, and ring the doorbell if anything was journaled."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Pending]] = {}
    for pending in group:
        by_loop.setdefault(pending.loop, []).append(pending)
    for loop, pendings in by_loop.items():
        with contextlib.suppress(RuntimeError):  # whoever asked has gone together with the loop
            loop.call_soon_threadsafe(_resolve, pendings, rings)


def _resolve(group: list[_Pending], rings: list[Callable[[], None]]) -> None:
    journaled = False
    for pending in group:
        journaled = journaled or (pending.error is None and pending.journaled)
        if pending.future.done():
            continue
        if pending.error is not None:
            pending.future.set_exception(pending.error)
        else:
            pending.future.set_result(pending.result)
    if journaled:
        for ring in rings:
            ring()


def _make_engine(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=pool.NullPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000, "isolation_level": None},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _emit_begin)
    return engine


def _set_up(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    for pragma in (f"busy_timeout={BUSY_MS}", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16384"):
        connection.execute(f"PRAGMA {pragma}")
    _turn_to_wal(connection)


def _keep_off_tmp(connection: Any, _record: Any) -> None:
    """What a statement needs beside the database stays in memory: mail comes in while /tmp is full. Migrations, which may need much,
    use files."""
    connection.execute("PRAGMA temp_store=MEMORY")


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    """Only one connection of a new database can do this, and the others are refused at once, whatever their patience."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)  # in a thread of the store, once in the life of a database
        else:
            return


def _emit_begin(connection: Connection) -> None:
    reader = connection.get_execution_options().get("contact_center_reader")
    connection.exec_driver_sql("BEGIN" if reader else "BEGIN IMMEDIATE")
