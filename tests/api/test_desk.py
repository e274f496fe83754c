"""What stands beside a ticket, over HTTP, for those who see only a part."""

import aiohttp
from sqlalchemy import text

from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import RunningApp, a_mail
from tests.api.test_views import ask
from tests.api.world import cookie, make_session, make_user, make_world


async def test_a_merge_is_taken_back_by_whoever_sees_both_tickets(server: RunningApp) -> None:
    """A ticket that would go back to a queue out of sight is neither named nor answered with."""
    hidden = await server.store.write(access.add_queue, 1, "Board", True, utc_now())
    for number in (1, 2):
        await server.deliver(a_mail(subject=f"Order {number}", message_id=f"<m{number}@example.com>"))
    agent = await make_user(server, "agent", Role.AGENT, [1])
    async with server.session() as admin:
        assert (await ask(admin, "PATCH", "/tickets/2", {"queue_id": hidden}))[0] == 200
        assert (await ask(admin, "POST", "/tickets/1/merges", {"other_ticket_id": 2}, key="m"))[0] == 201
        assert (await ask(admin, "GET", "/tickets/1/desk"))[1]["merged"] is not None
    async with aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, agent))) as client:
        assert (await ask(client, "GET", "/tickets/1/desk"))[1]["merged"] is None
        status, told = await ask(client, "POST", "/tickets/1/merges/undo")
    assert (status, "Order 2" in str(told)) == (403, False)
    assert await server.store.read(lambda c: c.execute(text("SELECT merged_into_id FROM ticket WHERE id = 2")).scalar()) == 1


async def test_a_queue_that_wants_a_note_gets_one(server: RunningApp) -> None:
    """Passing on without a note is refused by the field's name; taking a ticket oneself is no passing on; the note stands until an answer."""
    world = await make_world(server)
    ticket = f"/api/v1/tickets/{world.own.ids['ticket_id']}"
    async with world.client("admin") as client:
        async with client.patch(f"/api/v1/queues/{world.own.queue_id}", json={"wants_handover": True}) as response:
            assert response.status == 200
    async with world.client("supervisor") as client:
        for body, want in (
            ({"assignee_id": world.people["agent"]}, 422),
            ({"assignee_id": world.people["agent"], "handover": "   "}, 422),
            ({"assignee_id": world.people["supervisor"]}, 200),
            ({"assignee_id": world.people["agent"], "handover": "Call before noon"}, 200),
        ):
            async with client.patch(ticket, json=body) as response:
                assert response.status == want, await response.text()
                assert want == 200 or (await response.json())["field"] == "handover"
    async with world.client("agent") as client:
        async with client.get(f"{ticket}/desk") as response:
            assert (await response.json())["handover"]["text"] == "Call before noon"
        async with client.post(f"{ticket}/replies", json={"text": "Done"}, headers={"Idempotency-Key": "r"}) as response:
            assert response.status == 201
        async with client.get(f"{ticket}/desk") as response:
            assert (await response.json())["handover"] is None


async def test_foreign_tickets_and_colleagues_are_not_named(server: RunningApp) -> None:
    """Linking and merging with a ticket that one does not see is a 404, mentioning who does not see it a 403, in words."""
    world = await make_world(server)
    ticket, foreign = f"/api/v1/tickets/{world.own.ids['ticket_id']}", world.foreign.ids["ticket_id"]
    async with world.client("agent") as client:
        for path, body, want in (
            (f"{ticket}/links", {"other_ticket_id": foreign}, 404),
            (f"{ticket}/merges", {"other_ticket_id": foreign}, 404),
            (f"{ticket}/split", {"entry_id": world.foreign.ids["entry_id"]}, 404),
            (f"{ticket}/notes", {"text": "@Other", "mentioned_ids": [world.people["other"]]}, 403),
        ):
            async with client.post(path, json=body, headers={"Idempotency-Key": path}) as response:
                assert response.status == want, await response.text()
