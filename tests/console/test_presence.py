"""Presence: who is at a console, as other processes and the board see it."""

import asyncio
from datetime import timedelta

from contact_center.console import presence as room
from contact_center.console.presence import Presence
from contact_center.model.words import Role
from contact_center.store import Store
from contact_center.store.repositories import access, presence
from contact_center.tasks import spawn, stop
from contact_center.testing import FrozenClock


async def employees(store: Store, clock: FrozenClock) -> list[int]:
    def make(connection: object) -> list[int]:
        project = access.add_project(connection, "default", "Default")  # type: ignore[arg-type]
        return [access.add_user(connection, project, f"{n}@x", n, Role.AGENT, None, clock()) for n in "ab"]  # type: ignore[arg-type]

    return await store.write(make)


async def test_who_comes_and_goes_is_known_at_once(store: Store) -> None:
    """A console that opens is noted without waiting for the next renewal, and one that closes is forgotten."""
    clock = FrozenClock()
    first, second = await employees(store, clock)
    here = {first}
    noted = Presence(store, "one", lambda: set(here), clock)
    task = spawn(noted.run(), name="presence")
    try:
        noted.changed()
        await until(store, clock, {first})
        here.add(second)
        noted.changed()
        await until(store, clock, {first, second})
        here.clear()
        noted.changed()
        await until(store, clock, set())
    finally:
        await stop(task)


async def test_what_a_dead_process_left_fades(store: Store) -> None:
    """Nobody renews it, so after a while nobody is here; and the row itself goes."""
    clock = FrozenClock()
    first, second = await employees(store, clock)
    await store.write(room._note, "dead", [first], clock())
    await store.write(room._note, "alive", [second], clock())
    clock.move(minutes=1)
    await store.write(room._note, "alive", [second], clock())
    assert set(await store.read(presence.present, clock() - timedelta(seconds=45))) == {second}
    clock.move(minutes=15)
    await store.write(room._note, "alive", [second], clock())
    assert set(await store.read(presence.present, clock() - timedelta(days=1))) == {second}


async def test_two_processes_hold_one_person(store: Store) -> None:
    """Somebody with consoles at two processes is here since the first of them."""
    clock = FrozenClock()
    first, _ = await employees(store, clock)
    began = clock()
    await store.write(room._note, "one", [first], clock())
    clock.move(seconds=20)
    await store.write(room._note, "two", [first], clock())
    assert await store.read(presence.present, clock() - timedelta(seconds=45)) == {first: began}


async def test_who_loads_the_page_anew_was_here_all_the_time(store: Store) -> None:
    """They are gone at once while the console is closed, here since when they came once it is open again, and anew after a while."""
    clock = FrozenClock()
    first, _ = await employees(store, clock)
    began = clock()
    await store.write(room._note, "one", [first], clock())
    clock.move(minutes=5)
    await store.write(room._note, "one", [], clock())
    assert await store.read(presence.present, clock() - timedelta(seconds=45)) == {}
    clock.move(seconds=3)
    await store.write(room._note, "two", [first], clock())
    assert await store.read(presence.present, clock() - timedelta(seconds=45)) == {first: began}
    await store.write(room._note, "two", [], clock())
    clock.move(minutes=2)
    await store.write(room._note, "two", [first], clock())
    assert await store.read(presence.present, clock() - timedelta(seconds=45)) == {first: clock()}


async def until(store: Store, clock: FrozenClock, wanted: set[int]) -> None:
    async with asyncio.timeout(5):
        while set(await store.read(presence.present, clock() - timedelta(seconds=45))) != wanted:
            await asyncio.sleep(0.01)
