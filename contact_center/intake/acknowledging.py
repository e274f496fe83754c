"""Telling whoever opens a ticket that their message has arrived, without ever becoming part of a loop or somebody's cannon.

Five things hold a machine that answers us back: what machines send is not answered, an address gets few automatic messages a
day, a company's domain and an account few an hour, and whoever opens tickets too fast gets one ticket for all of it. Each would do alone.
"""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog

from contact_center.contacts import identity
from contact_center.contacts.identity import Identified, without_plus
from contact_center.keys import Keys
from contact_center.model import acknowledgement
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import InboundMessage
from contact_center.model.tickets import Address, Change, Entry, Ticket
from contact_center.model.words import Demand, Direction, PointKind, ProofState
from contact_center.store import Connection, Row
from contact_center.store.repositories import automatic, channels, hours, outbox, tickets, timeline
from contact_center.store.repositories.recovery import restored_at
from contact_center.tickets import entries, unattended
from contact_center.tickets.replies import message_key, reply_subject
from contact_center.tickets.unattended import OLDEST

logger = structlog.get_logger(__name__)

FLOOD = 20  # messages of one sender ...
FLOOD_WINDOW = timedelta(minutes=10)  # ... in so short a time, and further ones open no tickets
FLOODED = "flood"
"""The change that says so in a ticket's history."""


def acknowledge(
    connection: Connection,
    act: Act,
    keys: Keys,
    item: Row,
    message: InboundMessage,
    who: Identified,
    ticket: Ticket,
    entry: Entry,
    own: Collection[str],
) -> None:
    """Queue the acknowledgement of the first message of a ticket, if the account wants one and nothing speaks against it."""
    account = channels.find_account(connection, item["account_id"])
    if account is None or not account.options.get("acknowledge"):
        return
    reason = _refusal(connection, act, account, item, message, who, ticket, entry, own)
    if reason:
        logger.info("acknowledgement.withheld", account=account.id, ticket=ticket.id, reason=reason)
        return
    assert who.point_id is not None
    assert message.sender is not None
    automatic.add(connection, account.id, unattended.counted(connection, account.project_id, message.sender, who.point_id), act.now)
    language = acknowledgement.language_of(f"{message.subject} {message.visible_text[:2000]}")
    opens = _opens(connection, act, ticket, language)
    short = message.sender.kind is PointKind.PHONE
    text = acknowledgement.words(account.options, language, ticket.number, opens, short=short)
    # The subject is the sender's own words: they go only where this very mail was proven to come from.
    subject = (
        reply_subject(message.subject) if _is_proven(message) and message.subject else acknowledgement.subject(language, ticket.number)
    )
    _queue(connection, act, keys, account, message, ticket, Address("", message.sender.value), subject, text)


def flooding(connection: Connection, message: InboundMessage, who: Identified, at: datetime) -> Ticket | None:
    """The ticket that takes what a sender sends who has sent too much within minutes; None while all is ordinary.

    What a form claims is never put beside what the owner of the address wrote.
    """
    if (
        message.unproven
        or who.is_new
        or who.point_id is None
        or message.demand is not Demand.ANSWER
        or message.direction is not Direction.IN
    ):
        return None
    since = at - FLOOD_WINDOW
    if timeline.count_from(connection, who.contact_id, who.point_id, since, at) < FLOOD:
        return None
    ticket_id = timeline.newest_ticket_from(connection, who.contact_id, who.point_id, since, at)
    return entries.lock(connection, ticket_id) if ticket_id is not None else None


def note_flood(connection: Connection, act: Act, project_id: int, ticket: Ticket) -> None:
    """Say once in a ticket why everything of this sender comes to it."""
    if not timeline.has_change(connection, ticket.id, FLOODED):
        minutes = int(FLOOD_WINDOW.total_seconds()) // 60
        entries.note_change(connection, act, project_id, ticket, Change(FLOODED, FLOOD, minutes))


def _refusal(
    connection: Connection,
    act: Act,
    account: ChannelAccount,
    item: Row,
    message: InboundMessage,
    who: Identified,
    ticket: Ticket,
    entry: Entry,
    own: Collection[str],
) -> str:
    """Why no acknowledgement may be sent; empty when one may."""
    if reason := _refused_by_message(act, item, message, entry):
        return reason
    sender = message.sender
    if sender is None or who.point_id is None or sender.kind is PointKind.ANONYMOUS:
        return "nobody to write to"
    value = identity.normalise(sender.kind, sender.value)
    if not value or value in own or without_plus(value) in own:
        return "one of our own addresses"
    if (restored := restored_at(connection)) is not None and entry.occurred_at < restored:
        return "older than the restore of the database"
    if message.message_key and timeline.ticket_of_key(connection, account.id, message.message_key) != ticket.id:
        return "the message was here before"
    return unattended.refused_to_point(connection, act, account, who.contact_id, who.point_id, sender, is_proven=_is_proven(message))


def _is_proven(message: InboundMessage) -> bool:
    """Whether this very mail was proven to come from its sender."""
    return message.proof is not None and message.proof.state is ProofState.VERIFIED


def never(item: Row, message: InboundMessage) -> str:
    """Why nothing that nobody wrote may ever answer this message; empty when it may."""
    if message.automatic or message.is_bounce:
        return "a machine wrote"
    if message.unanswerable:
        return message.unanswerable
    if message.unproven or message.is_forged or message.behind is not None:
        return "the address is only claimed"
    if message.demand is not Demand.ANSWER or message.direction is not Direction.IN or message.consent is not None:
        return "not a message to be answered"
    if item["envelope"].get("trust_date"):
        return "imported"
    return ""


def _refused_by_message(act: Act, item: Row, message: InboundMessage, entry: Entry) -> str:
    if reason := never(item, message):
        return reason
    times = [entry.occurred_at, *([message.sent_at] if message.sent_at is not None else [])]
    return "too old" if min(times) < act.now - OLDEST else ""


def _opens(connection: Connection, act: Act, ticket: Ticket, language: str) -> str:
    """When the ticket's queue opens again, in words; empty while it is open, and when nobody knows."""
    calendar = hours.of_queue(connection, hours.answering(connection, ticket.queue_id, act.now))
    if calendar is None or calendar.is_open(act.now):
        return ""
    opening = calendar.next_opening(act.now)
    return acknowledgement.opening(opening, calendar.timezone, language) if opening is not None else ""


def _queue(
    connection: Connection,
    act: Act,
    keys: Keys,
    account: ChannelAccount,
    message: InboundMessage,
    ticket: Ticket,
    to: Address,
    subject: str,
    text: str,
) -> None:
    entry = entries.add_entry(
        connection,
        act,
        project_id=account.project_id,
        contact_id=ticket.contact.id,
        ticket=ticket,
        kind=account.kind,
        direction=Direction.OUT,
        text=text,
        body=(text, None, {}),
        account_id=account.id,
        sender_address=account.address,
        subject=subject,
        automatic=True,
        recipients={"to": [to], "cc": []},
    )
    key = message_key(keys, entry.id, account.address)
    timeline.change(connection, entry.id, message_key=key)
    tickets.add_thread_keys(connection, account.project_id, ticket.id, (key,))
    content: dict[str, Any] = {"to": [asdict(to)], "cc": [], "subject": subject, "text": text, "quoted": "", "automatic": True}
    content |= {"in_reply_to": message.message_key, "references": [message.message_key] if message.message_key else []}
    content["reply_token"] = keys.ticket_token(ticket.id)
    outbox.add(
        connection,
        interaction_id=entry.id,
        account_id=account.id,
        message_key=key,
        message=content,
        next_attempt_at=act.now,
        created_at=act.now,
    )
    entries.publish_entry(connection, act, account.project_id, entry.id, added=True)
