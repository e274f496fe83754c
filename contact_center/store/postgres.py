"""PostgreSQL over asyncpg: units run through `run_sync`, lost races are repeated, NOTIFY follows the commit."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import URL, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import create_async_engine

from contact_center.errors import Unavailable
from contact_center.keys import Seal
from contact_center.store import audit, journal, version
from contact_center.store.engine import P, T, Unit
from contact_center.store.types import dump_json

logger = structlog.get_logger(__name__)

# serialization_failure, deadlock_detected, unique_violation (two first mails of one person), lock_not_available
RETRY_STATES = {"40001", "40P01", "23505", "55P03"}
TRIES = 5
POOL = 8


class PostgresStore:
    """A PostgreSQL database, shared by as many processes as are needed."""

    dialect = "postgresql"

    def __init__(self, url: URL, blob_dir: Path) -> None:
        self.blob_dir = blob_dir
        self.seal: Seal | None = None
        self.dsn: str | None = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._rings: list[Callable[[], None]] = []
        self._begun: set[asyncio.Future[Any]] = set()
        self._engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=POOL,
            max_overflow=POOL,
            json_serializer=dump_json,
            json_deserializer=orjson.loads,
            # A generic plan is a hundred times slower on the timeline of a contact with many entries.
            connect_args={"server_settings": {"plan_cache_mode": "force_custom_plan", "timezone": "UTC"}},
        )

    def on_commit(self, ring: Callable[[], None]) -> None:
        self._rings.append(ring)

    async def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        # A unit that began runs to its end, and rings, even if whoever asked for it has gone.
        running = asyncio.ensure_future(self._write(functools.partial(_call, unit, args, kwargs)))
        self._begun.add(running)
        running.add_done_callback(self._begun.discard)
        return await asyncio.shield(running)

    async def write_bulk(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.write(unit, *args, **kwargs)

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                return await connection.run_sync(functools.partial(_call, unit, args, kwargs))
        except (DBAPIError, OSError) as error:
            raise _translate(error) from error

    async def migrate(self) -> None:
        if await self.read(version.is_current):
            return
        from contact_center.store.migrate import upgrade

        def run(connection: Connection) -> None:
            upgrade(connection)

        async with self._engine.begin() as connection:
            # Several processes may start at once; the first migrates, the others wait and find it done.
            await connection.execute(text("SELECT pg_advisory_xact_lock(4102)"))
            await connection.run_sync(run)

    async def ping(self) -> None:
        await self.read(_select_one)

    async def close(self) -> None:
        await asyncio.gather(*self._begun, return_exceptions=True)
        await self._engine.dispose()

    async def _write(self, bound: Callable[[Connection], Any]) -> Any:
        for attempt in range(1, TRIES + 1):
            try:
                result, journaled = await self._run(bound)
                break
            except DBAPIError as error:
                if _sql_state(error) not in RETRY_STATES or attempt == TRIES:
                    raise _translate(error) from error
                await asyncio.sleep(0.01 * attempt)
        for ring in self._rings if journaled else ():
            ring()
        return result

    async def _run(self, bound: Callable[[Connection], T]) -> tuple[T, bool]:
        """The unit's result, and whether it appended to the journal."""

        def unit(connection: Connection) -> tuple[T, bool]:
            journal.begin(connection)
            audit.begin(connection)
            result, journaled = bound(connection), journal.flush(connection)
            # Last of all: whoever comes next waits for the head of the log only as long as this COMMIT takes.
            audit.flush(connection, self.seal)
            return result, journaled

        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(unit)
        except (OSError, InterfaceError) as error:
            raise _translate(error) from error


def _call(unit: Callable[..., T], args: Any, kwargs: Any, connection: Connection) -> T:
    return unit(connection, *args, **kwargs)


def _select_one(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def _sql_state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or "")


def _translate(error: Exception) -> Exception:
    """A lost connection is something the caller can wait out; anything else stays what it is."""
    if isinstance(error, OSError | InterfaceError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return Unavailable(f"The database cannot be reached: {error}")
    return error
