"""States of agents: one open stretch at any time, and none lost between two."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contact_center import tasks
from contact_center.errors import Invalid
from contact_center.model.acts import Act
from contact_center.model.words import AgentState, Status
from contact_center.routing.dispatcher import GRACE
from contact_center.store import Store
from contact_center.store.repositories import routing
from contact_center.tickets import lifecycle
from contact_center.tickets.lifecycle import TicketPatch
from tests.routing.conftest import Floor


async def stretches(store: Store, user_id: int) -> list[tuple[str, datetime, datetime | None]]:
    return [(row["state"], row["started_at"], row["ended_at"]) for row in await store.read(routing.stretches, user_id)]


async def test_a_state_asked_for_during_work_begins_when_it_is_done(floor: Floor) -> None:
    """Nothing new is offered meanwhile; with the last piece of work done the break begins by itself."""
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    (offer,) = await floor.round()
    await floor.accept(offer)
    asked = await floor.choose(anna, AgentState.AUX, after_work=True)
    assert (asked.state, asked.next_state) == (AgentState.AVAILABLE, AgentState.AUX)
    await floor.ticket()
    assert await floor.round() == []
    assert await floor.state(anna) is AgentState.AVAILABLE
    await floor.store.write(lifecycle.change, Act(floor.clock(), anna), 1, ticket, TicketPatch(status=Status.RESOLVED))
    await floor.round()
    assert await floor.state(anna) is AgentState.AUX


async def test_a_state_asked_for_without_work_begins_at_once(floor: Floor) -> None:
    """Who has nothing in hand need not wait; and who takes the wish back is offered work again."""
    anna = await floor.hire("anna")
    assert (await floor.choose(anna, AgentState.AUX, after_work=True)).state is AgentState.AUX
    await floor.choose(anna, AgentState.AVAILABLE)
    await floor.ticket()
    await floor.accept((await floor.round())[0])
    await floor.choose(anna, AgentState.OFFLINE, after_work=True)
    await floor.choose(anna, AgentState.AVAILABLE)
    await floor.ticket()
    assert len(await floor.round()) == 1


async def test_leaving_gives_back_what_is_on_offer(floor: Floor) -> None:
    """Whoever goes into a break gives back the offer, which keeps its place: the next free agent gets it."""
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    assert len(await floor.round()) == 1
    await floor.choose(anna, AgentState.AUX)
    assert await floor.offers() == []
    olga = await floor.hire("olga")
    await floor.ticket()
    assert next((made.ticket_id, made.agent_id) for made in await floor.round()) == (ticket, olga)


async def test_a_lost_line_is_forgiven_for_a_while(floor: Floor) -> None:
    """Within the grace nothing new is offered and nothing changes; after it the agent is offline, and keeps their tickets."""
    anna = await floor.hire("anna")
    ticket = await floor.ticket()
    await floor.accept((await floor.round())[0])
    floor.at_console.discard(anna)
    await floor.later(seconds=60)
    await floor.ticket()
    assert await floor.round() == []
    assert await floor.state(anna) is AgentState.AVAILABLE
    floor.at_console.add(anna)
    assert len(await floor.round()) == 1
    floor.at_console.discard(anna)
    await floor.later(seconds=105)
    await floor.round()
    assert await floor.state(anna) in (AgentState.OFFLINE, AgentState.RONA)
    assert (await floor.desk.ticket(ticket)).assignee_id == anna


async def test_who_loads_the_page_anew_stays_in_the_shift(floor: Floor) -> None:
    """However long they have been available: a console that closes is forgiven for the whole grace, and not a second of it less."""
    anna = await floor.hire("anna")
    await floor.later(minutes=30)
    floor.at_console.discard(anna)
    await floor.renew()
    await floor.later(seconds=GRACE.total_seconds() - 1)
    await floor.round()
    assert await floor.state(anna) is AgentState.AVAILABLE
    await floor.ticket()
    assert await floor.round() == []
    await floor.later(seconds=2)
    await floor.round()
    assert await floor.state(anna) is AgentState.OFFLINE


async def test_an_aux_says_why_when_there_are_reasons(floor: Floor) -> None:
    """With codes one must be chosen, and one that is there; nobody chooses to have missed an offer."""
    anna = await floor.hire("anna")
    lunch = await floor.store.write(routing.add_code, 1, "Lunch", False)
    assert (await floor.choose(anna, AgentState.AUX, lunch)).code_id == lunch
    for state, code in ((AgentState.AUX, None), (AgentState.AUX, 99), (AgentState.AVAILABLE, lunch), (AgentState.RONA, None)):
        with pytest.raises(Invalid):
            await floor.choose(anna, state, code)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["available", "aux", "offline", "vanish", "return", "mail", "round"]), st.integers(0, 120))))
async def test_stretches_never_overlap_and_leave_no_gap(floor: Floor, steps: list[tuple[str, int]]) -> None:
    """Whatever an agent chooses, loses and lets run out: each stretch begins where the one before ended, and one is open."""
    anna = await floor.hire(f"anna{floor.clock().timestamp()}")
    for what, seconds in steps:
        await floor.later(seconds=seconds)
        if what == "vanish":
            floor.at_console.discard(anna)
        elif what == "return":
            floor.at_console.add(anna)
        elif what == "mail":
            await floor.ticket()
        elif what == "round":
            await floor.round()
        else:
            await floor.choose(anna, AgentState(what), after_work=seconds % 2 == 0)
    rows = await stretches(floor.store, anna)
    assert all(before[2] == after[1] for before, after in pairwise(rows))
    assert [row for row in rows if row[2] is None] == rows[-1:]
    assert all(end is None or end >= start for _, start, end in rows)
    floor.clock.now += timedelta(seconds=1)


async def test_nobody_is_to_blame_for_a_machine_that_stood_still(floor: Floor) -> None:
    """After a stop, however long, who was available is available, and what was on offer is offered anew; then the grace counts as ever."""
    anna = await floor.hire("anna")
    await floor.ticket()
    assert len(await floor.round()) == 1
    running = asyncio.create_task(floor.dispatcher.run())
    try:
        await asyncio.sleep(0.1)
        floor.clock.move(hours=2)
        floor.dispatcher.wake()
        await eventually(floor, 0)
        assert await floor.state(anna) is AgentState.AVAILABLE
        await floor.renew()
        floor.dispatcher.wake()
        await eventually(floor, 1)
    finally:
        await tasks.stop(running)
    await floor.accept((await floor.offers())[0])
    floor.at_console.discard(anna)
    await floor.later(seconds=200)
    await floor.dispatcher.look_at_the_clock(floor.clock() - timedelta(seconds=89))
    assert await floor.state(anna) is AgentState.AVAILABLE
    await floor.dispatcher.look_at_the_clock(floor.clock() - timedelta(seconds=90))
    assert await floor.state(anna) is AgentState.OFFLINE


async def eventually(floor: Floor, count: int) -> None:
    """Wait until so much is on offer."""
    for _ in range(200):
        if len(await floor.offers()) == count:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError
