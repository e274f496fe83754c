"""Two matters in one ticket: an entry, or all from it on, becomes a ticket of its own.

What moves takes along the work it opened, the wait of whoever wrote it, and the keys by which answers find their ticket. So
nothing is counted twice and nothing is lost: whoever waited in the one ticket waits in one of the two.
"""

from dataclasses import dataclass
from typing import Any

from contact_center.errors import Conflict, NotFound
from contact_center.model import cards
from contact_center.model.acts import Act
from contact_center.model.desk import LinkKind
from contact_center.model.tickets import Change, Entry, Ticket
from contact_center.model.words import Direction, Status
from contact_center.store import Connection, Row
from contact_center.store.repositories import channels, desk, regrouping, tickets, timeline, work
from contact_center.tickets import entries, lifecycle, telling, turns
from contact_center.tickets.lifecycle import DONE
from contact_center.tickets.replies import Sending


@dataclass(frozen=True, slots=True)
class Split:
    """What is to become a ticket of its own."""

    entry_id: int
    and_later: bool = False
    """Everything that was said from the entry on, and not the entry alone."""
    subject: str = ""
    """Empty: the entry's own."""


def split(connection: Connection, act: Act, sending: Sending, project_id: int, ticket_id: int, wish: Split) -> Ticket:
    """Make a ticket of a part of another; returns the new one.

    Raises NotFound when the entry is not in the ticket, Conflict when it begins no matter or nothing would stay.
    """
    before = entries.lock(connection, ticket_id)
    if before.merged_into is not None:
        raise NotFound
    said = [entry for entry in timeline.of_ticket(connection, ticket_id) if entry.change is None]
    first = next((entry for entry in said if entry.id == wish.entry_id), None)
    if first is None:
        raise NotFound
    if first.direction is not Direction.IN:
        raise Conflict("Only what the customer wrote begins a ticket of its own.")
    moved = said[said.index(first) :] if wish.and_later else [first]
    ids = {entry.id for entry in moved}
    stays = [entry for entry in said if entry.id not in ids]
    if not any(entry.direction is Direction.IN for entry in stays):
        raise Conflict("Something that the customer wrote must stay in the ticket.")
    made = lifecycle.open_ticket(
        connection,
        act,
        project_id=project_id,
        contact=before.contact,
        queue_id=before.queue_id,
        subject=wish.subject or first.subject or before.subject,
        about=cards.summary(first.facts),
        channel=first.kind,
        status=before.status,
        at=first.occurred_at,
        assignee_id=before.assignee_id,
        priority=before.priority,
        tags=list(before.tags),
    )
    opener = work.opener(connection, ticket_id)
    item = work.open_item(connection, ticket_id)
    regrouping.move_entries(connection, sorted(ids), ticket_id, made.id)
    _move_keys(connection, sending, project_id, ticket_id, made.id, moved)
    waits = _move_turns(connection, act, project_id, before, made, item, opener, moved, stays)
    for each in (before.id, made.id):
        since = waits[each]
        columns: dict[str, Any] = {"waiting_since": since} | _last(connection, each)
        if each == made.id and since is None and before.status is Status.OPEN:
            columns["status"] = Status.WAITING  # nobody waits there: what was asked has been answered
        tickets.change(connection, each, act.now, **columns)
    desk.add_link(connection, project_id, made.id, before.id, LinkKind.SPLIT_FROM, act.user_id, act.now)
    after = entries.get(connection, made.id)
    entries.publish_changed(connection, act, project_id, before)  # first: the clock of a turn goes along with it
    entries.publish_created(connection, act, project_id, after, has_past=True)
    for entry in moved:
        entries.publish_entry(connection, act, project_id, entry.id)
    entries.note_change(connection, act, project_id, before, Change("link_split_into", None, f"#{made.number}"))
    entries.note_change(connection, act, project_id, after, Change("link_split_from", None, f"#{before.number}"))
    telling.publish_desk(connection, act, project_id, before)
    return entries.get(connection, made.id)


def _move_keys(connection: Connection, sending: Sending, project_id: int, from_id: int, to_id: int, moved: list[Entry]) -> None:
    """Answers to what moved find the new ticket, whoever of those who took part writes them."""
    own = [key for key in timeline.message_keys(connection, to_id) if key]
    regrouping.drop_keys(connection, from_id, own)
    # Where messages name no earlier one, the ticket in which something was said last goes on.
    accounts = {account.id: account for account in channels.accounts(connection, project_id)}
    talks: set[str] = set()
    for row in regrouping.senders(connection, [entry.id for entry in moved]):
        account = accounts.get(row["account_id"])
        if account is not None and (key := sending.conversation(account.kind, account.address, row["sender_address"])):
            talks.add(key)
    tickets.add_thread_keys(connection, project_id, to_id, (*own, *sorted(talks)))
    tickets.add_participants(connection, to_id, tickets.participants(connection, from_id))


def _move_turns(
    connection: Connection,
    act: Act,
    project_id: int,
    before: Ticket,
    made: Ticket,
    item: Row | None,
    opener: int | None,
    moved: list[Entry],
    stays: list[Entry],
) -> dict[int, Any]:
    """Work goes with what opened it; whoever waits in both tickets has a turn in both. Returns since when each waits."""
    ids = [entry.id for entry in moved]
    waits: dict[int, Any] = {before.id: before.waiting_since, made.id: None}
    if item is not None and opener in ids:
        turns.withdraw_offer(connection, act, item["segment_id"])
    regrouping.move_items(connection, ids, before.id, made.id)
    if item is None or before.status in DONE:
        return waits
    # A merge may have brought somebody in who has waited for longer than the turn that is open.
    since = min(before.waiting_since or item["opened_at"], item["opened_at"])
    asked = {
        ticket.id: [e for e in part if e.direction is Direction.IN and not e.automatic and e.occurred_at >= since]
        for ticket, part in ((before, stays), (made, moved))
    }
    with_item, without = (made, before) if opener in ids else (before, made)
    waits[with_item.id] = min([item["opened_at"], *(e.occurred_at for e in asked[with_item.id])])
    waits[without.id] = None
    if asked[without.id]:
        first = asked[without.id][0]
        turns.begin(
            connection,
            project_id=project_id,
            ticket_id=without.id,
            queue_id=before.queue_id,
            assignee_id=before.assignee_id,
            kind=first.kind,
            interaction_id=first.id,
            at=first.occurred_at,
        )
        waits[without.id] = first.occurred_at
    return waits


def _last(connection: Connection, ticket_id: int) -> dict[str, Any]:
    last = timeline.last_spoken(connection, ticket_id)
    if last is None:
        return {}
    return entries.last_columns(None, last["occurred_at"], Direction(last["direction"]), last["kind"], last["visible_text"], last["facts"])
