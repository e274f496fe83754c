"""Mails too large to hold in memory: their big parts are written to files, and what remains is parsed as usual.

One pass over the file, line by line. A part's encoded body beyond `SPOOL_ABOVE` is decoded into a file of its own and a
random marker takes its place in the skeleton, which `mime.read_mail` then understands together with the files.
"""

import binascii
import hashlib
import os
import re
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from contact_center.channels.email import mime
from contact_center.channels.email.transfer import Base64Pieces
from contact_center.model.messages import InboundFile

SPOOL_ABOVE = 512 * 1024  # encoded bytes a part may have before it is written to a file
LINE = 64 * 1024
MAX_BOUNDARIES = 500

_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.I)
_ENCODING = re.compile(rb"^content-transfer-encoding:\s*([A-Za-z0-9-]+)", re.I | re.M)


@dataclass
class _Part:
    """The part being read: its header so far, then its body."""

    header: bytearray = field(default_factory=bytearray)
    in_header: bool = True
    body: bytearray = field(default_factory=bytearray)
    spool: "_Spool | None" = None


class _Spool:
    """A body on its way into a file, decoded as it comes."""

    def __init__(self, folder: Path, encoding: bytes) -> None:
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=folder)
        self.path = name
        self.marker = f"spooled-{secrets.token_hex(16)}"
        self._file: BinaryIO = os.fdopen(handle, "wb")
        self._encoding = encoding
        self._rest = b""
        self._base64 = Base64Pieces()
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Take encoded bytes."""
        if self._encoding == b"base64":
            data = self._base64.take(data)
        elif self._encoding == b"quoted-printable":
            data = self._rest + data
            cut = data.rfind(b"\n") + 1
            data, self._rest = binascii.a2b_qp(data[:cut]), data[cut:]
        self._put(data)

    def finish(self) -> InboundFile:
        """Close the file; what it holds."""
        if self._encoding == b"base64":
            self._put(self._base64.finish())
        elif self._rest and self._encoding == b"quoted-printable":
            self._put(binascii.a2b_qp(self._rest))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return InboundFile("", "application/octet-stream", self.size, self._hash.hexdigest(), path=self.path)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)


def read_large(path: Path, folder: Path) -> mime.ParsedMail:
    """Understand the mail in the file `path`; its large parts come as files in `folder`."""
    skeleton, spooled = split(path, folder)
    return mime.read_mail(skeleton, spooled)


def split(path: Path, folder: Path) -> tuple[bytes, dict[str, InboundFile]]:
    """The mail without its large parts, and those parts by the marker that stands for each."""
    skeleton = bytearray()
    spooled: dict[str, InboundFile] = {}
    boundaries: set[bytes] = set()
    part = _Part()
    with path.open("rb") as file:
        while line := file.readline(LINE):
            if (line[:2] == b"--" and line.rstrip().removesuffix(b"--") in boundaries) or line.rstrip() in boundaries:
                _finish(part, skeleton, spooled)
                skeleton += line
                part = _Part()
            elif part.in_header:
                _header_line(part, line, skeleton, boundaries)
            else:
                _body_line(part, line, folder)
    _finish(part, skeleton, spooled)
    return bytes(skeleton), spooled


def _header_line(part: _Part, line: bytes, skeleton: bytearray, boundaries: set[bytes]) -> None:
    skeleton += line
    part.header += line
    if line.strip() and len(part.header) < 1_000_000:
        return
    part.in_header = False
    for match in _BOUNDARY.finditer(bytes(part.header)):
        if len(boundaries) < MAX_BOUNDARIES:
            boundaries.add(b"--" + (match[1] or match[2]))


def _body_line(part: _Part, line: bytes, folder: Path) -> None:
    if part.spool is not None:
        part.spool.write(line)
        return
    part.body += line
    if len(part.body) > SPOOL_ABOVE:
        encoding = _ENCODING.search(bytes(part.header))
        part.spool = _Spool(folder, encoding[1].lower() if encoding else b"")
        part.spool.write(bytes(part.body))
        part.body.clear()


def _finish(part: _Part, skeleton: bytearray, spooled: dict[str, InboundFile]) -> None:
    if part.spool is None:
        skeleton += part.body
        return
    spooled[part.spool.marker] = part.spool.finish()
    skeleton += part.spool.marker.encode() + b"\n"
