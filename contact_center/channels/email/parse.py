"""A mail's bytes to the neutral words that every channel speaks. Pure; runs in a parser process."""

import re
from pathlib import Path
from typing import Any

from contact_center.channels.email import authentication, calendars, large
from contact_center.channels.email.mime import ParsedMail, read_mail
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.tickets import Address, Proof
from contact_center.model.words import Demand, Direction, EntryKind, PointKind

_TOKEN = re.compile(r"\+(t[a-z0-9-]{10,80})@", re.I)
LIST_LIMIT = 100  # recipients kept beside an entry; all of them stay in the original


def parse(data: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """Understand a mail held in memory."""
    if envelope.get("gone"):
        return gone(envelope)
    return as_message(read_mail(data), envelope)


def parse_large(path: str, folder: str, envelope: dict[str, Any]) -> InboundMessage:
    """Understand a mail kept in a file."""
    return as_message(large.read_large(Path(path), Path(folder)), envelope)


def as_message(mail: ParsedMail, envelope: dict[str, Any]) -> InboundMessage:
    """The mail in neutral words."""
    writer = sender_of(mail)
    sender = _stands_for(mail, writer, envelope) or writer
    is_ours = bool(envelope.get("sent"))
    recipients = [str(address) for address in envelope.get("rcpt_to", ())]
    named = (*mail.to, *mail.cc, *(mail.bcc if is_ours else ()))
    return InboundMessage(
        kind=EntryKind.EMAIL,
        sender=InboundPerson(PointKind.EMAIL, sender.email, sender.name) if sender else None,
        participants=tuple(InboundPerson(PointKind.EMAIL, a.email, a.name) for a in named[:LIST_LIMIT] if "@" in a.email),
        subject=mail.subject,
        text=mail.text or calendars.words(mail.calendar),
        visible_text=mail.visible_text or calendars.words(mail.calendar),
        html=mail.html,
        sent_at=mail.date,
        message_key=mail.message_id,
        thread_hints=mail.references,
        ticket_tokens=_tokens((*recipients, *mail.delivered_to, *(a.email for a in named))),
        automatic=mail.is_automatic,
        unanswerable=mail.unanswerable or ("no return path" if envelope.get("mail_from") == "" else ""),
        bounce_of=mail.bounced_ids,
        is_bounce=mail.is_bounce,
        bounced_people=mail.bounced_people,
        bounced_to=mail.bounced_to,
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
        direction=Direction.OUT if is_ours else Direction.IN,
        demand=Demand.NOTHING if is_ours else Demand.ANSWER,
        ours=is_ours,
        facts={"type": "bounce", "reason": mail.bounce_reason} if mail.is_bounce else mail.calendar,
        behind=InboundPerson(PointKind.EMAIL, writer.email, writer.name) if writer is not None and sender is not writer else None,
        proof=None if is_ours else _proof(mail, writer, envelope),
    )


def gone(envelope: dict[str, Any]) -> InboundMessage:
    """What stands for a mail that was removed from the mailbox before anybody could fetch it."""
    reason = f"removed from {str(envelope.get('gone'))[:100]} before it could be fetched"
    return InboundMessage(EntryKind.EMAIL, None, (), "", "", "", None, None, None, ignore=reason)


def _stands_for(mail: ParsedMail, writer: Address | None, envelope: dict[str, Any]) -> Address | None:
    """Whom the mail is from by the mailbox's own rule, when that is not its From address; None when it is."""
    rule = envelope.get("sender_rule", "from")
    answers = next((address for address in mail.reply_to if "@" in address.email), None)
    if rule == "from" or writer is None or answers is None or answers.email.casefold() == writer.email.casefold():
        return None
    if rule == "reply_to" or _is_listed(writer.email, str(envelope.get("sender_rule_for", ""))):
        return answers
    return None


def _is_listed(email: str, wanted: str) -> bool:
    """Whether an address stands among `wanted`: addresses and domains, told apart by white space, commas or semicolons."""
    address = email.casefold()
    names = {name.casefold().removeprefix("@") for name in re.split(r"[\s,;]+", wanted[:20_000]) if name}
    return address in names or address.rpartition("@")[2] in names


def _proof(mail: ParsedMail, writer: Address | None, envelope: dict[str, Any]) -> Proof | None:
    domain = writer.email.rpartition("@")[2] if writer is not None else ""
    mailboxes = {address.email.casefold() for address in mail.sender if "@" in address.email}
    senders = max(mail.from_fields, len(mailboxes))
    return authentication.prove(mail.authentication, str(envelope.get("authserv_id", "")), domain, senders)


def sender_of(mail: ParsedMail) -> Address | None:
    """Who wrote: From; a mail without any usable address has no sender."""
    return next((address for address in mail.sender if "@" in address.email), None)


def _tokens(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match[1].lower() for address in addresses[:500] if (match := _TOKEN.search(address))))
