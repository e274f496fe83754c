"""Text that every part of the product can keep: databases, JSON, UTF-8 and file systems alike."""

import re
import unicodedata


def clean_text(value: str) -> str:
    """`value` with NUL characters dropped and lone surrogates replaced by U+FFFD."""
    if "\x00" in value:
        value = value.replace("\x00", "")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return value


def folded(text: str) -> str:
    """A text by which it is compared without regard to case, in every script."""
    return unicodedata.normalize("NFC", clean_text(text)).casefold()


def preview(text: str, limit: int = 160) -> str:
    """The first words of a text on one line, for lists; at most `limit` characters."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def clean_filename(value: str) -> str:
    """A file name that is only a name, without folders, control characters and direction tricks; at most 150 characters."""
    value = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", clean_text(value[:5000]))
    value = value.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].strip(". \t")
    value = re.sub(r'[<>:"|?*]', "_", value)
    if len(value) > 150:
        stem, dot, ending = value.rpartition(".")
        value = f"{stem[: 149 - len(ending)]}{dot}{ending}" if dot and len(ending) <= 10 else value[:150]
    return value or "file"
