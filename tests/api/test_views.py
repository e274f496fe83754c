"""Saved views, macros and bulk actions over HTTP."""

import asyncio
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from contact_center.model.words import Role
from contact_center.testing import RunningApp, a_mail
from tests.api.world import cookie, make_session, make_user

Answer = tuple[int, Any]
OPEN = {"field": "status", "op": "is", "value": ["open"]}
UNTAKEN = {"field": "assignee", "op": "is", "value": ["nobody"]}


async def ask(client: aiohttp.ClientSession, method: str, path: str, body: Any = None, key: str = "") -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    async with client.request(method, f"/api/v1{path}", json=body, headers=headers) as response:
        return response.status, await response.json() if response.content_type.endswith("json") else None


async def five_tickets(server: RunningApp) -> None:
    for number in range(5):
        await server.deliver(a_mail(sender=f"c{number}@example.com", subject=f"Order {number}", message_id=f"<m{number}@example.com>"))


async def test_the_number_beside_a_view_is_what_it_opens(server: RunningApp) -> None:
    """Counts of all views equal their lists, page by page, also of views that reach what is done."""
    await five_tickets(server)
    async with server.session() as client:
        await ask(client, "PATCH", "/tickets/1", {"status": "resolved", "tags": ["vip"]})
        await ask(client, "PATCH", "/tickets/2", {"assignee_id": 1})
        made = []
        for name, tree in (
            ("Open and untaken", {"all": [OPEN, UNTAKEN]}),
            ("Mine", {"all": [{"field": "assignee", "op": "is", "value": ["me"]}]}),
            ("Not open", {"not": OPEN}),
            ("Everything", {"all": []}),
            ("Nothing", {"any": []}),
            ("Order 3", {"field": "subject", "op": "contains", "value": ["ORDER 3"]}),
        ):
            for sort in ("waiting", "newest", "due"):
                status, view = await ask(client, "POST", "/views", {"name": f"{name} {sort}", "conditions": tree, "sort": sort})
                assert status == 201
                made.append(view["id"])
        counts = {each["view_id"]: each["tickets"] for each in (await ask(client, "GET", "/views/counts"))[1]}
        opened = {}
        for view_id in made:
            rows, cursor = [], ""
            while True:
                page = (await ask(client, "GET", f"/tickets?view=all&saved_view_id={view_id}&limit=2&cursor={cursor}"))[1]
                rows += [row["id"] for row in page["items"]]
                if not (cursor := page["next_cursor"]):
                    break
            assert len(rows) == len(set(rows))
            assert (await ask(client, "GET", f"/ticket-ids?view=all&saved_view_id={view_id}"))[1] == {"ids": rows, "more": False}
            opened[view_id] = len(rows)
    assert counts == opened
    assert sorted(set(counts.values())) == [0, 1, 3, 5]


async def test_all_counts_are_one_statement(server: RunningApp) -> None:
    """However many views somebody has, their numbers are asked for once, and for as long as a few seconds at most."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    await five_tickets(server)
    async with server.session() as client:
        for number in range(7):
            await ask(client, "POST", "/views", {"name": str(number), "conditions": {"all": [OPEN] if number % 2 else []}})
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if "FROM ticket" in statement and "count(" in statement:  # and not what the dispatcher looks for meanwhile
                seen.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            counts = (await ask(client, "GET", "/views/counts"))[1]
        finally:
            event.remove(Engine, "before_cursor_execute", note)
    assert len(counts) == 7
    assert len(seen) == 1


async def test_a_count_stops_where_nobody_would_go_on(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches the past is counted up to a bound and says so; what is open is counted exactly."""
    monkeypatch.setattr("contact_center.store.repositories.views.MOST_COUNTED", 3)
    await five_tickets(server)
    async with server.session() as client:
        past = (await ask(client, "POST", "/views/count", {"conditions": {"all": []}}))[1]
        present = (await ask(client, "POST", "/views/count", {"conditions": OPEN}))[1]
    assert (past["tickets"], past["more"]) == (3, True)
    assert (present["tickets"], present["more"]) == (5, False)


async def test_views_are_ones_own_or_shared_by_supervisors(server: RunningApp) -> None:
    """An agent's view is nobody else's; an agent shares nothing and changes nothing that is shared; a queue's view is for those who see it."""
    agent = await make_user(server, "agent", Role.AGENT, [1])
    stranger = await make_user(server, "stranger", Role.AGENT, [])
    tokens = {who: await make_session(server, user) for who, user in (("agent", agent), ("stranger", stranger))}
    body = {"name": "V", "conditions": OPEN}
    async with server.session() as admin:
        of_queue = (await ask(admin, "POST", "/views", body | {"sharing": "queue", "queue_id": 1}))[1]["id"]
        of_all = (await ask(admin, "POST", "/views", body | {"sharing": "all"}))[1]["id"]
        own = (await ask(admin, "POST", "/views", body))[1]["id"]
        assert (await ask(admin, "POST", "/views", body | {"sharing": "queue"}))[0] == 422
        assert (await ask(admin, "POST", "/views", body | {"sharing": "queue", "queue_id": 99}))[0] == 422
    for who, sees in (("agent", {of_queue, of_all}), ("stranger", {of_all})):
        async with aiohttp.ClientSession(server.url, headers=cookie(tokens[who])) as client:
            assert {view["id"] for view in (await ask(client, "GET", "/views"))[1]} == sees
            assert (await ask(client, "GET", f"/tickets?view=all&saved_view_id={own}"))[0] == 404
            assert (await ask(client, "PATCH", f"/views/{of_all}", {"name": "Mine now"}))[0] == 403
            assert (await ask(client, "DELETE", f"/views/{own}"))[0] == 404
            assert (await ask(client, "POST", "/views", body | {"sharing": "all"}))[0] == 403
            mine = (await ask(client, "POST", "/views", body))[1]["id"]
            assert (await ask(client, "PATCH", f"/views/{mine}", {"sharing": "all"}))[0] == 403
            assert (await ask(client, "DELETE", f"/views/{mine}"))[0] == 204


async def test_a_hostile_tree_is_refused_with_its_place(server: RunningApp) -> None:
    """Too deep, too large or unknown: 422 with the place, wherever a tree is taken."""
    deep: Any = OPEN
    for _ in range(10):
        deep = {"not": deep}
    async with server.session() as client:
        for tree, place in ((deep, "conditions" + ".not" * 6), ({"all": [OPEN] * 51}, "conditions.all"), ({"x": 1}, "conditions")):
            for path in ("/views", "/views/count"):
                status, refused = await ask(client, "POST", path, {"conditions": tree} | ({"name": "V"} if path == "/views" else {}))
                assert (status, refused["field"]) == (422, place)


async def test_a_macro_does_all_or_nothing(server: RunningApp) -> None:
    """Every action of a macro is carried out, or none when one cannot be: a gap in a letter leaves the ticket as it was."""
    await server.deliver(a_mail(sender="nameless@example.com", sender_name=""))
    async with server.session() as client:
        letter = (await ask(client, "POST", "/canned-replies", {"title": "Hello", "text": "Dear {{contact.name}}"}))[1]["id"]
        plain = (await ask(client, "POST", "/canned-replies", {"title": "Plain", "text": "About #{{ticket.number}}"}))[1]["id"]
        actions = [
            {"do": "set_priority", "value": "high"},
            {"do": "set_reason", "value": (await ask(client, "POST", "/contact-reasons", {"name": "Invoice"}))[1]["id"]},
            {"do": "add_tags", "value": ["vip", "late"]},
            {"do": "add_note", "value": "By {{agent.name}}"},
            {"do": "send_reply", "value": letter},
            {"do": "set_status", "value": "resolved"},
        ]
        macro = (await ask(client, "POST", "/macros", {"name": "All of it", "actions": actions}))[1]
        before = (await ask(client, "GET", "/tickets/1"))[1]
        status, refused = await ask(client, "POST", "/tickets/1/actions", {"macro_id": macro["id"]}, key="k1")
        assert (status, refused["field"]) == (422, "contact.name")
        assert (await ask(client, "GET", "/tickets/1"))[1] == before

        actions[4] = {"do": "send_reply", "value": plain}
        assert (await ask(client, "PATCH", f"/macros/{macro['id']}", {"actions": actions}))[0] == 200
        status, tried = await ask(client, "POST", "/tickets/1/actions/preview", {"macro_id": macro["id"]})
        assert status == 200
        assert (await ask(client, "GET", "/tickets/1"))[1] == before, "a preview changes nothing"
        status, done = await ask(client, "POST", "/tickets/1/actions", {"macro_id": macro["id"]}, key="k2")
        assert status == 200
        after = (await ask(client, "GET", "/tickets/1"))[1]
        again = await ask(client, "POST", "/tickets/1/actions", {"macro_id": macro["id"]}, key="k2")
        entries = (await ask(client, "GET", f"/contacts/{after['contact']['id']}/timeline"))[1]["items"]
    assert after["reason_id"] == actions[1]["value"]
    assert (after["priority"], after["tags"], after["status"], after["assignee_id"]) == ("high", ["vip", "late"], "resolved", 1)
    shown = [(each["field"], each["after"]) for each in done["effects"]]
    assert shown == [(each["field"], each["after"]) for each in tried["effects"]]
    assert ("note", "By Admin") in shown
    assert ("reply", "About #1") in shown
    assert again == (200, done)
    assert [each["text"] for each in entries if each["kind"] in ("note", "email") and each["direction"] != "in"].count("About #1") == 1


async def test_bulk_actions_name_what_was_refused_and_repeat_nothing(server: RunningApp) -> None:
    """One ticket's refusal stops no other; the same key goes on where it ended and does nothing twice; rights are asked for each."""
    await five_tickets(server)
    agent = await make_user(server, "agent", Role.AGENT, [])
    body = {
        "ticket_ids": [1, 2, 99, 3],
        "actions": [{"do": "add_note", "value": "Seen {{ticket.subject}}"}, {"do": "set_status", "value": "resolved"}],
    }
    async with server.session() as client:
        status, lines = await ask(client, "POST", "/bulk-actions", body, key="b")
        assert status == 200
        assert [(line["ticket_id"], line["refusal"] and line["refusal"]["code"]) for line in lines] == [
            (1, None), (2, None), (99, "not-found"), (3, None),
        ]  # fmt: skip
        assert (await ask(client, "POST", "/bulk-actions", body, key="b"))[1] == lines
        assert (await ask(client, "POST", "/bulk-actions", body | {"ticket_ids": [4]}, key="b"))[1][0]["refusal"] is None
        assert (await ask(client, "POST", "/bulk-actions", body | {"ticket_ids": list(range(1, 202))}, key="c"))[0] == 422
        notes = await server.store.read(lambda c: c.execute(text("SELECT count(*) FROM interaction WHERE kind = 'note'")).scalar())
        statuses = await asyncio.gather(*(ask(client, "GET", f"/tickets/{n}") for n in range(1, 6)))
    assert notes == 4
    assert [ticket["status"] for _, ticket in statuses] == ["resolved"] * 4 + ["open"]
    async with aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, agent))) as client:
        lines = (await ask(client, "POST", "/bulk-actions", body | {"ticket_ids": [5]}, key="b"))[1]
    assert lines[0]["refusal"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("actions", "field"),
    [
        ([{"do": "set_status", "value": "gone"}], "actions.0.value"),
        ([{"do": "drop_table", "value": "ticket"}], "actions.0.do"),
        ([{"do": "set_status", "value": "open"}, {"do": "set_status", "value": "closed"}], "actions.1.do"),
        ([{"do": "add_tags", "value": ["x" * 61]}], "actions.0.value"),
        ([{"do": "add_note", "value": "{{secret}}"}], "actions.0.value"),
        ([{"do": "snooze", "value": True}], "actions.0.value"),
        ([{"do": "set_queue", "value": 99}], "queue_id"),
        ([{"do": "set_assignee", "value": 99}], "assignee_id"),
        ([{"do": "set_reason", "value": 99}], "reason_id"),
        ([{"do": "set_reason", "value": "nobody"}], "actions.0.value"),
        ([{"do": "send_reply", "value": 99}], "send_reply"),
        ([{"do": "set_status"}], "actions.0"),
    ],
)
async def test_actions_that_cannot_be_are_refused_where_they_are_wrong(server: RunningApp, actions: Any, field: str) -> None:
    """What is unknown, twice, too long or names what there is not."""
    await server.deliver(a_mail())
    async with server.session() as client:
        status, refused = await ask(client, "POST", "/tickets/1/actions", {"actions": actions}, key="k")
    assert (status, refused["field"]) == (422, field)
