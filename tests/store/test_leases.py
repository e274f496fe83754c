"""Leases: one holder at a time, a number that grows, and a stale holder that is refused."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from contact_center.errors import FenceLost
from contact_center.store import Store
from contact_center.store.leases import Undertaker
from contact_center.store.repositories import channels
from contact_center.testing import FrozenClock

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TTL = timedelta(seconds=10)


async def take(store: Store, holder: str, seconds: float = 0) -> int | None:
    return await store.write(channels.take_lease, "mailbox", holder, NOW + timedelta(seconds=seconds), TTL)


async def test_a_living_lease_is_not_given_away(store: Store) -> None:
    """Until it ran out only its holder gets it, under the same number."""
    assert await take(store, "a") == 1
    assert await take(store, "b", 9) is None
    assert await take(store, "a", 9) == 1
    assert await take(store, "b", 18) is None


async def test_the_number_grows_with_every_change_of_holder(store: Store) -> None:
    """A lease that ran out or was given back goes on under a new number."""
    assert await take(store, "a") == 1
    assert await take(store, "b", 10) == 2
    await store.write(channels.release_lease, "mailbox", "a", NOW)
    assert await take(store, "a", 11) is None
    await store.write(channels.release_lease, "mailbox", "b", NOW + timedelta(seconds=12))
    assert await take(store, "a", 12) == 3


async def test_a_stale_holder_is_refused(store: Store) -> None:
    """The unit of a holder that was replaced writes nothing."""
    assert await take(store, "a") == 1
    await store.write(channels.check_fence, "mailbox", 1)
    assert await take(store, "b", 11) == 2
    with pytest.raises(FenceLost):
        await store.write(channels.check_fence, "mailbox", 1)
    await store.write(channels.check_fence, "mailbox", 2)
    with pytest.raises(FenceLost):
        await store.write(channels.check_fence, "never taken", 1)


async def test_of_many_takers_one_wins(store: Store) -> None:
    """A race for a new lease, and for one that ran out, has one winner."""
    for seconds, fence in ((0, 1), (20, 2)):
        taken = await asyncio.gather(*(take(store, f"{seconds} {n}", seconds) for n in range(10)))
        assert [t for t in taken if t is not None] == [fence]


async def test_a_lease_that_nobody_renews_ends_whatever_the_clocks_say(store: Store, clock: FrozenClock) -> None:
    """A dead holder whose clock ran a day ahead is replaced after twice the length of a lease; a living one is not."""
    ttl, steady = timedelta(seconds=12), [0.0]
    ahead = clock.now + timedelta(days=1)
    await store.write(channels.take_lease, "dead", "a", ahead, ttl)
    await store.write(channels.take_lease, "alive", "b", ahead, ttl)
    undertaker = Undertaker(store, ttl, clock, lambda: steady[0])
    for second in range(0, 24, 3):
        steady[0] = float(second)
        await store.write(channels.take_lease, "alive", "b", ahead + timedelta(seconds=second), ttl)
        assert await undertaker.look() == 0
    steady[0] = 25.0
    await store.write(channels.take_lease, "alive", "b", ahead + timedelta(seconds=25), ttl)
    assert await undertaker.look() == 1
    assert await store.write(channels.take_lease, "dead", "c", clock.now, ttl) == 2
    assert await store.write(channels.take_lease, "alive", "c", clock.now, ttl) is None
