"""Header fields: encoded words, addresses, message ids, dates. Tolerant, linear in the input, never raises."""

import base64
import binascii
import quopri
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from contact_center.channels.email import charsets
from contact_center.model.tickets import Address

MAX_HEADER = 200_000  # characters of one field that are looked at
MAX_ADDRESSES = 2_000
MAX_IDS = 200
MAX_NAME = 500  # characters of a display name that are kept
MAX_ID = 2000  # bytes: what is longer is no id, and no index of a database holds it

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_ID = re.compile(r"<([^<>]{1,900})>")
_SPACE = re.compile(r"\s+")
_LONE_ID = re.compile(r"[^\s<>,;:\"()]{1,900}")
_POSIX_ZONE = re.compile(r"\b([A-Z]{3})\d[A-Z]{3}\b")
_BARE_ID = re.compile(r"[^\s<>,;\"]{1,300}@[^\s<>,;\"]{1,300}")
_BLANKS = re.compile(r"[ \t\r\n]+")
_SPECIAL = "@ <>?\"'(),;:\\[]\t"
# What stands in quotes is carried as signs that are no characters, so that nothing there is taken for the syntax of an address.
_HIDE = {ord(sign): 0xFDD0 + index for index, sign in enumerate(_SPECIAL)}
_SHOW = {code: sign for sign, code in _HIDE.items()}
_HIDDEN = re.compile(r"[\ufdd0-\ufdef]")
_ONLY_QUOTED = re.compile(r"[@<>?\" \ufdd0-\ufdef]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def text(value: str) -> str:
    """A field's value as people read it: unfolded, encoded words decoded, control characters gone."""
    return _CONTROL.sub("", " ".join(decode_words(_unfold(value[:MAX_HEADER])).split("\n"))).strip()


def decode_words(value: str) -> str:
    """RFC 2047 encoded words decoded, also where they stand inside quotes, and raw 8-bit characters understood."""
    value = _from_wire(value[:MAX_HEADER])
    if "=?" not in value:
        return value
    value = _BETWEEN_WORDS.sub(r"\1", value)
    parts: list[str] = []
    pending: list[tuple[str, bytes]] = []
    end = 0
    for match in _WORD.finditer(value):
        if match.start() > end:
            parts.append(_flush(pending))
            parts.append(value[end : match.start()])
        # A multi-byte character may be split over two words: join words of one charset before decoding.
        charset, data = match[1].split("*")[0].lower(), _word_bytes(match[2], match[3])
        if pending and pending[-1][0] != charset:
            parts.append(_flush(pending))
        pending.append((charset, data))
        end = match.end()
    parts.append(_flush(pending))
    parts.append(value[end:])
    return "".join(parts)


def addresses(value: str) -> tuple[Address, ...]:
    """Every mailbox of an address field, groups opened; names decoded, addresses without spaces and brackets."""
    found = []
    for name, email in _mailboxes(_unfold(value[:MAX_HEADER])):
        cleaned = clean_address(email)
        shown = text(name)[:MAX_NAME]
        if cleaned or shown:
            found.append(Address(name=shown if shown != cleaned else "", email=cleaned))
        if len(found) >= MAX_ADDRESSES:
            break
    return tuple(found)


def clean_address(email: str) -> str:
    """An address without white space, comments, brackets and control characters; empty when nothing is left.

    Empty as well when its local part holds what only quotes allow: no two readers agree on such an address, and whoever owns
    it may have chosen it because it looks like another person's.
    """
    plain = _unquoted(_CONTROL.sub("", _from_wire(email))).strip(" \t\r\n<>")
    if "@" not in plain:
        plain = _shown(plain)  # quotes around the whole of it
    plain = " ".join(part for part in _BLANKS.split(plain) if part)
    if len(plain) > 1 and plain[0] == plain[-1] == "'":
        plain = plain[1:-1]
    if plain[:7].lower() == "mailto:":
        plain = plain[7:].split("?")[0]
    for sign in "@.":
        plain = plain.replace(f" {sign}", sign).replace(f"{sign} ", sign)
    local, at, domain = plain.rpartition("@")
    if at and _ONLY_QUOTED.search(local):
        return ""
    email = f"{local}{at}{domain.replace(' ', '')}"
    return email[:320] if not email.startswith(("http:", "https:", "ftp:")) else ""


def ids(value: str) -> tuple[str, ...]:
    """Message ids without brackets, in order, each once. Empty ones are no ids."""
    value = _CONTROL.sub("", _unfold(_from_wire(value[:MAX_HEADER])))
    found = [_SPACE.sub("", i) for i in _ID.findall(value)] or [token.strip("<>") for token in _BARE_ID.findall(value)]
    if not found and _LONE_ID.fullmatch(value.strip()):
        found = [value.strip()]
    return tuple(dict.fromkeys(i for i in found if i and len(i.encode("utf-8", "replace")) <= MAX_ID))[:MAX_IDS]


def date(value: str) -> datetime | None:
    """A date in UTC, None when it cannot be read. Comments and trace fields before a semicolon are passed over."""
    plain = _without_comments(_unfold(_from_wire(value[:2000]))).rsplit(";", 1)[-1].strip()
    parsed = parsedate_tz(_POSIX_ZONE.sub(r"\1", plain[:200]))
    if parsed is None or not 1900 <= parsed[0] <= 9998:
        return None
    try:
        naive = datetime(*parsed[:6], tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    offset = parsed[9] or 0
    return naive - timedelta(seconds=offset) if abs(offset) < 86400 else naive


def _unquoted(value: str) -> str:
    """An address without comments and quotes; what stood in quotes is hidden."""
    if "(" not in value and '"' not in value:
        return _HIDDEN.sub("", value)
    value = _HIDDEN.sub("", value)
    out: list[str] = []
    position = 0
    while position < len(value):
        char = value[position]
        if char == '"':
            quoted, position = _quoted(value, position + 1)
            out.append(quoted.translate(_HIDE))
        elif char == "(":
            _, position = _comment(value, position + 1)
            out.append(" ")
        else:
            out.append(char)
            position += 1
    return "".join(out)


def _shown(value: str) -> str:
    return value.translate(_SHOW)


def _without_comments(value: str) -> str:
    if "(" not in value:
        return value
    out: list[str] = []
    position = 0
    while position < len(value):
        if value[position] == "(":
            _, position = _comment(value, position + 1)
            out.append(" ")
            continue
        out.append(value[position])
        position += 1
    return "".join(out)


def _unfold(value: str) -> str:
    if "\n" not in value and "\r" not in value:
        return value
    # By splitting: a pattern with optional white space before the line end is quadratic in a run of it.
    return " ".join(line.strip(" \t") for line in value[:MAX_HEADER].replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _from_wire(value: str) -> str:
    """Raw 8-bit bytes, which the parser carries as surrogates, as text."""
    if value.isascii():
        return value
    try:
        data = value.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return value
    return charsets.guess(data)[0]


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return quopri.decodestring(raw.replace(b" ", b"_"), header=True)
    cleaned = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return base64.b64decode(cleaned + b"=" * (-len(cleaned) % 4))
    except binascii.Error:
        return base64.b64decode(cleaned[: len(cleaned) // 4 * 4])


def _flush(pending: list[tuple[str, bytes]]) -> str:
    if not pending:
        return ""
    charset, data = pending[0][0], b"".join(part for _, part in pending)
    pending.clear()
    return charsets.decode(data, charset)[0]


def _mailboxes(value: str) -> list[tuple[str, str]]:  # noqa: PLR0915 - one scanner, one loop
    """(display name, address) pairs. A small scanner: quotes, comments, angle brackets, groups, commas and semicolons."""
    value = _HIDDEN.sub("", value)
    result: list[tuple[str, str]] = []
    words: list[str] = []
    comments: list[str] = []
    angle: str | None = None
    position, length = 0, len(value)
    address_seen = False
    quotes_close = True

    def finish() -> None:
        nonlocal angle
        plain = " ".join("".join(words).split())
        if angle is not None:
            result.append((_words(plain) or " ".join(comments), _route(angle)))
        elif "@" in plain:
            rest, address = _bare_address(plain.split())
            result.append((_words(rest) or " ".join(comments), address if not _HIDDEN.search(address) else ""))
        elif "@" in _shown(plain):
            rest, address = _bare_address(_shown(plain).split())
            result.append((rest or " ".join(comments), address))
        elif plain:
            result.append((_words(plain), ""))
        words.clear()
        comments.clear()
        angle = None

    while position < length:
        char = value[position]
        if char == '"':
            quoted, position = _quoted(value, position + 1)
            words.append(quoted.translate(_HIDE))
            continue
        if char == "(":
            comment, position = _comment(value, position + 1)
            comments.append(comment)
            continue
        if char == "=" and (encoded := _WORD.match(value, position)):
            words.append(encoded[0])  # an encoded word may hold commas and colons
            position = encoded.end()
            continue
        if char == "<":
            end = _angle_end(value, position) if quotes_close else -1
            if end < 0:
                quotes_close = False
                end = value.find(">", position)
            inner = value[position + 1 : end if end >= 0 else length]
            if angle is None or not angle.strip():
                angle = inner
            position = end + 1 if end >= 0 else length
            continue
        if char == ":" and angle is None and not address_seen:
            words.clear()  # the name of a group
            comments.clear()
        elif char in ",;":
            finish()
            address_seen = False
        elif char == "\\" and position + 1 < length:
            position += 1
            words.append(value[position].translate(_HIDE))
        else:
            words.append(char)
            address_seen = address_seen or char == "@"
        position += 1
    finish()
    return result


def _words(value: str) -> str:
    return " ".join(_shown(value).split())


def _angle_end(value: str, position: int) -> int:
    """Where the `>` stands that ends an address, outside quotes; -1 when there is none."""
    while position < len(value):
        if value[position] == ">":
            return position
        if value[position] == '"':
            _, position = _quoted(value, position + 1)
        else:
            position += 1
    return -1


def _bare_address(words: list[str]) -> tuple[str, str]:
    """(the other words, the address) where no brackets tell; obsolete spaces around `@` and before dots are closed."""
    at = next(index for index, word in enumerate(words) if "@" in word)
    start, end = at, at + 1
    if words[at].startswith("@") and start > 0:
        start -= 1
    if words[at].endswith("@") and end < len(words):
        end += 1
    while end < len(words) and words[end].startswith("."):
        end += 2 if words[end] == "." else 1
    return " ".join(words[:start] + words[end:]), "".join(words[start:end])


def _route(angle: str) -> str:
    """The address of `<@a,@b:user@c>` without its obsolete route."""
    return angle.rsplit(":", 1)[-1] if angle.lstrip().startswith("@") else angle


def _quoted(value: str, position: int) -> tuple[str, int]:
    out: list[str] = []
    while position < len(value) and value[position] != '"':
        if value[position] == "\\" and position + 1 < len(value):
            position += 1
        out.append(value[position])
        position += 1
    return "".join(out), position + 1


def _comment(value: str, position: int) -> tuple[str, int]:
    out: list[str] = []
    depth = 1
    while position < len(value):
        char = value[position]
        if char == "\\" and position + 1 < len(value):
            position += 1
            char = value[position]
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return "".join(out).strip(), position + 1
        out.append(char)
        position += 1
    return "".join(out).strip(), position
