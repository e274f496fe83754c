"""What we said did not arrive, or may not have: that is work again, for a person, until they have decided."""

from contact_center.model.acts import Act
from contact_center.model.tickets import Entry
from contact_center.model.words import EndReason, Status
from contact_center.store import Connection
from contact_center.store.repositories import tickets, work
from contact_center.tickets import entries, lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch


def demand(connection: Connection, act: Act, project_id: int, entry: Entry) -> None:
    """Open the ticket again, with a work item, so that lists and the board count it. What nobody wrote, nobody misses."""
    if entry.ticket_id is None or entry.automatic:
        return
    lifecycle.change(connection, act, project_id, entry.ticket_id, TicketPatch(status=Status.OPEN))
    before = entries.lock(connection, entry.ticket_id)
    if work.open_item(connection, before.id) is not None:
        return
    turns.begin(
        connection,
        project_id=project_id,
        ticket_id=before.id,
        queue_id=before.queue_id,
        assignee_id=before.assignee_id,
        kind=entry.kind,
        interaction_id=entry.id,
        at=act.now,
    )
    tickets.change(connection, before.id, act.now, waiting_since=act.now)
    entries.publish_changed(connection, act, project_id, before)


def decided(connection: Connection, act: Act, project_id: int, entry: Entry) -> None:
    """A person has decided about it: the work that it made is done, and the customer's turn it is."""
    if entry.ticket_id is None:
        return
    before = entries.lock(connection, entry.ticket_id)
    if work.opener(connection, before.id) != entry.id:
        return  # somebody wrote meanwhile, and waits for another answer
    turns.end(connection, act, before.id, EndReason.COMPLETED)
    tickets.change(connection, before.id, act.now, status=Status.WAITING, waiting_since=None, resolved_at=None)
    entries.publish_changed(connection, act, project_id, before)
