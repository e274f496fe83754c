"""From a raw item to what happened. Pure, light, and for hostile input: no network, no clock, no product but `model`."""

import json
from typing import Any

from contact_center.errors import QuarantineItem
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.words import PointKind

TEXT_LIMIT = 100_000  # characters kept of one message


def parse(content: bytes, envelope: dict[str, Any]) -> InboundMessage:
    """One message: {"id", "from", "name", "text", "answers"}. Raises QuarantineItem for what cannot be understood."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise QuarantineItem(f"The item is no JSON: {error}") from None
    if not isinstance(said, dict) or not isinstance(said.get("from"), str):
        raise QuarantineItem("The item names no sender.")
    text = str(said.get("text", ""))[:TEXT_LIMIT]
    answers = said.get("answers")
    return InboundMessage(
        kind=str(envelope.get("kind", "_template")),
        sender=InboundPerson(PointKind.EMAIL, said["from"][:320], str(said.get("name", ""))[:200]),
        participants=(),
        subject=text.split("\n", 1)[0][:200],
        text=text,
        visible_text=text,
        html=None,
        sent_at=None,
        message_key=str(said["id"])[:200] if said.get("id") else None,
        thread_hints=(str(answers)[:200],) if answers else (),
    )
