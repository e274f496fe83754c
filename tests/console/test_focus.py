"""How long a ticket was before an agent: one at a time, cut where stays begin and end, and never longer than it was seen."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contact_center.console import focus as room
from contact_center.console.focus import SHORTEST, Focus
from contact_center.model.handling import StayTime, pieces
from contact_center.model.words import Role
from contact_center.routing.dispatcher import Dispatcher
from contact_center.routing.offers import Weights
from contact_center.store import Store
from contact_center.store.repositories import access, handling, work
from contact_center.testing import RunningApp
from tests.api.world import make_world as make_centre
from tests.console.helpers import console
from tests.intake.world import make_world
from tests.tickets.test_threading import Desk

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    return Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock()))


async def rows(desk: Desk) -> list[Any]:
    return list(await desk.store.read(handling.of_agent, desk.agent))


def seconds(row: Any) -> float:
    return float(((row["ended_at"] or row["seen_at"]) - row["started_at"]).total_seconds())


@given(st.integers(0, 100), st.integers(0, 100), st.lists(st.integers(1, 20), max_size=8), st.booleans())
def test_the_pieces_are_the_stretch(begin: int, length: int, bounds: list[int], lasts: bool) -> None:
    """Together they are the stretch without a gap, and each lies within its stay or outside of all."""
    stays, at = [], 0
    for number, step in enumerate(bounds):
        if number % 2:
            stays.append(StayTime(number, 1, NOON + timedelta(seconds=at), NOON + timedelta(seconds=at + step)))
        at += step
    if stays and lasts:
        stays[-1] = StayTime(stays[-1].segment_id, 1, stays[-1].entered_at, None)
    start, end = NOON + timedelta(seconds=begin), NOON + timedelta(seconds=begin + length)
    found = pieces(start, end, stays)
    assert (found[0].started_at, found[-1].ended_at) == (start, end)
    assert all(one.ended_at == other.started_at for one, other in pairwise(found))
    for piece in found:
        for stay in stays:
            shared = min(piece.ended_at, stay.ended_at or end) - max(piece.started_at, stay.entered_at)
            assert shared <= timedelta(0) or piece.stay == stay
        if piece.stay is not None and length:
            assert piece.stay.entered_at <= piece.started_at
            assert piece.ended_at <= (piece.stay.ended_at or end)


async def test_looking_is_cut_where_the_customer_was_answered(desk: Desk) -> None:
    """What is seen before the answer belongs to the stay, what is seen after it to none; a glance is nothing."""
    root, ticket = await desk.mail("ivan@x")
    _, other = await desk.mail("olga@x")
    focus = Focus(desk.store, desk.clock)
    focus.at("w", desk.agent, other)
    desk.clock.move(seconds=0.5)
    focus.at("w", desk.agent, ticket)
    desk.clock.move(seconds=30)
    await focus.write()
    await desk.reply(ticket)
    desk.clock.move(seconds=12)
    await focus.write()
    focus.at("w", desk.agent, None)
    await focus.write()
    (stay,) = await desk.store.read(work.segments, ticket)
    looked = [(row["ticket_id"], row["segment_id"], seconds(row), row["ended_at"] is None) for row in await rows(desk)]
    assert looked == [(ticket, stay["id"], 30.0, False), (ticket, None, 12.0, False)]
    desk.clock.move(minutes=1)
    focus.at("w", desk.agent, ticket)
    desk.clock.move(seconds=10)
    await focus.write()
    await desk.mail("ivan@x", root)
    desk.clock.move(seconds=20)
    await focus.write()
    last = (await rows(desk))[-2:]
    assert [(seconds(row), row["segment_id"] is None) for row in last] == [(10.0, True), (20.0, False)]


async def test_what_nobody_renews_ends_when_it_was_seen_last(desk: Desk) -> None:
    """After kill -9 the clock of another process ends it; a console that says nothing more is in use no more."""
    _, ticket = await desk.mail("ivan@x")
    focus, dispatcher = Focus(desk.store, desk.clock), Dispatcher(desk.store, Weights({}, 25), desk.clock)
    focus.at("w", desk.agent, ticket)
    desk.clock.move(seconds=10)
    await focus.write()
    desk.clock.move(seconds=40)
    await dispatcher.look_at_the_clock()
    assert (await rows(desk))[0]["ended_at"] is None
    desk.clock.move(seconds=10)
    await dispatcher.look_at_the_clock()
    assert [seconds(row) for row in await rows(desk) if row["ended_at"]] == [10.0]
    await focus.write()  # it had said it a minute ago
    assert [seconds(row) for row in await rows(desk)] == [10.0]
    focus.at("w", desk.agent, ticket)
    desk.clock.move(seconds=5)
    await focus.write()
    desk.clock.move(minutes=3)
    await focus.write()
    assert [seconds(row) for row in await rows(desk)] == [10.0, 5.0] or [seconds(row) for row in await rows(desk)] == [10.0, 0.0]


async def test_whoever_looks_elsewhere_last_looks_there(desk: Desk) -> None:
    """Two windows, and consoles of two processes, are one agent, who looks at what they turned to last."""
    _, one = await desk.mail("ivan@x")
    _, two = await desk.mail("olga@x")
    here, there = Focus(desk.store, desk.clock), Focus(desk.store, desk.clock)
    here.at("a", desk.agent, one)
    desk.clock.move(seconds=10)
    here.at("b", desk.agent, two)
    desk.clock.move(seconds=10)
    here.at("a", desk.agent, one)  # renewed, though nobody turned to it
    desk.clock.move(seconds=10)
    here.at("b", desk.agent, None)
    desk.clock.move(seconds=10)
    await here.write()
    there.at("c", desk.agent, two)
    desk.clock.move(seconds=10)
    await there.write()
    await here.write()
    desk.clock.move(seconds=10)
    await there.write()
    await here.write()
    found = await rows(desk)
    assert [(row["ticket_id"], seconds(row)) for row in found] == [(one, 10.0), (two, 20.0), (one, 10.0), (two, 20.0)]
    assert [row["ended_at"] is None for row in found] == [False, False, False, True]


STEPS = st.tuples(
    st.sampled_from(["look", "look", "leave", "write", "answer", "mail"]), st.integers(0, 1), st.integers(0, 2), st.integers(1, 30)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=25))
async def test_every_second_is_counted_once(desk: Desk, steps: list[tuple[str, int, int, int]]) -> None:
    """Whatever windows do, and whenever it is written: the seconds of each ticket are those a recount by hand gives, no two
    stretches overlap, and each lies within its stay."""
    # Somebody of whom nothing is known yet: what an example before left open is theirs alone.
    desk.agent = await desk.store.write(access.add_user, 1, f"agent{next(_numbers)}@x", "A", Role.AGENT, None, desk.clock())
    tickets = [(await desk.mail(f"c{number}@x"))[1] for number in range(3)]
    focus, said, turned, looked = Focus(desk.store, desk.clock), {}, [], defaultdict(float)
    for what, window, which, later in steps:
        if what == "look":
            if said.get(window) != tickets[which]:
                turned = [each for each in turned if each != window] + [window]
            said[window] = tickets[which]
            focus.at(str(window), desk.agent, tickets[which])
        elif what == "leave":
            said.pop(window, None)
            turned = [each for each in turned if each != window]
            focus.at(str(window), desk.agent, None)
        elif what == "write":
            await focus.write()
        elif what == "answer":
            await desk.reply(tickets[which])
        else:
            await desk.mail(f"c{which}@x", "")
        for window_open, shown in said.items():  # consoles in use say so
            focus.at(str(window_open), desk.agent, shown)
        if turned:
            looked[said[turned[-1]]] += later
        desk.clock.move(seconds=later)
    await focus.write()
    found = [row for row in await rows(desk) if row["ticket_id"] in tickets]
    counted: dict[int, float] = defaultdict(float)
    for row in found:
        counted[row["ticket_id"]] += seconds(row)
        if row["segment_id"] is not None:
            stays = await desk.store.read(work.segments, row["ticket_id"])
            (stay,) = [each for each in stays if each["id"] == row["segment_id"]]
            assert stay["entered_at"] <= row["started_at"]
            assert stay["ended_at"] is None or (row["ended_at"] or row["seen_at"]) <= stay["ended_at"]
    assert dict(counted) == {ticket: time for ticket, time in looked.items() if time}
    assert all((one["ended_at"] or one["seen_at"]) <= other["started_at"] for one, other in pairwise(found))
    for window in (0, 1):
        focus.at(str(window), desk.agent, None)
    await focus.write()
    desk.clock.move(seconds=1)


async def test_only_what_one_may_see_counts(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A console in use at a ticket of its viewer is noted; at a foreign one, hidden or idle it is not, and closing it ends it."""
    monkeypatch.setattr(room, "WRITE_SECONDS", 0.2)
    world = await make_centre(server)
    own, foreign, agent = world.own.ids["ticket_id"], world.foreign.ids["ticket_id"], world.people["agent"]

    async def until(wanted: Any) -> list[Any]:
        async with asyncio.timeout(15):
            while True:
                found = await server.store.read(handling.of_agent, agent)
                if wanted(found):
                    return list(found)
                await asyncio.sleep(0.05)

    async with console(server, agent) as mine:
        for place in ({"ticket_id": foreign, "active": True}, {"ticket_id": own, "active": False}, {"ticket_id": own, "active": "yes"}):
            await mine.client.emit("at", place)
            await asyncio.sleep(1.5)
        assert await server.store.read(handling.of_agent, agent) == []
        await mine.client.emit("at", {"ticket_id": own, "active": True})
        await until(lambda found: found and found[-1]["ended_at"] is None)
        await asyncio.sleep(1.2)
    found = await until(lambda found: found and found[-1]["ended_at"] is not None)
    assert [row["ticket_id"] for row in found] == [own]
    assert found[0]["ended_at"] - found[0]["started_at"] >= SHORTEST
