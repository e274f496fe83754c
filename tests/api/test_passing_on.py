"""Merging and passing on, over HTTP: nobody gets round what they may not see, or what a queue wants."""

import aiohttp
from sqlalchemy import text

from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import RunningApp, a_mail
from tests.api.test_views import ask
from tests.api.world import cookie, make_session, make_user


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


async def test_what_a_queue_wants_of_whoever_passes_on_macros_and_bulk_actions_do_not_get_round(server: RunningApp) -> None:
    """Without a note nothing leaves a queue that wants one, however many tickets at once; a note among the actions is one."""
    other = await server.store.write(access.add_queue, 1, "Other", False, utc_now())
    await server.deliver(a_mail())
    move = {"do": "set_queue", "value": other}
    async with server.session() as client:
        assert (await ask(client, "PATCH", "/queues/1", {"wants_handover": True}))[0] == 200
        lines = (await ask(client, "POST", "/bulk-actions", {"ticket_ids": [1], "actions": [move]}, key="a"))[1]
        assert lines[0]["refusal"]["code"] == "invalid"
        assert (await ask(client, "POST", "/tickets/1/actions/preview", {"actions": [move]}))[0] == 422
        assert (await ask(client, "GET", "/tickets/1"))[1]["queue_id"] == 1
        noted = {"actions": [move, {"do": "add_note", "value": "They want a refund."}]}
        assert (await ask(client, "POST", "/tickets/1/actions", noted, key="b"))[0] == 200
        assert (await ask(client, "GET", "/tickets/1"))[1]["queue_id"] == other
