"""What an import brings in is the past: it has its place in the history, and asks nobody for anything."""

from datetime import datetime

from contact_center.model.messages import InboundMessage
from contact_center.store import Row

QUIET_BEFORE = "quiet_before"
"""In an item's envelope: what happened before this instant opens no turn. A mailbox's own items have none."""


def asks(item: Row, message: InboundMessage, at: datetime) -> bool:
    """Whether somebody must answer: a person wrote, and not in the past."""
    if message.automatic:
        return False
    before = item["envelope"].get(QUIET_BEFORE)
    return before is None or at >= datetime.fromisoformat(before)
