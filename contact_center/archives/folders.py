"""Folders of mails: Maildir and Maildir++, MH, trees of .eml files; in an order that stays, so that a run can go on."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imapclient import imap_utf7

from contact_center.archives.found import LARGEST, Draft, Found, NewFile, Passed

DEEPEST = 100
ENDINGS = (b".eml", b".msg", b".mail")
UNWANTED = {
    "trash", "deleted items", "deleted messages", "junk", "junk e-mail", "junk mail", "spam", "drafts", "draft",
    "корзина", "удаленные", "удалённые", "спам", "черновики", "нежелательная почта",
}  # fmt: skip
SENT = {"sent", "sent items", "sent messages", "sent mail", "outbox", "отправленные"}
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    name: bytes
    path: bytes
    flags: str


@dataclass(frozen=True, slots=True)
class _Folder:
    parts: tuple[bytes, ...]
    path: bytes

    @property
    def title(self) -> str:
        """As people call it: `.Sent.2026` of a Maildir++ is Sent/2026."""
        words = [part.removeprefix(b".").replace(b".", b"/") if part.startswith(b".") else part for part in self.parts]
        return "/".join(_decoded(word) for word in words)


def read_folder(
    root: Path, after: dict[str, Any] | None, passed: Passed, new_file: NewFile, *, everything: bool, largest: int = LARGEST
) -> Iterator[Found]:
    """The mails behind `after`. Without `everything` drafts, junk and what was deleted are counted and passed over."""
    place = (tuple(_bytes(part) for part in after["folder"]), _bytes(after["name"])) if after else None
    read = int(after["read"]) if after else 0
    for folder in _walk(root, passed):
        if place is not None and folder.parts < place[0]:
            continue
        unwanted = not everything and folder.title.rpartition("/")[2].lower() in UNWANTED
        for file in _files(folder, passed):
            if place is not None and (folder.parts, file.name) <= place:
                continue
            read += 1
            if unwanted or (not everything and set(file.flags) & {"T", "D"}):
                passed.add(f"in {folder.title}" if unwanted else "draft or deleted", os.fsdecode(file.path))
                continue
            where = {"folder": [_text(part) for part in folder.parts], "name": _text(file.name), "read": read}
            if found := _read(file, where, read, folder.title, passed, new_file, largest):
                yield found


def count(root: Path) -> int:
    """How many files `read_folder` would come by."""
    nobody = Passed()
    return sum(1 for folder in _walk(root, nobody) for _ in _files(folder, nobody))


def is_sent(folder: str) -> bool:
    """Whether a folder holds what its owner sent."""
    return any(part.lower() in SENT for part in folder.split("/"))


def _walk(root: Path, passed: Passed) -> Iterator[_Folder]:
    """Every folder below, parents before children, in the order of their names. No link is followed."""
    waiting = [_Folder((), os.fsencode(root))]
    while waiting:
        folder = waiting.pop()
        yield folder
        if len(folder.parts) >= DEEPEST:
            passed.add("folders too deep", os.fsdecode(folder.path))
            continue
        maildir = _is_maildir(folder.path)
        names = [
            name for name, kind in _listed(folder.path, passed) if stat.S_ISDIR(kind) and not (maildir and name in (b"cur", b"new", b"tmp"))
        ]
        waiting.extend(_Folder((*folder.parts, name), _join(folder.path, name)) for name in sorted(names, reverse=True))


def _files(folder: _Folder, passed: Passed) -> Iterator[_File]:
    if _is_maildir(folder.path):
        found = [_file(folder.path, sub, name) for sub in (b"new", b"cur") for name in _plain(_join(folder.path, sub), passed)]
        yield from sorted(found, key=lambda file: file.name)
        return
    names = _plain(folder.path, passed)
    if b".mh_sequences" in names or (names and all(name.isdigit() for name in names if not name.startswith((b".", b",")))):
        names = [name for name in names if name.isdigit()]
    else:
        names = [name for name in names if name.lower().endswith(ENDINGS)]
    for name in sorted(names):
        yield _File(name, _join(folder.path, name), "")


def _file(folder: bytes, sub: bytes, name: bytes) -> _File:
    base, _, info = name.partition(b":2,")
    return _File(base, _join(folder, sub, name), info.decode("ascii", "replace")[:20])


def _plain(path: bytes, passed: Passed) -> list[bytes]:
    """Names of ordinary files; links and whatever else there may be are reported."""
    names = []
    for name, kind in _listed(path, passed):
        if stat.S_ISREG(kind):
            names.append(name)
        elif not stat.S_ISDIR(kind):
            passed.add("no ordinary file", os.fsdecode(_join(path, name)))
    return names


def _listed(path: bytes, passed: Passed) -> list[tuple[bytes, int]]:
    try:
        with os.scandir(path) as entries:
            return [(entry.name, entry.stat(follow_symlinks=False).st_mode) for entry in entries]
    except OSError as error:
        passed.add("not readable", f"{os.fsdecode(path)}: {error.strerror or error}")
        return []


def _read(file: _File, where: dict[str, Any], read: int, folder: str, passed: Passed, new_file: NewFile, largest: int) -> Found | None:
    draft = Draft(new_file, largest)
    try:
        with open(os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source:  # noqa: PTH123 - not behind a link
            while data := source.read(CHUNK):
                draft.add(data)
                if draft.too_large:
                    break
    except OSError as error:
        draft.drop()
        passed.add("not readable", f"{os.fsdecode(file.path)}: {error.strerror or error}")
        return None
    if draft.blank or draft.too_large:
        draft.drop()
        passed.add("too large" if draft.too_large else "empty", os.fsdecode(file.path))
        return None
    content, path = draft.finish()
    return Found(content, path, where, read, folder, file.flags)


def _join(*parts: bytes) -> bytes:
    return b"/".join(parts)


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _is_maildir(path: bytes) -> bool:
    return all(_is_folder(_join(path, name)) for name in (b"cur", b"new"))


def _decoded(name: bytes) -> str:
    """A folder's name: modified UTF-7 where it is that, UTF-8 otherwise."""
    try:
        if b"&" in name:
            return str(imap_utf7.decode(name))
    except (ValueError, LookupError, IndexError):
        pass
    return name.decode("utf-8", "backslashreplace")


def _text(name: bytes) -> str:
    """A file's name as JSON takes it, whatever its bytes."""
    return name.decode("latin-1")


def _bytes(name: str) -> bytes:
    return name.encode("latin-1")
