"""`contact-center backup` and `contact-center restore`. What they need is loaded when one of them runs."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from contact_center.config import Settings, load_settings
from contact_center.errors import ConfigError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PassphraseFile = Annotated[Path | None, typer.Option(help="A file whose first line is the passphrase.")]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; one of that name is replaced at the very end.")],
    verify: Annotated[bool, typer.Option("--verify", help="Write nothing: read the file and compare it with its manifest.")] = False,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt it with a passphrase.")] = False,
    passphrase_file: PassphraseFile = None,
    with_key: Annotated[bool, typer.Option("--with-key", help="Put the secret key in. Whoever has the file can then read all.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write everything into one file while the service runs: the database of one moment, large contents, the spool.

    The passphrase comes from --passphrase-file, from CC_BACKUP_PASSPHRASE, or is asked for.

    Example: contact-center backup --encrypt /backup/contact-center.tar.gz
    """
    from contact_center.backup.archive import is_sealed
    from contact_center.backup.archive import verify as verify_backup

    settings = load_settings()
    if verify:
        if not file.is_file():
            raise ConfigError(f"{file}: no such file.")
        manifest = verify_backup(file, _passphrase(passphrase_file, needed=is_sealed(file)), _tell)
    else:
        phrase = _passphrase(passphrase_file, needed=encrypt, again=True)
        manifest = asyncio.run(_make(settings, file, phrase, with_key=with_key))
    _tell("")
    _say_manifest(manifest, as_json=as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is in the database.")] = False,
    without_key: Annotated[bool, typer.Option("--without-key", help="Go on without the secret key of the backup.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in place of an empty database. It is checked first; nothing is sent a second time because of it.

    What waited to be sent is uncertain afterwards, since it may have gone out; everybody signs in again.

    Example: contact-center restore /backup/contact-center.tar.gz
    """
    from contact_center.backup.archive import is_sealed
    from contact_center.backup.restoring import check
    from contact_center.backup.restoring import restore as put_back

    settings = load_settings()
    if not file.is_file():
        raise ConfigError(f"{file}: no such file.")
    phrase = _passphrase(passphrase_file, needed=is_sealed(file))
    manifest = asyncio.run(check(settings, file, passphrase=phrase, force=force, without_key=without_key, tell=_tell))
    done = put_back(settings, file, manifest, passphrase=phrase, tell=_tell)
    _tell("")
    _say_manifest(manifest, as_json=as_json)
    if not as_json:
        print(f"{done.uncertain} messages may have gone out since the backup: they are uncertain, and a person decides.")
        print(f"{done.cancelled} automatic messages of then are not sent any more.")
        if done.set_aside is not None:
            print(f"What was there before is in {done.set_aside}")


async def _make(settings: Settings, file: Path, phrase: str | None, *, with_key: bool) -> Any:
    from contact_center.backup.making import make
    from contact_center.store import open_store

    store = await open_store(settings.effective_database_url, settings.data_dir / "blobs")
    try:
        return await make(settings, store, file, passphrase=phrase, with_key=with_key, tell=_tell)
    finally:
        await store.close()


def _passphrase(path: Path | None, *, needed: bool, again: bool = False) -> str | None:
    """The passphrase of a backup, None when none is needed. Raises ConfigError when there is none to be had."""
    if not needed:
        return None
    if path is not None:
        if not path.is_file():
            raise ConfigError(f"{path}: no such file.")
        found = (path.read_text("utf-8").splitlines() or [""])[0]
    elif (given := os.environ.get("CC_BACKUP_PASSPHRASE")) is not None:
        found = given
    elif sys.stdin.isatty():
        found = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=again, err=True)
    else:
        raise ConfigError("A passphrase is needed: --passphrase-file, or CC_BACKUP_PASSPHRASE.")
    if again and len(found) < 12:
        raise ConfigError("The passphrase is too short: 12 characters at least.")
    return found


def _tell(words: str) -> None:
    """Progress: one line that is overwritten, where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)


def _say_manifest(manifest: Any, *, as_json: bool) -> None:
    if as_json:
        facts = {name: getattr(manifest, name) for name in ("version", "schema", "engine", "key_id", "has_key", "rows", "files", "missing")}
        print(json.dumps({"created_at": manifest.created_at.isoformat()} | facts))
        return
    print(f"Backup of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC by release {manifest.version}, tables of version {manifest.schema}")
    print(f"{sum(manifest.rows.values())} rows in {len(manifest.rows)} tables, {manifest.files.get('blobs', 0)} large contents")
    print(f"Secret key {manifest.key_id}: {'in the backup' if manifest.has_key else 'NOT in the backup, keep it elsewhere'}")
    if manifest.missing:
        print(f"{len(manifest.missing)} large contents were missing in the blob folder: {manifest.missing[0]}, ...", file=sys.stderr)
