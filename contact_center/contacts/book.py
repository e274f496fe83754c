"""The address book: what people do to a contact."""

from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import ContactChanged, Event
from contact_center.model.people import Contact
from contact_center.model.words import PointKind, PointRole
from contact_center.store import Connection, journal
from contact_center.store.repositories import contacts


def rename(connection: Connection, act: Act, project_id: int, contact_id: int, name: str) -> Contact:
    """Give a contact its right name; it is no longer provisional."""
    contacts.change_contact(connection, contact_id, name=name, provisional=False)
    return publish(connection, act, project_id, contact_id)


def annotate(connection: Connection, act: Act, project_id: int, contact_id: int, note: str) -> Contact:
    """Pin a note on the contact."""
    contacts.change_contact(connection, contact_id, note=note)
    return publish(connection, act, project_id, contact_id)


def add_point(connection: Connection, act: Act, project_id: int, contact_id: int, kind: PointKind, value: str, display: str) -> Contact:
    """Say that a normalised point reaches the contact. Raises Conflict, naming the contact that already has it."""
    point_id = contacts.ensure_point(connection, project_id, kind, value, display)
    others = [holder["contact_id"] for holder in contacts.holders(connection, point_id) if holder["contact_id"] != contact_id]
    if others:
        raise Conflict("Another contact already has this address. Merge the two instead.", contact_id=others[0])
    contacts.link_point(connection, point_id, contact_id, PointRole.PERSONAL, act.now)
    return publish(connection, act, project_id, contact_id)


def remove_point(connection: Connection, act: Act, project_id: int, contact_id: int, point_id: int) -> Contact:
    """Say that a point no longer reaches the contact. What came by it stays in the history."""
    if not contacts.unlink_point(connection, point_id, contact_id, act.now):
        raise NotFound
    return publish(connection, act, project_id, contact_id)


def verify(connection: Connection, act: Act, project_id: int, contact_id: int, point_id: int) -> None:
    """The person has proven that the point is theirs."""
    if contacts.verify_point(connection, point_id, contact_id, act.now):
        publish(connection, act, project_id, contact_id)


def mark_bounced(connection: Connection, act: Act, project_id: int, point_id: int) -> None:
    """Our last message to the point came back: every contact that has it should show it."""
    contacts.set_bounced(connection, point_id, act.now)
    for holder in contacts.holders(connection, point_id):
        publish(connection, act, project_id, holder["contact_id"])


def publish(connection: Connection, act: Act, project_id: int, contact_id: int) -> Contact:
    """Record the contact's whole new state in the journal, and return it."""
    contact = contacts.find_contact(connection, contact_id)
    if contact is None:
        raise NotFound
    event = Event(ContactChanged(contact), project_id, contact_id=contact_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return contact
