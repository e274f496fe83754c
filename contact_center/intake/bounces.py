"""Mails of ours that came back: which one it was, why, and that somebody must look."""

from typing import Any

from contact_center.contacts import book, identity
from contact_center.model.acts import Act
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.words import Delivery, PointKind
from contact_center.store import Connection, Row
from contact_center.store.repositories import outbox
from contact_center.tickets import entries, returned, undelivered

_STATES = (Delivery.SENT, Delivery.DELIVERED, Delivery.UNCERTAIN)


def facts(connection: Connection, message: InboundMessage) -> dict[str, Any] | None:
    """What the entry's card shows; of a mail that came back also which entry of ours it was."""
    bounced = returned.rows(connection, message) if message.is_bounce else []
    return (message.facts or {}) | {"entry_id": bounced[0]["interaction_id"]} if bounced else message.facts


def mark(connection: Connection, act: Act, project_id: int, row: Row, message: InboundMessage) -> None:
    """Say of a message of ours that it came back, of its recipients that they take none, and make it somebody's work."""
    reason = str((message.facts or {}).get("reason", ""))
    if not outbox.change_if(connection, row["id"], _STATES, state=Delivery.BOUNCED, error=reason or "The mail came back."):
        return
    entry = entries.publish_entry(connection, act, project_id, row["interaction_id"])
    for address in returned.unreached(row, message):
        person = InboundPerson(PointKind.EMAIL, address)
        if (point_id := identity.point_of(connection, project_id, person)) is not None:
            book.mark_bounced(connection, act, project_id, point_id)
    undelivered.demand(connection, act, project_id, entry)
