"""Two contacts that are one person, and taking that back.

A merge moves tickets, entries and live points to the survivor and keeps a snapshot of what moved. Undoing it returns
those rows; what came in between goes where its sender belongs, and what was learnt of a point in between (that it is
proven, shared, or no longer theirs) goes with the point. An owner and an organization that the survivor did not have are
taken over and given up again, unless a person decided otherwise meanwhile. The loser stays as an alias the whole time.
"""

from typing import Any

from contact_center.contacts import candidates as comparing
from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import ContactsMerged, ContactsUnmerged, Event
from contact_center.model.people import Contact
from contact_center.store import Connection, journal
from contact_center.store.repositories import candidates, contacts

_ADOPTED = ("owner_id", "organization_id")


def merge(connection: Connection, act: Act, project_id: int, survivor_id: int, loser_id: int) -> Contact:
    """Join `loser_id` into `survivor_id`; returns the survivor. Raises Conflict for a contact with itself."""
    if survivor_id == loser_id:
        raise Conflict("A contact cannot be merged with itself.")
    rows = contacts.rows_of(connection, loser_id)
    links = contacts.link_rows(connection, loser_id)
    own = contacts.link_rows(connection, survivor_id)
    snapshot = {
        "adopted": _adopt(connection, survivor_id, loser_id),
        "distinct": _take_over_distinct(connection, act, survivor_id, loser_id),
        "own_links": [[row["id"], row["role"], row["verified_at"] is not None] for row in own if row["valid_to"] is not None],
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
    comparing.forget(connection, project_id, loser_id)
    comparing.remember(connection, project_id, survivor)
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
    contacts.return_links(connection, survivor_id, snapshot["links"], snapshot["gained"])
    kept = _hand_over(connection, survivor_id, snapshot["gained"])
    contacts.drop_links(connection, survivor_id, [point_id for point_id in snapshot["gained"] if point_id not in kept], act.now)
    contacts.reset_links(connection, survivor_id, snapshot["own_links"], snapshot["gained"])
    _give_up(connection, survivor_id, snapshot["adopted"])
    candidates.forget_distinct(connection, survivor_id, snapshot["distinct"])
    survivor, restored = _found(connection, survivor_id), _found(connection, loser_id)
    for each in (survivor, restored):
        comparing.remember(connection, project_id, each)
    event = Event(ContactsUnmerged(survivor, restored), project_id, contact_id=survivor_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return survivor, restored


def _adopt(connection: Connection, survivor_id: int, loser_id: int) -> dict[str, int]:
    """Give the survivor what only the loser has; returns what it was given."""
    survivor, loser = contacts.columns(connection, survivor_id), contacts.columns(connection, loser_id)
    adopted = {name: int(loser[name]) for name in _ADOPTED if survivor[name] is None and loser[name] is not None}
    if adopted:
        contacts.change_contact(connection, survivor_id, **adopted)
    return adopted


def _hand_over(connection: Connection, survivor_id: int, point_ids: list[int]) -> set[int]:
    """Points that the survivor keeps, because somebody else who is still joined into it has them too."""
    kept: set[int] = set()
    for merge in contacts.merges_into(connection, survivor_id):
        also = [point_id for point_id in contacts.points_of_links(connection, merge["snapshot"]["links"]) if point_id in point_ids]
        also = [point_id for point_id in also if point_id not in kept]
        if also:
            gained = sorted({*merge["snapshot"]["gained"], *also})
            contacts.change_merge(connection, merge["id"], snapshot=merge["snapshot"] | {"gained": gained})
            kept.update(also)
    return kept


def _give_up(connection: Connection, survivor_id: int, adopted: dict[str, int]) -> None:
    """Take back what the survivor was given, unless a person has decided otherwise since."""
    survivor = contacts.columns(connection, survivor_id)
    given_up = {name: None for name, value in adopted.items() if survivor[name] == value}
    if given_up:
        contacts.change_contact(connection, survivor_id, **given_up)


def _take_over_distinct(connection: Connection, act: Act, survivor_id: int, loser_id: int) -> list[int]:
    """Whoever is not the loser is not the survivor either; returns those of whom this was not known."""
    known = candidates.distinct_from(connection, survivor_id)
    others = sorted(candidates.distinct_from(connection, loser_id) - known - {survivor_id})
    for other in others:
        candidates.dismiss(connection, survivor_id, other, act.user_id, act.now)
    return others


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
