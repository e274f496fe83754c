"""Offers: a turn reserved for one agent, who accepts or declines, or whose time runs out.

Whatever the processes think, the database holds two things: a stay in a queue is on offer once, and an agent is decided
about by one at a time, with the room they have at that moment.
"""

from dataclasses import dataclass
from datetime import timedelta

from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.routing import Offer
from contact_center.model.tickets import Ticket
from contact_center.model.words import AgentState, OfferState, StateReason
from contact_center.routing import states
from contact_center.routing.matcher import WHOLE
from contact_center.store import Connection
from contact_center.store.repositories import access, routing, serving
from contact_center.tickets import entries, lifecycle, turns
from contact_center.tickets.lifecycle import TicketPatch


@dataclass(frozen=True, slots=True)
class Weights:
    """What one piece of work of a channel takes of an agent's capacity of 100."""

    by_channel: dict[str, int]
    otherwise: int

    @property
    def least(self) -> int:
        """What the lightest piece takes: with less room, nothing can be taken."""
        return min([self.otherwise, *self.by_channel.values()])

    def of(self, channel: str) -> int:
        """From 1 to 100."""
        return self.by_channel.get(channel, self.otherwise)


def make(connection: Connection, act: Act, weights: Weights, seen_after: timedelta, segment_id: int, agent_id: int, channel: str) -> bool:
    """Offer this to this agent, if it still waits and they still have the room; whether it was offered."""
    routing.hold_agent(connection, agent_id)
    free = routing.free_agents(connection, act.now, act.now - seen_after, agent_id)
    queue_id = routing.queue_of(connection, segment_id)
    if not free or queue_id not in free[0].queue_ids or channel in free[0].channels_off:
        return False
    room = WHOLE - sum(weights.of(item.channel) for item in routing.held(connection, agent_id))
    queue = access.find_queue(connection, access.project_of_queue(connection, queue_id), queue_id)
    if room < weights.of(channel) or queue is None or not queue.offers:
        return False
    offer_id = routing.add_offer(connection, segment_id, agent_id, act.now, act.now + timedelta(seconds=queue.offer_seconds))
    offer = routing.find_offer(connection, offer_id) if offer_id is not None else None
    if offer is not None:
        turns.publish_offer(connection, act, offer)
    return offer is not None


def accept(connection: Connection, act: Act, project_id: int, user_id: int, offer_id: int) -> Ticket:
    """The agent takes it: the ticket is theirs. Raises NotFound, and Conflict when the offer has ended.

    What somebody may not see any more is not theirs to take, though it was offered while they might.
    """
    offer = _own(connection, user_id, offer_id)
    # The ticket, its stay, the offer: in the order in which everybody takes them.
    entries.lock(connection, offer.ticket_id)
    routing.hold_stay(connection, routing.stay_of(connection, offer_id))
    if not serving.serves(connection, user_id, offer.queue_id, act.now):
        raise NotFound
    if not turns.end_offer(connection, act, offer, OfferState.ACCEPTED):
        raise Conflict("This offer has ended.")
    return lifecycle.change(connection, act, project_id, offer.ticket_id, TicketPatch(assignee_id=user_id))


def decline(connection: Connection, act: Act, user_id: int, offer_id: int) -> None:
    """The agent does not take it; it goes to the next. Raises NotFound, and Conflict when the offer has ended."""
    if not turns.end_offer(connection, act, _own(connection, user_id, offer_id), OfferState.DECLINED):
        raise Conflict("This offer has ended.")


def expire(connection: Connection, act: Act, offer: Offer) -> None:
    """Nobody answered in time: whoever let it run out is offered nothing until they say that they are back."""
    routing.hold_agent(connection, offer.agent_id)
    if turns.end_offer(connection, act, offer, OfferState.EXPIRED):
        project_id = access.project_of_queue(connection, offer.queue_id)
        states.enter(connection, act, project_id, offer.agent_id, AgentState.RONA, None, StateReason.NO_ANSWER)


def withdraw(connection: Connection, act: Act, offer: Offer) -> None:
    """It would not be made now: it goes to somebody else, and nobody is to blame."""
    turns.end_offer(connection, act, offer, OfferState.WITHDRAWN)


def _own(connection: Connection, user_id: int, offer_id: int) -> Offer:
    offer = routing.find_offer(connection, offer_id)
    if offer is None or offer.agent_id != user_id:
        raise NotFound
    return offer
