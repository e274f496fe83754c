"""The same message by another way: through another folder, a list, or after the source numbered everything anew.

Its bytes may differ, for every server on the way adds a line. What makes it the same is its id, its sender, its date and all
that is in it. The same id with another content is another message: nobody can keep a message from us by using its id first.
"""

from typing import Any

from contact_center.contacts.identity import normalise
from contact_center.model.messages import InboundMessage
from contact_center.model.tickets import Proof
from contact_center.model.words import EntryKind, Fate, ProofState
from contact_center.store import Connection, Row
from contact_center.store.repositories import raw_items, timeline
from contact_center.store.repositories.raw_items import Ending

MOST = 20  # entries with one id that are compared


def find(connection: Connection, item: Row, message: InboundMessage) -> Ending | bool:
    """How the item ends if it is the same message as one that is stored; else whether others have its id."""
    if message.kind != EntryKind.EMAIL or not message.message_key:
        return False
    known = timeline.with_message_key(connection, item["account_id"], message.message_key, MOST)
    for row in known:
        if _is_same(connection, row, message):
            twin = raw_items.of_interaction(connection, row["id"])
            return Ending(Fate.DUPLICATE, "the same mail came by another way", row["id"], twin["id"] if twin else None)
    return bool(known)


def _is_same(connection: Connection, row: Row, message: InboundMessage) -> bool:
    sender = message.sender
    if sender is None or normalise(sender.kind, row["sender_address"]) != normalise(sender.kind, sender.value):
        return False
    # A forged copy that came first must not swallow the genuine one.
    if _rank(row["proof"]) < _rank(message.proof):
        return False
    body = timeline.body(connection, row["id"])
    if body is None or row["subject"] != message.subject or body.text != message.text:
        return False
    if timeline.html(connection, row["id"]) != message.html:
        return False
    if _day(body.headers.get("date")) != _day(message.headers.get("date")):
        return False
    stored = sorted(file["sha256"] for file in timeline.attachments_of(connection, row["id"]))
    return stored == sorted(file.sha256 for file in message.attachments)


def _rank(proof: Proof | dict[str, Any] | None) -> int:
    state = proof.state if isinstance(proof, Proof) else (proof or {}).get("state")
    return {ProofState.FAILED: 0, ProofState.VERIFIED: 2}.get(state, 1)  # type: ignore[arg-type]


def _day(value: Any) -> str:
    """A date as it is stored, whichever side of the database it stands on."""
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value or "")
