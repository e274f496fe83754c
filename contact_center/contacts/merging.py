"""Two contacts that are one person, and taking that back.

A merge moves tickets, entries and live points to the survivor and keeps a snapshot of what moved. Undoing it returns
those rows; what came in between goes where its sender belongs. The loser stays as an alias the whole time.
"""

from typing import Any

from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import ContactsMerged, ContactsUnmerged, Event
from contact_center.model.people import Contact
from contact_center.store import Connection, journal
from contact_center.store.repositories import contacts


def merge(connection: Connection, act: Act, project_id: int, survivor_id: int, loser_id: int) -> Contact:
    """Join `loser_id` into `survivor_id`; returns the survivor. Raises Conflict for a contact with itself."""
    if survivor_id == loser_id:
        raise Conflict("A contact cannot be merged with itself.")
    rows = contacts.rows_of(connection, loser_id)
    links = contacts.link_rows(connection, loser_id)
    snapshot = {
        "tickets": rows["tickets"],
        "interactions": rows["interactions"],
        "links": [row["id"] for row in links if row["valid_to"] is None],
        "points": [row["point_id"] for row in links],
        "gained": contacts.move_links(connection, loser_id, survivor_id, act.now),
        "newest": contacts.newest_rows(connection),
    }
    contacts.move_history(connection, loser_id, survivor_id)
    contacts.change_contact(connection, loser_id, merged_into_id=survivor_id)
    contacts.add_merge(connection, survivor_id=survivor_id, loser_id=loser_id, snapshot=snapshot, merged_by=act.user_id, merged_at=act.now)
    survivor = _found(connection, survivor_id)
    event = Event(ContactsMerged(survivor, loser_id), project_id, contact_id=survivor_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return survivor


def unmerge(connection: Connection, act: Act, project_id: int, merge_id: int) -> tuple[Contact, Contact]:
    """Undo a merge; returns (survivor, restored).

    Raises NotFound, or Conflict when it is undone already or the survivor was itself merged since.
    """
    row = contacts.find_merge(connection, merge_id)
    if row is None:
        raise NotFound
    survivor_id, loser_id, snapshot = row["survivor_id"], row["loser_id"], row["snapshot"]
    if contacts.survivor_of(connection, survivor_id) != survivor_id:
        raise Conflict("The contact was merged again since; undo that merge first.")
    if not contacts.end_merge(connection, merge_id, act.now, act.user_id):
        raise Conflict("This merge was already undone.")
    contacts.change_contact(connection, loser_id, merged_into_id=None)
    _return_history(connection, survivor_id, loser_id, snapshot)
    contacts.drop_links(connection, survivor_id, snapshot["gained"], act.now)
    contacts.reopen_links(connection, snapshot["links"])
    survivor, restored = _found(connection, survivor_id), _found(connection, loser_id)
    event = Event(ContactsUnmerged(survivor, restored), project_id, contact_id=survivor_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return survivor, restored


def _return_history(connection: Connection, survivor_id: int, loser_id: int, snapshot: dict[str, Any]) -> None:
    newest_ticket, newest_entry = snapshot["newest"]
    since = contacts.tickets_from_points(connection, survivor_id, snapshot["gained"], newest_ticket)
    tickets = sorted({*snapshot["tickets"], *since})
    entries = contacts.entries_since(connection, survivor_id, tickets, snapshot["gained"], newest_entry)
    contacts.give_back(connection, survivor_id, loser_id, tickets, [*snapshot["interactions"], *entries])


def _found(connection: Connection, contact_id: int) -> Contact:
    contact = contacts.find_contact(connection, contact_id)
    if contact is None:
        raise NotFound
    return contact
