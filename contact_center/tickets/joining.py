"""Making one ticket of two. The loser stays as an alias that leads to the survivor."""

from contact_center.model import cards
from contact_center.model.acts import Act
from contact_center.model.tickets import Ticket
from contact_center.model.words import Direction, EndReason, Status
from contact_center.store import Connection
from contact_center.store.repositories import drafts, tickets, timeline, work
from contact_center.tickets import entries, telling, turns


def join(connection: Connection, act: Act, project_id: int, *, survivor_id: int, loser_id: int) -> Ticket:
    """Move everything of the loser into the survivor; contact and subject become those of the earliest message."""
    survivor, loser = entries.lock(connection, survivor_id), entries.get(connection, loser_id)
    moved = [entry.id for entry in timeline.of_ticket(connection, loser_id)]
    tickets.move_thread(connection, project_id, loser_id, survivor_id)
    _join_turns(connection, act, survivor, loser)
    tickets.change(connection, loser_id, act.now, status=Status.CLOSED, merged_into_id=survivor_id, waiting_since=None)
    tickets.change(connection, survivor_id, act.now, **_columns(connection, survivor, loser))
    for entry_id in moved:
        entries.publish_entry(connection, act, project_id, entry_id)
    entries.publish_changed(connection, act, project_id, loser)
    after = entries.publish_changed(connection, act, project_id, survivor)
    drafts.move(connection, loser_id, survivor_id, act.now)
    telling.joined(connection, act, project_id, loser_id, after)
    return after


def _join_turns(connection: Connection, act: Act, survivor: Ticket, loser: Ticket) -> None:
    theirs = work.open_item(connection, loser.id)
    turns.end(connection, act, loser.id, EndReason.MERGED)
    work.move_items(connection, loser.id, survivor.id)
    if theirs is not None and work.open_item(connection, survivor.id) is None:
        last = timeline.last_inbound(connection, survivor.id)
        if last is not None:
            turns.customer_spoke(
                connection,
                project_id=last["project_id"],
                ticket_id=survivor.id,
                queue_id=survivor.queue_id,
                assignee_id=survivor.assignee_id,
                kind=last["kind"],
                interaction_id=last["id"],
                at=theirs["opened_at"],
            )


def _columns(connection: Connection, survivor: Ticket, loser: Ticket) -> dict[str, object]:
    columns: dict[str, object] = {}
    waiting = [since for since in (survivor.waiting_since, loser.waiting_since) if since is not None]
    if waiting:
        columns |= {"waiting_since": min(waiting), "status": Status.OPEN, "resolved_at": None}
    first = tickets.first_message(connection, survivor.id)
    if first is not None and tickets.is_untouched(connection, survivor.id):
        columns |= {
            "contact_id": first["contact_id"],
            "subject": first["subject"],
            "about": cards.summary(first["facts"]),
            "created_at": min(first["occurred_at"], survivor.created_at),
        }
    last = timeline.last_spoken(connection, survivor.id)
    if last is not None:
        columns |= entries.last_columns(
            None, last["occurred_at"], Direction(last["direction"]), last["kind"], last["visible_text"], last["facts"]
        )
    return columns
