"""`contact-center restore`: a backup becomes the database again, and nothing is sent a second time because of it.

The hours between the backup and now are unknown. What waited to be sent may have gone out since, so a person decides; mail of
those hours is read again from the mailbox, since the cursors are as old as the backup; whoever was signed in signs in again.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from contact_center.app import RESTORING, load_keys
from contact_center.backup.archive import ANCHORS, KEY, Manifest, Part, Tell, reading, verify
from contact_center.config import Settings
from contact_center.errors import BadRequest, ConfigError
from contact_center.model.acts import Act
from contact_center.model.words import Delivery
from contact_center.store import Connection, Row, migrate, open_store, portable, version
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import outbox, recovery, timeline
from contact_center.tickets import entries, undelivered

PATIENCE = 15.0  # seconds: longer than the leases of a server that was stopped a moment ago


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, for whoever asked for it."""

    manifest: Manifest
    uncertain: int
    """Messages of people that may have gone out since the backup."""
    cancelled: int
    """Messages of machines that are not sent any more."""
    set_aside: Path | None
    """Where the SQLite database is that stood there before."""


async def check(settings: Settings, path: Path, *, passphrase: str | None, force: bool, without_key: bool, tell: Tell) -> Manifest:
    """Everything that can be wrong, before anything is touched. Raises BadRequest or ConfigError that says it."""
    manifest = verify(path, passphrase, tell)
    if not migrate.knows(manifest.schema):
        raise ConfigError(f"The backup was made by release {manifest.version}, which is newer than this one. Use that one, or a later one.")
    _check_key(settings, manifest, without_key)
    await _check_target(settings, force)
    return manifest


def restore(settings: Settings, path: Path, manifest: Manifest, *, passphrase: str | None, tell: Tell) -> Restored:
    """Put the backup in place of what is there. `check` must have been passed. Starts an event loop of its own on PostgreSQL."""
    files = BlobFiles(settings.data_dir / "blobs")
    done: dict[str, int] = {}
    url = make_url(settings.effective_database_url)
    sqlite = url.get_backend_name() == "sqlite"
    target = Path(url.database or "") if sqlite else None
    draft = target.with_name(target.name + ".restoring") if target else None
    if draft is not None:
        draft.parent.mkdir(parents=True, exist_ok=True)
        _remove(draft)
        url = url.set(database=str(draft))

    def fill_all(connection: Connection) -> None:
        with reading(path, passphrase) as members:
            for part in members:
                _take(connection, part, settings, files, tell)

    def then(connection: Connection) -> None:
        done.update(settle(connection, datetime.now(UTC), manifest.created_at))

    # Whoever is killed from here on leaves a database that is whole, and files beside it that may not be.
    marker = settings.data_dir / RESTORING
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(f"{path}\n")
    portable.sync_file(marker)
    try:
        portable.rebuild(url.render_as_string(hide_password=False), manifest.schema, fill_all, then, wipe=not sqlite)
    except BaseException:
        if draft is not None:
            _remove(draft)
        marker.unlink()
        raise
    # The anchors of the audit log know of entries that are gone now.
    _rename(settings.data_dir / ANCHORS, settings.data_dir / f"{ANCHORS}.before-restore-{_stamp()}")
    _rename(settings.data_dir / f"{ANCHORS}.restoring", settings.data_dir / ANCHORS)
    aside = _put_in_place(draft, target) if draft is not None and target is not None else None
    marker.unlink()
    return Restored(manifest, done["uncertain"], done["cancelled"], aside)


def settle(connection: Connection, now: datetime, backup_at: datetime) -> dict[str, int]:
    """What a restored database must know before anybody works with it."""
    recovery.mark_restored(connection, now, backup_at)
    recovery.revoke_entrances(connection, now)
    recovery.leave_gap(connection)
    rows = recovery.unsent(connection)
    for row in rows:
        _doubt(connection, Act(now), row, f"restored from a backup of {backup_at:%Y-%m-%d %H:%M} UTC: it may have gone out since")
    machines = sum(bool(row["automatic"]) for row in rows)
    return {"uncertain": len(rows) - machines, "cancelled": machines}


def _doubt(connection: Connection, act: Act, row: Row, reason: str) -> None:
    """A person decides about a person's message; a machine's is not worth the risk that it comes twice."""
    state = Delivery.CANCELLED if row["automatic"] else Delivery.UNCERTAIN
    outbox.change(connection, row["id"], state=state, error=reason, lease_holder=None)
    project_id = outbox.project_of(connection, row["id"])
    entries.publish_entry(connection, act, project_id, row["interaction_id"])
    entry = timeline.find(connection, row["interaction_id"])
    if entry is not None:
        undelivered.demand(connection, act, project_id, entry)


def _check_key(settings: Settings, manifest: Manifest, without_key: bool) -> None:
    path = settings.data_dir / "secret_key"
    here = load_keys(settings).names() if settings.secret_key is not None or path.is_file() else []
    if manifest.key_id in here or without_key or (manifest.has_key and settings.secret_key is None and not path.is_file()):
        return
    have = f"the one here is {here[0]}" if here else "there is none here"
    raise ConfigError(
        f"The backup needs the secret key {manifest.key_id}, and {have}. Put the right one in place ({path}, or secret_key in the settings)"
        ", or go on with --without-key: the passwords of channels must then be entered again."
    )


async def _check_target(settings: Settings, force: bool) -> None:
    url = make_url(settings.effective_database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():  # noqa: ASYNC240 - the command line
        return
    store = await open_store(settings.effective_database_url, settings.data_dir / "blobs")
    try:
        deadline = time.monotonic() + PATIENCE
        while await store.read(recovery.is_alive, datetime.now(UTC)):
            if time.monotonic() > deadline:
                raise ConfigError("A server is working with this database. Stop it first.")
            await asyncio.sleep(0.5)
        at = await store.read(version.current)
        if at is not None and not migrate.knows(at):
            raise ConfigError(f"This database is at version {at}, which this release does not know. Restore into an empty one.")
        if not force and await store.read(recovery.is_used):
            raise ConfigError(
                "There is something in this database already. Restore into an empty one, or say --force: what is in it will be "
                + ("set aside in a file beside it." if store.dialect == "sqlite" else "DELETED. Back it up first.")
            )
    finally:
        await store.close()


def _take(connection: Connection, part: Part, settings: Settings, files: BlobFiles, tell: Tell) -> None:
    if part.kind == "tables":
        name, rows = portable.fill(connection, part.content())
        tell(f"{name}: {rows} rows")
    elif part.kind == "blobs":
        if not files.path(part.stem).is_file():
            _take_blob(part, files)
        tell(f"large content, {part.size // 2**20} MiB")
    elif part.kind == "spool":
        folder = settings.data_dir / "spool"
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{part.stem[:200]}.restoring"
        with draft.open("wb") as file:
            for chunk in part.chunks():
                file.write(chunk)
        draft.replace(folder / part.stem)
    elif part.name == ANCHORS:
        (settings.data_dir / f"{ANCHORS}.restoring").write_bytes(part.content())
    elif part.name == KEY and settings.secret_key is None:
        _take_key(part, settings.data_dir / "secret_key")


def _take_blob(part: Part, files: BlobFiles) -> None:
    draft = files.new_file()
    with draft.open("wb") as file:
        for chunk in part.chunks():
            file.write(chunk)
    sha256, _ = files.adopt(draft)
    if sha256 != part.stem:
        raise BadRequest(f"{part.name} in the backup is not what its name says.")


def _take_key(part: Part, path: Path) -> None:
    """A key that is there already stays: it was checked to be the right one."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(part.content())
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(draft: Path, target: Path) -> Path | None:
    portable.sync_file(draft)
    aside = None
    if target.exists():
        aside = target.with_name(f"{target.name}.before-restore-{_stamp()}")
        portable.fold_in(target)
        for ending in ("-wal", "-shm"):
            _rename(target, aside, ending)
        aside.hardlink_to(target)
    # In one step: there is no moment without a database, in which a server would begin an empty one.
    draft.replace(target)
    return aside


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}"


def _rename(source: Path, target: Path, ending: str = "") -> None:
    path = source.with_name(source.name + ending)
    if path.exists():
        path.replace(target.with_name(target.name + ending))


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
