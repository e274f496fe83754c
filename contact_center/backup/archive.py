"""The file itself: a stream of members, written whole or not at all, read from front to back with bounded memory."""

import gzip
import hashlib
import io
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

from contact_center.backup.sealing import MAGIC, SealedReader, SealingWriter
from contact_center.errors import BadRequest
from contact_center.store import portable

FORMAT = 1
ABOUT, MANIFEST, KEY, ANCHORS = "about.json", "manifest.json", "secret_key", "audit-anchors.jsonl"
CHUNK = 1024 * 1024
LARGEST_PART = 64 * CHUNK  # of what is read into memory; ours are a few megabytes
LARGEST_MANIFEST = 512 * CHUNK
_BLOB = re.compile(r"blobs/([0-9a-f]{64})")
_SPOOLED = re.compile(r"spool/([A-Za-z0-9@_-][A-Za-z0-9@._-]{0,249})")
_TABLE = re.compile(r"tables/[a-z_]+/\d{6}")

Tell = Callable[[str], None]


@dataclass
class Manifest:
    """What a backup says of itself."""

    version: str
    """Of the product that made it."""
    schema: str
    """Of the tables in it."""
    created_at: datetime
    engine: str
    key_id: str
    """Which secret key its stored passwords need."""
    has_key: bool
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    """How many large contents and spooled mails there are."""
    missing: list[str] = field(default_factory=list)
    """Large contents that the folder did not have any more."""
    members: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every member."""


class Writer:
    """Adds members to an archive under way."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, str] = {}
        self.written = 0

    def add(self, name: str, content: bytes) -> None:
        """A member that is in memory."""
        self._add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, file: IO[bytes], size: int) -> None:
        """A member from a file, of which exactly `size` bytes are taken."""
        self._add(name, file, size)

    def _add(self, name: str, file: IO[bytes], size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _Hashed(file)
        self._tar.addfile(info, hashed)
        self.members[name] = hashed.hexdigest()
        self.written += size


class Part:
    """A member being read. What is not read of it is passed over."""

    def __init__(self, name: str, size: int, file: IO[bytes]) -> None:
        self.name = name
        self.size = size
        self._file = _Hashed(file)

    @property
    def kind(self) -> str:
        """The folder it stands in: tables, blobs, spool; empty for the others."""
        return self.name.rpartition("/")[0].partition("/")[0]

    @property
    def stem(self) -> str:
        """Its name without the folder."""
        return self.name.rpartition("/")[2]

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, piece by piece."""
        while data := self._file.read(CHUNK):
            yield data

    def content(self) -> bytes:
        """Its bytes at once. Raises BadRequest when they are too many to be ours."""
        if self.size > (LARGEST_MANIFEST if self.name == MANIFEST else LARGEST_PART):
            raise BadRequest(f"{self.name} in the backup is too large.")
        return b"".join(self.chunks())

    def digest(self) -> str:
        """The SHA-256 of all of it; reads what was not read yet."""
        for _ in self.chunks():
            pass
        return self._file.hexdigest()


@contextmanager
def writing(path: Path, passphrase: str | None) -> Iterator[Writer]:
    """A new archive. It appears under its name when the block ends well, complete and synced; otherwise nothing is left."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.absolute().parent)  # readable by its owner only
    try:
        with os.fdopen(handle, "wb") as file:
            sealed = SealingWriter(file, passphrase) if passphrase is not None else None
            with gzip.GzipFile(fileobj=sealed or file, mode="wb", compresslevel=4, filename="", mtime=0) as packed:
                with tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:
                    yield Writer(tar)
            if sealed is not None:
                sealed.close()
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(draft).unlink()
        raise


@contextmanager
def reading(path: Path, passphrase: str | None) -> Iterator[Iterator[Part]]:
    """The members of an archive, to be taken in order. Raises BadRequest when it is not one, or is damaged."""
    try:
        with path.open("rb") as file:
            if is_sealed(path):
                if passphrase is None:
                    raise BadRequest("The backup is encrypted: a passphrase is needed.")
                source: Any = SealedReader(file, passphrase)
            else:
                source = file
            with gzip.GzipFile(fileobj=source, mode="rb") as packed, tarfile.open(fileobj=packed, mode="r|", bufsize=CHUNK) as tar:
                yield _parts(tar)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadRequest(f"{path} is no backup, or is damaged: {error}") from error
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror or error}") from error


def is_sealed(path: Path) -> bool:
    """Whether a passphrase is needed."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def verify(path: Path, passphrase: str | None, tell: Tell = lambda _: None) -> Manifest:
    """Read all of a backup and compare it with its manifest: every hash, every row, every large content.

    Raises BadRequest that says what is wrong.
    """
    hashes: dict[str, str] = {}
    rows: dict[str, int] = {}
    needed: set[str] = set()
    manifest, read = None, 0
    with reading(path, passphrase) as members:
        for part in members:
            if manifest is not None:
                raise BadRequest(f"There is something behind the manifest: {part.name}")
            if part.name in hashes:
                raise BadRequest(f"{part.name} is in the backup twice.")
            if part.name == MANIFEST:
                manifest = _manifest(part.content())
                continue
            if part.kind == "tables":
                _count(part.content(), rows, needed)
            hashes[part.name] = part.digest()
            read += part.size
            tell(f"verified {read // CHUNK} MiB")
    if manifest is None:
        raise BadRequest("The backup has no manifest: it was cut off.")
    _compare(manifest, hashes, rows, needed)
    return manifest


def _count(content: bytes, rows: dict[str, int], needed: set[str]) -> None:
    name, columns, found = portable.read_part(content)
    names = [each for each, _ in columns]
    number = 0
    for row in found:
        number += 1
        if name == "blob" and row[names.index("content")] is None:
            needed.add(row[names.index("sha256")])
    rows[name] = rows.get(name, 0) + number


def _compare(manifest: Manifest, hashes: dict[str, str], rows: dict[str, int], needed: set[str]) -> None:
    for name, sha256 in manifest.members.items():
        if name not in hashes:
            raise BadRequest(f"{name} is missing in the backup.")
        if hashes[name] != sha256:
            raise BadRequest(f"{name} in the backup is not what was put there.")
        if (blob := _BLOB.fullmatch(name)) and blob[1] != sha256:
            raise BadRequest(f"{name} in the backup is not what its name says.")
    if unknown := set(hashes) - set(manifest.members):
        raise BadRequest(f"{sorted(unknown)[0]} in the backup is not in its manifest.")
    if rows != manifest.rows:
        raise BadRequest("The rows of the backup are not as many as its manifest says.")
    absent = needed - {name.removeprefix("blobs/") for name in hashes} - set(manifest.missing)
    if absent:
        raise BadRequest(f"The backup lacks the content {sorted(absent)[0]}.")


def _parts(tar: tarfile.TarFile) -> Iterator[Part]:
    for info in tar:
        known = info.name in (ABOUT, MANIFEST, KEY, ANCHORS) or any(each.fullmatch(info.name) for each in (_BLOB, _SPOOLED, _TABLE))
        # The holes of a sparse file are read as zeros: gigabytes out of a few bytes.
        file = tar.extractfile(info) if info.isreg() and not info.issparse() else None
        if not known or file is None:
            raise BadRequest(f"There is something in the backup that does not belong there: {info.name[:100]}")
        yield Part(info.name, info.size, file)
        tar.members = []  # type: ignore[attr-defined]  # or the list of them would grow with the archive


def _manifest(content: bytes) -> Manifest:
    try:
        data = orjson.loads(content)
        if data.pop("format") != FORMAT:
            raise BadRequest("The backup was made by a newer release. Use that one.")
        return Manifest(**(data | {"created_at": datetime.fromisoformat(data["created_at"])}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest("The manifest of the backup is not readable.") from error


class _Hashed:
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
