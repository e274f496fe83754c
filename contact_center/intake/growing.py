"""One happening, told by several items: a call, its legs, its record in another log. They make one entry, whatever their order.

What each item said is kept in the entry's headers, and the channel's own `combine` makes one meaning of all of it, so
that the result does not depend on the order of arrival, and repeating an item changes nothing.
"""

from datetime import datetime
from typing import Any

from contact_center.channels import parsers
from contact_center.channels.parsers import CombiningParser
from contact_center.contacts import identity
from contact_center.contacts.identity import Identified
from contact_center.model import cards
from contact_center.model.acts import Act
from contact_center.model.events import Event, HistoryChanged
from contact_center.model.messages import InboundMessage
from contact_center.model.people import ContactRef
from contact_center.model.tickets import TEXT_LIMIT, Entry, Ticket
from contact_center.model.words import Demand
from contact_center.store import Connection, Row, journal
from contact_center.store.repositories import calls, contacts, tickets, timeline, work
from contact_center.tickets import callbacks, entries, lifecycle, turns


def grow(connection: Connection, act: Act, item: Row, message: InboundMessage, known: list[int]) -> int:
    """Say in the entries `known` what this item adds, making one of them if it shows that they are one; returns its id."""
    parser: CombiningParser = parsers.find(message.kind)  # type: ignore[assignment]
    found = [entry for entry_id in known if (entry := timeline.find(connection, entry_id)) is not None]
    # An entry that has a ticket stays, so that no ticket is left without what it is about.
    before = sorted(found, key=lambda entry: (entry.ticket_id is None, entry.id))
    parts = [_headers(connection, entry.id) for entry in before]
    first, whole = before[0], parser.combine([*parts, message.headers])
    was = parser.combine(parts[:1]).demand
    who = _who(connection, act, item, whole, first)
    if len(before) > 1 or whole.headers != parts[0]:
        _rewrite(connection, act, item, whole, who, first)
        for other in before[1:]:
            _absorb(connection, act, item["project_id"], first, other)
    timeline.add_keys(connection, item["account_id"], first.id, message.keys)
    if whole.demand is not was or who.contact_id != first.contact_id:
        _answer_demand(connection, act, item, whole, who, first, was)
    entries.publish_entry(connection, act, item["project_id"], first.id)
    for contact_id in sorted({entry.contact_id for entry in before} - ({who.contact_id} if len(before) == 1 else set())):
        event = Event(HistoryChanged(contact_id, first.ticket_id or 0), item["project_id"], contact_id=contact_id)
        journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return first.id


def _who(connection: Connection, act: Act, item: Row, whole: InboundMessage, first: Entry) -> Identified:
    """Whose the happening is; without a usable address whoever it was ascribed to, not a new contact with every item."""
    if whole.sender is None or not identity.normalise(whole.sender.kind, whole.sender.value):
        known = contacts.find_contact(connection, first.contact_id)
        if known is not None:
            return Identified(ContactRef(known.id, known.name, known.provisional), None, is_new=False)
    return identity.identify(connection, act, item["project_id"], whole.sender)


def _headers(connection: Connection, entry_id: int) -> dict[str, Any]:
    body = timeline.body(connection, entry_id)
    return body.headers if body is not None else {}


def _rewrite(connection: Connection, act: Act, item: Row, whole: InboundMessage, who: Identified, first: Entry) -> None:
    timeline.change(
        connection,
        first.id,
        contact_id=who.contact_id,
        direction=whole.direction,
        occurred_at=min(whole.sent_at or first.occurred_at, item["received_at"]),
        sender_point_id=who.point_id,
        sender_name=whole.sender.name if whole.sender else "",
        sender_address=whole.sender.value if whole.sender else "",
        subject=whole.subject,
        visible_text=whole.visible_text[:TEXT_LIMIT],
        facts=whole.facts,
    )
    calls.note(connection, first.id)
    timeline.set_body(connection, first.id, whole.text, whole.headers)


def _absorb(connection: Connection, act: Act, project_id: int, first: Entry, other: Entry) -> None:
    """Two entries turn out to be one happening: the later one disappears, and what it demanded with it."""
    timeline.change(connection, other.id, cancelled=True)
    calls.note(connection, other.id)
    timeline.move_keys(connection, other.id, first.id)
    if other.ticket_id is not None:
        callbacks.withdraw(connection, act, project_id, other.ticket_id, other.id)


def _answer_demand(connection: Connection, act: Act, item: Row, whole: InboundMessage, who: Identified, first: Entry, was: Demand) -> None:
    project_id = item["project_id"]
    if was is Demand.CALLBACK and first.ticket_id is not None:
        callbacks.withdraw(connection, act, project_id, first.ticket_id, first.id)
    if whole.demand is Demand.SERVED:
        callbacks.served(connection, act, project_id, who.contact_id)
    if whole.demand is Demand.CALLBACK and not _was_reached_since(connection, whole, who):
        _demand_call(connection, act, item, whole, who, first)


def _was_reached_since(connection: Connection, whole: InboundMessage, who: Identified) -> bool:
    reached = callbacks.reached_at(connection, who.contact_id)
    return reached is not None and whole.sent_at is not None and whole.sent_at < reached


def _demand_call(connection: Connection, act: Act, item: Row, whole: InboundMessage, who: Identified, first: Entry) -> None:
    """Put the entry into the ticket in which this person is to be called, or open one."""
    at = whole.sent_at or first.occurred_at
    waiting = work.open_callbacks(connection, who.contact_id)
    if waiting:
        before = entries.lock(connection, waiting[0])
        timeline.change(connection, first.id, ticket_id=before.id)
        tickets.change(connection, before.id, act.now, **last_columns(before, whole, at))
        entries.publish_changed(connection, act, item["project_id"], before)
        return
    ticket = lifecycle.open_ticket(
        connection,
        act,
        project_id=item["project_id"],
        contact=who.contact,
        queue_id=item["queue_id"],
        subject=whole.subject,
        about=cards.summary(whole.facts),
        channel=whole.kind,
        at=at,
        waiting_since=at,
        **last_columns(None, whole, at),
    )
    timeline.change(connection, first.id, ticket_id=ticket.id)
    if who.point_id is not None:
        tickets.add_participants(connection, ticket.id, {who.point_id})
    turns.begin(
        connection,
        project_id=item["project_id"],
        ticket_id=ticket.id,
        queue_id=ticket.queue_id,
        assignee_id=None,
        kind=Demand.CALLBACK,
        interaction_id=first.id,
        at=at,
    )
    entries.publish_created(connection, act, item["project_id"], ticket)


def last_columns(before: Ticket | None, whole: InboundMessage, at: datetime) -> dict[str, Any]:
    """The list row's columns for what a happening means now."""
    return entries.last_columns(before, at, whole.direction, whole.kind, whole.visible_text or whole.text, whole.facts)
