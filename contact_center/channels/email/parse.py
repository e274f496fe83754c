"""A mail's bytes to the neutral words that every channel speaks. Pure; runs in a parser process."""

import re
from pathlib import Path
from typing import Any

from contact_center.channels.email import large
from contact_center.channels.email.mime import ParsedMail, read_mail
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.tickets import Address
from contact_center.model.words import EntryKind, PointKind

_TOKEN = re.compile(r"\+(t[a-z0-9-]{10,80})@", re.I)
LIST_LIMIT = 100  # recipients kept beside an entry; all of them stay in the original


def parse(data: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """Understand a mail held in memory."""
    return as_message(read_mail(data), envelope)


def parse_large(path: str, folder: str, envelope: dict[str, Any]) -> InboundMessage:
    """Understand a mail kept in a file."""
    return as_message(large.read_large(Path(path), Path(folder)), envelope)


def as_message(mail: ParsedMail, envelope: dict[str, Any]) -> InboundMessage:
    """The mail in neutral words."""
    sender = sender_of(mail)
    recipients = [str(address) for address in envelope.get("rcpt_to", ())]
    named = (*mail.to, *mail.cc)
    return InboundMessage(
        kind=EntryKind.EMAIL,
        sender=InboundPerson(PointKind.EMAIL, sender.email, sender.name) if sender else None,
        participants=tuple(InboundPerson(PointKind.EMAIL, a.email, a.name) for a in named[:LIST_LIMIT] if "@" in a.email),
        subject=mail.subject,
        text=mail.text,
        visible_text=mail.visible_text,
        html=mail.html,
        sent_at=mail.date,
        message_key=mail.message_id,
        thread_hints=mail.references,
        ticket_tokens=_tokens((*recipients, *mail.delivered_to, *(a.email for a in named))),
        automatic=mail.is_automatic,
        unanswerable=mail.unanswerable or ("no return path" if envelope.get("mail_from") == "" else ""),
        bounce_of=mail.bounced_ids,
        facts={"type": "bounce", "reason": mail.bounce_reason} if mail.is_bounce else None,
        is_bounce=mail.is_bounce,
        to=mail.to[:LIST_LIMIT],
        cc=mail.cc[:LIST_LIMIT],
        attachments=mail.attachments,
        headers={
            "from": list(mail.sender[:10]),
            "reply_to": list(mail.reply_to[:10]),
            "message_id": mail.message_id,
            "in_reply_to": mail.in_reply_to,
            "references": list(mail.references),
            "date": mail.date,
            "auto_submitted": mail.auto_submitted,
        },
        defects=mail.defects,
    )


def sender_of(mail: ParsedMail) -> Address | None:
    """Who wrote: From; a mail without any usable address has no sender."""
    return next((address for address in mail.sender if "@" in address.email), None)


def _tokens(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match[1].lower() for address in addresses[:500] if (match := _TOKEN.search(address))))
