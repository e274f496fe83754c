"""Passing a ticket on: what the next one should know stands at its top, and in its history."""

from typing import Any

from contact_center.errors import Invalid
from contact_center.model.acts import Act
from contact_center.model.tickets import Ticket
from contact_center.store import Connection
from contact_center.store.repositories import access, desk
from contact_center.tickets import lifecycle, telling


def is_passed_on(user_id: int, before: Ticket, given: dict[str, Any]) -> bool:
    """Whether a change gives the ticket to another queue, or to somebody else than whoever makes it."""
    to = given.get("assignee_id")
    return given.get("queue_id", before.queue_id) != before.queue_id or (to is not None and to not in (user_id, before.assignee_id))


def check(connection: Connection, user_id: int, before: Ticket, given: dict[str, Any], note: str) -> None:
    """Raises Invalid where the queue that the ticket leaves wants a note, and there is none."""
    if note or not is_passed_on(user_id, before, given):
        return
    if access.wants_handover(connection, before.queue_id):
        raise Invalid("This queue wants a note for whoever takes the ticket on.", field="handover")


def leave(connection: Connection, act: Act, project_id: int, ticket: Ticket, note: str) -> None:
    """Put the note at the top of the ticket, in place of what stood there, and into its history."""
    if act.user_id is None:
        return
    lifecycle.add_note(connection, act, project_id, ticket.id, note)
    desk.end_handover(connection, ticket.id, act.now)
    desk.add_handover(connection, project_id, ticket.id, act.user_id, note, act.now)
    telling.publish_desk(connection, act, project_id, ticket)
