"""Fixtures that every test may use: databases of both kinds, real servers, a running product."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from contact_center.store import Store, open_store
from contact_center.testing import FrozenClock, RunningApp, running_app
from tests import servers

SHARED = Path(__file__).parents[2] / "shared"
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ways first, so that no worker is left alone with a minute of them at the end."""
    items.sort(key=lambda item: "journey" not in item.path.name)


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Mails and markup in the wild, which lie beside the project and are not part of it."""
    folder = SHARED / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"the fixtures are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a private PostgreSQL server."""
    # Not in pytest's own folder: that is closed to other users, and the server must not run as root.
    with tempfile.TemporaryDirectory(prefix="cc-postgres-", ignore_cleanup_errors=True) as folder, servers.postgres(Path(folder)) as url:
        yield url


@pytest.fixture(scope="session")
def dovecot() -> Iterator[servers.Dovecot]:
    """A private Dovecot shared by the tests of a worker; use a folder or user of your own where it matters."""
    with tempfile.TemporaryDirectory(prefix="cc-dovecot-", ignore_cleanup_errors=True) as folder, servers.dovecot(Path(folder)) as server:
        yield server


async def make_database(server: str) -> str:
    """A fresh, empty database on the server; returns its URL."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return f"{server}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite3'}"
    server: str = request.getfixturevalue("postgres_server")
    return asyncio.run(make_database(server))


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A migrated, empty store on each engine."""
    opened = await open_store(database_url, tmp_path / "blobs")
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands at Monday, 2 November 2026, 09:00 UTC."""
    return FrozenClock()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A running product on SQLite with its administrator."""
    async with running_app(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def any_server(database_url: str, tmp_path: Path) -> AsyncIterator[RunningApp]:
    """A running product on each engine."""
    async with running_app(tmp_path / "data", database_url=database_url) as running:
        yield running
