"""What is found in an archive, and what is passed over and why."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXAMPLES = 20  # named beside a reason; the others are counted
IN_MEMORY = 1024 * 1024  # of a mail; a larger one goes to a file
LARGEST = 512 * 1024 * 1024

NewFile = Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Found:
    """A mail of an archive."""

    content: bytes | None
    """None: it is in `path`, a file of its own that the receiver must put away."""
    path: Path | None
    place: dict[str, Any]
    """Where to go on after it."""
    read: int
    """How much of the archive's total is behind with it."""
    folder: str = ""
    flags: str = ""
    """Of a Maildir: S seen, R answered, F flagged, P passed on, T deleted, D draft."""


@dataclass
class Passed:
    """What was not taken, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, where: str, number: int = 1) -> None:
        """Count something and remember where, up to a limit."""
        self.counts[reason] += number
        known = self.examples.setdefault(reason, [])
        if len(known) < EXAMPLES:
            known.append(where.encode("utf-8", "backslashreplace").decode()[-300:])


class Draft:
    """A mail being collected: in memory, then in a file, and beyond the largest size not at all."""

    def __init__(self, new_file: NewFile, largest: int) -> None:
        self._new_file = new_file
        self._largest = largest
        self._memory = bytearray()
        self._path: Path | None = None
        self._file: Any = None
        self.size = 0
        self.blank = True

    def add(self, data: bytes) -> None:
        """Some more bytes."""
        self.size += len(data)
        self.blank = self.blank and not data.strip()
        if self.size > self._largest:
            return
        if self._file is None and self.size > IN_MEMORY:
            self._path = self._new_file()
            self._file = self._path.open("wb")
            self._file.write(self._memory)
            self._memory.clear()
        if self._file is not None:
            self._file.write(data)
        else:
            self._memory += data

    @property
    def too_large(self) -> bool:
        """Whether it is more than anybody takes."""
        return self.size > self._largest

    def finish(self) -> tuple[bytes | None, Path | None]:
        """The bytes, or the file that has them."""
        if self._file is None:
            return bytes(self._memory), None
        self._file.close()
        return None, self._path

    def drop(self) -> None:
        """Leave nothing behind."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
