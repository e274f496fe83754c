"""Base64 as mails have it: with line ends, stray characters, padding in the middle where texts were joined, or cut short."""

import binascii
import re

_AFTER_PADDING = re.compile(rb"=[ \t]+[^\r\n]*")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_PADDED = re.compile(rb"([^=]*)=+")


class Base64Pieces:
    """A decoder that is fed piece by piece and never refuses anything."""

    def __init__(self) -> None:
        self.defect = False
        self._rest = b""
        self._ended = False

    def take(self, data: bytes) -> bytes:
        """What `data` adds to the content."""
        data = self._rest + _NOT_BASE64.sub(b"", _AFTER_PADDING.sub(b"=", data))
        out = b""
        if b"=" in data:
            end = data.rindex(b"=") + 1
            # Each padded stretch was encoded on its own: what follows does not continue its bits.
            out = b"".join(self._whole(match[1]) for match in _PADDED.finditer(data[:end]))
            data, self._ended = data[end:], True
        keep = len(data) % 4
        self._rest = data[len(data) - keep :]
        return out + binascii.a2b_base64(data[: len(data) - keep])

    def finish(self) -> bytes:
        """What is left at the end."""
        rest, self._rest = self._rest, b""
        return self._whole(rest) if not self._ended else b""

    def _whole(self, data: bytes) -> bytes:
        if len(data) % 4 == 1:
            self.defect = True
            data = data[:-1]
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
