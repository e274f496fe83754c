"""From one input to another that is a little wrong: everything follows from a `random.Random`, so a seed tells it all."""

import random
import re
from collections.abc import Sequence

NASTY = [
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xed\xb3\xbf", b"\xc0\x80", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n\r\n",
    b"\n\n", b"\t", b" " * 300, b"\\", b'"', b"'", b"(", b")", b"<", b">", b"[", b"{", b"}", b"]", b",", b";", b":", b"|", b"=", b"%", b"&", b"--",
    b"-", b"+", b"@", b"@@", b"0", b"-1", b"1e999", b"nan", b"inf", b"9" * 25, b"9" * 5000, b"18446744073709551616", b"%00", b"%ud800", b"%FF", b"+2AA-",
    b"\\ud800", b"\\u0000", b"\\udfff", "\u202e".encode(), "\u2028".encode(), "\u0000".encode(), "\u00b2".encode(), "\u0664".encode(), "И".encode(),
    "\U0001f4a9".encode(), b"=?utf-8?B?", b"?=", b"=?utf-7?Q?+2AA-?=", b"=?undefined?Q?a?=", b"=?x?q?=00?=", b"=00", b"=D8=00", b"../../etc/passwd",
    b"null", b"true", b"[]", b"{}", b'""', b"NaN", b"-0.0", b"1970-01-01T00:00:00Z", b"0001-01-01 00:00:00", b"9999-12-31T23:59:59-23:59",
    b"A" * 70_000, b"(" * 3000, b"[" * 3000, b"<" * 3000, b"<b>" * 2000, b">" * 3000, b"&#0;", b"&#xD800;", b"<!--", b"-->", b"<![CDATA[", b"</script>",
]  # fmt: skip
CHARSETS = [
    "utf-7",
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "undefined",
    "unicode_escape",
    "idna",
    "punycode",
    "hz",
    "iso-2022-jp",
    "base64",
    "rot13",
    "zlib",
    "koi8-r",
    "cp1251",
    "x-unknown",
    "кои",
    "uu",
    "charmap",
    "utf_8_sig",
    "mbcs",
    "latin-1",
    "cp037",
    "big5hkscs",
]
LONGEST = 300_000
_TOKEN = re.compile(rb"[^\s,;|&=<>:\"]+")


def mutate(rng: random.Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """`data` with one to eight things changed."""
    for _ in range(rng.choice((1, 1, 2, 3, 4, 8))):
        data = rng.choice(_WAYS)(rng, data, others)[:LONGEST]
    return data


def _place(rng: random.Random, data: bytes) -> int:
    return rng.randint(0, len(data))


def _flip(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x00"
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        found[rng.randrange(len(found))] = rng.randrange(256)
    return bytes(found)


def _insert(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.choice(NASTY) + data[at:]


def _cut(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(rng, data), _place(rng, data)))
    return data[:start] + data[end:] if rng.random() < 0.7 else data[:start]


def _repeat(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start = _place(rng, data)
    end = min(len(data), start + rng.choice((1, 5, 50, 500)))
    return data[:end] + data[start:end] * rng.choice((1, 3, 50, 400)) + data[end:]


def _cross(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others) if others else data
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def _lines(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Lines dropped, doubled, exchanged or broken elsewhere."""
    lines = data.split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(4)
    if way == 0:
        lines[one], lines[two] = lines[two], lines[one]
    elif way == 1:
        lines.insert(two, lines[one])
    elif way == 2 and len(lines) > 1:
        del lines[one]
    else:
        lines[one] = lines[one].replace(b" ", b"\n", 1)
    return b"\n".join(lines)


def _word(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """One token becomes something nasty: this reaches deeper than bytes do."""
    places = [match.span() for match in _TOKEN.finditer(data[:20_000])]
    if not places:
        return data + rng.choice(NASTY)
    start, end = rng.choice(places)
    return data[:start] + rng.choice(NASTY) + data[end:]


def _charset(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    wrong = rng.choice(CHARSETS).encode()
    if b"charset" in data.lower():
        return re.sub(rb"(?i)(charset=)\"?[^\s;\"]*\"?", lambda match: match[1] + wrong, data, count=rng.choice((0, 1)))
    return re.sub(rb"=\?[^?]*\?", b"=?" + wrong + b"?", data)


_WAYS = (_flip, _insert, _insert, _cut, _repeat, _cross, _lines, _word, _word, _word, _charset)
