"""A mail's bytes to its meaning. Pure; tolerant of everything; whatever the mail, it returns and says what was odd.

The standard library's compat32 parser does the splitting, because it is three times faster than the modern policy and
never refuses; header fields, charsets and body choice are decided here.
"""

import binascii
import email
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email._policybase import Compat32
from email.errors import MissingHeaderBodySeparatorDefect
from email.generator import BytesGenerator
from email.message import Message
from io import BytesIO
from pathlib import Path
from typing import Any

from contact_center import markup, plain_text
from contact_center.channels.email import automatic, calendars, charsets, headers, quoting
from contact_center.channels.email.transfer import Base64Pieces
from contact_center.model.messages import InboundFile
from contact_center.model.text import clean_filename, clean_text
from contact_center.model.tickets import Address

MAX_PARTS = 2_000  # parts of one mail that are looked at; the rest stays in the original
MAX_DEPTH = 60
TEXT_LIMIT = 1_000_000  # characters kept of a mail's text
CONTENT_FIELD = 3_000  # characters: the library needs quadratic time for parameters
MAX_PARAMETERS = 100
HEAD = 100_000  # bytes searched for broken header fields and lost boundaries

_FIELD = re.compile(rb"[ \t]|[!-9;-~]+[ \t]*:")
_LOST_BOUNDARY = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\n(?=content-)", re.I | re.M)


class RawHeaders(Compat32):
    """The fast policy, handing header values over exactly as they came."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        """The value as it stands in the mail; of Content fields as much as the library parses in bearable time."""
        if name[:8].lower() != "content-":
            return value
        return ";".join(value[:CONTENT_FIELD].split(";", MAX_PARAMETERS)[:MAX_PARAMETERS])


POLICY = RawHeaders()


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """What the product understood of one mail."""

    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    subject: str
    date: datetime | None
    auto_submitted: str
    is_automatic: bool
    is_bounce: bool
    bounced_ids: tuple[str, ...]
    unanswerable: str
    bounce_reason: str
    bounced_people: tuple[str, ...]
    bounced_to: tuple[str, ...]
    text: str
    html: str | None
    visible_text: str
    folded: bool
    attachments: tuple[InboundFile, ...]
    defects: tuple[str, ...]
    bcc: tuple[Address, ...] = ()
    authentication: tuple[str, ...] = ()
    """The values of the Authentication-Results fields, the topmost first: anybody may have written them."""
    from_fields: int = 1
    calendar: dict[str, Any] | None = None
    """What its first invitation says; see `calendars.py`."""


@dataclass
class _Reading:
    """What is gathered while walking one mail."""

    texts: list[str] = field(default_factory=list)
    markups: list[str] = field(default_factory=list)
    files: list[InboundFile] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    embedded: list[Message] = field(default_factory=list)
    calendars: list[tuple[bytes, str]] = field(default_factory=list)
    parts: int = 0
    reread: bool = False


def read_mail(data: bytes, spooled: dict[str, InboundFile] | None = None) -> ParsedMail:
    """Understand the mail in `data`.

    `spooled` names attachments that were written to files beforehand because of their size (see `large.py`), by the
    marker that stands in their place.
    """
    reading = _Reading()
    message = _split(data, reading)
    _walk(message, reading, spooled or {}, 0)
    return _assemble(message, reading)


def _split(data: bytes, reading: _Reading) -> Message:
    data = data.lstrip(b"\r\n \t") if data[:1] in b"\r\n \t" else data
    data = re.sub(rb"\A(?:>?From [^\n]*\n)+", b"", data)
    try:
        message: Message = email.message_from_bytes(data, policy=POLICY)
    except RecursionError:
        reading.defects.append("nested too deeply; shown as plain text")
        return _as_plain(data)
    if message.get("From") is None and any(isinstance(d, MissingHeaderBodySeparatorDefect) for d in message.defects):
        mended = _without_stray_lines(data)
        if mended is not None:
            reading.defects.append("a line among the header fields is none")
            return email.message_from_bytes(mended, policy=POLICY)
    if not message.keys():
        reading.defects.append("no header fields")
        return _as_plain(data) if not message.is_multipart() else message
    return message


def _without_stray_lines(data: bytes) -> bytes | None:
    """The mail without lines that stand among its header fields and are none; None when that does not bring a sender."""
    head, blank, body = data[:HEAD].replace(b"\r\n", b"\n").partition(b"\n\n")
    if not blank:
        return None
    lines = head.split(b"\n")
    kept = [line for line in lines if _FIELD.match(line)]
    if len(lines) - len(kept) > 3 or not any(line[:5].lower() == b"from:" for line in kept):
        return None
    return b"\n".join(kept) + blank + body + data[HEAD:]


def _as_plain(data: bytes) -> Message:
    head, _, body = data.partition(b"\n\n")
    message = Message(policy=POLICY)
    text = (head + b"\n\n" + body).decode("ascii", "surrogateescape")
    message.set_payload(text[:TEXT_LIMIT])
    for line in head[:20_000].splitlines():
        name, colon, value = line.partition(b":")
        if colon and re.fullmatch(rb"[A-Za-z-]{2,40}", name) and name.lower() not in (b"content-type", b"content-transfer-encoding"):
            message[name.decode()] = value.decode("ascii", "surrogateescape").strip()
    return message


def _walk(part: Message, reading: _Reading, spooled: dict[str, InboundFile], depth: int) -> None:
    reading.parts += 1
    if reading.parts > MAX_PARTS or depth > MAX_DEPTH:
        if "too many parts; the rest is in the original" not in reading.defects:
            reading.defects.append("too many parts; the rest is in the original")
        return
    reading.defects.extend(_defect_names(part))
    kind = part.get_content_type()
    if part.is_multipart() and kind != "message/rfc822" and not kind.startswith("message/"):
        _walk_multipart(part, kind, reading, spooled, depth)
    elif kind.startswith("message/") and part.is_multipart():
        children = [child for child in part.get_payload() if isinstance(child, Message)]
        encoding = _encoding(part)
        if kind == "message/rfc822" and encoding in ("base64", "quoted-printable"):
            # Forbidden by RFC 2046 and done all the same: the mail inside is encoded as a whole.
            raw = _as_bytes(children).lstrip()
            content = _base64(raw, reading) if encoding == "base64" else binascii.a2b_qp(raw)
            children = [email.message_from_bytes(content, policy=POLICY)]
        reading.embedded.extend(children)
        reading.files.append(_embedded_file(part, kind, children))
    else:
        _leaf(part, kind, reading, spooled)


def _walk_multipart(part: Message, kind: str, reading: _Reading, spooled: dict[str, InboundFile], depth: int) -> None:
    children = [child for child in part.get_payload() if isinstance(child, Message)]
    if kind != "multipart/alternative":
        for child in children:
            _walk(child, reading, spooled, depth + 1)
        return
    # Each alternative is read apart: a text and a markup of the same content are two faces of one body.
    faces = []
    for child in children:
        shared = {name: getattr(reading, name) for name in ("parts", "defects", "files", "embedded", "calendars")}
        face = _Reading(**shared)
        _walk(child, face, spooled, depth + 1)
        reading.parts = face.parts
        faces.append(face)
    # Several texts are no alternatives of one another in practice: all are shown, each once.
    plain = [text for face in faces if not face.markups for text in face.texts]
    texts = list(dict.fromkeys(plain)) or next((face.texts for face in faces if face.texts), [])
    markups = next((face.markups for face in reversed(faces) if face.markups), None)
    if texts and any(text.strip() for text in texts):
        reading.texts.extend(texts)
    elif markups:
        reading.texts.extend(plain_text.to_text(html) for html in markups)
    reading.markups.extend(markups or ())


def _leaf(part: Message, kind: str, reading: _Reading, spooled: dict[str, InboundFile]) -> None:
    filename = _filename(part)
    disposition = _disposition(part)
    marker = str(getattr(part, "_payload", "")).strip() if spooled else ""
    if marker in spooled:
        file = _named(spooled[marker], filename, kind, part, disposition)
        reading.files.append(file)
        if kind in ("text/plain", "text/html") and filename is None and disposition != "attachment" and file.path:
            with Path(file.path).open("rb") as beginning:
                _text(part, kind, beginning.read(TEXT_LIMIT), reading)
            reading.defects.append("the text is longer than what is shown; all of it is in the file")
        return
    content = _content(part, reading)
    if kind.startswith("multipart/"):
        _lost_multipart(part, content, reading, spooled)
        return
    is_text = kind in ("text/plain", "text/html") or (part.get_content_maintype() == "text" and kind in ("text/enriched", "text/richtext"))
    # A disposition on the mail itself does not make its only text an attachment.
    attached = disposition == "attachment" or (filename is not None and disposition != "inline") or (filename and kind == "text/html")
    if is_text and not (attached and reading.parts > 1):
        _text(part, kind, content, reading)
    elif content or filename or part.get("Content-Type"):
        if kind == "text/rfc822-headers":  # the mail that came back, without its body (RFC 6522)
            reading.embedded.append(email.message_from_bytes(content[:TEXT_LIMIT], policy=POLICY))
        if kind == "text/calendar":
            reading.calendars.append((content, _parameter(part, "charset") or "utf-8"))
        inline = disposition == "inline" or (part.get("Content-ID") is not None and disposition != "attachment")
        reading.files.append(
            InboundFile(
                filename=filename or _default_name(kind, len(reading.files)),
                content_type=_safe_type(kind),
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                content=content,
                content_id=_content_id(part),
                inline=inline and kind.startswith("image/"),
            )
        )


def _lost_multipart(part: Message, content: bytes, reading: _Reading, spooled: dict[str, InboundFile]) -> None:
    """A multipart whose boundary never comes: read with the boundary that does, else shown as text."""
    found = _LOST_BOUNDARY.search(content[:HEAD])
    if found and not reading.reread:
        reading.reread = True
        boundary = found[1].replace(b'"', b"")
        again = email.message_from_bytes(b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\n\n' + content, policy=POLICY)
        if again.is_multipart():
            _walk(again, reading, spooled, 1)
            return
    _text(part, "text/plain", content, reading)


def _text(part: Message, kind: str, content: bytes, reading: _Reading) -> None:
    label = _parameter(part, "charset")
    decoded, defect = charsets.decode(content[: TEXT_LIMIT * 4], label)
    if defect:
        reading.defects.append(defect)
    decoded = decoded.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if kind == "text/plain":
        if (_parameter(part, "format") or "").lower() == "flowed":
            decoded = unflow(decoded, delsp=(_parameter(part, "delsp") or "").lower() == "yes")
        reading.texts.append(decoded)
        return
    reading.markups.append(decoded)


def unflow(text: str, *, delsp: bool = False) -> str:
    """Lines that a mail program broke joined again (RFC 3676); quoted lines and the signature mark are left alone."""
    out: list[list[str]] = []
    joining = False
    for line in text.split("\n"):
        flows = line.endswith(" ") and line != "-- " and not line.startswith(">")
        shown = line[1:] if line.startswith(" ") else line
        if joining and out and not line.startswith(">"):
            out[-1].append(shown[:-1] if flows and delsp else shown)
        else:
            out.append([shown[:-1] if flows and delsp else shown])
        joining = flows
    return "\n".join("".join(pieces) for pieces in out)


def _content(part: Message, reading: _Reading) -> bytes:
    """The decoded bytes of a leaf; undecodable ones as they came."""
    payload = getattr(part, "_payload", None)  # get_payload() would replace 8-bit characters before the charset is known
    if not isinstance(payload, str):
        return b""
    raw = payload.encode("ascii", "surrogateescape") if payload.isascii() or _has_surrogates(payload) else payload.encode()
    encoding = _encoding(part)
    if encoding == "base64":
        return _base64(raw, reading)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(raw)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        decoded = part.get_payload(decode=True)
        return decoded if isinstance(decoded, bytes) else raw
    return raw


def _encoding(part: Message) -> str:
    return headers.text(str(part.get("Content-Transfer-Encoding", ""))).lower().split(";")[0].strip()


def _base64(raw: bytes, reading: _Reading) -> bytes:
    decoder = Base64Pieces()
    content = decoder.take(raw) + decoder.finish()
    if decoder.defect:
        reading.defects.append("base64 is cut short")
    return content


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _assemble(message: Message, reading: _Reading) -> ParsedMail:
    html_source = "\n<hr>\n".join(reading.markups)
    html = markup.sanitise(html_source) if html_source.strip() else None
    text = "\n\n".join(part.strip("\n") for part in reading.texts if part.strip())
    if not text and html:
        text = plain_text.to_text(html)
    if len(html_source) > len(markup.kept(html_source)) or len(text) > TEXT_LIMIT:
        reading.defects.append("the text is longer than what is kept; the rest is in the original")
    text = clean_text(text[:TEXT_LIMIT])
    folded = quoting.fold(text)
    own_ids = headers.ids(_header(message, "Message-ID"))
    verdict = automatic.judge(message, tuple(reading.embedded))
    return ParsedMail(
        message_id=own_ids[0] if own_ids else None,
        in_reply_to=next(iter(headers.ids(_header(message, "In-Reply-To"))), None),
        references=tuple(dict.fromkeys((*headers.ids(_header(message, "References")), *headers.ids(_header(message, "In-Reply-To"))))),
        sender=_addresses(message, "From") or _addresses(message, "Sender"),
        reply_to=_addresses(message, "Reply-To"),
        to=_addresses(message, "To"),
        cc=_addresses(message, "Cc"),
        delivered_to=_delivered_to(message),
        subject=clean_text(headers.text(_header(message, "Subject")))[:998],
        date=headers.date(_header(message, "Date")),
        auto_submitted=verdict.auto_submitted,
        is_automatic=verdict.is_automatic,
        is_bounce=verdict.is_bounce,
        bounced_ids=verdict.bounced_ids,
        unanswerable=verdict.unanswerable,
        bounce_reason=verdict.bounce_reason,
        bounced_people=verdict.bounced_people,
        bounced_to=verdict.bounced_to,
        text=text,
        html=clean_text(html) if html else html,
        visible_text=folded.visible,
        folded=bool(folded.folded),
        attachments=tuple(reading.files),
        defects=tuple(dict.fromkeys(reading.defects))[:50],
        bcc=_addresses(message, "Bcc"),
        authentication=tuple(str(value)[:20_000] for value in message.get_all("Authentication-Results", [])[:50]),
        from_fields=len(message.get_all("From", [])),
        calendar=next((found for content, label in reading.calendars[:5] if (found := calendars.read(content, label))), None),
    )


def _addresses(message: Message, name: str) -> tuple[Address, ...]:
    values = message.get_all(name, [])
    return headers.addresses(", ".join(str(value) for value in values[:20]))


def _header(message: Message, name: str) -> str:
    return str(message.get(name, ""))


def _delivered_to(message: Message) -> tuple[str, ...]:
    """Every address the mail says it was delivered to, for tokens and routing."""
    names = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To")
    return tuple(address.email for name in names for address in _addresses(message, name) if address.email)


def _defect_names(part: Message) -> Iterator[str]:
    for defect in getattr(part, "defects", ())[:20]:
        yield re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(defect).__name__.removesuffix("Defect")).lower()


def _filename(part: Message) -> str | None:
    """The attachment's name without folders, control characters and direction tricks; None when it has none."""
    for header, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        value = _parameter(part, parameter, header)
        if value:
            return clean_filename(headers.text(value))
    return None


def _parameter(part: Message, name: str, header: str = "Content-Type") -> str | None:
    try:
        value: Any = part.get_param(name, None, header)
    except (ValueError, TypeError, IndexError, AttributeError):
        return None
    if isinstance(value, tuple):  # RFC 2231: charset, language, percent-decoded text
        try:
            data = value[2].encode("ascii", "surrogateescape")
        except UnicodeEncodeError:  # percent-decoded characters, perhaps beside raw ones
            data = value[2].encode("latin-1", "replace")
        return charsets.decode(data, value[0] or "utf-8")[0]
    return str(value).strip() if value is not None else None


def _disposition(part: Message) -> str:
    return str(part.get("Content-Disposition", "")).split(";")[0].strip().lower()


def _content_id(part: Message) -> str | None:
    written = headers.text(_header(part, "Content-ID"))
    found = headers.ids(written)
    return clean_text(found[0] if found else written.strip("<>"))[:500] or None


def _named(file: InboundFile, filename: str | None, kind: str, part: Message, disposition: str) -> InboundFile:
    return InboundFile(
        filename=filename or _default_name(kind, 0),
        content_type=_safe_type(kind),
        size=file.size,
        sha256=file.sha256,
        path=file.path,
        content_id=_content_id(part),
        inline=False,
    )


def _as_bytes(children: list[Message]) -> bytes:
    try:
        return b"\r\n".join(_written(child) for child in children)
    except (UnicodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return b"\r\n".join(_words_of(child) for child in children)


def _words_of(message: Message, depth: int = 0) -> bytes:
    """What is left of a mail that cannot be written: its texts."""
    payload = getattr(message, "_payload", None)  # get_payload() would decode it by a charset that may be none
    if isinstance(payload, list) and depth < MAX_DEPTH:
        return b"\r\n".join(_words_of(child, depth + 1) for child in payload[:MAX_PARTS] if isinstance(child, Message))
    return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""


class _Writer(BytesGenerator):
    """Writes a mail the same way every time: the library draws lots for the boundary that a multipart does not name."""

    @classmethod
    def _make_boundary(cls, text: bytes | None = None) -> str:
        return f"==={hashlib.sha256(text or b'').hexdigest()[:32]}=="


def _written(message: Message) -> bytes:
    file = BytesIO()
    _Writer(file, mangle_from_=False, policy=POLICY).flatten(message)
    return file.getvalue()


def _embedded_file(part: Message, kind: str, children: list[Message]) -> InboundFile:
    content = _as_bytes(children)
    name = _filename(part) or (headers.text(_header(children[0], "Subject"))[:80] if children else "")
    ending = ".eml" if kind == "message/rfc822" else ".txt"
    return InboundFile(
        filename=clean_filename(name + ("" if name.endswith(ending) else ending)) if name else "message" + ending,
        content_type=_safe_type(kind),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )


def _default_name(kind: str, position: int) -> str:
    ending = {"text/calendar": "ics", "text/html": "html", "image/jpeg": "jpg", "application/pgp-signature": "asc"}.get(kind)
    return f"file-{position + 1}.{ending or re.sub(r'[^a-z0-9]', '', kind.rsplit('/', 1)[-1])[:10] or 'bin'}"


def _safe_type(kind: str) -> str:
    return kind if re.fullmatch(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}", kind) else "application/octet-stream"
