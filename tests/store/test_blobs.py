"""Bytes by their hash: small ones in the database, large ones in files that are complete before a row names them."""

import hashlib
from pathlib import Path

import pytest

from contact_center.store import Store, blobs
from contact_center.store.blobs import BlobFiles


def test_an_adopted_file_is_synced_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are on disk first, the name comes by one rename, and the folders are synced after it."""
    order: list[str] = []
    real_sync, real_replace = blobs.os.fsync, Path.replace
    monkeypatch.setattr(blobs.os, "fsync", lambda handle: (order.append("sync"), real_sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, target: (order.append("rename"), real_replace(self, target))[1])
    files = BlobFiles(tmp_path / "blobs")
    path = files.new_file()
    path.write_bytes(b"x" * 3_000_000)
    sha256, size = files.adopt(path)
    assert order == ["sync", "rename", "sync", "sync"]
    assert (sha256, size) == (hashlib.sha256(b"x" * 3_000_000).hexdigest(), 3_000_000)
    assert not path.exists()
    assert b"".join(files.read(sha256)) == b"x" * 3_000_000


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    """Adopting what is there already leaves one file and no litter."""
    files = BlobFiles(tmp_path / "blobs")
    assert files.keep(b"hello") == files.keep(b"hello")
    assert len([path for path in files.folder.rglob("*") if path.is_file()]) == 1


async def test_rows_of_small_and_of_large_contents(store: Store) -> None:
    """Small contents come from the database; None says that the bytes are in a file. Storing twice is harmless."""
    for _ in range(2):
        await store.write(blobs.put, "aa", 3, b"a\x00b")
        await store.write(blobs.put, "bb", 9, None)
    assert await store.read(blobs.get, "aa") == b"a\x00b"
    assert await store.read(blobs.get, "bb") is None
