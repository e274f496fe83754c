"""`contact-center backup`: one moment of the database, and the large contents that its rows name."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from contact_center import __version__
from contact_center.app import load_keys
from contact_center.backup.archive import ABOUT, ANCHORS, FORMAT, KEY, MANIFEST, Manifest, Tell, Writer, writing
from contact_center.config import Settings
from contact_center.errors import BadRequest, ConfigError
from contact_center.keys import load_secrets
from contact_center.store import Connection, Store, portable, version
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import recovery


async def make(
    settings: Settings, store: Store, path: Path, *, passphrase: str | None, with_key: bool, tell: Tell = lambda _: None
) -> Manifest:
    """Write a backup to `path`; the service may run meanwhile. What was there under that name is replaced, at the very end.

    Raises BadRequest when the folder cannot be written, ConfigError when there is nothing to back up.
    """
    try:
        return await store.read(_make, settings, path, passphrase, with_key, tell)
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror or error}") from error


def _make(connection: Connection, settings: Settings, path: Path, passphrase: str | None, with_key: bool, tell: Tell) -> Manifest:
    """A unit that writes a file, against the rule: only while it runs is the moment held that the backup shows."""
    created_at = datetime.now(UTC)
    schema = version.current(connection)
    if schema is None:
        raise ConfigError("The database is empty: there is nothing to back up.")
    keys = load_keys(settings)
    manifest = Manifest(__version__, schema, created_at, connection.dialect.name, keys.names()[0], with_key)
    with writing(path, passphrase) as archive:
        archive.add(ABOUT, _json({"version": __version__, "schema": schema, "created_at": created_at}))
        _add_tables(connection, archive, manifest, tell)
        _add_blobs(connection, archive, manifest, BlobFiles(settings.data_dir / "blobs"), tell)
        _add_spool(archive, manifest, settings.data_dir / "spool")
        if (settings.data_dir / ANCHORS).is_file():
            archive.add(ANCHORS, (settings.data_dir / ANCHORS).read_bytes())
        if with_key:
            archive.add(KEY, "\n".join(_secrets(settings)).encode())
        manifest = replace(manifest, members=archive.members)
        archive.add(MANIFEST, _json({"format": FORMAT} | asdict(manifest)))
    return manifest


def _add_tables(connection: Connection, archive: Writer, manifest: Manifest, tell: Tell) -> None:
    for number, (name, rows, part) in enumerate(portable.parts(connection)):
        archive.add(f"tables/{name}/{number:06}", part)
        manifest.rows[name] = manifest.rows.get(name, 0) + rows
        tell(f"{name}: {manifest.rows[name]} rows, {archive.written // 2**20} MiB")


def _add_blobs(connection: Connection, archive: Writer, manifest: Manifest, files: BlobFiles, tell: Tell) -> None:
    added = 0
    for sha256, size in recovery.large_blobs(connection):
        try:
            with files.path(sha256).open("rb") as file:
                archive.add_file(f"blobs/{sha256}", file, size)
        except FileNotFoundError:
            manifest.missing.append(sha256)
            continue
        added += 1
        tell(f"large contents: {added}, {archive.written // 2**20} MiB")
    manifest.files["blobs"] = added


def _add_spool(archive: Writer, manifest: Manifest, folder: Path) -> None:
    """Mails are written there under a name of their own and never changed."""
    paths = sorted(path for path in folder.glob("*.eml") if path.is_file()) if folder.is_dir() else []
    for path in paths:
        with path.open("rb") as file:
            archive.add_file(f"spool/{path.name}", file, path.stat().st_size)
    manifest.files["spool"] = len(paths)


def _secrets(settings: Settings) -> list[str]:
    if settings.secret_key is None:
        return load_secrets(settings.data_dir / "secret_key")
    return [each.get_secret_value() for each in (settings.secret_key, *settings.earlier_secret_keys)]


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
