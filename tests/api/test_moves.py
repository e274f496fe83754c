"""Standing in, over HTTP: what somebody has for a while becomes nothing that lasts."""

from datetime import datetime, timedelta

import aiohttp

from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store.repositories import access, serving
from contact_center.testing import RunningApp
from tests.api.test_views import ask
from tests.api.world import cookie, make_session, make_user


async def test_who_stands_in_lends_for_as_long_and_keeps_nothing(server: RunningApp) -> None:
    """A supervisor who stands in somewhere can bring colleagues, until their own time is up; not for good, and neither themself for
    longer; and a rule of theirs does not go on there."""
    other = await server.store.write(access.add_queue, 1, "Other", True, utc_now())
    chief = await make_user(server, "chief", Role.SUPERVISOR, [1])
    anna = await make_user(server, "anna", Role.AGENT, [1])
    until = utc_now() + timedelta(hours=1)
    await server.store.write(serving.set_stand_ins, chief, [other], until, [other])
    async with aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, chief))) as client:
        assert (await ask(client, "GET", f"/tickets?view=all&queue_id={other}"))[0] == 200
        for whom in (chief, anna):
            assert (await ask(client, "PUT", f"/agents/{whom}/queues", {"queue_ids": [other], "until": "for_good"}))[0] == 403
            wish = {"queue_ids": [other], "until": (until + timedelta(days=400)).isoformat()}
            status, user = await ask(client, "PUT", f"/agents/{whom}/queues", wish)
            assert status == 200
            assert [datetime.fromisoformat(each["until"]) for each in user["stand_ins"]] == [until]
        assert (await ask(client, "PUT", f"/agents/{anna}/queues", {"queue_ids": [1], "until": "for_good"}))[0] == 200
        rule = {"name": "R", "trigger": "ticket_created", "conditions": {"all": []}, "actions": [{"do": "set_queue", "value": 1}]}
        status, made = await ask(client, "POST", "/rules", rule)
        assert (status, made["queue_ids"]) == (201, [1])
