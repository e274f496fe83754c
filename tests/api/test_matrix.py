"""Every route, every role, own and foreign objects: the expected status follows from one table and from row scope."""

import re
from typing import Any

import aiohttp
import pytest

from contact_center.api.framework import Route
from contact_center.api.permissions import SCOPES
from contact_center.api.permissions import Permission as P
from contact_center.api.routes import ROUTES
from contact_center.testing import RunningApp
from tests.api.samples import ROLES_OF, Sample, table
from tests.api.world import CANARY, Side, World, make_world

SAMPLES = table().samples
PEOPLE = ("nobody", "agent", "supervisor", "admin")
MACHINES = tuple(f"token:{scope}" for scope in SCOPES)


def expected(route: Route, sample: Sample, who: str, *, foreign: bool) -> set[int]:
    """The status that the table and row scope promise."""
    if route.permission is P.PUBLIC:
        return set(sample.ok)
    if who == "nobody":
        return {401}
    allowed = who.removeprefix("token:") == route.permission if who.startswith("token:") else who in ROLES_OF[route.permission]
    if not allowed:
        return {403}
    sees_all = who == "admin" or who.startswith("token:")
    return {404} if foreign and sample.scoped and not sees_all else set(sample.ok)


async def ask(world: World, route: Route, side: Side, who: str) -> tuple[int, str]:
    """Send the sample of a route as somebody, in a session of its own."""
    sample = SAMPLES[(route.method, route.path)]
    made: dict[str, Any] = await sample.fresh(world, side, who) if sample.fresh else {}
    body = made.get("body") or sample.body
    path = route.path.format(**{**side.ids, "user_id": 0, "session_id": 0, "token_id": 0, "point_id": 0, "merge_id": 0, **made})
    headers = await world.headers(who) | {"Idempotency-Key": f"{who}{side.queue_id}{path}"}
    options: dict[str, Any] = {"data": sample.data} if sample.data else {"json": body} if body is not None else {}
    async with aiohttp.ClientSession(world.app.url, headers=headers) as client:
        async with client.request(route.method, path + sample.query, **options) as response:
            return response.status, await response.text(errors="replace")


def test_every_route_has_a_sample() -> None:
    """A new route without a sample request, or a sample without a route, fails here."""
    assert {(route.method, route.path) for route in ROUTES} == set(SAMPLES)


def test_every_permission_has_its_roles() -> None:
    """The table of roles names every permission."""
    assert set(ROLES_OF) == set(P)


@pytest.mark.parametrize("who", [*PEOPLE, *MACHINES])
async def test_matrix(server: RunningApp, who: str) -> None:
    """Nobody gets 401, a role without the permission 403, and what is foreign is not there: 404."""
    world = await make_world(server)
    wrong = []
    for route in ROUTES:
        for side in (world.own, world.foreign):
            sample = SAMPLES[(route.method, route.path)]
            want = expected(route, sample, who, foreign=side is world.foreign)
            if want in ({401}, {403}) and side is world.foreign:
                continue  # the same answer, whatever the object
            status, text = await ask(world, route, side, who)
            if status not in want:
                wrong.append((route.method, route.path, "foreign" if side is world.foreign else "own", status, sorted(want), text[:150]))
    assert wrong == []


async def test_foreign_objects_cannot_be_named_in_a_body(server: RunningApp) -> None:
    """Linking a foreign contact or file by its number in a body is refused as if it did not exist."""
    world = await make_world(server)
    own, foreign = world.own.ids, world.foreign.ids
    async with world.client("agent") as client:
        for path, body, want in (
            (f"/api/v1/contacts/{own['contact_id']}/merges", {"other_id": foreign["contact_id"]}, 404),
            (f"/api/v1/tickets/{own['ticket_id']}/replies", {"text": "x", "attachment_ids": [foreign["attachment_id"]]}, 422),
        ):
            async with client.post(path, json=body, headers={"Idempotency-Key": path}) as response:
                assert response.status == want, await response.text()
        path = f"/api/v1/contacts/{own['contact_id']}/points"
        async with client.post(path, json={"kind": "email", "value": f"{CANARY}@example.com"}) as response:
            answer = await response.json()
        assert response.status == 409
        assert "contact_id" not in answer
        assert CANARY not in str(answer)


async def test_crawling_as_agent_of_a_never_meets_the_canary(server: RunningApp) -> None:
    """No list, search, feed, download or snapshot of the agent of queue A holds anything of queue B."""
    world = await make_world(server)
    own, foreign = world.own.ids, world.foreign.ids
    paths = [route.path for route in ROUTES if route.method == "GET"]
    urls = [path for path in paths if "{" not in path]
    urls += [path.format(**ids) for path in paths for ids in (own, foreign) if set(re.findall(r"{(\w+)}", path)) <= set(ids)]
    urls += [f"/api/v1/{kind}?q={words}" for kind in ("tickets", "contacts") for words in (CANARY, "%25", "_", "%25_%25", "")]
    urls += ["/api/v1/tickets?view=all&limit=200", f"/api/v1/tickets?queue_id={world.foreign.queue_id}", "/api/v1/events?limit=1000"]
    found, seen = [], 0
    for who in ("agent", "supervisor"):
        async with world.client(who) as client:
            for url in urls:
                async with client.get(url) as response:
                    body = await response.read()
                    seen += b"visible" in body
                    if CANARY.encode() in body + str(response.headers).encode():
                        found.append((who, url, body[:300]))
    assert found == []
    assert seen > 10, "the crawl reaches what is the agent's own"


async def test_a_spooled_mail_follows_its_ticket(server: RunningApp) -> None:
    """A reply in a ticket that was moved to another queue is out of the first queue's spool."""
    world = await make_world(server)
    own = world.own.ids
    async with world.client("admin") as client:
        async with client.patch(f"/api/v1/tickets/{own['ticket_id']}", json={"queue_id": world.foreign.queue_id}) as response:
            assert response.status == 200
    async with world.client("agent") as client:
        async with client.get("/api/v1/spool") as response:
            assert (await response.json())["items"] == []
        async with client.get(f"/api/v1/spool/{own['spool_id']}") as response:
            assert response.status == 404
    async with world.client("other") as client, client.get("/api/v1/spool?limit=1") as response:
        page = await response.json()
    assert page["next_cursor"] is not None


async def test_nobody_writes_in_the_name_of_a_foreign_queue(server: RunningApp) -> None:
    """A reply by a channel whose queue the agent has no part in is refused, as if there were no such channel."""
    world = await make_world(server)
    own, channel_id = world.own.ids, world.foreign.ids["channel_id"]
    for who, chosen, want in (
        ("agent", channel_id, 422),
        ("supervisor", 999, 422),
        ("agent", own["channel_id"], 201),
        ("admin", channel_id, 201),
    ):
        async with world.client(who) as client:
            path, body = f"/api/v1/tickets/{own['ticket_id']}/replies", {"text": "In whose name?", "channel_id": chosen}
            async with client.post(path, json=body, headers={"Idempotency-Key": f"{who}{chosen}"}) as response:
                assert response.status == want, await response.text()


async def test_an_entry_is_read_again_by_those_who_have_its_ticket(server: RunningApp) -> None:
    """Who may read an entry by its customer, but not the ticket it stands in, gets 404 where the entry would change."""
    world = await make_world(server)
    own, foreign = world.own.ids, world.foreign.ids
    merged = f"/api/v1/contacts/{own['contact_id']}/merges"
    async with world.client("admin") as client:
        async with client.post(merged, json={"other_id": foreign["contact_id"]}, headers={"Idempotency-Key": "m"}) as response:
            assert response.status == 201, await response.text()
    entry = f"/api/v1/entries/{foreign['entry_id']}"
    async with world.client("agent") as client:
        for method, path, want in (
            ("GET", f"{entry}/body", 200),
            ("GET", f"/api/v1/tickets/{foreign['ticket_id']}", 404),
            ("POST", f"{entry}/read-again", 404),
        ):
            async with client.request(method, path) as response:
                assert response.status == want, (path, await response.text())
    async with world.client("other") as client, client.post(f"{entry}/read-again") as response:
        assert response.status == 200, await response.text()
