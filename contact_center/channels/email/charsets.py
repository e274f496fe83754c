"""Bytes to text, whatever the label says. Never raises."""

import codecs
import functools

from charset_normalizer import from_bytes

from contact_center.model.text import clean_text

# Labels seen in the wild that Python does not know, or knows too narrowly (browsers read latin-1 as cp1252).
ALIASES = {
    "ansi_x3.110-1983": "cp1252", "ansi": "cp1252", "default": "utf-8", "gb2312": "gb18030", "gbk": "gb18030",
    "iso-8859-1": "cp1252", "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "ks_c_5601-1987": "cp949",
    "latin1": "cp1252", "unicode-1-1-utf-7": "utf-7", "utf-8mb4": "utf-8", "utf8mb4": "utf-8", "x-cp1251": "cp1251",
    "x-mac-cyrillic": "mac-cyrillic", "x-sjis": "cp932", "shift_jis": "cp932", "x-unknown": "utf-8",
    "x-user-defined": "cp1252", "iso-8859-11": "cp874", "euc-kr": "cp949", "x-gbk": "gb18030",
    "iso-8859-9": "cp1254", "macintosh": "mac-roman", "x-mac-roman": "mac-roman",
}  # fmt: skip
CYRILLIC_FIRST = ["utf_8", "cp1251", "koi8_r", "cp1252", "cp866"]
SAMPLE = 20_000  # bytes looked at when the charset has to be guessed
# "transform" codecs of Python that are not charsets; utf-7 is one, but hides markup from filters and is answered by guess
NOT_CHARSETS = {"base64", "bz2", "hex", "quopri", "rot13", "uu", "zlib", "idna", "punycode", "unicode_escape", "raw_unicode_escape"}


@functools.lru_cache(maxsize=256)
def find_codec(label: str) -> str | None:
    """The Python codec for a charset label as mails spell it; None when nothing is known by that name."""
    label = label.strip().strip("\"'").lower()
    candidates = [ALIASES.get(label, label)]
    if label.startswith(("cp-", "win-", "windows")):
        candidates.append("cp" + "".join(c for c in label if c.isdigit()))
    for candidate in candidates:
        try:
            name = codecs.lookup(candidate).name
        except (LookupError, ValueError):
            continue
        if name.replace("-", "_") not in NOT_CHARSETS:
            return name
    return None


def decode(data: bytes, label: str | None = None) -> tuple[str, str | None]:
    """Text of `data` and, when the label was missing, unknown or wrong, a word about it."""
    text, defect = _decode(data, clean_text(label[:100]) if label else None)
    # UTF-7 can write half a character; nothing that stores or shows texts could.
    return (text if text.isascii() else text.encode("utf-8", "replace").decode()), defect


def _decode(data: bytes, label: str | None) -> tuple[str, str | None]:
    codec = find_codec(label) if label else None
    if codec not in (None, "ascii"):
        try:
            return data.decode(codec), None
        except (UnicodeError, LookupError):  # the codec "undefined" raises the wider one
            if codec == "utf-8" and _nearly_utf8(data):
                return data.decode("utf-8", "replace"), "some characters were not valid utf-8"
            if codec.startswith(("cp", "gb", "iso", "euc", "koi", "mac", "big5", "shift", "iso2022")) and not _is_utf8(data):
                return data.decode(codec, "replace"), f"some characters were not valid {label}"
    if data.isascii():
        return data.decode("ascii"), None if codec or not label else f"unknown charset {label[:40]}"
    text, guessed = guess(data)
    return text, f"charset {label[:40]} does not fit, read as {guessed}" if label else f"no charset given, read as {guessed}"


def guess(data: bytes) -> tuple[str, str]:
    """Text of unlabelled bytes and the codec assumed: UTF-8 when valid, else the likeliest of the Cyrillic and Western."""
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        if _nearly_utf8(data):
            return data.decode("utf-8", "replace"), "utf-8"
    best = from_bytes(data[:SAMPLE], cp_isolation=CYRILLIC_FIRST).best()
    codec = best.encoding if best is not None else "cp1252"
    return data.decode(codec, "replace"), codec


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _nearly_utf8(data: bytes) -> bool:
    """Whether only a few characters break an otherwise valid UTF-8 text with non-ASCII letters."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    foreign = sum(1 for c in text[:SAMPLE] if ord(c) > 127) - broken
    return broken * 4 < foreign
