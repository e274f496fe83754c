"""What happens at the same moment: processes that decide, people who take, rights that go."""

import asyncio

import pytest
from sqlalchemy import text

from contact_center.errors import NotFound
from contact_center.model.acts import Act
from contact_center.model.words import AgentState, OfferState
from contact_center.routing import offers, queues, states
from contact_center.routing.dispatcher import GRACE, Dispatcher
from contact_center.store import Connection
from contact_center.store.repositories import access, routing, work
from contact_center.store.repositories.presence import FADES
from contact_center.tasks import spawn, stop
from contact_center.tickets import lifecycle
from contact_center.tickets.lifecycle import TicketPatch
from tests.routing.conftest import WEIGHTS, Floor


def _offer_slowly(connection: Connection, act: Act, segment_id: int, agent_id: int) -> bool:
    """An offer whose process takes its time before it commits."""
    made = offers.make(connection, act, WEIGHTS, FADES, segment_id, agent_id, "email")
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_sleep(0.4)"))
    return made


async def test_what_is_taken_while_it_is_being_offered_is_not_on_offer(floor: Floor) -> None:
    """Somebody takes a ticket in the very moment in which another process offers it: no offer is left open on it."""
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    (stay,) = await floor.store.read(work.segments, ticket)
    offering = asyncio.ensure_future(floor.store.write(_offer_slowly, floor.act, stay["id"], anna))
    await asyncio.sleep(0.1)
    await floor.store.write(lifecycle.change, floor.act, 1, ticket, TicketPatch(assignee_id=1))
    assert await offering
    assert await floor.offers() == []


def _switch_off(connection: Connection, user_id: int) -> None:
    connection.execute(text("UPDATE employee SET disabled_at = created_at WHERE id = :id"), {"id": user_id})


async def _takes_away(floor: Floor, what: str, user_id: int) -> None:
    if what == "disabled":
        await floor.store.write(_switch_off, user_id)
    elif what == "no grant":
        await floor.store.write(access.set_grants, user_id, [2])
    else:
        await floor.store.write(access.change_queue, 1, offers=False)


@pytest.mark.parametrize("what", ["disabled", "no grant"])
async def test_what_one_may_not_see_any_more_cannot_be_accepted(floor: Floor, what: str) -> None:
    """An offer opens no way to a ticket of a queue that was taken away from the agent while they looked at it."""
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    (offer,) = await floor.round()
    await _takes_away(floor, what, anna)
    with pytest.raises(NotFound):
        await floor.accept(offer)
    assert (await floor.desk.ticket(ticket)).assignee_id is None


@pytest.mark.parametrize("what", ["disabled", "no grant", "queue picks"])
async def test_an_offer_that_would_not_be_made_now_is_withdrawn(floor: Floor, what: str) -> None:
    """The customer does not wait for somebody who cannot come, and who was offered it is not to blame."""
    anna = await floor.hire("anna")
    await floor.later(minutes=5)
    olga = await floor.hire("olga")
    await floor.ticket()
    (offer,) = await floor.round()
    assert offer.agent_id == anna
    await _takes_away(floor, what, anna)
    assert [other.agent_id for other in await floor.round()] == ([] if what == "queue picks" else [olga])
    after = await floor.store.read(routing.find_offer, offer.id)
    assert after is not None
    assert after.state is OfferState.WITHDRAWN
    assert await floor.state(anna) is AgentState.AVAILABLE


@pytest.mark.parametrize("what", ["no grant", "queue picks"])
async def test_a_late_offer_asks_again_whose_queue_it_is(floor: Floor, what: str) -> None:
    """The dispatcher decided before the queue was taken away, or stopped offering: nothing is offered."""
    anna = await floor.hire("anna")
    (stay,) = await floor.store.read(work.segments, await floor.ticket())
    await _takes_away(floor, what, anna)
    assert not await floor.store.write(offers.make, floor.act, WEIGHTS, FADES, stay["id"], anna, "email")


async def test_whoever_came_back_meanwhile_is_not_signed_out(floor: Floor) -> None:
    """Another process found an agent lost; before it could sign them out, their console was there again."""
    anna = await floor.hire("anna")
    floor.at_console.clear()
    await floor.later(seconds=120)
    assert await floor.store.read(routing.lost, floor.clock(), floor.clock() - GRACE) == [(1, anna)]
    floor.at_console.add(anna)
    await floor.renew()
    await floor.store.write(states.sign_out_lost, floor.act, 1, anna, floor.clock() - GRACE)
    assert await floor.state(anna) is AgentState.AVAILABLE


async def test_a_turn_that_was_taken_meanwhile_does_not_overflow(floor: Floor) -> None:
    """Between the look at the clock and the move somebody took it: it stays with them."""
    await floor.store.write(queues.open_overflow, floor.act, 1, 1, 2, 600, None)
    ticket = await floor.ticket()
    await floor.later(minutes=11)
    await floor.store.write(lifecycle.change, floor.act, 1, ticket, TicketPatch(assignee_id=1))
    await floor.store.write(queues.overflow, floor.act, ticket)
    assert (await floor.desk.ticket(ticket)).queue_id == 1


async def test_the_dispatcher_outlives_whatever_happens_to_it(floor: Floor) -> None:
    """An error that nobody thought of is told in the log; when it is over, offers are made again without a restart."""
    anna = await floor.hire("anna")
    await floor.ticket()
    await floor.store.write(_rename, "offer", "mislaid")
    dispatcher = Dispatcher(floor.store, WEIGHTS, floor.clock)
    task = spawn(dispatcher.run(), name="dispatcher")
    try:
        await asyncio.sleep(0.3)
        await floor.store.write(_rename, "mislaid", "offer")
        async with asyncio.timeout(10):
            while not (made := await floor.offers()):
                dispatcher.wake()
                await asyncio.sleep(0.05)
    finally:
        await stop(task)
    assert [offer.agent_id for offer in made] == [anna]


def _rename(connection: Connection, name: str, to: str) -> None:
    connection.execute(text(f"ALTER TABLE {name} RENAME TO {to}"))


async def test_a_flood_of_commits_leaves_time_for_other_things(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a round takes long, because much waits and nobody can take it, the next comes later, whatever is committed."""
    rounds = 0

    async def long_round(_: Dispatcher) -> int:
        nonlocal rounds
        rounds += 1
        await asyncio.sleep(0.1)
        return 0

    monkeypatch.setattr(Dispatcher, "offer", long_round)
    dispatcher = Dispatcher(floor.store, WEIGHTS, floor.clock)
    task = spawn(dispatcher.run(), name="dispatcher")
    for _ in range(100):
        dispatcher.wake()
        await asyncio.sleep(0.012)
    await stop(task)
    assert 1 <= rounds <= 4
