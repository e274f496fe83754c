"""Calling back whoever did not get through: one open demand a person, met by any later call that reaches them.

Logs are read late and out of order, so that "later" is what the calls' own times say, never the order of arrival.
"""

from datetime import datetime
from typing import Any

from contact_center.model.acts import Act
from contact_center.model.words import Direction, EndReason, Status
from contact_center.store import Connection
from contact_center.store.repositories import timeline, work
from contact_center.tickets import entries, lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch

LOOK_BACK = 50  # entries of a contact among which a call that reached them is looked for


def served(connection: Connection, act: Act, project_id: int, contact_id: int) -> None:
    """The person got through: nobody needs to call them any more, unless they have tried again since."""
    waiting = work.open_callbacks(connection, contact_id)
    reached = reached_at(connection, contact_id) if waiting else None
    for ticket_id in waiting:
        tried = _tries(connection, ticket_id)
        if reached is None or not tried or max(tried) <= reached:
            turns.end(connection, act, ticket_id, EndReason.COMPLETED)
            lifecycle.change(connection, act, project_id, ticket_id, TicketPatch(status=Status.RESOLVED))


def withdraw(connection: Connection, act: Act, project_id: int, ticket_id: int, entry_id: int) -> None:
    """The call was answered after all, as a later record of it shows: the demand it made is taken back.

    Other calls of the ticket that nobody answered keep it open, whoever of them opened it.
    """
    ticket = entries.get(connection, ticket_id)
    is_open = ticket_id in work.open_callbacks(connection, ticket.contact.id)
    if is_open and not _tries(connection, ticket_id, besides=entry_id):
        lifecycle.change(connection, act, project_id, ticket_id, TicketPatch(status=Status.RESOLVED))


def reached_at(connection: Connection, contact_id: int) -> datetime | None:
    """When the person was last talked to in a call; None if never, as far as the newest entries tell."""
    newest = timeline.newest_facts(connection, contact_id, LOOK_BACK)
    return max((at for at, facts in newest if _got_through(facts)), default=None)


def _tries(connection: Connection, ticket_id: int, besides: int | None = None) -> list[datetime]:
    """When somebody tried to reach us in this ticket and did not."""
    found = timeline.of_ticket(connection, ticket_id)
    inbound = (entry for entry in found if entry.direction is Direction.IN and entry.change is None and entry.id != besides)
    return [entry.occurred_at for entry in inbound if not _got_through(entry.facts)]


def _got_through(about: dict[str, Any] | None) -> bool:
    facts = about or {}
    return facts.get("type") == "call" and (facts.get("result") == "answered" or facts.get("talk_seconds") is not None)
