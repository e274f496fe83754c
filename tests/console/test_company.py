"""Who looks at a ticket with me: told to those who are there, of what they may see, and forgotten when the console closes."""

import asyncio
from typing import Any

from contact_center.console.company import Company, Place
from contact_center.testing import RunningApp
from tests.api.world import World, make_world
from tests.console.helpers import Listening, console


def test_two_windows_of_one_person_are_one_companion() -> None:
    """Writing in one window is writing; closing one of two leaves them there."""
    company = Company()
    assert company.goes("a", 1, Place(7)) == {7}
    assert company.goes("b", 1, Place(7, writing=True)) == {7}
    assert company.at(7) == [{"user_id": 1, "writing": True}]
    assert company.goes("b", 1, None) == {7}
    assert company.at(7) == [{"user_id": 1, "writing": False}]
    assert company.goes("a", 1, Place(7)) == set()
    assert company.goes("a", 1, Place(8)) == {7, 8}
    assert company.at(7) == []


def hearing(heard: Listening) -> list[Any]:
    """What this console is told of company."""
    told: list[Any] = []
    heard.client.on("company", told.append)
    return told


async def until(told: list[Any], people: list[dict[str, Any]]) -> None:
    async with asyncio.timeout(10):
        while not told or told[-1]["people"] != people:
            await asyncio.sleep(0.02)


async def test_those_at_one_ticket_hear_of_each_other(server: RunningApp) -> None:
    """Coming, writing and closing the console are told to whoever is there too."""
    world = await make_world(server)
    ticket_id, agent, boss = world.own.ids["ticket_id"], world.people["agent"], world.people["supervisor"]
    async with console(server, agent) as heard:
        told = hearing(heard)
        await heard.client.emit("at", {"ticket_id": ticket_id, "writing": False})
        await until(told, [{"user_id": agent, "writing": False}])
        async with console(server, boss) as other:
            await other.client.emit("at", {"ticket_id": ticket_id, "writing": True})
            await until(told, [{"user_id": agent, "writing": False}, {"user_id": boss, "writing": True}])
        await until(told, [{"user_id": agent, "writing": False}])


async def test_nobody_learns_who_is_at_a_foreign_ticket(server: RunningApp) -> None:
    """Naming a ticket that one may not see, or nonsense, tells nothing and puts nobody there."""
    world: World = await make_world(server)
    foreign = world.foreign.ids["ticket_id"]
    async with console(server, world.people["admin"]) as admin, console(server, world.people["agent"]) as spy:
        told, overheard = hearing(admin), hearing(spy)
        for wrong in (foreign, "1", -1, None, [foreign], 2**60):
            await spy.client.emit("at", {"ticket_id": wrong, "writing": True})
        await spy.client.emit("at", "nonsense")
        await admin.client.emit("at", {"ticket_id": foreign, "writing": False})
        await until(told, [{"user_id": world.people["admin"], "writing": False}])
        assert overheard == []


async def test_a_console_that_says_it_without_end_is_heard_ten_times_a_second(server: RunningApp) -> None:
    """Others are told of its last word, and neither they nor the database of every word before."""
    world = await make_world(server)
    ticket_id, agent, boss = world.own.ids["ticket_id"], world.people["agent"], world.people["supervisor"]
    async with console(server, boss) as heard, console(server, agent) as noisy:
        told = hearing(heard)
        await heard.client.emit("at", {"ticket_id": ticket_id, "writing": False})
        await until(told, [{"user_id": boss, "writing": False}])
        for turn in range(301):
            await noisy.client.emit("at", {"ticket_id": ticket_id, "writing": turn % 2 == 0})
        await until(told, [{"user_id": agent, "writing": True}, {"user_id": boss, "writing": False}])
        await asyncio.sleep(0.3)
        assert told[-1]["people"][0]["writing"]
        assert len(told) < 30


async def test_whoever_loses_the_queue_is_not_told_who_is_there(server: RunningApp) -> None:
    """A right that was taken away while the ticket was on screen ends the company too."""
    world = await make_world(server)
    ticket_id, agent, boss = world.own.ids["ticket_id"], world.people["agent"], world.people["supervisor"]
    async with console(server, boss) as heard, console(server, agent) as spy:
        told = hearing(heard)
        both = [{"user_id": agent, "writing": False}, {"user_id": boss, "writing": False}]
        await heard.client.emit("at", {"ticket_id": ticket_id, "writing": False})
        await spy.client.emit("at", {"ticket_id": ticket_id, "writing": False})
        await until(told, both)
        async with server.session() as client, client.patch(f"/api/v1/users/{agent}", json={"queue_ids": []}) as response:
            assert response.status == 200
        await until(told, both[1:])
