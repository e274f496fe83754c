"""Everything that reads what strangers send. A target turns bytes into one word: `read` or `refused`; all else is a bug."""

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from contact_center import markup, plain_text
from contact_center.channels.base import HookRequest
from contact_center.channels.email import authentication, calendars, charsets, headers, large, quoting
from contact_center.channels.email import parse as email
from contact_center.channels.sms import parse as sms
from contact_center.channels.telephony import hook
from contact_center.channels.telephony import parse as telephony
from contact_center.channels.web_form import checking, item, reading
from contact_center.channels.web_form import parse as web_form
from contact_center.channels.web_form.options import WebFormOptions
from contact_center.contacts.importing import mapping
from contact_center.contacts.importing import reading as files
from contact_center.errors import Invalid, QuarantineItem
from contact_center.keys import Keys
from contact_center.model.messages import InboundMessage
from tests.fuzz import mails, promises, seeds
from tests.fuzz.mutations import mutate

READ, REFUSED = "read", "refused"
Parse = Callable[[bytes, dict[str, Any]], InboundMessage]


@dataclass(frozen=True)
class Target:
    """One reader."""

    name: str
    run: Callable[[bytes], str]
    """What becomes of an input. Raises whatever the reader should not have raised, or `Broken`."""
    seeds: Callable[[], Sequence[bytes]]
    make: Callable[[random.Random], bytes] | None = None
    """An input made from nothing."""

    def input(self, rng: random.Random) -> bytes:
        """The input that follows from `rng`."""
        known = self.seeds()
        base = self.make(rng) if self.make and rng.random() < 0.4 else rng.choice(known)
        return base if rng.random() < 0.05 else mutate(rng, base, known)


def _messages(parse: Parse, *envelopes: dict[str, Any]) -> Callable[[bytes], str]:
    """A channel's parser, under one of its envelopes: the length of the input decides which."""

    def run(content: bytes) -> str:
        envelope = envelopes[len(content) % len(envelopes)]
        try:
            message = parse(content, envelope)
        except QuarantineItem as error:
            promises.clean(error.message, "reason")
            return REFUSED
        promises.hold(message)
        promises.same(message, parse(content, envelope))
        return READ

    return run


def _large(content: bytes) -> str:
    """The mail in a file, with so small a bound that every part of some size is written out."""
    with tempfile.TemporaryDirectory(prefix="cc-fuzz-") as folder, patch.object(large, "SPOOL_ABOVE", 300), patch("os.fsync"):
        path = Path(folder) / "mail"
        path.write_bytes(content)
        try:
            message = email.parse_large(str(path), folder, {})
        except QuarantineItem:
            return REFUSED
        promises.hold(message)
    return READ


def _fields(content: bytes) -> str:
    """What reads single header fields and calendars: none of it ever raises."""
    for text in (content.decode("ascii", "surrogateescape"), content.decode("utf-8", "replace")):
        headers.text(text)
        headers.date(text)
        for address in headers.addresses(text):
            promises.clean(address.name, "name")
            promises.clean(address.email, "email")
        for each in headers.ids(text):
            promises.clean(each, "message_key")
        authentication.read(text)
    for label in ("undefined", "utf-7", "idna", "koi8-r", None, content[:40].decode("latin-1")):
        charsets.decode(content, label)
    calendars.words(calendars.read(content))
    return READ


def _quotes(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    folded = quoting.fold(text)
    if sorted((folded.visible + "\n" + folded.folded).split()) != sorted(text.split()):
        raise promises.Broken("words were lost or doubled between what is shown and what is folded")
    return READ


def _markup(content: bytes) -> str:
    html = content.decode("utf-8", "replace")
    clean = markup.sanitise(html)
    promises.harmless(clean)
    promises.harmless(markup.sanitise(html, image=lambda _url: None))
    if len(clean) < markup.HTML_LIMIT and markup.sanitise(clean) != clean:
        raise promises.Broken("cleaning twice is not cleaning once")
    plain_text.to_text(html)
    return READ


def _events(content: bytes) -> str:
    """A posted body to items, as the webhook takes it; what it lets in, the parser understands."""
    try:
        found = [hook._item(event, PBX | {"source": "event"}) for event in hook._events(content)]
    except QuarantineItem as error:
        promises.clean(error.message, "reason")
        return REFUSED
    parts = [telephony.parse(each.content or b"", each.envelope) for each in found[:20]]
    for part in parts:
        promises.hold(part)
    if parts:
        promises.hold(telephony.combine([part.headers for part in parts]))
        promises.same(telephony.combine([part.headers for part in parts]), telephony.combine([part.headers for part in reversed(parts)]))
    return READ


def _post(content: bytes) -> str:
    """A form as browsers and strangers post it, up to the entry that comes of it."""
    kind = ('multipart/form-data; boundary="b0"', "application/json", "application/x-www-form-urlencoded")[_kind_of(content)]
    request = HookRequest("POST", "", "https://x.example/hooks/1", (), {"Content-Type": kind}, content, "192.0.2.1")
    try:
        sent = reading.read(request)
        attribution = checking.clean_attribution(reading.attribution(sent))
        checked = checking.check(FORM, sent)
    except (reading.Unreadable, reading.TooMuch):
        return REFUSED
    if checked.errors:
        return REFUSED
    names = item.name(Keys("a secret of sixteen"), "1", "n", "c")
    said = {
        "reference": "r",
        "form": "F",
        "fields": item.as_rows(checked.answers),
        "call_words": "C",
        "code_words": "V",
        "attribution": attribution,
    }
    raw = item.build(names, 1795295151.0, "request", sent.files, **said)
    promises.hold(web_form.parse(raw.content or b"", {}))
    return READ


def _kind_of(content: bytes) -> int:
    head = content.lstrip()[:2]
    return 0 if head == b"--" else 1 if head[:1] in (b"{", b"[") else len(content) % 3


def _contacts(content: bytes) -> str:
    try:
        first = files.first_rows(content, 50)
        meaning = mapping.guess(first, cards=files.is_cards(content))
        for _, row in zip(range(300), files.data_rows(content, meaning.header), strict=False):
            person = mapping.person_of(row.cells, meaning)
            for text in (person.name, *person.unusable, row.broken, *(value for _, value, _ in person.points)):
                promises.clean(text)
            promises.clean(person.note, "note")
    except Invalid as error:
        promises.clean(error.message, "reason")
        return REFUSED
    return READ


PBX: dict[str, Any] = {
    "zone": "Europe/Moscow",
    "digits": 4,
    "region": "RU",
    "ours": ["+74951234567"],
    "agents": {"PJSIP/101": "Anna"},
    "received": 1795295151.0,
}
_MAP = {"id": 0, "start": 1, "from": 2, "to": 3, "result": 4, "wait": 5, "talk": 6, "agent": 7, "queue": 8}
_SMS = {"account": 7, "address": "+74951234567", "key": "k1"}
FORM = WebFormOptions(
    callback=True,
    consent_text="Yes",
    fields='[{"name":"name","label":"Name","type":"text"},{"name":"email","label":"E-mail","type":"email"},{"name":"phone","label":"Phone","type":"phone"},'
    '{"name":"message","label":"Text","type":"textarea"},{"name":"choice","label":"Choice","type":"choice","choices":["One","Two"]},{"name":"file","label":"File","type":"file"}]',
)
MAIL_ENVELOPES = (
    {},
    {"rcpt_to": ["support+tabcdefghij12345@x.example"], "mail_from": ""},
    {"authserv_id": "mx.example", "sender_rule": "reply_to"},
    {"sent": True},
)


def targets() -> list[Target]:
    """All of them."""
    return [
        Target("mail", _messages(email.parse, *MAIL_ENVELOPES), seeds.mails, mails.mail),
        Target("large mail", _large, seeds.mails, mails.mail),
        Target("header fields", _fields, seeds.mails, lambda rng: rng.choice(mails.WORDS).encode()),
        Target("quotes", _quotes, seeds.answers, lambda rng: mails.answer(rng).encode("utf-8", "surrogatepass")),
        Target("markup", _markup, seeds.markup, mails.html),
        Target(
            "twilio",
            _messages(sms.parse, *(_SMS | {"provider": "twilio", "what": what} for what in ("message", "report"))),
            lambda: seeds.TWILIO,
        ),
        Target(
            "kannel",
            _messages(sms.parse, *(_SMS | {"provider": "kannel", "what": what} for what in ("message", "report"))),
            lambda: seeds.KANNEL,
        ),
        Target("call events", _events, lambda: seeds.EVENTS),
        Target("cdr", _messages(telephony.parse, PBX | {"source": "master"}), lambda: seeds.logs("cdr_master.csv", seeds.MASTER)),
        Target("custom cdr", _messages(telephony.parse, PBX | {"source": "custom"}), lambda: seeds.logs("cdr_custom.csv", seeds.CUSTOM)),
        Target(
            "columns",
            _messages(
                telephony.parse,
                PBX | {"source": "columns", "columns": _MAP, "delimiter": ";"},
                PBX | {"source": "columns", "columns": _MAP, "delimiter": ";", "time_format": "%d.%m.%Y %H:%M:%S"},
            ),
            lambda: seeds.COLUMNS,
        ),
        Target("queue_log", _messages(telephony.parse, PBX | {"source": "queue_log"}), lambda: seeds.logs("queue_log", seeds.QUEUE)),
        Target("form items", _messages(web_form.parse, {}), lambda: seeds.ITEMS),
        Target("form posts", _post, lambda: seeds.POSTS),
        Target("contact files", _contacts, lambda: (*seeds.SHEETS, seeds.workbook())),
    ]
