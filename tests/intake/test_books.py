"""The books: received = stored + duplicate + ignored + quarantined + in flight, at every moment."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contact_center.model.acts import Act
from contact_center.model.words import PointKind, Role, Status
from contact_center.store import Store
from contact_center.store.repositories import access, raw_items, tickets, work
from contact_center.tickets import replies
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS, DirectParsers, World, item, make_world

_runs = itertools.count(1)


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store, batch=3)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(0, 8), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("settle")),
        st.tuples(st.just("mend")),
        st.tuples(st.just("release")),
    ),
    max_size=14,
)


async def _step(world: World, run: int, step: Any) -> int:
    match step:
        case ("accept", key, content, odd):
            return await world.accept(item(f"r{run}k{key}", subject=f"r{run}c{content}{'odd' if odd else ''}"))
        case ("settle",):
            await world.pipeline.settle_all()
        case ("mend",):
            assert isinstance(world.parsers, DirectParsers)
            world.parsers.broken ^= {"odd"}
        case _:
            for row in await world.store.read(raw_items.quarantined, 1, None, 0, 50):
                await world.store.write(raw_items.release, row.id)
    return 0


@settings(
    max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
async def test_the_books_balance_at_every_moment(world: World, steps: list[Any]) -> None:
    """Whatever is taken in, quarantined, released and settled, every item has one fate and every stored one one entry."""
    run, received = next(_runs), sum((await world.books()).values())
    for step in steps:
        received += await _step(world, run, step)
        books = await world.books()
        assert sum(books.values()) == received
        entries = await world.store.read(lambda c: c.execute(text("SELECT count(*) FROM interaction WHERE direction = 'in'")).scalar())
        assert entries == books.get("stored", 0)
    await world.pipeline.settle_all()
    assert "received" not in await world.books()


async def test_a_reply_and_a_message_at_the_same_moment(world: World) -> None:
    """However the two fall, a ticket says that somebody waits if and only if a turn is open."""
    agent = await world.store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock())
    await world.take_in(*(item(f"q{n}", sender=f"c{n}@x", message_key=f"q{n}@x") for n in range(12)))
    await world.accept(*(item(f"a{n}", sender=f"c{n}@x", message_key=f"a{n}@x", thread_hints=[f"q{n}@x"]) for n in range(12)))
    sending = Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL})
    answers = [
        world.store.write(replies.reply, Act(world.clock(), agent), sending, 1, number, Draft("Here.", status=Status.WAITING))
        for number in range(1, 13)
    ]
    await asyncio.gather(world.pipeline.settle_all(), *answers)
    for number in range(1, 13):
        ticket = await world.store.read(tickets.find, number)
        turn = await world.store.read(work.open_item, number)
        assert ticket is not None
        assert (ticket.waiting_since is None) == (turn is None)
        assert (ticket.status is Status.WAITING) == (turn is None)
