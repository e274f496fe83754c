"""What somebody hears who stands in another queue for a while."""

import asyncio
from datetime import timedelta

from contact_center.app import utc_now
from contact_center.model.acts import Act
from contact_center.routing import moves
from contact_center.store import journal
from contact_center.testing import RunningApp
from tests.api.world import make_world
from tests.console.helpers import Listening, console

SECONDS = 6.0


async def test_who_stands_in_hears_of_the_queue_and_not_a_moment_longer(server: RunningApp) -> None:
    """Their console starts afresh when it begins and when it ends; news in between are told, and those after the end are not,
    though nobody has taken anything away yet."""
    world = await make_world(server)
    agent, foreign = world.people["agent"], world.foreign.ids["ticket_id"]
    ticket = f"/api/v1/tickets/{foreign}"

    def heard_of(mine: Listening) -> list[str]:
        found = [event["data"]["ticket"] for event in mine.news if event["type"] == "ticket.changed"]
        return [each["subject"] for each in found if each["id"] == foreign and each["subject"]]

    async with console(server, agent) as mine, world.client("admin") as admin:

        async def rename(subject: str) -> None:
            async with admin.patch(ticket, json={"subject": subject}) as response:
                assert response.status == 200
            await mine.hears_up_to(await server.store.read(journal.horizon))

        await rename("before")
        until = utc_now() + timedelta(seconds=SECONDS)
        await server.store.write(moves.stand_in, Act(utc_now()), 1, agent, [world.foreign.queue_id], until, [world.foreign.queue_id])
        await mine.hears(lambda me: len(me.resets) == 1)
        await rename("meanwhile")
        await asyncio.sleep(max(0.0, (until - utc_now()).total_seconds()))
        await rename("after")
        assert heard_of(mine) == ["meanwhile"]
        await mine.hears(lambda me: len(me.resets) == 2)
        async with world.client("agent") as client, client.get(ticket) as response:
            assert response.status == 404
