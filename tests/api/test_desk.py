"""What stands beside a ticket, over HTTP, for those who see only a part."""

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
