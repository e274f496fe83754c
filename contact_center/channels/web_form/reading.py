"""What a browser sent, as bounded plain values: multipart or JSON in, a `Sent` out. Everything beyond the bounds is refused."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from contact_center.channels.base import HookRequest
from contact_center.model.text import clean_filename, clean_text

MAX_FILES = 10
MAX_FILE_BYTES = 25 * 1024 * 1024  # in all
MAX_PARTS = 80
MAX_JSON = 512 * 1024  # bytes
MAX_VALUE = 100_000  # characters of one value before the field's own limit is asked
MAX_HEADER = 8 * 1024
OWN = ("challenge", "solution", "attribution", "consent", "callback", "leave_empty", "phone", "text")
PREFIX = "f-"
"""Stands before the names of the form's fields, so that none can be taken for one of ours."""

_CONTENT_TYPE = re.compile(r"^[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}$")
_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,200})"|([^;,\s"]{1,200}))', re.I)
_PARAMETER = re.compile(r'[;\s](name|filename)="([^"\r\n]*)"', re.I)


class Unreadable(Exception):
    """No browser of a customer sends this."""


class TooMuch(Exception):
    """More files, or larger ones, than a form takes."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it came."""

    field: str
    filename: str
    content_type: str
    content: bytes


@dataclass(slots=True)
class Sent:
    """A form as it came."""

    values: dict[str, str] = field(default_factory=dict)
    """The form's own fields by name."""
    own: dict[str, str] = field(default_factory=dict)
    """What the page adds by itself: challenge, solution, consent and so on."""
    files: list[SentFile] = field(default_factory=list)


def read(request: HookRequest) -> Sent:
    """Read a request's body. Raises Unreadable and TooMuch."""
    content_type = str(request.headers.get("Content-Type", ""))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        sent = _multipart(request.body, content_type)
    elif kind == "application/json":
        if len(request.body) > MAX_JSON:
            raise TooMuch  # files come as multipart, and a parser of JSON makes fifty times its size of it
        sent = _json(request.body)
    elif kind == "application/x-www-form-urlencoded":
        sent = _urlencoded(request.body)
    else:
        raise Unreadable("send multipart/form-data or application/json")
    _bound_files(sent.files)
    return sent


def attribution(sent: Sent) -> dict[str, Any]:
    """Where the customer came from, as the page says. Raises Unreadable."""
    text = sent.own.get("attribution", "")
    if not text:
        return {}
    return _flat(_loads(text))


def _multipart(body: bytes, content_type: str) -> Sent:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Unreadable("no boundary")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1", "replace")
    parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 2)
    if len(parts) > MAX_PARTS + 2:
        raise Unreadable("too many parts")
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise Unreadable("the body is cut short")
    sent = Sent()
    for part in parts[1:-1]:
        _take_part(sent, part)
    return sent


def _take_part(sent: Sent, part: bytes) -> None:
    head, gap, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not gap or len(head) > MAX_HEADER:
        raise Unreadable("a part without a head")
    headers = dict(_header(line) for line in head.decode("utf-8", "replace").split("\r\n"))
    given = {key.lower(): value for key, value in _PARAMETER.findall(headers.get("content-disposition", ""))}
    name = given.get("name", "")
    if "filename" not in given:
        if len(content) > MAX_VALUE * 4:
            raise Unreadable("a value is too long")
        return _add_value(sent, name, content.decode("utf-8", "replace"))
    if given["filename"] or content:  # browsers send an empty part for a field without a file
        _add_file(sent, name, _unescaped(given["filename"]), headers.get("content-type", ""), content)
    return None


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _unescaped(filename: str) -> str:
    """Browsers write the three signs that would end a header as percent codes (HTML, multipart encoding), and nothing else."""
    return filename.replace("%22", '"').replace("%0D", "").replace("%0A", "")


def _urlencoded(body: bytes) -> Sent:
    if len(body) > MAX_VALUE * 4:
        raise Unreadable("too long")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_PARTS)
    except ValueError as error:
        raise Unreadable("not a form") from error
    sent = Sent()
    for name, value in pairs:
        _add_value(sent, name, value)
    return sent


def _json(body: bytes) -> Sent:
    document = _loads(body)
    if not isinstance(document, dict):
        raise Unreadable("not an object")
    sent = Sent()
    fields, files = document.pop("fields", {}), document.pop("files", [])
    if not isinstance(fields, dict) or not isinstance(files, list) or len(fields) > MAX_PARTS:
        raise Unreadable("fields must be an object, files a list")
    for name, value in fields.items():
        _add_value(sent, PREFIX + name, _word(value))
    for name, value in document.items():
        _add_value(sent, name, json.dumps(_flat(value)) if name == "attribution" else _word(value))
    for file in files:
        _take_json_file(sent, file)
    return sent


def _take_json_file(sent: Sent, file: Any) -> None:
    if not isinstance(file, dict) or not all(isinstance(value, str) for value in file.values()):
        raise Unreadable("a file is an object of texts")
    try:
        content = base64.b64decode(file.get("data", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("a file is not base64") from error
    _add_file(sent, PREFIX + file.get("field", ""), file.get("filename", ""), file.get("content_type", ""), content)


def _add_value(sent: Sent, name: str, value: str) -> None:
    target, key = (sent.values, name.removeprefix(PREFIX)) if name.startswith(PREFIX) else (sent.own, name)
    if target is sent.own and name not in OWN:
        raise Unreadable(f"unknown field {name[:40]!r}")
    if key in target:
        raise Unreadable(f"{name[:40]!r} stands twice")
    if len(value) > MAX_VALUE:
        raise Unreadable("a value is too long")
    target[key] = clean_text(value).replace("\r\n", "\n").replace("\r", "\n")


def _add_file(sent: Sent, name: str, filename: str, content_type: str, content: bytes) -> None:
    if not name.startswith(PREFIX):
        raise Unreadable(f"unknown field {name[:40]!r}")
    if len(sent.files) >= MAX_FILES:
        raise TooMuch
    said = content_type.partition(";")[0].strip().lower()
    kind = said if _CONTENT_TYPE.match(said) else "application/octet-stream"
    sent.files.append(SentFile(name.removeprefix(PREFIX), clean_filename(filename), kind, content))


def _bound_files(files: list[SentFile]) -> None:
    if sum(len(file.content) for file in files) > MAX_FILE_BYTES:
        raise TooMuch


def _loads(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error


def _flat(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MAX_PARTS or not all(isinstance(inner, str) for inner in value.values()):
        raise Unreadable("attribution is an object of texts")
    return value


def _word(value: Any) -> str:
    """A JSON value as the browser would have sent it."""
    if isinstance(value, bool):
        return "on" if value else ""
    if value is None:
        return ""
    if isinstance(value, str | int):
        return str(value)
    raise Unreadable("a value is neither text, number nor yes or no")
