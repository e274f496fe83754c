"""An mbox file as a stream, whatever its size and dialect.

A mail begins at a `From ` line. Which lines those are, nobody ever wrote down: with a date, and a blank line before or a header
behind; without a date, both. Programs put `>` before such lines of a text (`>From `, `>>From `): one is taken away again.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from contact_center.archives.found import LARGEST, Draft, Found, NewFile, Passed

LINE = 64 * 1024  # longer lines are read piece by piece
_TIME = re.compile(rb"\b\d\d?:\d\d\b")
_YEAR = re.compile(rb"\b\d\d\d\d\b")
_HEADER = re.compile(rb"[!-9;-~]{1,80}[ \t]*:")
_QUOTED = re.compile(rb">+From ")


def is_mbox(path: Path) -> bool:
    """Whether it begins as an mbox does."""
    with path.open("rb") as file:
        return file.read(LINE).lstrip().startswith(b"From ")


def read_mbox(path: Path, start: int, passed: Passed, new_file: NewFile, largest: int = LARGEST) -> Iterator[Found]:
    """The mails from the `From ` line at byte `start` on."""
    with path.open("rb") as file:
        file.seek(start)
        draft: Draft | None = None
        begun = offset = start
        held, at_start, blank = b"", True, True
        try:
            for line, following in _lines(file):
                if at_start and line.startswith(b"From ") and _separates(line, following, blank, first=draft is None):
                    if draft is not None and (found := _end(draft, begun, offset, path, passed)):
                        yield found
                    draft, begun, held = Draft(new_file, largest), offset, b""
                elif draft is not None:
                    # The blank line before the next mail is the archive's, not the mail's.
                    is_blank = at_start and line in (b"\n", b"\r\n")
                    draft.add(held + (b"" if is_blank else line[1:] if at_start and _QUOTED.match(line) else line))
                    held = line if is_blank else b""
                elif line.strip():
                    passed.add("text before the first mail", f"{path} at byte {offset}")
                offset += len(line)
                blank = at_start and not line.strip()
                at_start = line.endswith(b"\n")
            if draft is not None and (found := _end(draft, begun, offset, path, passed)):
                draft = None
                yield found
        except OSError as error:
            passed.add("not readable", f"{path} at byte {offset}: {error.strerror or error}")
            if draft is not None:
                draft.drop()


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line with the one behind it."""
    line = file.readline(LINE)
    while line:
        following = file.readline(LINE)
        yield line, following
        line = following


def _separates(line: bytes, following: bytes, blank: bool, *, first: bool) -> bool:
    if first:
        return True
    header = _HEADER.match(following) is not None
    time = _TIME.search(line, 0, 500)
    if time is not None and _YEAR.search(line, time.end(), 500):
        return blank or header
    return blank and header


def _end(draft: Draft, begun: int, end: int, path: Path, passed: Passed) -> Found | None:
    if draft.blank:
        draft.drop()
        passed.add("empty", f"{path} at byte {begun}")
        return None
    if draft.too_large:
        draft.drop()
        passed.add("too large", f"{path} at byte {begun}, {draft.size} bytes")
        return None
    content, file = draft.finish()
    return Found(content, file, {"offset": end}, end)
