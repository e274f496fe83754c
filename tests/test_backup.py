"""Backup and restore: one moment of everything, checked before it is believed, on both engines and between them."""

import asyncio
import functools
import gzip
import io
import os
import shutil
import signal
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from contact_center.app import RESTORING, load_keys, open_database
from contact_center.backup import archive, making, restoring
from contact_center.config import Settings
from contact_center.errors import BadRequest, ConfigError
from contact_center.store import Connection, open_store, portable
from contact_center.store.repositories import recovery
from contact_center.testing import a_mail, running_app, settings_for
from tests.conftest import make_database

MIB = 1024 * 1024


def quiet(_: str) -> None:
    """Nobody looks."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was stopped is forgotten at once."""
    monkeypatch.setattr(restoring, "PATIENCE", 0.0)


def rows_of(connection: Connection) -> dict[str, list[Any]]:
    """Everything that a backup holds, table by table."""
    return {name: list(portable.read_part(part)[2]) for name, _, part in portable.parts(connection)}


async def fill(folder: Path, url: str) -> tuple[Settings, dict[str, list[Any]]]:
    """A product with tickets, a large attachment, a session; what its database holds at the end."""
    async with running_app(folder, database_url=url) as running, running.session():
        big = a_mail(subject="Large", message_id="<big@example.com>")
        big.add_attachment(bytes(range(256)) * 6000, maintype="application", subtype="octet-stream", filename="x.bin")
        await running.deliver(a_mail(text="Schöne Grüße\u2028 𝔘"), big, a_mail(message_id="<q2@example.com>", sender="b@example.com"))
        settings = running.product.settings
    store = await open_store(settings.effective_database_url, folder / "blobs")
    try:
        await store.write(lambda connection: connection.execute(text("DELETE FROM lease")) and None)
        return settings, await store.read(rows_of)
    finally:
        await store.close()


async def back_up(settings: Settings, path: Path, **options: Any) -> archive.Manifest:
    store = await open_store(settings.effective_database_url, settings.data_dir / "blobs")
    try:
        return await making.make(settings, store, path, **({"passphrase": None, "with_key": False} | options))
    finally:
        await store.close()


async def put_back(settings: Settings, path: Path, **options: Any) -> restoring.Restored:
    phrase = options.pop("passphrase", None)
    options = {"force": False, "without_key": False} | options
    manifest = await restoring.check(settings, path, passphrase=phrase, tell=quiet, **options)
    return await asyncio.to_thread(restoring.restore, settings, path, manifest, passphrase=phrase, tell=quiet)


async def read(settings: Settings, unit: Any, *arguments: Any) -> Any:
    store = await open_store(settings.effective_database_url, settings.data_dir / "blobs")
    try:
        return await store.read(unit, *arguments)
    finally:
        await store.close()


@pytest.fixture
def other_url(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> str:
    """Another empty database of the same kind."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'other' / 'other.sqlite3'}"
    return asyncio.run(make_database(request.getfixturevalue("postgres_server")))


@dataclass(frozen=True)
class Past:
    """A product that was used: its settings, what its database holds, and its backup."""

    settings: Settings
    rows: dict[str, list[Any]]
    backup: Path


@pytest.fixture(scope="module")
def pasts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Past]:
    """Two products of each engine, each made once; nobody changes them, but whoever wants to has a copy."""

    @functools.cache
    def make(engine: str, _which: str) -> Past:
        folder = tmp_path_factory.mktemp("past") / "data"
        url = f"sqlite:///{folder / 'past.sqlite3'}"
        if engine == "postgresql":
            server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
            url = asyncio.run(make_database(server, template))
        settings, rows = asyncio.run(fill(folder, url))
        asyncio.run(back_up(settings, folder.parent / "backup", with_key=True))
        return Past(settings, rows, folder.parent / "backup")

    return make


@pytest.fixture
def past(pasts: Callable[[str, str], Past], engine: str) -> Past:
    """What was backed up."""
    return pasts(engine, "one")


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, pasts: Callable[[str, str], Past], engine: str, tmp_path: Path, used: bool) -> Settings:
    """Where it is to be restored: nothing, or a product that was used."""
    folder = tmp_path / "other"
    if not used:
        return settings_for(folder, database_url=request.getfixturevalue("other_url"))
    other = pasts(engine, "other").settings
    shutil.copytree(other.data_dir, folder)
    if engine == "sqlite":
        return settings_for(folder, database_url=f"sqlite:///{folder / 'past.sqlite3'}")
    server, _, template = other.effective_database_url.rpartition("/")
    return settings_for(folder, database_url=asyncio.run(make_database(server, template)))


CHANGED = {"session", "invitation", "project", "channel_cursor", "event", "outbox"}


async def test_everything_comes_back(tmp_path: Path, database_url: str, other_url: str) -> None:
    """Row by row the restored database is the one that was backed up, but for what a restore itself must change."""
    settings, before = await fill(tmp_path / "data", database_url)
    manifest = await back_up(settings, tmp_path / "backup.tar.gz", with_key=True)
    assert archive.verify(tmp_path / "backup.tar.gz", None).rows == manifest.rows
    there = settings_for(tmp_path / "there", database_url=other_url)
    await put_back(there, tmp_path / "backup.tar.gz")
    after = await read(there, rows_of)
    assert {name for name in before if before[name] != after[name]} <= CHANGED
    assert after["event"][: len(before["event"])] == before["event"]
    assert manifest.files["blobs"] > 0
    assert {p.name for p in (tmp_path / "there/blobs").glob("??/*")} == {p.name for p in (tmp_path / "data/blobs").glob("??/*")}
    assert load_keys(there).names() == load_keys(settings).names()
    assert (tmp_path / "there/secret_key").stat().st_mode & 0o077 == 0


async def test_the_restored_product_works_on(tmp_path: Path, database_url: str, other_url: str) -> None:
    """A restored server takes mail in, numbers go on behind those of the backup, and search finds what was there."""
    settings, _ = await fill(tmp_path / "data", database_url)
    await back_up(settings, tmp_path / "b", with_key=True)
    there = settings_for(tmp_path / "there", database_url=other_url)
    await put_back(there, tmp_path / "b")
    store = await open_database(there)
    from contact_center import app as root

    product = root.build(there, store)
    try:
        async with root.running(product):
            content = a_mail(message_id="<new@example.com>", sender="new@example.com").as_bytes()
            from contact_center.model.messages import RawItem

            await product.pipeline.accept(1, [RawItem("new", content)], None, None)
            await product.pipeline.settle_all()
            numbers = await store.read(lambda c: c.execute(text("SELECT number FROM ticket ORDER BY id")).scalars().all())
            events = await store.read(lambda c: c.execute(text("SELECT seq FROM event ORDER BY seq")).scalars().all())
            for _ in range(200):
                found = await store.read(lambda c: c.execute(text("SELECT count(*) FROM search_doc WHERE kind = 'entry'")).scalar())
                if found >= 4:
                    break
                await asyncio.sleep(0.05)
    finally:
        await store.close()
    assert numbers[-1] >= recovery.GAP
    assert events[-1] > portable.JUMP
    assert found >= 4
    assert await read(there, recovery.restored_at) is not None


async def test_from_one_engine_to_the_other(tmp_path: Path, postgres_server: str) -> None:
    """A backup of SQLite becomes a PostgreSQL database, and the other way round: not a value differs."""
    settings, before = await fill(tmp_path / "data", f"sqlite:///{tmp_path / 'a.sqlite3'}")
    await back_up(settings, tmp_path / "one", with_key=True)
    second = settings_for(tmp_path / "second", database_url=await make_database(postgres_server))
    await put_back(second, tmp_path / "one")
    await back_up(second, tmp_path / "two", with_key=True)
    third = settings_for(tmp_path / "third", database_url=f"sqlite:///{tmp_path / 'c.sqlite3'}")
    await put_back(third, tmp_path / "two")
    after = await read(third, rows_of)
    assert {name for name in before if before[name] != after[name]} <= CHANGED


async def test_an_encrypted_backup(tmp_path: Path) -> None:
    """Nothing of it can be read without the passphrase, and a changed or shortened file is refused."""
    settings, _ = await fill(tmp_path / "data", "")
    path = tmp_path / "sealed"
    await back_up(settings, path, passphrase="correct horse battery")
    content = path.read_bytes()
    assert b"ivan@example.com" not in content
    assert archive.verify(path, "correct horse battery").rows["ticket"] > 0
    with pytest.raises(BadRequest, match="passphrase is wrong"):
        archive.verify(path, "correct horse")
    with pytest.raises(BadRequest, match="passphrase is needed"):
        archive.verify(path, None)
    for changed in (content[:-1], content[: len(content) // 2], content[:200_00] + b"x" + content[200_01:], content + b"x", content[:20]):
        path.write_bytes(changed)
        with pytest.raises(BadRequest):
            archive.verify(path, "correct horse battery")


def rewritten(source: Path, target: Path, change: Any) -> None:
    """A backup again, member by member through `change(name, content)`; None leaves a member out."""
    with tarfile.open(source, "r:gz") as old, tarfile.open(target, "w:gz") as new:
        for info in old:
            content = change(info.name, old.extractfile(info).read())
            if content is not None:
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))


def flipped(name: str, content: bytes) -> bytes:
    return content[:-3] + b"9" + content[-2:] if name.startswith("tables/ticket/") else content


DAMAGES = {
    "a changed row": flipped,
    "a missing table": lambda name, content: None if name.startswith("tables/ticket/") else content,
    "a missing content": lambda name, content: None if name.startswith("blobs/") else content,
    "a changed content": lambda name, content: b"x" + content[1:] if name.startswith("blobs/") else content,
    "no manifest": lambda name, content: None if name == "manifest.json" else content,
    "a broken manifest": lambda name, content: b"{}" if name == "manifest.json" else content,
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_backup_is_refused(tmp_path: Path, damage: str) -> None:
    """Whatever is changed in a backup, verify says so, and a restore touches nothing."""
    settings, before = await fill(tmp_path / "data", "")
    await back_up(settings, tmp_path / "whole")
    rewritten(tmp_path / "whole", tmp_path / "damaged", DAMAGES[damage])
    with pytest.raises(BadRequest):
        archive.verify(tmp_path / "damaged", None)
    with pytest.raises(BadRequest):
        await put_back(settings, tmp_path / "damaged", force=True)
    assert await read(settings, rows_of) == before


async def test_a_backup_that_was_cut_off_or_is_none(tmp_path: Path) -> None:
    """Half a file, an empty one and something else are refused with words."""
    settings, _ = await fill(tmp_path / "data", "")
    await back_up(settings, tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    for number, wrong in enumerate((content[: len(content) // 2], content[:-4], b"", b"hello", gzip.compress(b"hello" * 1000))):
        (tmp_path / str(number)).write_bytes(wrong)
        with pytest.raises(BadRequest):
            archive.verify(tmp_path / str(number), None)


async def test_members_that_do_not_belong_there(tmp_path: Path) -> None:
    """A file that would be written elsewhere, a link or a stranger is refused before anything is restored."""
    settings, _ = await fill(tmp_path / "data", "")
    await back_up(settings, tmp_path / "whole")
    for name, kind in (
        ("../../etc/passwd", tarfile.REGTYPE),
        ("spool/../x", tarfile.REGTYPE),
        ("spool/x", tarfile.SYMTYPE),
        ("spool/..", tarfile.REGTYPE),
        ("spool/.", tarfile.REGTYPE),
        ("spool/.x", tarfile.REGTYPE),
        ("/spool/x", tarfile.REGTYPE),
        ("spool/./x", tarfile.REGTYPE),
        ("spool/x", tarfile.GNUTYPE_SPARSE),
    ):
        rewritten(tmp_path / "whole", tmp_path / "evil", lambda name, content: content if name == "about.json" else None)
        with tarfile.open(tmp_path / "evil", "w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO(b""))
        with pytest.raises(BadRequest, match="does not belong"):
            archive.verify(tmp_path / "evil", None)


def test_a_hole_is_no_content(tmp_path: Path) -> None:
    """A sparse member of a few bytes that is read as gigabytes of zeros is refused before it is read."""
    info = tarfile.TarInfo("spool/a.eml")
    facts = {"major": "0", "minor": "1", "size": str(3 << 30), "numblocks": "0", "map": f"{3 << 30},0", "name": "spool/a.eml"}
    info.pax_headers = {f"GNU.sparse.{name}": value for name, value in facts.items()}
    with tarfile.open(tmp_path / "evil", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b""))
    with pytest.raises(BadRequest, match="does not belong"), archive.reading(tmp_path / "evil", None) as parts:
        next(parts)


KILLED = """
import os, signal, sys
from pathlib import Path
from contact_center.backup import restoring
from contact_center.config import load_settings
from contact_center.store import portable
where, path = sys.argv[1], Path(sys.argv[2])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def after(call, times):
    def do(*args):
        global left
        left -= 1
        return call(*args) if left else die()
    global left
    left = times
    return do

if where == "between the tables":
    portable.fill = after(portable.fill, 12)
elif where == "before the commit":
    restoring.settle = die
elif where == "before it is in place":
    restoring._put_in_place = die
    restoring._rename = die
settings = load_settings()
restoring.restore(settings, path, restoring.verify(path, None), passphrase=None, tell=lambda _: None)
"""


@pytest.mark.parametrize("where", ["between the tables", "before the commit", "before it is in place"])
@pytest.mark.parametrize("used", [False, True], ids=["into nothing", "into a used one"])
async def test_a_restore_that_is_killed(
    past: Past, pasts: Callable[[str, str], Past], elsewhere: Settings, engine: str, where: str, used: bool
) -> None:
    """What was there is whole, no server begins on it, and a second try does everything; on both engines."""
    folder, url, made = elsewhere.data_dir, elsewhere.effective_database_url, past.rows
    if used:
        shutil.copy(past.settings.data_dir / "secret_key", folder / "secret_key")
    environment = os.environ | {"CONTACT_CENTER_DATA_DIR": str(folder), "CONTACT_CENTER_DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, where, str(past.backup), env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == -signal.SIGKILL, errors.decode()[-2000:]
    with pytest.raises(ConfigError, match="restore was cut off"):
        await open_database(elsewhere)
    if used and (where != "before it is in place" or engine == "sqlite"):
        assert await read(elsewhere, rows_of) == pasts(engine, "other").rows
    await put_back(elsewhere, past.backup, force=True)
    again = await read(elsewhere, rows_of)
    assert {name: again[name] for name in made if name not in CHANGED} == {name: made[name] for name in made if name not in CHANGED}
    assert not [path for path in folder.rglob("*") if ".restoring" in path.name or path.name == RESTORING]
    await (await open_database(elsewhere)).close()


async def test_a_database_in_use_is_not_replaced(tmp_path: Path, database_url: str) -> None:
    """Without --force a database with people in it stays; with it the old one is set aside or deleted, as the words say."""
    settings, before = await fill(tmp_path / "data", database_url)
    await back_up(settings, tmp_path / "b")
    with pytest.raises(ConfigError, match="--force"):
        await put_back(settings, tmp_path / "b")
    assert await read(settings, rows_of) == before
    done = await put_back(settings, tmp_path / "b", force=True)
    assert (await read(settings, rows_of))["ticket"] == before["ticket"]
    if database_url.startswith("sqlite"):
        assert done.set_aside is not None
        assert done.set_aside.is_file()


async def test_a_restore_that_fails_changes_nothing(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong after the rows are in, even at the very end: the database is what it was."""
    settings, before = await fill(tmp_path / "data", database_url)
    await back_up(settings, tmp_path / "b")
    monkeypatch.setattr(restoring, "settle", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await put_back(settings, tmp_path / "b", force=True)
    assert await read(settings, rows_of) == before
    assert not list(tmp_path.glob("**/*.restoring*"))


async def test_a_running_server_is_not_pulled_away(tmp_path: Path, database_url: str) -> None:
    """While a server works with the database not even --force restores."""
    async with running_app(tmp_path / "data", database_url=database_url) as running:
        await back_up(running.product.settings, tmp_path / "b")
        with pytest.raises(ConfigError, match="Stop it first"):
            await put_back(running.product.settings, tmp_path / "b", force=True)


async def test_the_secret_key_is_asked_for(tmp_path: Path) -> None:
    """A backup has no key unless that was asked for; without the right one a restore needs a word of its own."""
    settings, _ = await fill(tmp_path / "data", "")
    await back_up(settings, tmp_path / "b")
    secret = (tmp_path / "data/secret_key").read_bytes()
    with gzip.open(tmp_path / "b") as file:
        assert secret not in file.read()
    there = settings_for(tmp_path / "there")
    with pytest.raises(ConfigError, match="needs the secret key"):
        await put_back(there, tmp_path / "b")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/secret_key").write_text("another-key-and-long-enough")
    with pytest.raises(ConfigError, match="needs the secret key"):
        await put_back(there, tmp_path / "b")
    (tmp_path / "there/secret_key").write_bytes(secret)
    await put_back(there, tmp_path / "b")
    (tmp_path / "there/secret_key").write_text("another-key-and-long-enough")
    await put_back(there, tmp_path / "b", force=True, without_key=True)


async def test_a_newer_backup_is_refused(tmp_path: Path) -> None:
    """What a newer release made is not guessed at."""
    settings, _ = await fill(tmp_path / "data", "")
    await back_up(settings, tmp_path / "b", with_key=True)

    def newer(name: str, content: bytes) -> bytes:
        return content.replace(b'"schema": "', b'"schema": "9') if name == "manifest.json" else content

    rewritten(tmp_path / "b", tmp_path / "newer", newer)
    with pytest.raises(ConfigError, match="newer"):
        await put_back(settings_for(tmp_path / "there"), tmp_path / "newer")


async def test_an_older_backup_is_migrated(tmp_path: Path, empty_database_url: str, other_url: str) -> None:
    """A backup of the first tables becomes a database of today."""
    from contact_center.store import migrate, version

    store = await open_store(empty_database_url, tmp_path / "data/blobs")
    await store.write(migrate.upgrade, "0001")

    def begin(connection: Connection) -> None:
        connection.execute(text("INSERT INTO project (slug, name, next_ticket_number) VALUES ('old', 'Old', 7)"))

    await store.write(begin)
    await store.close()
    settings = settings_for(tmp_path / "data", database_url=empty_database_url)
    assert (await back_up(settings, tmp_path / "b", with_key=True)).schema == "0001"
    there = settings_for(tmp_path / "there", database_url=other_url)
    await put_back(there, tmp_path / "b")
    assert await read(there, version.is_current)
    assert await read(there, migrate.drift) == []
    assert await read(there, lambda c: c.execute(text("SELECT slug FROM project")).scalars().all()) == ["old"]


async def test_a_backup_replaces_the_last_one_only_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a backup fails the earlier file of that name is untouched, and nothing half-made lies about."""
    settings, _ = await fill(tmp_path / "data", "")
    target = tmp_path / "backups" / "b"
    target.parent.mkdir()
    await back_up(settings, target)
    whole = target.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "_add_blobs", fail)
    with pytest.raises(BadRequest, match="No space left"):
        await back_up(settings, target)
    assert target.read_bytes() == whole
    assert list(target.parent.iterdir()) == [target]


def test_a_part_is_bounded(tmp_path: Path) -> None:
    """However many rows there are, a part is a few megabytes."""
    from sqlalchemy import create_engine

    from contact_center.store import migrate

    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with engine.begin() as connection:
        migrate.upgrade(connection)
        for number in range(30):
            values = {"sha": f"{number:064}", "size": MIB, "content": bytes(MIB)}
            connection.execute(text("INSERT INTO blob (sha256, size, content) VALUES (:sha, :size, :content)"), values)
        sizes = [(name, len(part)) for name, _, part in portable.parts(connection) if name == "blob"]
    assert len(sizes) >= 6
    assert max(size for _, size in sizes) <= portable.PART + 2 * MIB
    engine.dispose()
