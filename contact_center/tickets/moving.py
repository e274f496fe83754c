"""It was somebody else: giving an entry or a whole ticket to another contact.

What came by a shared point goes to whoever was linked last; a person sets it right here. Points and participants stay
as they are, so that answers find the ticket as before.
"""

from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import Event, HistoryChanged
from contact_center.model.people import Contact
from contact_center.model.tickets import Change, Entry, Ticket
from contact_center.store import Connection, journal
from contact_center.store.repositories import tickets, timeline
from contact_center.tickets import entries


def move_ticket(connection: Connection, act: Act, project_id: int, ticket_id: int, to: Contact) -> Ticket:
    """Give a ticket to another contact, with everything in it that was its contact's; its work items hang on it.

    Entries of third people who took part stay theirs. Raises Conflict when it is that contact's already.
    """
    before = entries.lock(connection, ticket_id)
    if before.merged_into is not None:
        raise NotFound
    if before.contact.id == to.id:
        raise Conflict("The ticket belongs to this contact already.")
    timeline.move_entries(connection, before.contact.id, to.id, ticket_id=ticket_id)
    tickets.change(connection, ticket_id, act.now, contact_id=to.id)
    _note(connection, act, project_id, entries.get(connection, ticket_id), "contact", before.contact.name, to.name)
    _publish_histories(connection, act, project_id, (before.contact.id, to.id), ticket_id)
    return entries.publish_changed(connection, act, project_id, before)


def move_entry(connection: Connection, act: Act, project_id: int, entry_id: int, to: Contact) -> Entry:
    """Give one entry to another contact; it stays in its ticket.

    A ticket in which nothing else from outside is left goes along: what it is about is this person's. Raises Conflict when
    it is theirs already.
    """
    entry = timeline.find(connection, entry_id)
    if entry is None:
        raise NotFound
    ticket = entries.lock(connection, entry.ticket_id) if entry.ticket_id is not None else None
    if entry.contact_id == to.id:
        raise Conflict("The entry belongs to this contact already.")
    alone = ticket is not None and ticket.contact.id == entry.contact_id and timeline.is_only_inbound(connection, entry_id, ticket.id)
    if ticket is not None and alone:
        move_ticket(connection, act, project_id, ticket.id, to)
    else:
        timeline.change(connection, entry_id, contact_id=to.id)
        if ticket is not None:
            _note(connection, act, project_id, ticket, "entry_contact", ticket.contact.name, to.name)
        _publish_histories(connection, act, project_id, (entry.contact_id, to.id), entry.ticket_id or 0)
    moved = timeline.find(connection, entry_id)
    assert moved is not None
    return moved


def _note(connection: Connection, act: Act, project_id: int, ticket: Ticket, field: str, before: str, after: str) -> None:
    entries.note_change(connection, act, project_id, ticket, Change(field, before, after))


def _publish_histories(connection: Connection, act: Act, project_id: int, contact_ids: tuple[int, ...], ticket_id: int) -> None:
    for contact_id in contact_ids:
        event = Event(HistoryChanged(contact_id, ticket_id), project_id, contact_id=contact_id)
        journal.append(connection, event, at=act.now, actor_id=act.user_id)
