"""Offers: to one at a time, for so long, and what became of each is known."""

import asyncio

import pytest
from sqlalchemy import text

from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.words import AgentState, EndReason, OfferState, Status
from contact_center.routing import offers, queues
from contact_center.routing.dispatcher import Dispatcher
from contact_center.store import Connection
from contact_center.store.repositories import routing, work
from contact_center.store.repositories.presence import FADES
from contact_center.tickets import lifecycle
from contact_center.tickets.lifecycle import TicketPatch
from tests.routing.conftest import WEIGHTS, Floor


async def test_whoever_accepts_gets_the_ticket(floor: Floor) -> None:
    """An offer that is accepted assigns the ticket and begins the work; nobody else can accept it."""
    anna, olga = await floor.hire("anna"), await floor.hire("olga", state=AgentState.OFFLINE)
    ticket = await floor.ticket()
    (offer,) = await floor.round()
    assert (offer.ticket_id, offer.agent_id, offer.state) == (ticket, anna, OfferState.OPEN)
    with pytest.raises(NotFound):
        await floor.store.write(offers.accept, floor.act, 1, olga, offer.id)
    await floor.accept(offer)
    assert (await floor.desk.ticket(ticket)).assignee_id == anna
    (stay,) = await floor.store.read(work.segments, ticket)
    assert (stay["agent_id"], stay["accepted_at"]) == (anna, floor.clock())
    assert await floor.round() == []
    with pytest.raises(Conflict):
        await floor.accept(offer)


async def test_nobody_who_is_not_here_is_offered_anything(floor: Floor) -> None:
    """Offline, in aux, without a console, in another queue or switched off: the work waits."""
    await floor.hire("offline", state=AgentState.OFFLINE)
    await floor.hire("aux", state=AgentState.AUX)
    await floor.hire("elsewhere", 2)
    gone = await floor.hire("gone")
    floor.at_console.discard(gone)
    off = await floor.hire("off")
    await floor.store.write(_switch_off, off)
    await floor.ticket()
    assert await floor.round() == []


def _switch_off(connection: Connection, user_id: int) -> None:
    connection.execute(text("UPDATE employee SET disabled_at = created_at WHERE id = :id"), {"id": user_id})


async def test_a_queue_where_people_pick_offers_nothing(floor: Floor) -> None:
    """Only queues that are set to offer their work do."""
    await floor.hire("anna", 1, 2)
    ticket = await floor.ticket()
    await floor.store.write(lifecycle.change, floor.act, 1, ticket, TicketPatch(queue_id=2))
    assert await floor.round() == []


async def test_an_offer_that_is_declined_goes_to_the_next(floor: Floor) -> None:
    """Whoever declines is asked again only after a rest; meanwhile it is another's, or waits."""
    anna = await floor.hire("anna")
    await floor.later(minutes=5)
    olga = await floor.hire("olga")
    await floor.ticket()
    (offer,) = await floor.round()
    assert offer.agent_id == anna
    await floor.decline(offer)
    (second,) = await floor.round()
    assert second.agent_id == olga
    await floor.decline(second)
    assert await floor.round() == []
    await floor.later(minutes=3)
    assert [again.agent_id for again in await floor.round()] == [anna]


async def test_an_offer_that_runs_out_takes_the_agent_out(floor: Floor) -> None:
    """After its time it goes to somebody else, and whoever did not answer is offered nothing until they say they are back."""
    anna, olga = await floor.hire("anna"), await floor.hire("olga")
    ticket = await floor.ticket()
    (offer,) = await floor.round()
    await floor.later(seconds=29)
    assert [still.id for still in await floor.round()] == [offer.id]
    await floor.later(seconds=1)
    (second,) = await floor.round()
    assert {offer.agent_id, second.agent_id} == {anna, olga}
    assert second.ticket_id == ticket
    assert await floor.state(offer.agent_id) is AgentState.RONA
    await floor.choose(offer.agent_id, AgentState.AVAILABLE)
    await floor.ticket()
    assert [made.agent_id for made in await floor.round() if made.id != second.id] == [offer.agent_id]


async def test_nobody_is_offered_more_than_they_have_room_for(floor: Floor) -> None:
    """One thing at a time, and two mails fill an agent; the third waits until one is done, and then comes at once."""
    anna = await floor.hire("anna")
    tickets = [await floor.ticket() for _ in range(4)]
    for wanted in tickets[:2]:
        (offer,) = await floor.round()
        assert offer.ticket_id == wanted
        await floor.accept(offer)
    assert await floor.round() == []
    await floor.store.write(lifecycle.change, Act(floor.clock(), anna), 1, tickets[0], TicketPatch(status=Status.RESOLVED))
    assert [offer.ticket_id for offer in await floor.round()] == [tickets[2]]


@pytest.mark.parametrize("patch", [{"assignee_id": 1}, {"status": Status.RESOLVED}, {"queue_id": 2}], ids=lambda patch: next(iter(patch)))
async def test_what_is_taken_settled_or_moved_is_offered_no_more(floor: Floor, patch: dict[str, object]) -> None:
    """The offer is withdrawn, which is nobody's fault: the agent stays available."""
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    (offer,) = await floor.round()
    await floor.store.write(lifecycle.change, floor.act, 1, ticket, TicketPatch(**patch))  # type: ignore[arg-type]
    after = await floor.store.read(routing.find_offer, offer.id)
    assert after is not None
    assert after.state is OfferState.WITHDRAWN
    assert await floor.state(anna) is AgentState.AVAILABLE
    with pytest.raises(Conflict):
        await floor.accept(offer)


async def test_dispatchers_of_many_processes_offer_nothing_twice(floor: Floor) -> None:
    """Five dispatchers at once over twenty tickets and three agents: each of the oldest three once, each agent one."""
    agents = [await floor.hire(name) for name in ("anna", "olga", "ivan")]
    tickets = [await floor.ticket() for _ in range(20)]
    await asyncio.gather(*(Dispatcher(floor.store, WEIGHTS, floor.clock).offer() for _ in range(5)))
    made = await floor.round()
    assert sorted(offer.ticket_id for offer in made) == tickets[:3]
    assert sorted(offer.agent_id for offer in made) == agents


async def test_a_late_offer_finds_that_the_work_is_gone(floor: Floor) -> None:
    """What the dispatcher believed a moment ago is asked again in the unit that offers."""
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    (stay,) = await floor.store.read(work.segments, ticket)
    await floor.store.write(lifecycle.change, floor.act, 1, ticket, TicketPatch(assignee_id=1))
    assert not await floor.store.write(offers.make, floor.act, WEIGHTS, FADES, stay["id"], anna, "email")
    other = await floor.ticket()
    (stay,) = await floor.store.read(work.segments, other)
    await floor.choose(anna, AgentState.OFFLINE)
    assert not await floor.store.write(offers.make, floor.act, WEIGHTS, FADES, stay["id"], anna, "email")
    assert await floor.offers() == []


async def test_work_that_waits_too_long_overflows_once(floor: Floor) -> None:
    """After its time a turn goes to the other queue, and comes back from there by nobody's doing but a person's."""
    ticket = await floor.ticket()
    await floor.store.write(queues.open_overflow, floor.act, 1, 1, 2, 600, None)
    await floor.store.write(queues.open_overflow, floor.act, 1, 2, 1, 600, None)
    await floor.later(minutes=9)
    await floor.round()
    assert (await floor.desk.ticket(ticket)).queue_id == 1
    await floor.later(minutes=1)
    await floor.round()
    assert (await floor.desk.ticket(ticket)).queue_id == 2
    await floor.later(minutes=30)
    await floor.round()
    assert [(stay["queue_id"], stay["end_reason"]) for stay in await floor.store.read(work.segments, ticket)] == [
        (1, EndReason.OVERFLOWED),
        (2, None),
    ]


async def test_an_overflow_closes_when_it_was_said(floor: Floor) -> None:
    """Opened until the end of the shift, it moves nothing after that."""
    await floor.store.write(queues.open_overflow, floor.act, 1, 1, 2, 600, floor.clock.now.replace(hour=9, minute=5))
    ticket = await floor.ticket()
    await floor.later(minutes=15)
    await floor.round()
    assert (await floor.desk.ticket(ticket)).queue_id == 1
