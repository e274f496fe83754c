"""Building an outgoing mail. Header values are written here, each freed of line ends, and go out as they are.

The library's own folding loses spaces between encoded words and encodes long message ids, which ends threads.
"""

import base64
import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from contact_center.model.messages import OutboundMessage
from contact_center.model.tickets import Address

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_TYPE = re.compile(r"(?:application|audio|font|image|model|text|video)/[a-z0-9!#$&^_.+-]{1,100}")
LINE = 900  # characters of ASCII that go on one line; a line may have 998
WORD_BYTES = 42  # bytes of UTF-8 in one encoded word, which may have 75 characters


class Ready(str):
    """A header value as it goes over the wire."""

    __slots__ = ()


class _Policy(EmailPolicy):
    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return (name, value) if isinstance(value, Ready) else super().header_store_parse(name, value)

    def fold(self, name: str, value: Any) -> str:
        return f"{name}: {value}{self.linesep}" if isinstance(value, Ready) else super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii") if isinstance(value, Ready) else super().fold_binary(name, value)


POLICY = _Policy(linesep="\r\n", cte_type="7bit")


def compose(message: OutboundMessage, sender: Address, *, reply_tokens: bool) -> EmailMessage:
    """The mail for `message` from `sender`. Raises ValueError when no recipient has a usable address."""
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _mailboxes([sender])
    if not message.to:
        raise ValueError("no recipient")
    mail["To"] = _mailboxes(message.to)
    if message.cc:
        mail["Cc"] = _mailboxes(message.cc)
    if reply_tokens:
        local, _, domain = sender.email.rpartition("@")
        mail["Reply-To"] = _mailboxes([Address(sender.name, f"{local}+{message.reply_token}@{domain}")])
    mail["Subject"] = Ready(_words(one_line(message.subject)))
    if message.created_at is not None:
        mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = _ids([message.message_key])
    if message.in_reply_to:
        mail["In-Reply-To"] = _ids([message.in_reply_to])
        mail["References"] = _ids(message.references)
    if message.automatic:
        # RFC 3834, and what mail systems look for that never read it: nobody wrote this, and nothing is to answer.
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["Precedence"] = "auto_reply"
    mail.set_content(message.text + (f"\n\n{message.quoted}" if message.quoted else "") + "\n")
    mail.add_alternative(_as_html(message), subtype="html")
    for file in message.attachments:
        # A mail inside would have its line ends changed, a multipart taken apart: such files go as plain bytes.
        kind = file.content_type.partition(";")[0].strip().lower()
        maintype, _, subtype = (kind if _TYPE.fullmatch(kind) else "application/octet-stream").partition("/")
        mail.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=one_line(file.filename))
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


def _mailboxes(addresses: Sequence[Address]) -> Ready:
    return Ready(",\r\n ".join(_mailbox(address) for address in addresses))


def _mailbox(address: Address) -> str:
    name, email = one_line(address.name), wire_address(address.email)
    if not name:
        return email
    if not name.isascii() or "=?" in name or len(name) > LINE // 3:
        return f"{_words(name)} <{email}>"
    if _PLAIN_NAME.fullmatch(name):
        return f"{name} <{email}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{email}>'


def _ids(keys: Sequence[str]) -> Ready:
    clean = (re.sub(r"[\s<>]", "", one_line(key)) for key in keys)
    return Ready("\r\n ".join(f"<{key}>" for key in clean if key.isascii()))


def _words(text: str) -> str:
    """ASCII as it is; anything else as encoded words (RFC 2047) that are cut between characters."""
    if text.isascii() and "=?" not in text and len(text) <= LINE:
        return text
    words, word = [], b""
    for character in text:
        data = character.encode()
        if len(word) + len(data) > WORD_BYTES:
            words.append(word)
            word = b""
        word += data
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in (*words, word))


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
