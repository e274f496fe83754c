"""What a queue does with work that nobody takes."""

from datetime import datetime, timedelta

from contact_center.errors import Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import Event, QueueChanged
from contact_center.model.people import Queue
from contact_center.model.words import EndReason
from contact_center.store import Connection, journal
from contact_center.store.repositories import access, routing
from contact_center.tickets import entries, lifecycle
from contact_center.tickets.lifecycle import TicketPatch

AT_ONCE = 100  # turns moved at one look at the clock


def open_overflow(
    connection: Connection, act: Act, project_id: int, queue_id: int, to_queue_id: int | None, after_seconds: int, until: datetime | None
) -> Queue:
    """Let turns that wait for longer than this go to another queue, until an instant or for good; None closes the overflow.

    Raises NotFound, and Invalid when it would lead to itself, nowhere, or end before it begins.
    """
    if to_queue_id == queue_id or (to_queue_id is not None and access.find_queue(connection, project_id, to_queue_id) is None):
        raise Invalid("Work overflows into another queue.", field="queue_id")
    if until is not None and until <= act.now:
        raise Invalid("This is over already.", field="until")
    values = {"overflow_queue_id": to_queue_id, "overflow_seconds": after_seconds, "overflow_until": until if to_queue_id else None}
    access.change_queue(connection, queue_id, **values)
    queue = access.find_queue(connection, project_id, queue_id)
    if queue is None:
        raise NotFound
    journal.append(connection, Event(QueueChanged(queue), project_id), at=act.now, actor_id=act.user_id)
    return queue


def overflow(connection: Connection, act: Act, ticket_id: int) -> None:
    """Move a turn that waited too long, if nobody has taken it meanwhile and the overflow is still open."""
    entries.lock(connection, ticket_id)
    for project_id, _, queue_id in routing.overflowing(connection, act.now, 1, ticket_id):
        patch = TicketPatch(queue_id=queue_id)
        lifecycle.change(connection, act, project_id, ticket_id, patch, leaving=EndReason.OVERFLOWED)


def send_on(connection: Connection, act: Act, ticket_id: int) -> None:
    """Move a turn that came after hours to the queue that answers then, if nobody has taken it meanwhile."""
    entries.lock(connection, ticket_id)
    for project_id, _, queue_id in routing.after_hours(connection, act.now, 1, ticket_id):
        lifecycle.change(connection, act, project_id, ticket_id, TicketPatch(queue_id=queue_id), leaving=EndReason.AFTER_HOURS)


def release(connection: Connection, act: Act, ticket_id: int, grace: timedelta) -> None:
    """Let a turn that came to somebody who is away be offered to others, if they are away still; they are asked first once they
    are back."""
    entries.lock(connection, ticket_id)
    for project_id, _, segment_id, user_id in routing.waiting_for_the_away(connection, act.now, grace, 1, ticket_id):
        routing.note_meant_for(connection, segment_id, user_id)
        lifecycle.change(connection, act, project_id, ticket_id, TicketPatch(assignee_id=None))
