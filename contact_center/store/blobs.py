"""Bytes by their SHA-256: small ones in the database, large ones as files beside it.

A file is written and synced under its final name before the row that names it is committed, so a committed row always
has its bytes; a crash in between leaves only a file that nobody names.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from contact_center.store.prepared import Prepared
from contact_center.store.schema.channels import blob

INLINE_LIMIT = 1024 * 1024  # larger contents go to files: a database page cache is no place for them
CHUNK = 1024 * 1024

_INSERT = Prepared(
    insert(blob).values(sha256=bindparam("sha256"), size=bindparam("size"), content=bindparam("content")).on_conflict_do_nothing()
)
_SELECT = select(blob.c.size, blob.c.content).where(blob.c.sha256 == bindparam("sha256"))


def put(connection: Connection, sha256: str, size: int, content: bytes | None) -> None:
    """Store `content` under `sha256`, or with None record a file that `BlobFiles.adopt` put in place."""
    _INSERT.run(connection, {"sha256": sha256, "size": size, "content": content})


def put_all(connection: Connection, contents: Iterable[tuple[str, int, bytes | None]]) -> None:
    """Like `put` for many: (sha256, size, content) each. In one order always, so that two processes cannot wait for each other."""
    values = [{"sha256": sha256, "size": size, "content": content} for sha256, size, content in sorted(contents, key=itemgetter(0))]
    if values:
        _INSERT.run_all(connection, values)


def get(connection: Connection, sha256: str) -> bytes | None:
    """The bytes kept in the database; None when they are in a file."""
    row = connection.execute(_SELECT, {"sha256": sha256}).one()
    return None if row.content is None else bytes(row.content)


class BlobFiles:
    """The folder of large contents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the bytes of `sha256` are, or would be."""
        return self.folder / sha256[:2] / sha256

    def new_file(self) -> Path:
        """An empty file of its own, to be filled and then adopted."""
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=self.folder)
        os.close(handle)
        return Path(name)

    def adopt(self, path: Path) -> tuple[str, int]:
        """Move a filled file to its place, synced to disk; returns its SHA-256 and size in bytes. Blocking."""
        digest = hashlib.sha256()
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(CHUNK), b""):
                digest.update(chunk)
            os.fsync(file.fileno())
        sha256, size = digest.hexdigest(), path.stat().st_size
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
        _sync_folder(target.parent)
        _sync_folder(self.folder)
        return sha256, size

    def keep(self, content: bytes) -> str:
        """Write `content` to its place; returns its SHA-256. Blocking."""
        path = self.new_file()
        path.write_bytes(content)
        return self.adopt(path)[0]

    def read(self, sha256: str) -> Iterator[bytes]:
        """The bytes of a file, chunk by chunk. Blocking."""
        with self.path(sha256).open("rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
