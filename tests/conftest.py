"""Fixtures that every test may use: databases of both kinds, real servers, a running product."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from argon2 import PasswordHasher

from contact_center.api import passwords
from contact_center.store import Store, open_store
from contact_center.testing import FrozenClock, RunningApp, running_app
from tests import servers

SHARED = Path(__file__).parents[2] / "shared"
_numbers = itertools.count(1)


LONGEST = (
    "test_backup.py", "test_kill_points.py", "test_live_journey.py", "test_drill.py", "test_desk_journey.py", "test_matrix.py",
    "test_twin.py", "test_journey.py", "test_ugly_journey.py", "test_shift_journey.py", "test_console_journey.py",
    "test_regrouping.py", "test_mail_import.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ways first, so that no worker is left alone with a minute of them at the end. What needs the browser runs in its loop."""

    def rank(item: pytest.Item) -> int:
        name = item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST) + ("journey" not in name)

    items.sort(key=rank)
    for item in items:
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashes that cost nothing: hundreds of tests make an administrator, and none of them guesses a password."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", cheap)
        patch.setattr(passwords, "_DUMMY", passwords.nobodys(cheap))
        yield


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


async def make_database(server: str, template: str = "") -> str:
    """A fresh database on the server, empty or a copy of another; returns its URL."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""))
    finally:
        await connection.close()
    return f"{server}/{name}"


SHAPE = """
SELECT (SELECT version_num FROM alembic_version) || md5(string_agg(c.oid || c.relname || c.relnatts, ',' ORDER BY c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
EMPTY = """
DO $$ DECLARE name text; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;  -- neither foreign keys nor triggers meanwhile
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    PERFORM setval(format('%I', sequencename), start_value, false) FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


class Databases:
    """Databases with all tables and nothing in them: emptied after use, which costs a tenth of a new one."""

    def __init__(self, server: str, template: str) -> None:
        self.server, self.template = server, template
        self._shape = ""
        self._free: list[str] = []

    async def take(self) -> str:
        """The URL of one, for one test."""
        return self._free.pop() if self._free else await make_database(self.server, self.template)

    async def give_back(self, url: str) -> None:
        """Empty it for the next test, unless the test has changed its tables."""
        self._shape = self._shape or await self._look(f"{self.server}/{self.template}")
        if await self._look(url, EMPTY) == self._shape:
            self._free.append(url)

    async def _look(self, url: str, work: str = "SELECT") -> str:
        """Which tables a database has, after some work."""
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(work)
            return str(await connection.fetchval(SHAPE))
        finally:
            connection.terminate()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and nothing in them."""
    folder = tmp_path_factory.mktemp("template")
    asyncio.run(_migrate(f"sqlite:///{folder / 'template.sqlite3'}", folder))
    return folder / "template.sqlite3"


@pytest.fixture(scope="session")
def databases(postgres_server: str, postgres_template: str) -> Databases:
    """What the server lends to tests."""
    return Databases(postgres_server, postgres_template)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with all tables and nothing in them."""
    url = asyncio.run(make_database(postgres_server))
    asyncio.run(_migrate(url, tmp_path_factory.mktemp("template")))
    return url.rpartition("/")[2]


async def _migrate(url: str, folder: Path) -> None:
    store = await open_store(url, folder / "blobs")
    await store.migrate()
    await store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each kind of database."""
    return str(request.param)


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> str:
    """A fresh database of each kind without a table."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite3'}"
    return asyncio.run(make_database(request.getfixturevalue("postgres_server")))


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> Iterator[str]:
    """An empty database of each kind; the tables are there, copied rather than migrated a thousand times."""
    if engine == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "test.sqlite3")
        yield f"sqlite:///{tmp_path / 'test.sqlite3'}"
        return
    databases: Databases = request.getfixturevalue("databases")
    url = asyncio.run(databases.take())
    yield url
    asyncio.run(databases.give_back(url))


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A migrated, empty store on each engine."""
    opened = await open_store(database_url, tmp_path / "blobs")
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
