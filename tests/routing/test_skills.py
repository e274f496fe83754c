"""Skills and channels: what a queue asks for, what agents have and take, and what the clock relaxes."""

from datetime import datetime
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.model.shift import SkillLevel, SkillNeed
from contact_center.model.words import OfferState
from contact_center.routing.dispatcher import REST
from contact_center.store import Connection
from contact_center.store.repositories import access, routing, skills
from contact_center.store.repositories.presence import FADES
from tests.routing.conftest import Floor


async def skill(floor: Floor, name: str) -> int:
    made = await floor.store.write(skills.add_skill, 1, name)
    assert made is not None
    return made


async def test_work_goes_to_whoever_has_the_skill(floor: Floor) -> None:
    """Who lacks a level is passed over though they have been idle longer; a skill that is retired is asked for no more."""
    french = await skill(floor, "French")
    await floor.store.write(skills.set_of_queue, 1, [SkillNeed(french, 5)])
    anna, olga = await floor.hire("anna"), await floor.hire("olga")
    await floor.store.write(skills.set_of_agent, anna, [SkillLevel(french, 4)])
    await floor.store.write(skills.set_of_agent, olga, [SkillLevel(french, 5)])
    await floor.ticket()
    (offer,) = await floor.round()
    assert offer.agent_id == olga
    await floor.ticket()
    assert await floor.round() == [offer]
    await floor.store.write(skills.change_skill, french, retired_at=floor.clock())
    assert {each.agent_id for each in await floor.round()} == {anna, olga}


async def test_the_clock_relaxes_what_is_asked_for(floor: Floor) -> None:
    """After each stretch of waiting one level less will do, and nobody need do anything for it."""
    french = await skill(floor, "French")
    await floor.store.write(skills.set_of_queue, 1, [SkillNeed(french, 3, 60)])
    anna = await floor.hire("anna")
    await floor.store.write(skills.set_of_agent, anna, [SkillLevel(french, 1)])
    await floor.ticket()
    await floor.later(seconds=119)
    assert await floor.round() == []
    await floor.later(seconds=1)
    assert [each.agent_id for each in await floor.round()] == [anna]


async def test_channels_are_left_to_others(floor: Floor) -> None:
    """Nothing of a channel that an agent leaves is offered, not even what another process has just decided."""
    anna = await floor.hire("anna")
    await floor.store.write(skills.set_channels_off, anna, ["email"])
    await floor.ticket()
    assert await floor.round() == []
    assert (await floor.store.read(routing.state_of, anna)).channels_off == ("email",)  # type: ignore[union-attr]
    await floor.store.write(skills.set_channels_off, anna, [])
    assert [each.agent_id for each in await floor.round()] == [anna]


_numbers = count(1)
LEVELS = st.lists(st.integers(0, 3), min_size=2, max_size=2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(LEVELS, min_size=2, max_size=2),
    relax=st.sampled_from([0, 60]),
    people=st.lists(st.tuples(LEVELS, st.sets(st.sampled_from([1, 2]), min_size=1), st.booleans()), min_size=1, max_size=4),
    work=st.lists(st.sampled_from([1, 2]), max_size=6),
    waits=st.lists(st.integers(0, 200), max_size=3),
)
async def test_no_qualified_agent_is_idle_while_work_waits(
    floor: Floor, asked: list[list[int]], relax: int, people: list[Any], work: list[int], waits: list[int]
) -> None:
    """After a round nothing waits that a free agent could take: queue, channel, room and every skill as relaxed by then; and what
    is offered went to somebody who could."""
    floor.at_console.clear()
    await floor.store.write(_clear)
    await floor.store.write(access.change_queue, 2, offers=True)
    known = [await skill(floor, f"{name}{next(_numbers)}") for name in ("a", "b")]
    for queue_id, levels in zip((1, 2), asked, strict=True):
        needs = [SkillNeed(each, level, relax) for each, level in zip(known, levels, strict=True) if level]
        await floor.store.write(skills.set_of_queue, queue_id, needs)
    staff = {}
    for levels, queues, off in people:
        user_id = await floor.hire(f"p{next(_numbers)}", *queues)
        have = [SkillLevel(each, level) for each, level in zip(known, levels, strict=True) if level]
        await floor.store.write(skills.set_of_agent, user_id, have)
        await floor.store.write(skills.set_channels_off, user_id, ["email"] if off else [])
        staff[user_id] = (levels, queues, off)
    for queue_id in work:
        await floor.desk.change(await floor.ticket(), queue_id=queue_id)
    for seconds in [0, *waits]:
        await floor.later(seconds=seconds)
        on_offer = await floor.round()
        now = floor.clock()

        def fits(user_id: int, queue_id: int, since: datetime, now: datetime = now) -> bool:
            levels, queues, off = staff[user_id]
            less = int((now - since).total_seconds() // relax) if relax else 0
            return queue_id in queues and not off and all(h >= a - less for h, a in zip(levels, asked[queue_id - 1], strict=True))

        rows = await floor.store.read(routing.unanswered, frozenset({1, 2}), 100)
        free = [each.user_id for each in await floor.store.read(routing.free_agents, now, now - FADES) if each.user_id in staff]
        refused = await floor.store.read(routing.refusals, now - REST)
        assert [
            (agent, row.segment_id)
            for agent in free
            for row in rows
            if agent not in refused.get(row.segment_id, ()) and fits(agent, row.queue_id, row.waiting_since)
        ] == []
        for offer in on_offer:
            assert offer.state is OfferState.OPEN
            since = (await floor.desk.ticket(offer.ticket_id)).waiting_since
            assert fits(offer.agent_id, offer.queue_id, since)
            await floor.decline(offer)
    floor.at_console.clear()


def _clear(connection: Connection) -> None:
    connection.execute(text("UPDATE segment SET ended_at = entered_at, state = 'done' WHERE ended_at IS NULL"))
    connection.execute(text("DELETE FROM queue_skill"))
