"""Two tickets of one matter, made one by a person; and taking that back while nothing has come of it.

`joining` does the work. What went over is noted, so that undoing it returns exactly that. Turns are not rewritten: one that
the merge ended stays ended, and the wait it stood for goes on in a new one, as the figures of that day already tell.
"""

from datetime import datetime
from typing import Any

from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.tickets import Change, Ticket
from contact_center.model.words import EndReason
from contact_center.store import Connection, Row
from contact_center.store.repositories import desk, regrouping, tickets, timeline, work
from contact_center.tickets import entries, joining, telling, turns

_KEPT = (
    "contact_id", "subject", "about", "created_at", "status", "resolved_at", "waiting_since", "snoozed_until", "next_step",
    "last_at", "last_direction", "last_kind", "last_preview", "last_facts",
)  # fmt: skip
_INSTANTS = ("created_at", "resolved_at", "waiting_since", "snoozed_until", "last_at")


def merge(connection: Connection, act: Act, project_id: int, survivor_id: int, loser_id: int) -> Ticket:
    """Make one ticket part of another; returns the one that stays. Raises Conflict for a ticket with itself, or with another contact's."""
    if survivor_id == loser_id:
        raise Conflict("A ticket cannot be merged with itself.")
    held = {each: entries.lock(connection, each) for each in sorted((survivor_id, loser_id))}
    survivor, loser = held[survivor_id], held[loser_id]
    if survivor.merged_into is not None or loser.merged_into is not None:
        raise NotFound
    if survivor.contact.id != loser.contact.id:
        raise Conflict("The tickets are of different contacts. Join the contacts, or give one ticket to the other contact, first.")
    moved: dict[str, Any] = {
        "entry_ids": [entry.id for entry in timeline.of_ticket(connection, loser_id)],
        "keys": sorted({*regrouping.keys_of(connection, loser_id)} - {*regrouping.keys_of(connection, survivor_id)}),
        "point_ids": sorted(tickets.participants(connection, loser_id) - tickets.participants(connection, survivor_id)),
        "item_ids": regrouping.items_of(connection, loser_id),
        "survivor": _columns(connection, survivor_id),
        "loser": _columns(connection, loser_id),
        "turn": _turn(connection, loser_id),
        "had_turn": work.open_item(connection, survivor_id) is not None,
    }
    after = joining.join(connection, act, project_id, survivor_id=survivor_id, loser_id=loser_id)
    moved["link_ids"] = regrouping.move_links(connection, loser_id, survivor_id)
    entries.note_change(connection, act, project_id, after, Change("merged", None, f"#{loser.number}"))
    moved["versions"] = [_version(connection, survivor_id), _version(connection, loser_id)]
    values = {"project_id": project_id, "survivor_id": survivor_id, "loser_id": loser_id, "author_id": act.user_id}
    desk.add_merge(connection, **values, merged_at=act.now, moved=moved)
    return after


def can_undo(connection: Connection, row: Row) -> bool:
    """Whether nothing has come of a merge yet: neither ticket was touched since."""
    now = [_version(connection, row["survivor_id"]), _version(connection, row["loser_id"])]
    return bool(now == row["moved"]["versions"])


def undo(connection: Connection, act: Act, project_id: int, survivor_id: int) -> Ticket:
    """Take the latest merge into a ticket back; returns the ticket that is there again.

    Raises NotFound when there is none, Conflict when something has happened in the ticket since.
    """
    held = entries.lock(connection, survivor_id)
    row = desk.last_merge(connection, survivor_id)
    if row is None or held.merged_into is not None:
        raise NotFound
    loser_before = entries.lock(connection, row["loser_id"])
    if not can_undo(connection, row):
        raise Conflict("Something has happened in the ticket since it was merged. Split it instead.")
    moved, loser_id = row["moved"], int(row["loser_id"])
    regrouping.move_entries(connection, moved["entry_ids"], survivor_id, loser_id)
    regrouping.drop_keys(connection, survivor_id, moved["keys"])
    regrouping.drop_participants(connection, survivor_id, moved["point_ids"])
    if not moved["had_turn"]:
        turns.end(connection, act, survivor_id, EndReason.MERGED)
    regrouping.give_items(connection, moved["item_ids"], loser_id)
    regrouping.give_links(connection, moved["link_ids"], survivor_id, loser_id)
    tickets.change(connection, survivor_id, act.now, **_restored(moved["survivor"]))
    tickets.change(connection, loser_id, act.now, merged_into_id=None, **_restored(moved["loser"]))
    loser = entries.get(connection, loser_id)
    if moved["turn"] is not None:
        turn = moved["turn"]
        turns.begin(
            connection,
            project_id=project_id,
            ticket_id=loser_id,
            queue_id=loser.queue_id,
            assignee_id=loser.assignee_id,
            kind=turn["kind"],
            interaction_id=turn["interaction_id"],
            at=datetime.fromisoformat(turn["opened_at"]),
        )
    desk.end_merge(connection, row["id"], act.now)
    for entry_id in moved["entry_ids"]:
        entries.publish_entry(connection, act, project_id, entry_id)
    entries.note_change(connection, act, project_id, held, Change("merged", f"#{loser.number}", None))
    entries.publish_changed(connection, act, project_id, held)
    telling.publish_desk(connection, act, project_id, held)
    return entries.publish_changed(connection, act, project_id, loser_before)


def _columns(connection: Connection, ticket_id: int) -> dict[str, Any]:
    row = tickets.columns(connection, ticket_id)
    return {name: row[name].isoformat() if name in _INSTANTS and row[name] is not None else row[name] for name in _KEPT}


def _restored(kept: dict[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value) if name in _INSTANTS and value is not None else value for name, value in kept.items()}


def _turn(connection: Connection, ticket_id: int) -> dict[str, Any] | None:
    item = work.open_item(connection, ticket_id)
    if item is None:
        return None
    kind, interaction_id = work.kind_and_opener(connection, item["id"])
    return {"opened_at": item["opened_at"].isoformat(), "kind": kind, "interaction_id": interaction_id}


def _version(connection: Connection, ticket_id: int) -> int:
    return entries.get(connection, ticket_id).version
