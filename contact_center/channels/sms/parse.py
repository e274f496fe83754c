"""A stored request of a provider to what it means. Pure; runs in a parser process.

What is stored is the request itself: Twilio's form, or Kannel's query, an empty line and the bytes of the message.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from contact_center.channels.sms import octets, reports, wishes
from contact_center.errors import QuarantineItem
from contact_center.model.messages import DeliveryReport, InboundMessage, InboundPerson
from contact_center.model.phones import e164
from contact_center.model.text import clean_text, preview
from contact_center.model.tickets import Address
from contact_center.model.words import Delivery, Demand, PointKind

KIND = "sms"
TEXT_LIMIT = 40_000  # signs; 255 parts of 153 are the most that a message can have
NAME_LIMIT = 100
MAX_MEDIA = 10  # files of one message; Twilio allows no more
FIELD_LIMIT = 1000
SUBJECT = 80
BODY = "\r\n\r\n"
"""Stands between a stored query and the bytes of the message."""


def parse(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """Understand one stored request. Raises QuarantineItem."""
    read = {
        ("twilio", "message"): _twilio_message,
        ("twilio", "report"): _twilio_report,
        ("kannel", "message"): _kannel_message,
        ("kannel", "report"): _kannel_report,
    }.get((envelope.get("provider", ""), envelope.get("what", "")))
    if read is None:
        raise QuarantineItem("It is not known which provider sent this.")
    return read(content, envelope)


def twilio_fields(content: bytes) -> list[tuple[str, str]]:
    """The fields of a request of Twilio's, a form or JSON. Raises ValueError."""
    text = content.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            return [(str(name), str(value)) for name, value in json.loads(text).items()]
        except RecursionError:
            raise ValueError("nested too deeply") from None
    return parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=FIELD_LIMIT)


def kannel_fields(query: str) -> dict[str, bytes]:
    """A query as bytes, for they are in whatever character set the gateway has; of a repeated name the first."""
    pairs = (pair.partition("=") for pair in query.split("&")[:FIELD_LIMIT])
    fields: dict[str, bytes] = {}
    for name, _, value in pairs:
        fields.setdefault(name, unquote_to_bytes(value.replace("+", " ")))
    return fields


def _first(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    return dict(reversed(fields))


def _twilio_message(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    try:
        fields = _first(twilio_fields(content))
    except (ValueError, AttributeError) as error:
        raise QuarantineItem(f"Twilio's request cannot be read: {str(error)[:200]}") from error
    count = fields.get("NumMedia", "0")
    named = range(min(int(count), MAX_MEDIA)) if count.isascii() and count.isdecimal() and len(count) < 4 else range(0)
    media = tuple(url for i in named if (url := clean_text(fields.get(f"MediaUrl{i}", ""))) and len(url) <= FIELD_LIMIT)
    kinds = (clean_text(fields.get(f"MediaContentType{i}", "") or "file")[:NAME_LIMIT] for i in named)
    # A picture without a word is named by its kind; the files themselves are fetched when the message stands.
    text = fields.get("Body", "") or (" ".join(f"[{kind}]" for kind in kinds) if media else "")
    key = fields.get("MessageSid") or fields.get("SmsSid") or ""
    said = _Said(fields.get("From", ""), fields.get("To", ""), text, key, stated=fields.get("OptOutType", ""))
    more = int(count) > MAX_MEDIA if count.isascii() and count.isdecimal() and len(count) < 20 else False
    return replace(_message(said, envelope, (f"more than {MAX_MEDIA} files",) if more else ()), remote_files=media)


def _kannel_message(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    query, _, body = content.partition(BODY.encode())
    fields = kannel_fields(query.decode("ascii", "replace"))

    def word(name: str) -> str:
        return fields.get(name, b"").decode("utf-8", "replace").strip()[:FIELD_LIMIT]

    text, defect = octets.decode(body or fields.get("text", b""), word("charset"), word("coding"))
    said = _Said(word("from"), word("to"), text, word("id"), sent_at=moment(word("ts")))
    defects = [defect] if defect else []
    if (part := octets.part_of(fields.get("udh", b""))) is not None:
        # Not joined with the others: the reference comes again after 256 messages, and would tie strangers together.
        defects.append(f"part {part.number} of {part.total} of a longer message, whose number is {part.reference}")
    return _message(said, envelope, tuple(defects))


def moment(stamp: str) -> datetime | None:
    """Kannel's %T, seconds since 1970; None for what is no time of this century."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) == 10):
        return None
    return datetime.fromtimestamp(int(stamp), UTC)


class _Said:
    """What somebody wrote, as the provider put it."""

    def __init__(self, theirs: str, ours: str, text: str, key: str, *, stated: str = "", sent_at: datetime | None = None) -> None:
        self.theirs = clean_text(theirs.strip())[:NAME_LIMIT]
        self.ours = clean_text(ours.strip())[:NAME_LIMIT]
        self.text = clean_text(text).replace("\r\n", "\n")
        self.key = clean_text(key.strip())[:200]
        self.stated = stated.strip().lower()
        """What the provider itself took it for: stop, start, help."""
        self.sent_at = sent_at


def _message(said: _Said, envelope: dict[str, Any], defects: tuple[str, ...]) -> InboundMessage:
    if not said.theirs:
        raise QuarantineItem("The request does not say who wrote.")
    account = str(envelope.get("address", ""))
    ours = e164(said.ours) or said.ours or e164(account) or account
    theirs = e164(said.theirs, ours)
    # Nobody can be reached under a short code or a name, but what comes from it belongs together.
    sender = InboundPerson(PointKind.PHONE, theirs) if theirs else InboundPerson(PointKind.ANONYMOUS, said.theirs, said.theirs)
    wish = wishes.wish_of(said.text, envelope.get("stop_words", ()))
    if said.stated in (wishes.Wish.STOP, wishes.Wish.START, wishes.Wish.HELP):
        wish = wishes.Wish(said.stated)
    text = said.text[:TEXT_LIMIT]
    return InboundMessage(
        kind=KIND,
        sender=sender,
        participants=(),
        subject=preview(text, SUBJECT),
        text=text,
        visible_text=text,
        html=None,
        sent_at=said.sent_at,
        message_key=f"sms:{envelope.get('account', 0)}:{said.key or envelope.get('key', '')}",
        to=(Address("", ours),) if ours else (),
        headers={"from": said.theirs, "to": said.ours, "id": said.key, "provider": envelope.get("provider", "")},
        defects=(*defects, *(("cut, for it was too long",) if len(said.text) > TEXT_LIMIT else ())),
        demand=Demand.NOTHING if wish in wishes.QUIET else Demand.ANSWER,
        conversation=conversation_of(ours, sender.value),
        consent=wishes.CONSENTS.get(wish) if wish else None,
        confirmation=wishes.confirmation(wish, said.text, envelope.get("confirm")),
    )


def conversation_of(ours: str, theirs: str) -> str:
    """The key of all that goes between one of our numbers and one of theirs."""
    return f"sms:{e164(ours) or ours}|{e164(theirs, ours) or theirs}"


def _twilio_report(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    try:
        fields = _first(twilio_fields(content))
    except (ValueError, AttributeError) as error:
        raise QuarantineItem(f"Twilio's report cannot be read: {str(error)[:200]}") from error
    code = fields.get("ErrorCode", "")
    words = fields.get("ErrorMessage") or reports.TWILIO_ERRORS.get(code, "")
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    state = reports.TWILIO.get(status.lower())
    return _report(envelope, state, f"{status} {code} {words}", opted_out=code == reports.OPTED_OUT)


def _kannel_report(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    fields = kannel_fields(content.decode("ascii", "replace"))
    state = reports.KANNEL.get(fields.get("type", b"").decode("ascii", "replace"))
    return _report(envelope, state, fields.get("status", b"").decode("utf-8", "replace"))


def _report(envelope: dict[str, Any], state: Delivery | None, detail: str, *, opted_out: bool = False) -> InboundMessage:
    key = str(envelope.get("key", ""))
    if state is None or not key:
        raise QuarantineItem(f"A report on a message says nothing that is known: {clean_text(detail[:100])}")
    return InboundMessage(
        kind=KIND,
        sender=None,
        participants=(),
        subject="",
        text="",
        visible_text="",
        html=None,
        sent_at=None,
        message_key=None,
        report=DeliveryReport(key, state, clean_text(" ".join(detail.split()))[:300], opted_out),
    )
