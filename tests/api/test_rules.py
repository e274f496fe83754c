"""Rules over HTTP: who keeps them, what is refused, their order, a dry run, and why one did not fire."""

from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from contact_center.model.words import Role
from contact_center.store.repositories import access
from contact_center.testing import RunningApp, a_mail
from tests.api.test_views import OPEN, ask
from tests.api.world import cookie, make_session, make_user

TAG = [{"do": "add_tags", "value": ["x"]}]
RULE: dict[str, Any] = {"name": "R", "trigger": "ticket_created", "conditions": {"all": []}, "actions": TAG}


async def test_a_supervisors_rule_ends_where_their_queues_end(server: RunningApp) -> None:
    """It covers the queues they saw when they saved it; they neither see nor change what covers more; an administrator sees all."""
    await server.store.write(access.add_queue, 1, "Billing", False, _now())
    boss = await make_user(server, "boss", Role.SUPERVISOR, [1])
    async with server.session() as admin:
        wide = (await ask(admin, "POST", "/rules", RULE))[1]
        assert wide["queue_ids"] is None
        async with aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, boss))) as client:
            own = (await ask(client, "POST", "/rules", RULE | {"name": "Own"}))[1]
            assert own["queue_ids"] == [1]
            assert [rule["name"] for rule in (await ask(client, "GET", "/rules"))[1]] == ["Own"]
            assert (await ask(client, "PATCH", f"/rules/{wide['id']}", {"active": False}))[0] == 404
            assert (await ask(client, "PUT", "/rules/order", {"rule_ids": [wide["id"], own["id"]]}))[0] == 422
        assert [rule["name"] for rule in (await ask(admin, "GET", "/rules"))[1]] == ["R", "Own"]
        ordered = (await ask(admin, "PUT", "/rules/order", {"rule_ids": [own["id"], wide["id"]]}))[1]
        assert [rule["name"] for rule in ordered] == ["Own", "R"]
        # Switching it on or off keeps what it covers; saying what it does answers for where.
        assert (await ask(admin, "PATCH", f"/rules/{own['id']}", {"active": False}))[1]["queue_ids"] == [1]
        assert (await ask(admin, "PATCH", f"/rules/{own['id']}", {"actions": TAG}))[1]["queue_ids"] is None


def _now() -> Any:
    from contact_center.app import utc_now

    return utc_now()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"trigger": "time_passed"}, "since"),
        ({"trigger": "time_passed", "since": "waiting"}, "minutes"),
        ({"conditions": {"field": "assignee", "op": "is", "value": ["me"]}}, "conditions.value"),
        ({"actions": [{"do": "set_assignee", "value": "me"}]}, "actions.0.value"),
        ({"actions": [{"do": "mention", "value": ["assignee"]}]}, "actions"),
        ({"conditions": {"all": [OPEN] * 51}}, "conditions.all"),
    ],
)
async def test_what_no_rule_can_be(server: RunningApp, change: dict[str, Any], field: str) -> None:
    """Time without a beginning, a "me" where nobody is, a mention without a note, a tree without end: refused where it is wrong."""
    async with server.session() as client:
        status, refused = await ask(client, "POST", "/rules", RULE | change)
        assert (status, refused["field"]) == (422, field)
        if "actions" not in change:
            assert (await ask(client, "POST", "/rules/try", {"trigger": "ticket_created", "conditions": {"all": []}} | change))[0] == 422


async def test_tried_fired_and_explained(server: RunningApp) -> None:
    """A dry run names the ticket, changes nothing; the rule fires on the next one by itself; the log and the ticket say so."""
    await server.deliver(a_mail())
    wanted = {"field": "subject", "op": "contains", "value": ["ORDER"]}
    async with server.session() as client:
        tried = (await ask(client, "POST", "/rules/try", {"trigger": "ticket_created", "conditions": wanted}))[1]
        assert [match["ticket_id"] for match in tried["matches"]] == [1]
        assert (tried["fired"], tried["tickets"], tried["whole"]) == (1, 1, True)
        note = [*TAG, {"do": "add_note", "value": "#{{ticket.number}}"}, {"do": "mention", "value": [1]}]
        rule = (await ask(client, "POST", "/rules", RULE | {"conditions": wanted, "actions": note}))[1]
        await server.deliver(a_mail(sender="b@example.com", message_id="<b@example.com>"))
        await server.deliver(a_mail(sender="c@example.com", message_id="<c@example.com>", subject="Hello"))
        await server.product.runner.catch_up()
        runs = (await ask(client, "GET", f"/rules/runs?rule_id={rule['id']}"))[1]["items"]
        assert [(run["ticket_number"], run["outcome"]) for run in runs] == [(2, "fired")]
        assert (await ask(client, "GET", "/tickets/2"))[1]["tags"] == ["x"]
        why = (await ask(client, "GET", "/tickets/3/rules"))[1]
        assert (why["runs"], why["verdicts"][0]["reason"]) == ([], "conditions")
        assert why["verdicts"][0]["detail"]["findings"][0]["seen"] == "hello"
        assert (await ask(client, "GET", "/tickets/1/rules"))[1]["verdicts"][0]["reason"] == "before"
        told = await server.store.read(lambda c: [tuple(row) for row in c.execute(text("SELECT employee_id, ticket_id FROM notice"))])
        assert told == [(1, 2)]
