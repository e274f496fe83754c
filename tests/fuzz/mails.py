"""Mails, markup and answers made from nothing: well formed enough to be walked, wrong enough to hurt."""

import base64
import random

from tests.fuzz.mutations import CHARSETS, NASTY

TYPES = (
    "text/plain", "text/html", "text/calendar", "text/enriched", "application/octet-stream", "image/png", "message/rfc822",
    "message/delivery-status", "multipart/mixed", "multipart/alternative", "multipart/report", "", "text", "/", "multipart/", "TEXT/PLAIN; x",
)  # fmt: skip
ENCODINGS = ("7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "binary", "BASE64 ", "q", "")
FIELDS = (
    "From", "To", "Cc", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Reply-To", "Return-Path", "Auto-Submitted", "Sender",
    "Authentication-Results", "Content-ID", "Content-Disposition", "Delivered-To", "Precedence", "X-Failed-Recipients", "List-Id", "Action",
)  # fmt: skip
WORDS = (
    "hello", "Ivan <ivan@example.com>", "<a@b>", "=?utf-8?B?0J/RgNC40LLQtdGC?=", "=?koi8-r?Q?=F0?=", "=?utf-7?Q?+2AA-?=", "=?undefined?B?YQ==?=", "Mon, 2 Nov 2026 09:00:00 +0300",
    "Fri, 31 Dec 9999 23:59:59 -2359", "(comment (in (comment", "group: a@b, c@d;", '"quoted\\" name" <q@example.com>', "auto-replied", "mx.example; dkim=pass header.d=example.com",
    "\u0438\u043c\u044f@\u043f\u043e\u0447\u0442\u0430.\u0440\u0444", "a" * 400 + "@" + "b" * 400, "<" + "x" * 1500 + "@y>", "..", "@", "<>", ";", "attachment; filename*0*=utf-8''%D8%00; filename*1=b",
    "inline; filename=\"../../\u202egnp.exe\"", "ticket+tabcdefghij12345@support.example",
)  # fmt: skip
CALENDAR = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART:20261102T090000Z\r\nDURATION:PT1H\r\nSUMMARY:Talk\r\n"
    "ORGANIZER;CN=A:mailto:a@b.example\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:c@d.example\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def mail(rng: random.Random, depth: int = 0) -> bytes:
    """A mail, or a part of one."""
    kind = rng.choice(TYPES)
    head = [f"{rng.choice(FIELDS)}: {rng.choice(WORDS)}".encode("utf-8", "surrogatepass") for _ in range(rng.choice((0, 2, 6, 6, 12)))]
    if not depth:
        head += [b"From: " + rng.choice(WORDS).encode(), b"Subject: " + rng.choice(WORDS).encode()]
    if rng.random() < 0.03:
        head += [
            rng.choice((b"X-Bomb: ", b"To: a@b.example, ", b"References: <a@b> ")) + rng.choice(NASTY) * rng.choice((10, 1000))
        ] * rng.choice((1, 20))
    boundary = rng.choice((b"b0", b"b0", b"b%d" % depth, b"=_x y ", b"", b"a" * 90, b"\xff"))
    charset = rng.choice(CHARSETS).encode() if rng.random() < 0.5 else b"utf-8"
    head.append(
        b"Content-Type: "
        + kind.encode()
        + b"; charset="
        + charset
        + b'; boundary="'
        + boundary
        + b'"; name="'
        + rng.choice(WORDS).encode()
        + b'"'
    )
    if rng.random() < 0.4:
        head.append(b"Content-Transfer-Encoding: " + rng.choice(ENCODINGS).encode())
    if rng.random() < 0.1:
        head.insert(rng.randrange(len(head)), rng.choice(NASTY)[:2000])
    end = rng.choice((b"\r\n", b"\n", b"\n", b"\r"))
    return end.join(head) + end + end + _content(rng, kind, boundary, end, depth)


def _content(rng: random.Random, kind: str, boundary: bytes, end: bytes, depth: int) -> bytes:
    if kind.startswith("multipart/") and depth < 5:
        parts = [mail(rng, depth + 1) for _ in range(rng.choice((0, 1, 2, 3)))]
        if rng.random() < 0.05:
            parts *= rng.choice((5, 40))
        mark = boundary if rng.random() < 0.9 else b"another"
        closing = b"--" + mark + b"--" if rng.random() < 0.7 else b""
        return b"".join(b"--" + mark + end + part + end for part in parts) + closing
    if kind.startswith("message/") and depth < 5:
        return mail(rng, depth + 1)
    if "calendar" in kind:
        lines = CALENDAR.encode().split(b"\r\n")
        lines[rng.randrange(len(lines))] = rng.choice(NASTY)[:3000]
        return b"\r\n".join(lines)
    body = html(rng) if "html" in kind else answer(rng).encode("utf-8", "surrogatepass")
    return base64.b64encode(body) if rng.random() < 0.2 else body


def html(rng: random.Random) -> bytes:
    """Markup of somebody who wants to run something."""
    return b"".join(rng.choice(_MARKUP) if rng.random() < 0.8 else rng.choice(NASTY)[:5000] for _ in range(rng.choice((1, 5, 20, 60))))


_NAMES = (
    "onerror",
    "href",
    "src",
    "style",
    "srcdoc",
    "xlink:href",
    "background",
    "id",
    "ONLOAD",
    "title",
    "class",
    "data-x",
    "formaction",
    "width",
)
_VALUES = (
    "javascript:alert(1)", "java\tscript:alert(1)", "&#106;avascript:alert(1)", "data:text/html,<script>alert(1)</script>", "https://x.example/a.png", "//x/a.png",
    "data:image/png;base64,iVBORw0KGgo=", "data:image/svg+xml;base64,PHN2Zz4=", "cid:a@b", "mailto:a@b", "color:red", "background:url(//x)", "width:expression(alert(1))",
    "color:red;@import x", "w\\69dth:1px", "position:fixed;top:0", "vbscript:x", "tel:+7495", "\x01javascript:alert(1)", "http:javascript:alert(1)", "", "\"", "<", "a\nb",
)  # fmt: skip
_TAGS = ["a", "b", "p", "div", "img", "table", "td", "svg", "math", "style", "script", "iframe", "form", "input", "button", "textarea", "select", "title", "noscript", "template", "object", "embed", "base", "meta", "link", "font", "blockquote", "ul", "li", "br", "hr", "pre", "xmp", "plaintext", "mglyph", "annotation-xml", "foreignObject", "desc", "!DOCTYPE", "x:y", "center", "caption", "colgroup"]  # fmt: skip
_MARKUP = (
    [f"<{tag}>".encode() for tag in _TAGS]
    + [f"</{tag}>".encode() for tag in _TAGS]
    + [f"<{tag} {name}={quote}{value}{quote}>".encode() for tag in ("a", "img", "p", "svg", "font", "td") for name in _NAMES for value in _VALUES for quote in ('"', "'", "")]
    + [b"text", "слово".encode(), b"<", b">", b"&lt;script&gt;", b"<!-- x", b"-->", b"<![CDATA[", b"]]>", b"&", b"&#x3c;", b"\x00"] * 5
)  # fmt: skip
_ANSWER = (
    "Hello,", "Спасибо!", "", "", "> quoted", ">> twice", "On Mon, 2 Nov 2026 at 09:00, Ivan <ivan@example.com> wrote:", "2 ноября 2026 г. в 09:00, Иван пишет:", "-- ", "--",
    "From: Ivan <i@example.com>", "Sent: Monday", "To: support", "Subject: order", "-----Original Message-----", "_____", "________________________________", "Sent from my iPhone",
    "Отправлено с iPhone", "On", "On Mon,", "wrote:", "a: b", "От: Иван", "Кому: нам", "Тема: заказ", "Дата: вчера", ">", " > x", "\u00a0", "* * *", "--- On Mon wrote ---", "x@y.z:", "On 1.1.2026:",
)  # fmt: skip


def answer(rng: random.Random) -> str:
    """What somebody wrote above, below and between what they quote."""
    lines = [rng.choice(_ANSWER) * (1 if rng.random() < 0.95 else rng.choice((2, 50, 3000))) for _ in range(rng.choice((1, 5, 15, 60)))]
    if rng.random() < 0.1:
        lines.append(rng.choice(NASTY).decode("utf-8", "surrogateescape"))
    return rng.choice(("\n", "\r\n", "\r")).join(lines)
