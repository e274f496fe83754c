"""The signed webhook: any PBX that can run a script posts what happens to its calls.

`X-Signature: sha256=<hex>` is the HMAC-SHA256 of `<X-Timestamp>.<body>` under the account's secret. A request is heard
once within five minutes of its timestamp; the same event again is known by its bytes, so that repeating is harmless.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

import orjson

from contact_center.channels.base import HookReply, HookRequest, Inbox
from contact_center.channels.telephony.events import read_event
from contact_center.channels.telephony.numbers import Plan
from contact_center.channels.telephony.sources import named_in
from contact_center.errors import QuarantineItem
from contact_center.model.messages import RawItem

TOLERANCE = 300.0  # seconds between the PBX's clock and ours
MOST_EVENTS = 500  # in one request


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Signature."""
    signed = timestamp.encode("utf-8", "surrogateescape") + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


async def answer(
    request: HookRequest,
    inbox: Inbox,
    secret: str,
    envelope: dict[str, Any],
    agents: dict[str, str] | None = None,
    clock: Callable[[], float] = time.time,
) -> HookReply:
    """Take events in: one as an object, several as a list. A 2xx only after they are stored."""
    if request.path.strip("/") != "events":
        return HookReply(404, b"There is nothing here; post to /events.\n")
    if request.method != "POST":
        return HookReply(405, b"Post events here.\n", headers={"Allow": "POST"})
    if (refusal := _refusal(request, secret, clock())) is not None:
        return refusal
    try:
        common = envelope | {"source": "event", "received": clock()}
        items = [_item(content, common | {"agents": named_in(content, agents or {})}) for content in _events(request.body)]
    except QuarantineItem as error:
        return HookReply(400, f"{error.message}\n".encode())
    await inbox.accept(items)
    return HookReply(204)


def _refusal(request: HookRequest, secret: str, now: float) -> HookReply | None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    timestamp, signature = headers.get("x-timestamp", "").strip(), headers.get("x-signature", "").strip()
    # Compared before anything is looked at, so that the answer tells nothing but yes or no.
    is_signed = hmac.compare_digest(sign(secret, timestamp, request.body).encode(), signature.lower().encode("utf-8", "surrogateescape"))
    is_fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 and abs(now - int(timestamp)) <= TOLERANCE
    if not secret or not is_signed or not is_fresh:
        return HookReply(401, b"The signature does not match, or the timestamp is not of the last five minutes.\n")
    return None


def _events(body: bytes) -> list[bytes]:
    """Each event's own JSON. Raises QuarantineItem."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise QuarantineItem(f"The body is no JSON: {error}") from error
    if not isinstance(found, list):
        return [body]
    if len(found) > MOST_EVENTS:
        raise QuarantineItem(f"At most {MOST_EVENTS} events at once.")
    return [orjson.dumps(event) for event in found]


def _item(content: bytes, envelope: dict[str, Any]) -> RawItem:
    # What can never be understood is refused now, while whoever wrote the script is looking.
    read_event(content, envelope, Plan.of(envelope))
    return RawItem(f"event:{hashlib.sha256(content).hexdigest()}", content, envelope=envelope)
