"""vCards of the versions 2.1, 3.0 and 4.0 as rows of text."""

import binascii
import quopri
import re
from collections.abc import Iterable, Iterator

COLUMNS = ("Name", "E-mail", "Phone", "Organization", "Note")
_ESCAPED = re.compile(r"\\([nN,;:\\])")
_PART = re.compile(r'((?:[^:;"]++|"[^"]*+")*+)([:;])')
MAX_LINE = 100_000  # characters of one line; a picture of somebody stands in many
MAX_HEAD = 4_000  # characters of a property before its value


def rows_of(lines: Iterable[str]) -> Iterator[tuple[str, ...] | str]:
    """A header, and a row for each card; several addresses stand in one cell, each on a line of its own."""
    yield COLUMNS
    card: dict[str, list[str]] | None = None
    depth = 0
    for line in _unfolded(lines):
        name, params, value = _property(line)
        if name == "BEGIN" and value.strip().upper() == "VCARD":
            depth += 1
            card = {} if depth == 1 else card
        elif name == "END" and value.strip().upper() == "VCARD":
            depth = max(depth - 1, 0)
            if depth == 0 and card is not None:
                yield _row(card)
                card = None
        elif depth == 1 and card is not None and name in _READ:
            card.setdefault(name, []).append(_decoded(name, params, value))
    if card is not None:
        yield "the last card has no end"


_READ = ("FN", "N", "EMAIL", "TEL", "ORG", "NOTE", "NICKNAME")


def _unfolded(lines: Iterable[str]) -> Iterator[str]:
    """Lines as they were meant: continued by white space, or in quoted-printable by a final equals sign."""
    whole: list[str] = []
    soft = quoted = False
    for line in lines:
        line = line.rstrip("\r\n")[:MAX_LINE]
        if whole and soft:
            whole[-1] = whole[-1][:-1]
            whole.append(line)
        elif whole and line[:1] in (" ", "\t"):
            whole.append(line[1:])
        else:
            if whole:
                yield "".join(whole)
            whole = [line]
            quoted = "QUOTED-PRINTABLE" in line[:MAX_HEAD].partition(":")[0].upper()
        soft = quoted and whole[-1].endswith("=")
    if whole:
        yield "".join(whole)


def _property(line: str) -> tuple[str, dict[str, str], str]:
    parts, place = [], 0
    while match := _PART.match(line, place, MAX_HEAD):
        parts.append(match.group(1))
        place = match.end()
        if match.group(2) == ":":
            break
    else:
        return "", {}, ""
    name = parts[0].rpartition(".")[2].strip().upper()
    params = {}
    for part in parts[1:]:
        key, equals, value = part.partition("=")
        key, value = (key, value) if equals else ("ENCODING" if key.upper() in ("QUOTED-PRINTABLE", "BASE64") else "TYPE", key)
        params[key.strip().upper()] = value.strip().strip('"')
    return name, params, line[place:]


def _decoded(name: str, params: dict[str, str], value: str) -> str:
    encoding, charset = params.get("ENCODING", "").upper(), params.get("CHARSET", "utf-8")
    try:
        if encoding == "QUOTED-PRINTABLE":
            value = quopri.decodestring(value.encode("utf-8", "replace")).decode(charset, "replace")
        elif encoding in ("BASE64", "B"):
            value = binascii.a2b_base64(re.sub(r"\s", "", value)).decode(charset, "replace")
    except (LookupError, ValueError):
        return ""
    if name in ("N", "ORG"):  # the parts are separated by semicolons that are not escaped
        return ";".join(_unescaped(part) for part in re.split(r"(?<!\\);", value))
    return re.sub(r"^(mailto|tel|sms):", "", _unescaped(value).strip(), flags=re.IGNORECASE)


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match.group(1) in "nN" else match.group(1), value)


def _row(card: dict[str, list[str]]) -> tuple[str, ...]:
    name = next((value for value in card.get("FN", []) if value.strip()), "")
    if not name and card.get("N"):
        family, given, middle = [*card["N"][0].split(";"), "", "", ""][:3]
        name = " ".join(part for part in (given, middle, family) if part)
    company = next((value.partition(";")[0] for value in card.get("ORG", [])), "")
    name = name or next(iter(card.get("NICKNAME", [])), "")
    return (name, "\n".join(card.get("EMAIL", [])), "\n".join(card.get("TEL", [])), company, "\n".join(card.get("NOTE", [])))
