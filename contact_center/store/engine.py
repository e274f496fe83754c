"""How a unit of work runs, the same for both engines; `sqlite.py` and `postgres.py` hold what differs."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.engine import Connection, make_url

from contact_center.errors import ConfigError
from contact_center.keys import Seal

P = ParamSpec("P")
T = TypeVar("T")
Unit = Callable[Concatenate[Connection, P], T]


class Lane(Enum):
    """Who goes first when units queue up: people and live mail before imports."""

    LIVE = 0
    BULK = 1


class Store(Protocol):
    """A database that runs units of work."""

    dialect: str
    blob_dir: Path
    dsn: str | None
    """Where other processes can be rung (LISTEN and NOTIFY); None when there can be no other process."""
    seal: Seal | None
    """What seals the audit log; without it a unit that notes anything fails."""

    async def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit` in one transaction and return what it returned, after the commit.

        An exception rolls everything back and comes out here. If the caller is cancelled, a unit still queued is
        withdrawn; one that began runs to its end, and cancellation then means "outcome unknown".
        """
        ...

    async def write_bulk(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `write`, behind everything that people wait for."""
        ...

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit` over one consistent snapshot and return what it returned."""
        ...

    def on_commit(self, ring: Callable[[], None]) -> None:
        """Call `ring` on the event loop after every commit made by this process."""
        ...

    async def migrate(self) -> None:
        """Bring the tables to the version this code needs."""
        ...

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers and its writer lives."""
        ...

    async def close(self) -> None:
        """Finish what began, then let go of every connection."""
        ...


async def open_store(url: str, blob_dir: Path) -> Store:
    """Open the database named by `url` (sqlite:///path or postgresql://...); does not migrate.

    Raises ConfigError for any other scheme.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    blob_dir.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - once, at start
    if backend == "sqlite":
        from contact_center.store.sqlite import SqliteStore

        return SqliteStore(parsed, blob_dir)
    if backend == "postgresql":
        from contact_center.store.postgres import PostgresStore

        return PostgresStore(parsed, blob_dir)
    raise ConfigError(f"database_url: {backend} is not supported; use sqlite or postgresql")
