"""`contact-center parse-mail`: one mail as the product understands it, as a plain JSON value. Never raises for a mail."""

import tempfile
from pathlib import Path
from typing import Any

from contact_center.channels.email import large
from contact_center.channels.email.mime import ParsedMail, read_mail
from contact_center.channels.email.options import LARGE
from contact_center.model.tickets import Address


def report(path: Path) -> dict[str, Any]:
    """The report on the mail in `path`; an unreadable file is a report with `defects` only."""
    try:
        if path.stat().st_size >= LARGE:
            with tempfile.TemporaryDirectory() as folder:
                return as_report(large.read_large(path, Path(folder)))
        return as_report(read_mail(path.read_bytes()))
    except OSError as error:
        return EMPTY | {"defects": [f"unreadable: {error.strerror or error}"]}
    except Exception as error:  # noqa: BLE001 - support people need a line for every mail, the worst one above all
        return EMPTY | {"defects": [f"not understood: {type(error).__name__}: {error}"[:300]]}


def as_report(mail: ParsedMail) -> dict[str, Any]:
    """The mail's meaning with the documented keys: ids without brackets, dates ISO 8601 UTC or null."""
    return {
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "from": [_address(address) for address in mail.sender],
        "reply_to": [_address(address) for address in mail.reply_to],
        "to": [_address(address) for address in mail.to],
        "cc": [_address(address) for address in mail.cc],
        "subject": mail.subject,
        "date": mail.date.strftime("%Y-%m-%dT%H:%M:%SZ") if mail.date else None,
        "auto_submitted": mail.auto_submitted,
        "is_bounce": mail.is_bounce,
        "text": mail.text,
        "html": mail.html,
        "visible_text": mail.visible_text,
        "attachments": [
            {
                "filename": file.filename,
                "content_type": file.content_type,
                "size": file.size,
                "sha256": file.sha256,
                "content_id": file.content_id,
                "inline": file.inline,
            }
            for file in mail.attachments
        ],
        "defects": list(mail.defects),
    }


def _address(address: Address) -> dict[str, str]:
    return {"name": address.name, "email": address.email}


EMPTY: dict[str, Any] = {
    "message_id": None, "in_reply_to": None, "references": [], "from": [], "reply_to": [], "to": [], "cc": [], "subject": "",
    "date": None, "auto_submitted": "no", "is_bounce": False, "text": "", "html": None, "visible_text": "", "attachments": [], "defects": [],
}  # fmt: skip
