"""The board: its figures equal the rows behind them, and show no queue that the reader does not see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from contact_center.model.words import Role
from contact_center.testing import RunningApp, a_mail
from tests.api.samples import midnight


async def board(client: aiohttp.ClientSession, **query: str) -> tuple[int, Any]:
    since = query.get("since", midnight().isoformat())
    async with client.get("/api/v1/board", params={"since": since}) as response:
        return response.status, await response.json()


async def ticket_ids(client: aiohttp.ClientSession) -> list[int]:
    async with client.get("/api/v1/tickets?view=open") as response:
        return [ticket["id"] for ticket in (await response.json())["items"]]


async def rows(client: aiohttp.ClientSession, view: str) -> int:
    async with client.get(f"/api/v1/tickets?view={view}&limit=200") as response:
        return len((await response.json())["items"])


async def write(client: aiohttp.ClientSession, method: str, path: str, **body: Any) -> Any:
    async with client.request(method, path, json=body, headers={"Idempotency-Key": path + str(body)}) as response:
        assert response.status < 300, await response.text()
        return await response.json()


async def test_figures_follow_what_happens(server: RunningApp) -> None:
    """A mail waits, is taken, is answered: each time the board says so, and the past of the day stays."""
    async with server.session() as client:
        _, before = await board(client)
        await server.deliver(a_mail(message_id="<b1@x>"), a_mail(message_id="<b2@x>", sender="b@example.com"))
        _, now = await board(client)
        queue, then = now["queues"][0], before["queues"][0]
        assert queue["waiting"] - then["waiting"] == 2
        assert queue["received"] - then["received"] == 2
        assert queue["oldest_waiting_since"] is not None
        newest, other = (await ticket_ids(client))[:2]
        me = next(agent["user_id"] for agent in now["agents"])
        await write(client, "PATCH", f"/api/v1/tickets/{newest}", assignee_id=me)
        _, taken = await board(client)
        assert taken["queues"][0]["waiting"] == queue["waiting"] - 1
        assert taken["queues"][0]["in_work"] == queue["in_work"] + 1
        for view, figure in (("awaiting", "waiting"), ("in_work", "in_work")):
            assert await rows(client, view) == sum(each[figure] for each in taken["queues"])  # what the figure opens
        await write(client, "POST", f"/api/v1/tickets/{newest}/replies", text="Here.")
        await write(client, "POST", f"/api/v1/tickets/{other}/replies", text="Here.")
        _, answered = await board(client)
        assert answered["queues"][0]["waiting"] == then["waiting"]
        assert answered["queues"][0]["answered"] - then["answered"] == 2
        (mine,) = [agent for agent in answered["agents"] if agent["user_id"] == me]
        assert mine["answered"] >= 2


async def test_a_board_shows_the_readers_queues(server: RunningApp) -> None:
    """A supervisor without a queue sees neither its figures nor what colleagues do there; an agent has no board."""
    async with server.session() as client:
        made = await write(client, "POST", "/api/v1/queues", name="Secret board")
    user = await server.add_user("boss@example.com", Role.SUPERVISOR, [made["id"]])
    await server.deliver(a_mail(message_id="<b3@x>", sender="c@example.com"))
    async with server.session("boss@example.com") as client:
        status, seen = await board(client)
        assert status == 200
        assert [queue["queue_id"] for queue in seen["queues"]] == [made["id"]]
        assert all(agent["in_work"] == agent["answered"] == 0 for agent in seen["agents"])
        assert user in [agent["user_id"] for agent in seen["agents"]]
    await server.add_user("worker@example.com", Role.AGENT, [made["id"]])
    async with server.session("worker@example.com") as client:
        assert (await board(client))[0] == 403


async def test_a_day_has_a_beginning(server: RunningApp) -> None:
    """`since` must be today: the board is no report, and must not read years."""
    async with server.session() as client:
        for since in (datetime.now(UTC) - timedelta(days=9), datetime.now(UTC) + timedelta(hours=2)):
            assert (await board(client, since=since.isoformat()))[0] == 422
        assert (await board(client, since="2026-11-01T00:00:00"))[0] == 422


async def test_whoever_waits_longest_comes_first(server: RunningApp) -> None:
    """The list behind the figure of those who wait goes by how long they do, also from one page to the next."""
    for number in range(3):
        await server.deliver(a_mail(message_id=f"<long{number}@x>", sender=f"long{number}@example.com"))
    async with server.session() as client:
        found: list[Any] = []
        cursor = ""
        while True:
            async with client.get(f"/api/v1/tickets?view=awaiting&limit=1{cursor}") as response:
                page = await response.json()
            found += page["items"]
            if not page["next_cursor"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
    assert len(found) >= 3
    assert len({ticket["id"] for ticket in found}) == len(found)
    assert [ticket["id"] for ticket in found] == [
        ticket["id"] for ticket in sorted(found, key=lambda each: (each["waiting_since"], each["id"]))
    ]


async def test_the_board_says_what_the_registry_says(server: RunningApp) -> None:
    """Every figure of the board is one of the registry, and a report of it has the same value and as many rows behind it."""
    await server.deliver(a_mail(message_id="<reg1@x>", sender="reg1@example.com"), a_mail(message_id="<reg2@x>", sender="reg2@example.com"))
    async with server.session() as client:
        await write(client, "PUT", "/api/v1/me/state", state="available")
        newest = (await ticket_ids(client))[0]
        _, now = await board(client)
        me = next(agent["user_id"] for agent in now["agents"])
        await write(client, "PATCH", f"/api/v1/tickets/{newest}", assignee_id=me)
        _, now = await board(client)
        found: dict[str, Any] = {}
        asked = {"since": now["since"], "until": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
        for about in ("now", "day", "team"):
            async with client.get("/api/v1/reports", params=asked | {"about": about, "by": "queue"}) as response:
                report = await response.json()
            found |= report["total"]["figures"]
            if about != "team":
                for name, tally in (("now.waiting", "waiting"), ("now.in_work", "in_work"), ("day.came", "came"), ("day.answered", "done")):
                    if name in report["total"]["figures"]:
                        params = asked | {"about": about, "tally": tally, "limit": "200"}
                        async with client.get("/api/v1/reports/behind", params=params) as response:
                            assert len((await response.json())["items"]) == report["total"]["figures"][name], name
        for name, field in (
            ("now.waiting", "waiting"),
            ("now.in_work", "in_work"),
            ("now.callbacks", "callbacks"),
            ("day.answered", "answered"),
        ):
            assert found[name] == sum(queue[field] for queue in now["queues"]), name
        assert (found["day.came"], found["team.agents"], found["team.busy"]) == (now["came"], now["team"], now["busy"])
        assert found["now.in_work"] >= 1
        assert [agent["busy"] for agent in now["agents"] if agent["user_id"] == me] == [True]
