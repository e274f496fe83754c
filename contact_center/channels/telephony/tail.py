"""Following a file that another program writes, through rotation and truncation. Blocking: runs in a thread.

How far it was read is (inode, offset, a hash of the first bytes). When the file at the path is another one, or shorter,
the rest of the old one is looked for among its neighbours (name.1, name-20261122, the copy that copytruncate makes), and
everything that was written after the last look is read before the new file. What is offered twice in doing so is known
by its content; what is not offered would be lost.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

HEAD = 256  # bytes by which a file is recognised
CHUNK = 256 * 1024
LONGEST_LINE = 64 * 1024  # what is longer is no line of a log, and is given up in pieces
ZIPPED = (".gz", ".xz", ".bz2", ".zst")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read."""

    inode: int = 0
    offset: int = 0
    """Bytes of whole lines that were taken."""
    head: str = ""
    """Hash of the first bytes, as many as were read, at most HEAD."""
    seen: float = 0.0
    """When the file had last been written to, at the last look."""
    done: tuple[tuple[int, int], ...] = ()
    """Older files that were read to their end, each as (inode, size): a copy may still have been growing then."""

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> "Place":
        """From a cursor."""
        known = stored or {}
        return cls(
            int(known.get("inode", 0)),
            int(known.get("offset", 0)),
            str(known.get("head", "")),
            float(known.get("seen", 0.0)),
            tuple(known.get("done", ())),
        )

    def as_cursor(self) -> dict[str, Any]:
        """For a cursor."""
        return {
            "inode": self.inode,
            "offset": self.offset,
            "head": self.head,
            "seen": self.seen,
            "done": [list(file) for file in self.done],
        }


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines read at once."""

    lines: list[bytes]
    place: Place | None
    """How far the file at the path is read with these lines; None while it is the rest of an older file."""


def batches(path: Path, place: Place, most: int) -> Iterator[Batch]:
    """What was written since `place`, in the order of writing, at most `most` lines at once. Raises OSError.

    A last line without its end is left for the next time, except in a file that nobody writes to any more.
    """
    with path.open("rb") as file:
        now = os.fstat(file.fileno())
        is_other = bool(place.inode) and (now.st_ino != place.inode or not _is_same(file, place))
        # Of a file that was empty at the last look, only its neighbours tell whether it was emptied since.
        older = _older(path, place, now.st_ino) if is_other or (place.inode and not place.offset) else []
        if is_other or older:
            if now.st_size == 0 and [old.inode for old in older] == [place.inode]:
                # A new file is ready, but the writer still has the old one.
                yield from _rest_of_open(older[0].path, place, most)
                return
            for old in older:
                yield from _rest(old.path, old.start, most)
            seen = max([now.st_mtime, *(old.written for old in older)])
            place = Place(now.st_ino, seen=seen, done=tuple((old.inode, old.size) for old in older))
            yield Batch([], place)
        elif not place.inode:
            # From now on a rotation is noticed, also one that comes before the first line.
            place = Place(now.st_ino, seen=now.st_mtime)
            yield Batch([], place)
        for lines, offset in _read(file, place.offset, most, is_finished=False):
            following = Place(now.st_ino, offset, _head(file, offset), now.st_mtime)
            if not _is_same(file, place) or (not place.offset and _older(path, place, now.st_ino)):
                return  # emptied while it was read: the next look finds the copy
            yield Batch(lines, following)
            place = following


def _is_same(file: BinaryIO, place: Place) -> bool:
    """Whether this is the file, or a copy of it, that was read so far."""
    return os.fstat(file.fileno()).st_size >= place.offset and _head(file, place.offset) == place.head


def _head(file: BinaryIO, offset: int) -> str:
    file.seek(0)
    return hashlib.sha256(file.read(min(HEAD, offset))).hexdigest() if offset else ""


@dataclass(frozen=True, slots=True, order=True)
class Old:
    """A file that holds what was written between the last look and the rotation."""

    written: float
    path: Path
    inode: int
    size: int
    start: int
    """Bytes of it that were read already."""


def _older(path: Path, place: Place, inode: int) -> list[Old]:
    """All such files, the oldest first."""
    found = []
    for neighbour in _neighbours(path):
        try:
            with neighbour.open("rb") as file:
                status = os.fstat(file.fileno())
                is_ours = bool(place.offset) and _is_same(file, place)
        except OSError:
            continue
        is_later = status.st_mtime >= place.seen and (status.st_ino, status.st_size) not in place.done
        if status.st_ino != inode and (is_ours or status.st_ino == place.inode or is_later):
            found.append(Old(status.st_mtime, neighbour, status.st_ino, status.st_size, place.offset if is_ours else 0))
    return sorted(found)


def _neighbours(path: Path) -> list[Path]:
    """Files that rotation may have made of this one."""
    prefixes = (f"{path.name}.", f"{path.name}-", f"{path.stem}-", f"{path.stem}.")
    beside = [entry for entry in path.parent.iterdir() if entry.name != path.name and entry.name.startswith(prefixes) and entry.is_file()]
    return [entry for entry in beside if entry.suffix not in ZIPPED]


def _rest(path: Path, start: int, most: int) -> Iterator[Batch]:
    with path.open("rb") as file:
        for lines, _ in _read(file, start, most, is_finished=True):
            yield Batch(lines, None)


def _rest_of_open(path: Path, place: Place, most: int) -> Iterator[Batch]:
    """Go on in a file that was moved away while its writer still holds it."""
    with path.open("rb") as file:
        now = os.fstat(file.fileno())
        if _is_same(file, place):
            for lines, offset in _read(file, place.offset, most, is_finished=False):
                yield Batch(lines, Place(now.st_ino, offset, _head(file, offset), now.st_mtime))


def _read(file: BinaryIO, offset: int, most: int, *, is_finished: bool) -> Iterator[tuple[list[bytes], int]]:
    """Whole lines from an offset, with the offset behind them."""
    lines: list[bytes] = []
    pending = b""
    while True:
        file.seek(offset + len(pending))
        chunk = file.read(CHUNK)
        *whole, pending = (pending + chunk).split(b"\n")
        if len(pending) > LONGEST_LINE or (not chunk and is_finished and pending):
            # Only here does a line have no end of its own.
            whole, pending, unended = [*whole, pending], b"", 1
        else:
            unended = 0
        for number, line in enumerate(whole):
            offset += len(line) + (0 if unended and number == len(whole) - 1 else 1)
            lines.append(line.rstrip(b"\r"))
            if len(lines) == most:
                yield lines, offset
                lines = []
        if not chunk:
            break
    if lines:
        yield lines, offset


def first_lines(path: Path, count: int) -> list[bytes]:
    """The first whole lines of a file, for a look at what it is. Raises OSError."""
    with path.open("rb") as file:
        return [line for line in file.read(CHUNK).split(b"\n")[:-1] if line.strip()][:count]
