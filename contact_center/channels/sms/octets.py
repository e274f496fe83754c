"""Bytes of a text message: in the alphabet the gateway names, which it sometimes gets wrong, and perhaps one part of a longer one."""

import codecs
import re
from dataclasses import dataclass

_UCS2 = re.compile(r"(iso-10646-)?ucs-?2|utf-?16(-?be)?", re.I)
_KNOWN = re.compile(r"utf-8|utf-16(-be|-le)?|ascii|iso8859-\d+|cp125\d|koi8-[ru]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a longer message this is."""

    reference: int
    """The same for all its parts; only 8 or 16 bits, so it comes again with later messages."""
    total: int
    number: int
    """The first is 1."""


def decode(body: bytes, charset: str, coding: str) -> tuple[str, str]:
    """The text, and what was wrong with it (empty when nothing was).

    `coding` is the gateway's: 2 means that the message went over the air as UCS-2, 1 that it is no text at all.
    """
    if coding == "1":
        return body.hex(" "), "a binary message, shown as hexadecimal"
    named = _codec(charset)
    tried = [named or "utf-8", "utf-8", *(["utf-16-be"] if coding == "2" else [])]
    read = [text for name in dict.fromkeys(tried) if (text := _read(body, name)) is not None]
    for text in read:
        if not _CONTROL.search(text):
            return text, "" if named else f"the character set {charset[:40]!r} is not known"
    if read:
        return read[0], "odd control characters"
    return body.decode("cp1252", "replace"), f"not in the character set {charset[:40]!r}"


def part_of(header: bytes) -> Part | None:
    """The concatenation element of a user data header (3GPP TS 23.040, 9.2.3.24), binary or as hexadecimal digits."""
    if not header or header[0] != len(header) - 1:
        try:
            header = bytes.fromhex(header.decode("ascii"))
        except ValueError:
            return None
    position = 1
    while position + 2 <= len(header):
        kind, length = header[position], header[position + 1]
        value = header[position + 2 : position + 2 + length]
        if (kind, length, len(value)) in ((0x00, 3, 3), (0x08, 4, 4)):
            return Part(int.from_bytes(value[:-2], "big"), value[-2], value[-1])
        position += 2 + length
    return None


def _codec(charset: str) -> str:
    """Python's name of a character set of texts, empty for one that gateways do not use."""
    if _UCS2.fullmatch(charset.strip()):
        return "utf-16-be"
    try:
        name = codecs.lookup(charset.strip() or "utf-8").name
    except (LookupError, ValueError):
        return ""
    return name if _KNOWN.fullmatch(name) else ""


def _read(body: bytes, codec: str) -> str | None:
    if codec == "utf-16-be" and body[:2] in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE):
        codec = "utf-16"
    try:
        return body.decode(codec)
    except UnicodeError:
        return None
