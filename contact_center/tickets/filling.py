"""Texts with variables, filled in for a ticket. What has no value is an error: no letter goes out with a gap."""

from contact_center.errors import Invalid
from contact_center.model import canned
from contact_center.model.people import Viewer
from contact_center.model.tickets import Ticket
from contact_center.store import Connection
from contact_center.store.repositories import access


def fill(connection: Connection, viewer: Viewer, ticket: Ticket, text: str) -> str:
    """The text for this ticket, written by the viewer. Raises Invalid that names the variable which has no value."""
    queue = access.find_queue(connection, viewer.project_id, ticket.queue_id)
    agent = access.find_user(connection, viewer.project_id, viewer.user_id)
    values = {
        # Whoever gave no name is known by the address, and nobody is called that in a letter.
        "contact.name": "" if "@" in ticket.contact.name else ticket.contact.name,
        "ticket.number": str(ticket.number),
        "ticket.subject": ticket.subject,
        "agent.name": agent.name if agent else "",
        "queue.name": queue.name if queue else "",
    }
    gap = canned.missing(text, values)
    if gap is not None:
        raise Invalid(f"There is no {gap} here to fill in.", field=gap, reason="canned_gap")
    return canned.filled(text, values)
