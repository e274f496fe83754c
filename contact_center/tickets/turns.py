"""Customer turns as work items: opened by the first unanswered message, ended by a human reply or by "no reply needed".

Further messages of the same turn join it without resetting its clock; a transfer ends the stay in one queue and begins
one in the next, while the customer's wait runs on.
"""

from dataclasses import replace
from datetime import datetime

from contact_center.model.acts import Act
from contact_center.model.events import Event, OfferChanged
from contact_center.model.routing import Offer
from contact_center.model.tickets import Ticket
from contact_center.model.words import EndReason, OfferState
from contact_center.store import Connection, Row, journal
from contact_center.store.repositories import access, hours, routing, sessions, work
from contact_center.tickets import wrapping


def customer_spoke(
    connection: Connection,
    *,
    project_id: int,
    ticket_id: int,
    queue_id: int,
    assignee_id: int | None,
    kind: str,
    interaction_id: int,
    at: datetime,
) -> datetime:
    """Open a turn unless one is open; returns since when the customer waits."""
    item = work.open_item(connection, ticket_id)
    if item is not None:
        return item["opened_at"]
    begin(
        connection,
        project_id=project_id,
        ticket_id=ticket_id,
        queue_id=queue_id,
        assignee_id=assignee_id,
        kind=kind,
        interaction_id=interaction_id,
        at=at,
    )
    return at


def begin(
    connection: Connection,
    *,
    project_id: int,
    ticket_id: int,
    queue_id: int,
    assignee_id: int | None,
    kind: str,
    interaction_id: int,
    at: datetime,
) -> None:
    """Open a turn of a ticket that has none open."""
    item_id = work.add_item(connection, project_id, kind, ticket_id, interaction_id, at, assignee_id)
    work.add_segment(connection, item_id, queue_id, assignee_id, at, *_hours(connection, queue_id, at))


def end(connection: Connection, act: Act, ticket_id: int, reason: EndReason) -> None:
    """End the open turn, if there is one."""
    item = work.open_item(connection, ticket_id)
    if item is None:
        return
    withdraw_offer(connection, act, item["segment_id"])
    if reason is EndReason.COMPLETED and item["agent_id"] is None:
        work.assign_segment(connection, item["segment_id"], item["id"], act.user_id, act.now)
    response = _response(connection, act, ticket_id, item) if reason is EndReason.COMPLETED else None
    work.end_segment(connection, item["segment_id"], reason, act.now, response)
    work.close_item(connection, item["id"], act.now)
    if reason in (EndReason.COMPLETED, EndReason.NO_REPLY_NEEDED):
        sessions.turn_ended(connection, item["segment_id"])
        agent_id = item["agent_id"] or (act.user_id if reason is EndReason.COMPLETED else None)
        wrapping.begin(connection, act, item["segment_id"], item["queue_id"], agent_id)


def _response(connection: Connection, act: Act, ticket_id: int, item: Row) -> work.Response | None:
    """The answer that ends a turn, with what the customer waited for it on the clock and in business time."""
    kind = work.response_to(connection, ticket_id, item["id"])
    if kind is None:
        return None
    business = hours.business_time(connection, item["queue_id"], item["opened_at"], act.now)
    return work.Response(kind, act.now - item["opened_at"], business)


def assigned(connection: Connection, act: Act, ticket_id: int, agent_id: int | None) -> None:
    """Somebody takes, gets or gives up the ticket."""
    item = work.open_item(connection, ticket_id)
    if item is not None:
        withdraw_offer(connection, act, item["segment_id"])
        work.assign_segment(connection, item["segment_id"], item["id"], agent_id, act.now)


def keep_in_queue(connection: Connection, act: Act, ticket: Ticket) -> None:
    """A turn that was reopened continues in the queue where its ticket stands by now."""
    item = work.open_item(connection, ticket.id)
    if item is not None and item["queue_id"] != ticket.queue_id:
        transferred(connection, act, ticket, ticket.queue_id)


def transferred(connection: Connection, act: Act, ticket: Ticket, queue_id: int, reason: EndReason = EndReason.TRANSFERRED) -> None:
    """The ticket goes to another queue."""
    item = work.open_item(connection, ticket.id)
    if item is not None:
        withdraw_offer(connection, act, item["segment_id"])
        work.end_segment(connection, item["segment_id"], reason, act.now)
        work.add_segment(connection, item["id"], queue_id, item["agent_id"], act.now, *_hours(connection, queue_id, act.now))


def _hours(connection: Connection, queue_id: int, at: datetime) -> tuple[datetime | None, bool]:
    """Until when the queue should have answered what comes then (None when it never opens again), and whether it is closed."""
    target, calendar = hours.target_of_queue(connection, queue_id)
    return (at + target, False) if calendar is None else (calendar.add_business(at, target), not calendar.is_open(at))


def withdraw_offer(connection: Connection, act: Act, segment_id: int) -> None:
    """What is on offer and was taken, answered or moved meanwhile is offered no more; the agent is not to blame."""
    # Held first: an offer that another process is making at this moment would be seen by nobody, and stay open for ever.
    routing.hold_stay(connection, segment_id)
    offer = routing.open_offer_of(connection, segment_id)
    if offer is not None:
        end_offer(connection, act, offer, OfferState.WITHDRAWN)


def end_offer(connection: Connection, act: Act, offer: Offer, state: OfferState) -> bool:
    """End an offer and say so; False when it had ended already."""
    if not routing.end_offer(connection, offer.id, state, act.now):
        return False
    publish_offer(connection, act, replace(offer, state=state))
    return True


def publish_offer(connection: Connection, act: Act, offer: Offer) -> None:
    """Say how an offer stands to whom it is made, and to those who see the queue."""
    project_id = access.project_of_queue(connection, offer.queue_id)
    event = Event(OfferChanged(offer), project_id, queue_id=offer.queue_id, assignee_id=offer.agent_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
