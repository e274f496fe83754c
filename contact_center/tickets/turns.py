"""Customer turns as work items: opened by the first unanswered message, ended by a human reply or by "no reply needed".

Further messages of the same turn join it without resetting its clock; a transfer ends the stay in one queue and begins
one in the next, while the customer's wait runs on.
"""

from datetime import datetime

from contact_center.model.acts import Act
from contact_center.model.tickets import Ticket
from contact_center.model.words import EndReason
from contact_center.store import Connection
from contact_center.store.repositories import work


def customer_spoke(
    connection: Connection,
    *,
    project_id: int,
    ticket_id: int,
    queue_id: int,
    assignee_id: int | None,
    kind: str,
    interaction_id: int,
    at: datetime,
) -> datetime:
    """Open a turn unless one is open; returns since when the customer waits."""
    item = work.open_item(connection, ticket_id)
    if item is not None:
        return item["opened_at"]
    begin(
        connection,
        project_id=project_id,
        ticket_id=ticket_id,
        queue_id=queue_id,
        assignee_id=assignee_id,
        kind=kind,
        interaction_id=interaction_id,
        at=at,
    )
    return at


def begin(
    connection: Connection,
    *,
    project_id: int,
    ticket_id: int,
    queue_id: int,
    assignee_id: int | None,
    kind: str,
    interaction_id: int,
    at: datetime,
) -> None:
    """Open a turn of a ticket that has none open."""
    item_id = work.add_item(connection, project_id, kind, ticket_id, interaction_id, at, assignee_id)
    work.add_segment(connection, item_id, queue_id, assignee_id, at)


def end(connection: Connection, act: Act, ticket_id: int, reason: EndReason) -> None:
    """End the open turn, if there is one."""
    item = work.open_item(connection, ticket_id)
    if item is None:
        return
    if reason is EndReason.COMPLETED and item["agent_id"] is None:
        work.assign_segment(connection, item["segment_id"], item["id"], act.user_id, act.now)
    work.end_segment(connection, item["segment_id"], reason, act.now)
    work.close_item(connection, item["id"], act.now)


def assigned(connection: Connection, act: Act, ticket_id: int, agent_id: int | None) -> None:
    """Somebody takes, gets or gives up the ticket."""
    item = work.open_item(connection, ticket_id)
    if item is not None:
        work.assign_segment(connection, item["segment_id"], item["id"], agent_id, act.now)


def keep_in_queue(connection: Connection, act: Act, ticket: Ticket) -> None:
    """A turn that was reopened continues in the queue where its ticket stands by now."""
    item = work.open_item(connection, ticket.id)
    if item is not None and item["queue_id"] != ticket.queue_id:
        transferred(connection, act, ticket, ticket.queue_id)


def transferred(connection: Connection, act: Act, ticket: Ticket, queue_id: int) -> None:
    """The ticket goes to another queue."""
    item = work.open_item(connection, ticket.id)
    if item is not None:
        work.end_segment(connection, item["segment_id"], EndReason.TRANSFERRED, act.now)
        work.add_segment(connection, item["id"], queue_id, item["agent_id"], act.now)
