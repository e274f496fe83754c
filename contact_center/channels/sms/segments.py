"""How many parts a text is sent in. Every part is paid, and the alphabet decides how much goes into one.

The 7-bit alphabet of 3GPP TS 23.038 holds 160 signs, 153 in a part of a longer message; a sign of its extension table costs
two and stays in one part. Any other sign turns the whole text into UCS-2: 70 units of 16 bits, 67 in a part of a longer
message, and what needs two units (an emoji) stays in one part too.
"""

from dataclasses import dataclass
from typing import Literal

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€\f")
Encoding = Literal["gsm7", "ucs2"]
LIMITS: dict[Encoding, tuple[int, int]] = {"gsm7": (160, 153), "ucs2": (70, 67)}
"""Units in a message that is alone, and in a part of a longer one."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A text as it goes over the air."""

    encoding: Encoding
    parts: tuple[str, ...]
    """In order; together they are the text."""


def split(text: str) -> Segments:
    """The parts of a text. An empty text is one empty part."""
    encoding = encoding_of(text)
    alone, one_of_many = LIMITS[encoding]
    if units(text, encoding) <= alone:
        return Segments(encoding, (text,))
    return Segments(encoding, tuple(_filled(text, encoding, one_of_many)))


def encoding_of(text: str) -> Encoding:
    """The alphabet that a text needs."""
    return "gsm7" if all(sign in BASIC or sign in EXTENSION for sign in text) else "ucs2"


def units(text: str, encoding: Encoding) -> int:
    """The room a text takes: septets, or units of 16 bits."""
    return sum(_cost(sign, encoding) for sign in text)


def _cost(sign: str, encoding: Encoding) -> int:
    wide = sign in EXTENSION if encoding == "gsm7" else ord(sign) > 0xFFFF
    return 2 if wide else 1


def _filled(text: str, encoding: Encoding, room: int) -> list[str]:
    """As many signs into each part as it holds."""
    parts, start, used = [], 0, 0
    for position, sign in enumerate(text):
        cost = _cost(sign, encoding)
        if used + cost > room:
            parts.append(text[start:position])
            start, used = position, 0
        used += cost
    return [*parts, text[start:]]
