"""What our people sent from other programs, as it is found among the sent mails: outgoing entries, which ask for nothing.

The folder is ours, so its ids are believed: such a mail goes into the ticket that it answers, and ends the customer's wait.
"""

from collections.abc import Collection

from contact_center.contacts import identity
from contact_center.contacts.identity import without_plus
from contact_center.intake.attaching import attach
from contact_center.keys import Keys
from contact_center.model.acts import Act
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.tickets import Ticket
from contact_center.model.words import Delivery, Direction, EndReason, Fate, Status
from contact_center.store import Connection, Row
from contact_center.store.repositories import outbox, tickets, timeline
from contact_center.store.repositories.raw_items import Ending
from contact_center.tickets import entries, replies, threading, turns
from contact_center.tickets.lifecycle import DONE


def is_ours(keys: Keys, connection: Connection, message: InboundMessage) -> bool:
    """Whether this product sent the message itself."""
    key = message.message_key
    return bool(key and replies.is_own_key(keys, key) and outbox.by_keys(connection, (key,)))


def recognise(connection: Connection, act: Act, item: Row, message: InboundMessage) -> Ending:
    """A reply of ours found among the sent mails; if nobody knew whether it had gone out, it has."""
    for row in outbox.by_keys(connection, (message.message_key or "",)):
        if outbox.change_if(connection, row["id"], (Delivery.UNCERTAIN,), state=Delivery.SENT, sent_at=act.now, error=""):
            entries.publish_entry(connection, act, item["project_id"], row["interaction_id"])
    return Ending(Fate.IGNORED, "our own message, found among the sent")


def take(connection: Connection, act: Act, item: Row, message: InboundMessage, own: Collection[str]) -> Ending:
    """Put it into the history of the first customer it went to, and into their ticket if it belongs to one."""
    people = [person for person in message.participants if not _is_own(person, own)]
    if not people:
        return Ending(Fate.IGNORED, "sent to nobody but ourselves")
    project_id, at = item["project_id"], item["source_time"] or message.sent_at or item["received_at"]
    at = min(at, item["received_at"])
    ticket = _ticket(connection, item, message, people)
    contact_id = ticket.contact.id if ticket is not None else identity.identify(connection, act, project_id, people[0]).contact_id
    entry = entries.add_entry(
        connection,
        act,
        project_id=project_id,
        contact_id=contact_id,
        ticket=ticket,
        kind=message.kind,
        direction=Direction.OUT,
        text=message.visible_text,
        queue_id=item["queue_id"],
        occurred_at=at,
        body=(message.text, message.html, message.headers | {"sent_elsewhere": True}),
        account_id=item["account_id"],
        sender_name=message.sender.name if message.sender else "",
        sender_address=message.sender.value if message.sender else "",
        subject=message.subject,
        folded=message.visible_text.strip() != message.text.strip(),
        has_html=message.html is not None,
        automatic=message.automatic,
        recipients={"to": list(message.to), "cc": list(message.cc)},
        message_key=message.message_key,
        facts=message.facts,
    )
    for file in message.attachments:
        attach(connection, act, entry.id, file)
    if ticket is not None:
        _continue(connection, act, project_id, ticket, message, people, entry.id)
    entries.publish_entry(connection, act, project_id, entry.id, added=True)
    if ticket is not None:
        entries.publish_changed(connection, act, project_id, ticket)
    return Ending(Fate.STORED, interaction_id=entry.id)


def _continue(
    connection: Connection, act: Act, project_id: int, before: Ticket, message: InboundMessage, people: list[InboundPerson], entry_id: int
) -> None:
    entry = timeline.find(connection, entry_id)
    assert entry is not None
    at = entry.occurred_at
    columns = entries.last_columns(before, at, Direction.OUT, message.kind, message.visible_text, message.facts)
    if before.waiting_since is not None and at >= before.waiting_since and not message.automatic and _is_latest(before, columns):
        turns.end(connection, act, before.id, EndReason.COMPLETED)
        columns |= {"waiting_since": None} | ({"status": Status.WAITING} if before.status not in DONE else {})
    tickets.change(connection, before.id, act.now, **columns)
    points = {identity.point_of(connection, project_id, person) for person in people}
    tickets.add_participants(connection, before.id, {point for point in points if point is not None})
    tickets.add_thread_keys(connection, project_id, before.id, threading.thread_keys(message))


def _is_latest(before: Ticket, columns: dict[str, object]) -> bool:
    return bool(columns) or before.last_entry is None


def _ticket(connection: Connection, item: Row, message: InboundMessage, people: list[InboundPerson]) -> Ticket | None:
    """The ticket of what the mail answers, if one of those it went to takes part in it."""
    points = {identity.point_of(connection, item["project_id"], person) for person in people}
    for ticket_id in tickets.by_thread_keys(connection, item["project_id"], threading.thread_keys(message)):
        if points & tickets.participants(connection, ticket_id):
            return entries.lock(connection, ticket_id)
    return None


def _is_own(person: InboundPerson, own: Collection[str]) -> bool:
    address = identity.normalise(person.kind, person.value)
    return not address or address in own or without_plus(address) in own
