"""Search over HTTP: what arrives by mail is found, with its marks, by those who may see it, page by page."""

import asyncio
from typing import Any

import aiohttp

from contact_center.testing import RunningApp, a_mail
from tests.api.world import CANARY, make_world


async def ask(client: aiohttp.ClientSession, **params: Any) -> dict[str, Any]:
    async with client.get("/api/v1/search", params=params) as response:
        assert response.status == 200, await response.text()
        found: dict[str, Any] = await response.json()
        return found


async def settled(server: RunningApp, client: aiohttp.ClientSession) -> None:
    """Wait until the index has come to the end of the journal."""
    for _ in range(500):
        if (await ask(client, q=""))["behind"] == 0:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("the index stays behind")


async def test_a_mail_is_found(any_server: RunningApp) -> None:
    """By a word form, by its sender, by its subject; on both engines, and machines are told how far the index is."""
    await any_server.deliver(a_mail(subject="Где мой заказ?", text="Здравствуйте! Где доставка заказа № 117-А? 🙂 Жду доставку."))
    async with any_server.session() as client:
        await settled(any_server, client)
        found = await ask(client, q="доставки 117а")
        (hit,) = found["items"]
        letters = list(hit["text"])
        assert ["".join(letters[a:b]) for a, b in hit["ranges"]] == ["доставка", "117-А", "доставку"]
        assert hit["entry"]["contact"]["name"] == "Ivan Petrov"
        assert [each["contact"]["name"] for each in (await ask(client, q="petrov"))["people"]] == ["Ivan Petrov"]
        number = hit["entry"]["ticket_number"]
        assert [each["ticket"]["number"] for each in (await ask(client, q=f"#{number}"))["tickets"]] == [number]
        assert found["upto"] == found["as_of"]
        async with client.get("/readyz") as response:
            assert (await response.json())["checks"]["search"] == "ok"
        async with client.get("/metrics") as response:
            assert "contact_center_search_behind 0" in await response.text()


async def test_pages(server: RunningApp) -> None:
    """A page ends with where to go on; people and tickets come with the first one."""
    await server.deliver(*(a_mail(message_id=f"<m{n}@x>", text=f"zebra {n}", subject=f"zebra {n}") for n in range(5)))
    async with server.session() as client:
        await settled(server, client)
        seen, cursor, pages = [], None, 0
        while True:
            page = await ask(client, q="zebra", limit=2, **({"cursor": cursor} if cursor else {}))
            assert bool(page["tickets"]) == (pages == 0)
            seen += [hit["entry"]["id"] for hit in page["items"]]
            cursor, pages = page["next_cursor"], pages + 1
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 5
        assert pages == 3


async def test_what_is_asked_wrongly(server: RunningApp) -> None:
    """Filters and cursors that are none are refused; whatever is a text is searched for."""
    async with server.session() as client:
        for params, status in (
            ({"q": "x", "cursor": "nonsense"}, 400),
            ({"q": "x", "cursor": "WyJhIl0"}, 400),
            ({"q": "x", "cursor": "WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ"}, 400),
            ({"q": "x" * 1001}, 422),
            ({"q": "x", "after": "yesterday"}, 422),
            ({"q": "x", "after": "2026-01-01T00:00:00"}, 422),
            ({"q": "x", "after": "0001-01-01T00:00:00+05:00"}, 422),
            ({"q": "x", "direction": "up"}, 422),
            ({"q": '" OR * NEAR(\x00 \\'}, 200),
            ({"q": "x", "after": "2026-01-01T00:00:00Z", "has_file": "true"}, 200),
        ):
            async with client.get("/api/v1/search", params=params) as response:
                assert response.status == status, (params, await response.text())


async def test_the_canary_is_not_found(server: RunningApp) -> None:
    """The agent of one queue finds nothing of another, by no word and no number; a token without contacts finds no people."""
    world = await make_world(server)
    async with world.client("admin") as client:
        await settled(server, client)
        assert (await ask(client, q=CANARY))["items"]
    async with world.client("agent") as client:
        for words in (CANARY, f"{CANARY}@example.com", "canary", f"#{world.foreign.ids['ticket_id']}"):
            found = await ask(client, q=words)
            assert CANARY not in str(found)
        async with client.get("/api/v1/search", params={"q": "x", "queue_id": world.foreign.queue_id}) as response:
            assert response.status == 404
    async with world.client("token:tickets:read") as client:
        found = await ask(client, q=CANARY)
        assert found["items"]
        assert found["people"] == []
