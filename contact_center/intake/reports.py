"""What providers say of messages we sent. Reports come twice and in any order: a final state stays."""

from typing import Any

from contact_center.model.acts import Act
from contact_center.model.messages import DeliveryReport
from contact_center.model.words import Delivery, Fate
from contact_center.store import Connection, Row
from contact_center.store.repositories import outbox
from contact_center.store.repositories.raw_items import Ending
from contact_center.tickets import confirmations, entries, undelivered

# From which states a report may lead to a new one.
OPEN = {
    Delivery.SENT: (Delivery.LEASED, Delivery.UNCERTAIN),
    Delivery.DELIVERED: (Delivery.LEASED, Delivery.UNCERTAIN, Delivery.SENT),
    Delivery.BOUNCED: (Delivery.LEASED, Delivery.UNCERTAIN, Delivery.SENT),
}


def take(connection: Connection, act: Act, item: Row, report: DeliveryReport) -> Ending:
    """Apply a report; returns how the item ends."""
    rows = [row for row in outbox.by_keys(connection, (report.message_key,)) if row["account_id"] == item["account_id"]]
    if not rows:
        return Ending(Fate.IGNORED, "a report on a message that we did not send")
    values: dict[str, Any] = {"state": report.state, "error": report.detail if report.state is Delivery.BOUNCED else ""}
    if report.state is Delivery.SENT:
        values["sent_at"] = act.now
    if report.opted_out:
        confirmations.heed(connection, act, item["project_id"], rows[0], report.detail)
    if outbox.change_if(connection, rows[0]["id"], OPEN[report.state], lease_holder=None, **values):
        _tell(connection, act, item["project_id"], rows[0], report.state)
    return Ending(Fate.STORED)


def _tell(connection: Connection, act: Act, project_id: int, row: Row, state: Delivery) -> None:
    entry = entries.publish_entry(connection, act, project_id, row["interaction_id"])
    if state is Delivery.BOUNCED:
        # The customer has no answer, although we gave one: somebody must look.
        undelivered.demand(connection, act, project_id, entry)
