"""The second commit of an item: from its meaning to contact, ticket, entry, turn and fate, in one unit of work."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_center.contacts import book, identity
from contact_center.contacts.identity import Identified
from contact_center.intake import acknowledging, belief, bounces, growing, past, reports, sent, twins
from contact_center.intake.attaching import attach
from contact_center.keys import Keys
from contact_center.model import cards
from contact_center.model.acts import Act
from contact_center.model.messages import InboundMessage
from contact_center.model.text import preview
from contact_center.model.tickets import Entry, Ticket
from contact_center.model.words import Consent, Delivery, Demand, Fate, Status
from contact_center.store import Connection, Row
from contact_center.store.repositories import calls, channels, outbox, remote_files, tickets, timeline, work
from contact_center.store.repositories.raw_items import Ending
from contact_center.store.repositories.recovery import restored_at
from contact_center.surveys import answering
from contact_center.tickets import callbacks, confirmations, entries, lifecycle, returned, threading, turns, unattended
from contact_center.tickets.threading import Placement, Threading

EPOCH = datetime(1990, 1, 1, tzinfo=UTC)  # no mail is older; such a date is a broken clock


@dataclass(frozen=True, slots=True)
class Rules:
    """What settling needs of the configuration."""

    keys: Keys
    reopen_within: timedelta
    import_run: bool = False


def settle(connection: Connection, act: Act, rules: Rules, item: Row, message: InboundMessage, own: Collection[str]) -> Ending:
    """Make history of an item that is in flight and no twin of a stored one; returns how it ends, for the ledger.

    Anything it raises rolls the item back. `own` are the addresses of our own mailboxes, which take part in nothing.
    """
    if message.ignore:
        return Ending(Fate.IGNORED, message.ignore)
    if message.report is not None:
        return reports.take(connection, act, item, message.report)
    if known := timeline.by_keys(connection, item["account_id"], message.keys):
        return Ending(Fate.STORED, interaction_id=growing.grow(connection, act, item, message, known))
    if sent.is_ours(rules.keys, connection, message):
        if message.ours:
            return sent.recognise(connection, act, item, message)
        return Ending(Fate.IGNORED, "our own message came back to us")
    message = message if message.ours else belief.weigh(connection, item, message, own)
    twin = twins.find(connection, item, message)
    if isinstance(twin, Ending):
        return twin
    if twin:
        message = replace(message, proof=belief.warned(message.proof, belief.SAME_MESSAGE_ID))
    if message.ours:
        return sent.take(connection, act, item, message, own)
    who = _who(connection, act, item, message)
    message = _answer_to_survey(connection, act, rules, item, message, who)
    if message.demand in (Demand.SERVED, Demand.NOTHING) or _was_reached_since(connection, message, who):
        entry_id = _keep(connection, act, item, message, who)
    else:
        named = _named_points(connection, item, message, own)
        writer = who.point_id if message.behind is None else identity.point_of(connection, item["project_id"], message.behind)
        facts = Threading(item["project_id"], writer, frozenset(named), rules.reopen_within)
        placement, is_flood = _place(connection, act, rules, item, message, who, facts)
        ticket, entry = _store(connection, act, item, message, who, placement, named)
        entry_id = entry.id
        if is_flood:
            acknowledging.note_flood(connection, act, item["project_id"], ticket)
        elif placement.ticket is None and not rules.import_run:
            acknowledging.acknowledge(connection, act, rules.keys, item, message, who, ticket, entry, own)
    timeline.claim_keys(connection, item["account_id"], entry_id, message.keys)
    _after_effects(connection, act, rules, item, message, who)
    return Ending(Fate.STORED, interaction_id=entry_id)


def _who(connection: Connection, act: Act, item: Row, message: InboundMessage) -> Identified:
    if message.is_forged:
        return belief.stranger(connection, act, item, message)
    return identity.identify(connection, act, item["project_id"], message.sender)


def _answer_to_survey(
    connection: Connection, act: Act, rules: Rules, item: Row, message: InboundMessage, who: Identified
) -> InboundMessage:
    """The message; one that only says how it was asks for nothing."""
    is_past = who.is_new or rules.import_run
    return message if is_past else answering.by_text(connection, act, item, message, who.contact_id)


def _was_reached_since(connection: Connection, message: InboundMessage, who: Identified) -> bool:
    """Logs are read out of order: whoever was talked to after this attempt need not be called because of it."""
    if message.demand is not Demand.CALLBACK or message.sent_at is None or who.is_new:
        return False
    reached = callbacks.reached_at(connection, who.contact_id)
    return reached is not None and message.sent_at < reached


def _place(
    connection: Connection, act: Act, rules: Rules, item: Row, message: InboundMessage, who: Identified, facts: Threading
) -> tuple[Placement, bool]:
    """Where a message goes, and whether that is so because its sender sends too much to open a ticket with each."""
    placement = _natural_place(connection, act, rules, message, who, facts)
    if placement.ticket is None and not item["envelope"].get("trust_date"):
        flooded = acknowledging.flooding(connection, message, who, occurred_at(item, message))
        if flooded is not None:
            return Placement(flooded), True
    return placement, False


def _natural_place(connection: Connection, act: Act, rules: Rules, message: InboundMessage, who: Identified, facts: Threading) -> Placement:
    """Whoever waits for a call already waits once, however often they try."""
    known = not message.unproven and not who.is_new
    if message.demand is Demand.CALLBACK and known and (waiting := work.open_callbacks(connection, who.contact_id)):
        return Placement(entries.lock(connection, waiting[0]))
    return threading.place(connection, act, rules.keys, message, facts)


def _keep(connection: Connection, act: Act, item: Row, message: InboundMessage, who: Identified) -> int:
    """Put something into the history that asks for nothing, so that it needs no ticket; returns the entry's id."""
    entry = add_entry(connection, act, item, message, who, None, occurred_at(item, message))
    entries.publish_added(connection, act, item["project_id"], entry)
    return entry.id


def _store(
    connection: Connection,
    act: Act,
    item: Row,
    message: InboundMessage,
    who: Identified,
    placement: Placement,
    named: set[int],
) -> tuple[Ticket, Entry]:
    """Put the message into its ticket; returns both."""
    store = _open_ticket if placement.ticket is None else _continue_ticket
    ticket, entry = store(connection, act, item, message, who, placement)
    keys = threading.keys_to_keep(connection, item["project_id"], message, placement)
    tickets.add_thread_keys(connection, item["project_id"], ticket.id, keys)
    if who.point_id and not message.is_bounce:
        tickets.add_participants(connection, ticket.id, {who.point_id}, "wrote")
    for role, points in named_by_role(connection, item, message, named).items():
        tickets.add_participants(connection, ticket.id, points, role)
    return ticket, entry


def _open_ticket(
    connection: Connection, act: Act, item: Row, message: InboundMessage, who: Identified, placement: Placement
) -> tuple[Ticket, Entry]:
    project_id, at = item["project_id"], occurred_at(item, message)
    columns = growing.last_columns(None, message, at)
    if asks := past.asks(item, message, at):
        columns["waiting_since"] = at
    if message.is_forged:
        columns["unproven"] = True
    ticket = lifecycle.open_ticket(
        connection,
        act,
        project_id=project_id,
        contact=who.contact,
        queue_id=item["queue_id"],
        subject=message.subject,
        about=cards.summary(message.facts),
        channel=message.kind,
        # What no person asked is kept and can be found, but demands nothing.
        status=Status.OPEN if asks else Status.RESOLVED,
        follow_up_of=placement.follow_up_of,
        at=at,
        **columns,
    )
    entry = add_entry(connection, act, item, message, who, ticket, at)
    if asks:
        turns.begin(connection, **_turn(ticket, project_id, message, entry))
    entries.publish_created(connection, act, project_id, ticket)
    entries.publish_added(connection, act, project_id, entry)
    return ticket, entry


def _continue_ticket(
    connection: Connection, act: Act, item: Row, message: InboundMessage, who: Identified, placement: Placement
) -> tuple[Ticket, Entry]:
    before, project_id, at = placement.ticket, item["project_id"], occurred_at(item, message)
    assert before is not None
    entry = add_entry(connection, act, item, message, who, before, at)
    columns = growing.last_columns(before, message, at) | _beginning(connection, before, at, who, message)
    if past.asks(item, message, at):
        columns |= {"status": Status.OPEN, "resolved_at": None}
        columns["waiting_since"] = turns.customer_spoke(connection, **_turn(before, project_id, message, entry))
    tickets.change(connection, before.id, act.now, **columns)
    entries.publish_added(connection, act, project_id, entry)
    entries.publish_changed(connection, act, project_id, before)
    return before, entry


def _turn(ticket: Ticket, project_id: int, message: InboundMessage, entry: Entry) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "ticket_id": ticket.id,
        "queue_id": ticket.queue_id,
        "assignee_id": ticket.assignee_id,
        "kind": Demand.CALLBACK if message.demand is Demand.CALLBACK else message.kind,
        "interaction_id": entry.id,
        "at": entry.occurred_at,
    }


def _beginning(connection: Connection, before: Ticket, at: datetime, who: Identified, message: InboundMessage) -> dict[str, Any]:
    """A thread is its first writer's, also when the first message comes after the answer to it."""
    if at >= before.created_at or message.automatic or not tickets.is_untouched(connection, before.id):
        return {}
    return {"contact_id": who.contact_id, "subject": message.subject, "about": cards.summary(message.facts), "created_at": at}


def occurred_at(item: Row, message: InboundMessage) -> datetime:
    """When it happened: the source's own time; without one the sender's date, unless it lies in the future or is absurd."""
    if item["source_time"] is not None:
        return min(item["source_time"], item["received_at"])
    if not item["envelope"].get("trust_date"):
        return item["received_at"]
    sent = message.sent_at
    return sent if sent is not None and EPOCH < sent <= item["received_at"] else item["received_at"]


def add_entry(
    connection: Connection,
    act: Act,
    item: Row,
    message: InboundMessage,
    who: Identified,
    ticket: Ticket | None,
    at: datetime,
) -> Entry:
    """Insert the message with its body and files; publishes nothing yet."""
    contact_id = ticket.contact.id if ticket is not None and message.is_bounce else who.contact_id
    headers = message.headers | ({"defects": list(message.defects)} if message.defects else {})
    if not acknowledging.never(item, message):
        headers |= {unattended.MAY: True}  # known only now, while the whole message is at hand
    entry = entries.add_entry(
        connection,
        act,
        project_id=item["project_id"],
        contact_id=contact_id,
        ticket=ticket,
        kind=message.kind,
        direction=message.direction,
        text=message.visible_text,
        queue_id=item["queue_id"],
        occurred_at=at,
        body=(message.text, message.html, headers),
        account_id=item["account_id"],
        sender_point_id=who.point_id,
        sender_name=message.sender.name if message.sender else "",
        sender_address=message.sender.value if message.sender else "",
        subject=message.subject,
        folded=message.visible_text.strip() != message.text.strip(),
        has_html=message.html is not None,
        automatic=message.automatic,
        recipients={"to": list(message.to), "cc": list(message.cc)},
        message_key=message.message_key,
        proof=message.proof,
        facts=bounces.facts(connection, message),
    )
    if message.facts is not None:
        calls.note(connection, entry.id)
    remote_files.add(connection, entry.id, item["account_id"], message.remote_files, act.now)
    return replace(entry, attachments=tuple(attach(connection, act, entry.id, file) for file in message.attachments))


def own_addresses(connection: Connection, project_id: int) -> frozenset[str]:
    """The addresses of our own mailboxes."""
    return frozenset(account.address.lower() for account in channels.accounts(connection, project_id))


def _named_points(connection: Connection, item: Row, message: InboundMessage, own: Collection[str]) -> set[int]:
    """Contact points of everybody the message names, but for our own mailboxes. A forged message names nobody."""
    if message.is_forged:
        return set()
    points = (
        identity.point_of(connection, item["project_id"], person)
        for person in message.participants
        if identity.without_plus(person.value.lower()) not in own
    )
    return {point for point in points if point is not None}


def named_by_role(connection: Connection, item: Row, message: InboundMessage, named: set[int]) -> dict[str, set[int]]:
    """Those of `named` whom the message writes to, those who get a copy, and who wrote on behalf of its sender."""
    if message.is_forged:
        return {}
    copied = {address.email.casefold() for address in message.cc} - {address.email.casefold() for address in message.to}
    points = {
        identity.point_of(connection, item["project_id"], person) for person in message.participants if person.value.casefold() in copied
    }
    cc = {point for point in points if point in named}
    behind = identity.point_of(connection, item["project_id"], message.behind) if message.behind is not None else None
    return {"to": named - cc, "cc": cc} | ({"wrote": {behind}} if behind is not None else {})


def _after_effects(connection: Connection, act: Act, rules: Rules, item: Row, message: InboundMessage, who: Identified) -> None:
    """A bounce marks what bounced; an answer to our own reply proves the sender's address; wishes are heeded at once."""
    project_id = item["project_id"]
    for person in message.also:
        identity.claim(connection, act, project_id, who, person)
    if message.consent is not None and who.point_id is not None:
        _heed(connection, act, rules, item, message, who, who.point_id)
    if message.demand is Demand.SERVED and not who.is_new:
        callbacks.served(connection, act, project_id, who.contact_id)
    if message.is_bounce:
        for row in returned.rows(connection, message):
            bounces.mark(connection, act, project_id, row, message)
    elif who.point_id is not None and not who.verified and not message.automatic and message.behind is None:
        answered = outbox.by_keys(connection, message.thread_hints)
        if any(_was_sent_to(row, message) for row in answered):
            book.verify(connection, act, project_id, who.contact_id, who.point_id)


def _heed(connection: Connection, act: Act, rules: Rules, item: Row, message: InboundMessage, who: Identified, point_id: int) -> None:
    project_id, account_id = item["project_id"], item["account_id"]
    if message.consent is Consent.STOP:
        changed = book.opt_out(connection, act, project_id, account_id, point_id, f"they wrote: {preview(message.text, 60)}")
    else:
        changed = book.opt_in(connection, act, project_id, account_id, point_id)
    # Only a change is confirmed, so that two machines cannot keep each other talking.
    if changed and message.confirmation and message.sender is not None and not rules.import_run and _may_confirm(connection, item, message):
        confirmations.confirm(connection, act, rules.keys, item, who.contact_id, message.sender.value, message.confirmation)


def _may_confirm(connection: Connection, item: Row, message: InboundMessage) -> bool:
    """What was said before a restore from a backup may have been confirmed then; an archive is the past."""
    restored = restored_at(connection)
    return past.QUIET_BEFORE not in item["envelope"] and (restored is None or occurred_at(item, message) >= restored)


def _was_sent_to(row: Row, message: InboundMessage) -> bool:
    if message.sender is None or row["state"] not in (Delivery.SENT, Delivery.DELIVERED):
        return False
    sender = identity.normalise(message.sender.kind, message.sender.value)
    return any(identity.normalise(message.sender.kind, to["email"]) == sender for to in row["message"]["to"])
