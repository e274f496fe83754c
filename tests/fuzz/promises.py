"""What every reader owes to whoever calls it, whatever it was given: a meaning that can be kept, or a refusal in its own words."""

import dataclasses
import html.parser
import math
import re
from collections.abc import Iterator
from typing import Any

from contact_center.model.messages import InboundMessage
from contact_center.store.types import dump_json

# Characters (of files: bytes) by the name of the field; whatever is not named has `OTHERS`.
LONGEST = {
    "text": 1_100_000, "visible_text": 1_100_000, "html": 6_000_000, "subject": 1000, "value": 330, "name": 1000, "email": 320,
    "filename": 150, "content_type": 170, "content_id": 500, "message_key": 2000, "detail": 300, "conversation": 500,
}  # fmt: skip
OTHERS = 120_000
KEYS = ("message_key", "keys", "thread_hints", "bounce_of", "conversation")
KEY_BYTES = 2600  # a third of a page of PostgreSQL's: more an index refuses
MANY = 5000
ADDRESS = re.compile(r"\s*(?:https?|mailto|tel|sms|cid|data):", re.I)


class Broken(AssertionError):
    """A reader gave something that it may not give."""


def hold(message: InboundMessage) -> None:
    """Every text of a message can be stored as it is, nothing grows without end, and all of it can be written as JSON."""
    for path, value in _leaves(message, "message"):
        if isinstance(value, str):
            _text(path, value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise Broken(f"{path} is {value}")
        elif isinstance(value, int) and abs(value) >= 2**63:
            raise Broken(f"{path} is larger than any database keeps")
    dump_json({"headers": message.headers, "facts": message.facts, "to": message.to, "cc": message.cc, "defects": message.defects})


def same(one: InboundMessage, other: InboundMessage) -> None:
    """Reading twice gives the same."""
    for (path, value), (_, again) in zip(_leaves(one, "message"), _leaves(other, "message"), strict=True):
        if value != again and not path.endswith(".path"):
            raise Broken(f"{path} was {value!r:.100}, then {again!r:.100}")


def clean(text: str, name: str = "text") -> str:
    """`text`, which can be stored as it is."""
    _text(name, text)
    return text


def _text(path: str, value: str) -> None:
    if "\x00" in value:
        raise Broken(f"{path} holds a NUL: {value!r:.100}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Broken(f"{path} holds a lone surrogate: {value!r:.100}") from None
    name = re.sub(r"\[\d+\]", "", path).rsplit(".", 1)[-1]
    longest = OTHERS if ".facts." in path or ".records" in path else LONGEST.get(name, OTHERS)
    if name in KEYS and len(value.encode()) > KEY_BYTES:
        raise Broken(f"{path} has {len(value.encode())} bytes")
    if len(value) > longest:
        raise Broken(f"{path} has {len(value)} characters")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for each in dataclasses.fields(value):
            yield from _leaves(getattr(value, each.name), f"{path}.{each.name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.key", key
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        if len(value) > MANY:
            raise Broken(f"{path} has {len(value)} members")
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


class _Danger(html.parser.HTMLParser):
    """Collects what a browser would run, post, frame or load by itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _FORBIDDEN:
            self.found.append(tag)
        for name, value in attrs:
            address = re.sub(r"[\x00-\x20]", "", value or "")
            if name.startswith("on") or name in ("srcdoc", "srcset", "action", "formaction", "background", "poster", "ping", "id", "class"):
                self.found.append(f"{tag} {name}")
            if name in ("href", "src", "cite") and not ADDRESS.match(address):
                self.found.append(f"{tag} {name}={address[:60]}")
            if name == "src" and address[:5].lower() == "data:" and not re.match(r"data:image/(png|jpe?g|gif|webp);base64,", address, re.I):
                self.found.append(f"{tag} {name}={address[:60]}")
            if name == "href" and address[:5].lower() in ("data:", "cid:"):
                self.found.append(f"{tag} {name}={address[:60]}")
            if name == "style" and re.search(r"url|expression|@|\\|image|position", value or "", re.I):
                self.found.append(f"{tag} {name}={value}")


_FORBIDDEN = frozenset(
    [
        "script",
        "iframe",
        "frame",
        "frameset",
        "object",
        "embed",
        "applet",
        "svg",
        "math",
        "style",
        "link",
        "meta",
        "base",
        "form",
        "input",
        "button",
        "select",
        "textarea",
        "template",
        "noscript",
        "title",
        "xmp",
        "plaintext",
        "noembed",
        "portal",
        "audio",
        "video",
        "source",
    ]
)


def harmless(markup: str) -> None:
    """Nothing in `markup` runs, posts, frames, or loads from an address that is not allowed."""
    danger = _Danger()
    danger.feed(markup)
    danger.close()
    if danger.found:
        raise Broken(f"the markup kept {danger.found[:5]}")
    if "<!--" in markup:
        raise Broken("the markup kept a comment")
