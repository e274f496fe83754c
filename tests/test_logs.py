"""The log: what becomes of a line that cannot be written."""

import errno
from typing import Any, cast

from contact_center.logs import Unfailing


class Disk:
    """A file on a disk that may be full."""

    def __init__(self) -> None:
        self.full = False
        self.lines: list[str] = []

    def write(self, text: str) -> int:
        """Take it, or say that there is no room."""
        self.flush()
        self.lines.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held."""
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    """Whoever logs goes on while the disk is full; the first line that can be written again says how many are missing."""
    disk = Disk()
    log = Unfailing(cast(Any, disk))
    log.write("one\n")
    disk.full = True
    for _ in range(3):
        log.write("lost\n")
    disk.full = False
    log.write("two\n")
    log.flush()
    log.write("three\n")
    assert disk.lines == ["one\n", '{"level": "warning", "event": "log.lines_lost", "lines": 3}\n', "two\n", "three\n"]
