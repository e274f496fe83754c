"""Which ticket a message belongs to. The result does not depend on the order in which a thread arrives.

A ticket is joined by message ids that its mails carry or name, or by our signed token, *and* only when the sender takes
part in it. Ids are claims, not credentials: a stranger who quotes them gets a new ticket that points to the old one.
Subjects and ticket numbers in them are hints for people and play no part.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contact_center.keys import Keys
from contact_center.model import follow_up
from contact_center.model.acts import Act
from contact_center.model.messages import InboundMessage
from contact_center.model.tickets import Ticket
from contact_center.store import Connection
from contact_center.store.repositories import access, desk, tickets, timeline
from contact_center.tickets import entries, joining, returned
from contact_center.tickets.lifecycle import DONE

EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a message goes."""

    ticket: Ticket | None
    """Locked until the commit. None: open a new ticket."""
    follow_up_of: int | None = None
    """The ticket that the new one continues or claims to continue."""
    stranger: bool = False
    """Whether the sender names messages of a ticket in which they take no part."""


@dataclass(frozen=True, slots=True)
class Threading:
    """What threading needs to know beside the message."""

    project_id: int
    sender_point: int | None
    named_points: frozenset[int]
    reopen_within: timedelta
    """For how long an answer reopens where the queue does not say otherwise."""


def place(connection: Connection, act: Act, keys: Keys, message: InboundMessage, facts: Threading) -> Placement:
    """Decide, and join tickets that this message shows to be one."""
    if message.conversation:
        return _continue_conversation(connection, act, message.conversation, facts)
    if message.is_bounce and (ticket_id := _ticket_of_bounce(connection, message)) is not None:
        return Placement(entries.lock(connection, ticket_id))
    candidates = _candidates(connection, keys, message, facts)
    own = [ticket_id for ticket_id in candidates if _takes_part(connection, message, facts, ticket_id)]
    if not own:
        return Placement(None, follow_up_of=candidates[0] if candidates else None, stranger=bool(candidates))
    first = _nearest(connection, keys, message, facts, own) if len(own) > 1 and desk.are_split(connection, own) else own[0]
    for other in own:
        if other == first:
            continue
        if tickets.is_untouched(connection, other):
            joining.join(connection, act, facts.project_id, survivor_id=first, loser_id=other)
    ticket = entries.lock(connection, first)
    if _too_late(connection, act, ticket, facts) and not message.automatic:
        return Placement(None, follow_up_of=first)
    return Placement(ticket)


def thread_keys(message: InboundMessage) -> tuple[str, ...]:
    """Every key that ties this message to others."""
    return tuple(key for key in (message.message_key, *message.thread_hints, message.conversation) if key)


def keys_to_keep(connection: Connection, project_id: int, message: InboundMessage, placement: Placement) -> tuple[str, ...]:
    """The keys by which this message's ticket will be found.

    A stranger's ticket does not get those of the ticket they quoted: otherwise the next mail of somebody who takes part in
    both would join the two, and let the stranger in. A forged message has but its own.
    """
    if message.is_forged:
        return (message.message_key,) if message.message_key else ()
    keys = thread_keys(message)
    return tuple(key for key in keys if key not in tickets.known_thread_keys(connection, project_id, keys)) if placement.stranger else keys


def _continue_conversation(connection: Connection, act: Act, key: str, facts: Threading) -> Placement:
    """The latest ticket of the conversation, unless it was done with too long ago."""
    found = tickets.by_thread_keys(connection, facts.project_id, (key,))
    mine = [ticket_id for ticket_id in found if facts.sender_point in tickets.participants(connection, ticket_id)]
    if not mine:
        return Placement(None)
    # We may have taken the conversation on in an older ticket: the one in which something was said last goes on.
    spoken = {ticket_id: entries.get(connection, ticket_id).last_entry for ticket_id in mine}
    ticket = entries.lock(connection, max(mine, key=lambda each: (last.at if (last := spoken[each]) else EARLIEST, each)))
    return Placement(None, follow_up_of=ticket.id) if _too_late(connection, act, ticket, facts) else Placement(ticket)


def _candidates(connection: Connection, keys: Keys, message: InboundMessage, facts: Threading) -> list[int]:
    found = tickets.by_thread_keys(connection, facts.project_id, thread_keys(message))
    for token in message.ticket_tokens:
        ticket_id = keys.ticket_of(token)
        ticket = tickets.find(connection, ticket_id) if ticket_id is not None else None
        while ticket is not None and ticket.merged_into is not None:
            ticket = tickets.find(connection, ticket.merged_into)
        if ticket is not None and tickets.is_of_project(connection, ticket.id, facts.project_id):
            found.append(ticket.id)
    return sorted(set(found))


def _takes_part(connection: Connection, message: InboundMessage, facts: Threading, ticket_id: int) -> bool:
    if facts.sender_point is None:
        return False
    if facts.sender_point in tickets.participants(connection, ticket_id):
        return True
    # The answer came before the question: the ticket names this message without holding it, and was written by
    # somebody whom this message addresses. A forger cannot know the id of a mail that nobody here has seen.
    if not message.message_key or message.message_key in timeline.message_keys(connection, ticket_id):
        return False
    named = ticket_id in tickets.by_thread_keys(connection, facts.project_id, (message.message_key,))
    return named and bool(tickets.inbound_senders(connection, ticket_id) & facts.named_points)


def _nearest(connection: Connection, keys: Keys, message: InboundMessage, facts: Threading, own: list[int]) -> int:
    """Of tickets that were one until somebody split them, the one to which the message says most closely that it belongs."""
    # The message answered says more than the token of the ticket it was sent from: it may have moved since.
    for key in reversed(message.thread_hints):
        for ticket_id in tickets.by_thread_keys(connection, facts.project_id, (key,)):
            if ticket_id in own:
                return ticket_id
    named = [keys.ticket_of(token) for token in message.ticket_tokens]
    return next((ticket_id for ticket_id in named if ticket_id is not None and ticket_id in own), own[0])


def _too_late(connection: Connection, act: Act, ticket: Ticket, facts: Threading) -> bool:
    if ticket.status not in DONE:
        return False
    resolved_at = tickets.resolved_at(connection, ticket.id)
    days = access.follow_up_days(connection, ticket.queue_id)
    return not follow_up.reopens(ticket.status, resolved_at, act.now, days, facts.reopen_within)


def _ticket_of_bounce(connection: Connection, message: InboundMessage) -> int | None:
    """A bounce comes from a mail system, never a participant: our own message key, which carries our signature, leads it."""
    for row in returned.rows(connection, message):
        entry = timeline.find(connection, row["interaction_id"])
        if entry is not None and entry.ticket_id is not None:
            return entry.ticket_id
    return None
