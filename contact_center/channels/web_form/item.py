"""The raw item of a submission: a line of JSON that says everything needed to understand it again in ten years, and after
it the bytes of the files, one behind the other, as they came.

The labels are written down with the values, because a form may change while what was said through it may not.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contact_center.channels.web_form.checking import Answer
from contact_center.channels.web_form.reading import SentFile
from contact_center.keys import Keys
from contact_center.model.messages import RawItem

KEY = re.compile(r"^[a-z2-7]{48}$")
_OPEN = 16  # signs of a key that name its raw item; the other 32, 160 bits, are the secret


@dataclass(frozen=True, slots=True)
class Names:
    """What a submission is called: in the ledger, and in the private link."""

    provider_key: str
    message_key: str


def digest(*parts: Any) -> str:
    """A fingerprint of what was said, the same for the same content."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def fingerprint(content: str | bytes) -> str:
    """The SHA-256 of a text or of a file."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def moment(at: float) -> str:
    """A time as it stands in the document."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def name(keys: Keys, scope: str, nonce: str, content: str) -> Names:
    """The names of a submission.

    Derived and not random, so that a page which is reloaded or a request which is repeated gets the same link again. Both
    are our signatures of a 128-bit nonce that only the customer's browser has; the secret part depends on the content too,
    so that the nonce alone opens nothing.
    """
    opening = keys.sign("web form item", f"{scope}|{nonce}")
    secret = keys.sign("web form link, first half", f"{scope}|{nonce}|{content}")
    secret += keys.sign("web form link, second half", f"{scope}|{nonce}|{content}")
    return Names(provider_key(opening + secret), opening + secret)


def provider_key(message_key: str) -> str:
    """The ledger's name of the submission with this key."""
    return f"form:{message_key[:_OPEN]}"


def reference(message_key: str) -> str:
    """What facts hold of a key: enough to recognise the entry, useless for opening its page."""
    return hashlib.sha256(f"web form reference {message_key}".encode()).hexdigest()[:24]


def locked(message_key: str) -> str:
    """What the ledger and the history hold of a key: enough to find its page by, useless for opening it. Agents may read the
    original of an entry, and must not find the customer's key there."""
    return "form-" + hashlib.sha256(f"web form lock {message_key}".encode()).hexdigest()


def build(names: Names, at: float, kind: str, files: Sequence[SentFile], **said: Any) -> RawItem:
    """The raw item. `kind` is request, message or callback; `said` is all that the parser shall know."""
    document = {
        "v": 1,
        "kind": kind,
        "at": moment(at),
        "key": locked(names.message_key),
        "files": [
            {"field": file.field, "filename": file.filename, "content_type": file.content_type, "size": len(file.content)} for file in files
        ],
    } | said
    head = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")  # JSON of one line: it escapes line breaks
    content = b"\n".join([head, b"".join(file.content for file in files)]) if files else head
    return RawItem(names.provider_key, content, source_time=datetime.fromtimestamp(at, UTC))


def as_rows(answers: Sequence[Answer]) -> list[dict[str, str]]:
    """Answers as they stand in the document."""
    return [{"name": a.name, "label": a.label, "type": a.type, "value": a.value} for a in answers]
