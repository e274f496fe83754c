"""Building an outgoing mail. Every header goes through the typed builder, so that no name can smuggle another header."""

import re
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from contact_center.model.messages import OutboundMessage
from contact_center.model.tickets import Address

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def compose(message: OutboundMessage, sender: Address, *, reply_tokens: bool) -> EmailMessage:
    """The mail for `message` from `sender`. Raises ValueError when no recipient has a usable address."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _header_address(sender)
    recipients = [_header_address(address) for address in message.to]
    if not recipients:
        raise ValueError("no recipient")
    mail["To"] = recipients
    if message.cc:
        mail["Cc"] = [_header_address(address) for address in message.cc]
    if reply_tokens:
        local, _, domain = sender.email.rpartition("@")
        mail["Reply-To"] = _header_address(Address(sender.name, f"{local}+{message.reply_token}@{domain}"))
    mail["Subject"] = one_line(message.subject)
    if message.created_at is not None:
        mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_key}>"
    if message.in_reply_to:
        mail["In-Reply-To"] = f"<{one_line(message.in_reply_to)}>"
        mail["References"] = " ".join(f"<{one_line(key)}>" for key in message.references)
    mail.set_content(message.text + (f"\n\n{message.quoted}" if message.quoted else "") + "\n")
    mail.add_alternative(_as_html(message), subtype="html")
    for file in message.attachments:
        maintype, _, subtype = file.content_type.partition("/")
        mail.add_attachment(
            file.content, maintype=maintype or "application", subtype=subtype or "octet-stream", filename=one_line(file.filename)
        )
    return mail


def one_line(value: str) -> str:
    """`value` without anything that could end a header line."""
    return _UNSAFE.sub(" ", value).strip()


def wire_address(email: str) -> str:
    """An address as mail servers take it: the domain in ASCII. Raises ValueError for what is none."""
    local, _, domain = one_line(email).rpartition("@")
    if not local or not domain or not local.isascii() or re.search(r"[\s<>,;:\[\]()\\]", local + domain):
        raise ValueError(f"{email[:100] or 'nothing'} is no address that mail can be sent to")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


def _header_address(address: Address) -> HeaderAddress:
    local, _, domain = wire_address(address.email).rpartition("@")
    return HeaderAddress(display_name=one_line(address.name), username=local, domain=domain)


def _as_html(message: OutboundMessage) -> str:
    body = _paragraphs(message.text)
    if message.quoted:
        first, _, rest = message.quoted.partition("\n")
        quoted = "\n".join(line.removeprefix("> ").removeprefix(">") for line in rest.split("\n"))
        style = "margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex"
        body += f'<div class="gmail_quote"><div>{_escape(first)}</div><blockquote style="{style}">{_paragraphs(quoted)}</blockquote></div>'
    return f"<html><body>{body}</body></html>\n"


def _paragraphs(text: str) -> str:
    blocks = re.split(r"\n{2,}", text.strip("\n"))
    return "".join(f"<p>{'<br>'.join(_escape(line) for line in block.split(chr(10)))}</p>" for block in blocks if block)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
