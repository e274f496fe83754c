"""A file that only a passphrase opens: scrypt, then AES-256-GCM over pieces of 64 KiB, each bound to its place and the last
one marked, so that a piece that is changed, moved, missing or cut off is noticed.
"""

import os
import struct
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from contact_center.errors import BadRequest

MAGIC = b"CCSEALED1\n"
PIECE = 64 * 1024
TAG = 16
COST = 17  # scrypt N = 2^17: 128 MB and a good part of a second for every guess
_HEADER = struct.Struct(">B16s7s")


class SealingWriter:
    """Encrypts what is written to it into `file`; `close` must be called, and leaves `file` open."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        salt, self._prefix = os.urandom(16), os.urandom(7)
        self._header = MAGIC + _HEADER.pack(COST, salt, self._prefix)
        self._cipher = AESGCM(_key(passphrase, salt, COST))
        self._file = file
        self._waiting = bytearray()
        self._number = 0
        file.write(self._header)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take some bytes."""
        self._waiting += data
        while len(self._waiting) > PIECE:  # the last piece is known only at the end
            self._put(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return len(data)

    def flush(self) -> None:
        """Nothing to do: a piece is written when it is full."""

    def close(self) -> None:
        """Write the last piece."""
        self._put(bytes(self._waiting), last=True)

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), piece, self._header))
        self._number += 1


class SealedReader:
    """Decrypts a sealed file. Raises BadRequest for a wrong passphrase and for anything that was changed."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._header = file.read(len(MAGIC) + _HEADER.size)
        if not self._header.startswith(MAGIC) or len(self._header) < len(MAGIC) + _HEADER.size:
            raise BadRequest("This is no encrypted backup.")
        cost, salt, self._prefix = _HEADER.unpack(self._header[len(MAGIC) :])
        if not 10 <= cost <= 22:
            raise BadRequest("This is no encrypted backup.")
        self._cipher = AESGCM(_key(passphrase, salt, cost))
        self._file = file
        self._ready = bytearray()
        self._number = 0
        self._ended = False
        self._next = file.read(PIECE + TAG)

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all of them when it is negative."""
        while not self._ended and (size < 0 or len(self._ready) < size):
            self._open_piece()
        wanted = len(self._ready) if size < 0 else size
        data = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        return data

    def readable(self) -> bool:
        """Yes."""
        return True

    def _open_piece(self) -> None:
        piece, self._next = self._next, self._file.read(PIECE + TAG)
        try:
            self._ready += self._cipher.decrypt(_nonce(self._prefix, self._number, last=not self._next), piece, self._header)
        except InvalidTag as error:
            words = "The passphrase is wrong." if self._number == 0 else "The backup was changed or cut off."
            raise BadRequest(words) from error
        self._number += 1
        self._ended = not self._next


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + struct.pack(">I?", number, last)


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**cost, r=8, p=1).derive(passphrase.encode("utf-8", "surrogatepass"))
