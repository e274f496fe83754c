"""The change feed for integrators: ordered, complete, filtered, waiting, and honest about its ends. The examples of the docs run."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from contact_center.app import utc_now
from contact_center.bus import waiting as waiting_room
from contact_center.model.events import CATALOGUE
from contact_center.store import journal
from contact_center.store.repositories import access
from contact_center.testing import RunningApp, a_mail, running_app
from tests.api.world import admin_id, make_token
from tests.webhooks.test_api import ask, make

DOCS = (Path(__file__).parents[2] / "docs/howto/integrate.md").read_text()
EXAMPLES = {name: code for code, name in re.findall(r'```python\n("""(\w+)\.py .*?)```', DOCS, re.S)}


async def test_pages_are_complete_and_in_order(any_server: RunningApp) -> None:
    """However small the pages, following `horizon` gives everything once, in order; a filter leaves out the others only."""
    await any_server.deliver(*(a_mail(message_id=f"<{n}@x>", sender=f"c{n}@example.com") for n in range(5)))
    async with any_server.session() as client:
        whole = (await ask(client, "GET", "/events?limit=1000"))["events"]
        for query in ("", "&types=ticket.created", "&types=ticket.created&types=contact.changed"):
            seen, after = [], 0
            while True:
                page = await ask(client, "GET", f"/events?after={after}&limit=3{query}")
                seen += page["events"]
                if not page["more"]:
                    break
                after = page["horizon"]
            types = re.findall("types=([a-z.]+)", query)
            assert seen == [event for event in whole if not types or event["type"] in types]
            assert seen
        await ask(client, "GET", "/events?types=ticket.exploded", 422)
        await ask(client, "GET", "/events?wait=31", 422)
    numbers = [event["seq"] for event in whole]
    assert numbers == sorted(set(numbers))


async def test_waiting_ends_with_news_and_not_before(any_server: RunningApp) -> None:
    """A request that waits is answered when something happens that it asked for, and empty when its time is over."""
    async with any_server.session() as client:
        after = (await ask(client, "GET", "/events?limit=1000"))["horizon"]
        began = time.monotonic()
        empty = await ask(client, "GET", f"/events?after={after}&wait=0.5")
        assert (empty["events"], time.monotonic() - began >= 0.5) == ([], True)
        waiting = asyncio.ensure_future(ask(client, "GET", f"/events?after={after}&wait=20&types=queue.changed"))
        await asyncio.sleep(0.2)
        await any_server.deliver(a_mail())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await ask(client, "POST", "/queues", 201, name="Waited for")
        async with asyncio.timeout(5):
            page = await waiting
    assert [event["data"]["queue"]["name"] for event in page["events"]] == ["Waited for"]


async def test_a_right_that_ends_ends_the_waiting(server: RunningApp) -> None:
    """Whoever is signed out while waiting hears nothing more."""
    user_id = await admin_id(server)
    token = await make_token(server, user_id, ["events:read"])
    async with aiohttp.ClientSession(server.url, headers={"Authorization": f"Bearer {token}"}) as client:
        after = (await ask(client, "GET", "/events?limit=1000"))["horizon"]
        waiting = asyncio.ensure_future(ask(client, "GET", f"/events?after={after}&wait=20", 401))
        await asyncio.sleep(0.2)
        (found,) = await server.store.read(access.api_tokens, user_id)
        assert await server.store.write(access.revoke_api_token, user_id, found["id"], utc_now())
        await server.deliver(a_mail())
        async with asyncio.timeout(10):
            await waiting


async def test_a_number_that_the_journal_does_not_reach(any_server: RunningApp) -> None:
    """Older than what is kept, or ahead of the end: 410 with the way on, never a silent gap."""
    await any_server.deliver(*(a_mail(message_id=f"<{n}@x>", sender=f"c{n}@example.com") for n in range(3)))
    horizon = await any_server.store.read(journal.horizon)
    async with any_server.session() as client:
        await ask(client, "GET", f"/events?after={horizon}")
        ahead = await ask(client, "GET", f"/events?after={horizon + 1}", 410)
        assert (ahead["title"], "snapshot" in ahead["detail"]) == ("gone", True)
        oldest = horizon - 2
        await any_server.store.write(lambda connection: connection.execute(text(f"DELETE FROM event WHERE seq < {oldest}")) and None)
        kept = await any_server.store.read(journal.oldest)
        assert (await ask(client, "GET", f"/events?after={kept - 2}", 410))["oldest"] == kept
        for after in (0, kept - 1):
            assert (await ask(client, "GET", f"/events?after={after}"))["events"][0]["seq"] >= kept


def test_every_event_type_is_named() -> None:
    """The page for integrators names every event of the catalogue."""
    assert [name for name in CATALOGUE if f"`{name}`" not in DOCS] == []
    assert set(EXAMPLES) == {"consumer", "receiver"}


@asynccontextmanager
async def example(name: str, folder: Path, *arguments: str) -> AsyncIterator[Any]:
    """One of the programs of the docs, running."""
    (folder / f"{name}.py").write_text(EXAMPLES[name])
    process = await asyncio.create_subprocess_exec(sys.executable, str(folder / f"{name}.py"), *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def queues_told(process: Any, count: int) -> list[int]:
    """The numbers of the first so many `queue.changed` that it prints."""
    found: list[int] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            number, kind = (await process.stdout.readline()).decode().split()
            found += [int(number)] if kind == "queue.changed" else []
    return found


async def test_the_consumer_of_the_docs(server: RunningApp, tmp_path: Path) -> None:
    """It prints what happens, and after a kill goes on where it stopped."""
    token = await make_token(server, await admin_id(server), ["events:read", "tickets:read"])
    arguments = (server.url, token, str(tmp_path / "number"))
    async with server.session() as client:
        (tmp_path / "number").write_text(str((await ask(client, "GET", "/snapshot"))["as_of"]))
        told: list[int] = []
        for number in range(2):
            await ask(client, "POST", "/queues", 201, name=f"Before {number}")
            async with example("consumer", tmp_path, *arguments) as process:
                await ask(client, "POST", "/queues", 201, name=f"While {number}")
                told += await queues_told(process, 2)
                horizon = (await ask(client, "GET", "/snapshot"))["as_of"]
                async with asyncio.timeout(10):
                    while (tmp_path / "number").read_text() != str(horizon):
                        await asyncio.sleep(0.05)
    assert told == sorted(set(told))
    assert len(told) == 4


async def test_the_receiver_of_the_docs(tmp_path: Path, unused_tcp_port: int) -> None:
    """It takes what we send, once, and refuses what nobody signed."""
    async with running_app(tmp_path / "data", webhooks={"allow_private_networks": True}) as server, server.session() as client:
        url = f"http://127.0.0.1:{unused_tcp_port}/"
        webhook_id, secret = await make(client, url, types=["queue.changed"])
        async with example("receiver", tmp_path, str(unused_tcp_port), secret) as process:
            async with asyncio.timeout(10):
                while True:
                    try:
                        async with aiohttp.ClientSession() as stranger, stranger.post(url, data=b"{}") as response:
                            assert response.status == 401
                            break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.05)
            await ask(client, "POST", "/queues", 201, name="One")
            told = await queues_told(process, 1)
            await ask(client, "POST", f"/webhooks/{webhook_id}/replay", after=told[0] - 1)
            await ask(client, "POST", "/queues", 201, name="Two")
            told += await queues_told(process, 1)
            assert told == sorted(set(told)), "what was sent again is known by its id"


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that is free at this moment."""
    import socket

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


async def test_nobody_waits_for_a_server_that_stops(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop answers waiting requests at once; and when too many wait, the next is answered without."""
    monkeypatch.setattr(waiting_room, "MOST", 1)
    async with server.session() as client:
        after = (await ask(client, "GET", "/events?limit=1000"))["horizon"]
        waiting = asyncio.ensure_future(ask(client, "GET", f"/events?after={after}&wait=20"))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(2):
            assert (await ask(client, "GET", f"/events?after={after}&wait=20"))["events"] == []
        assert not waiting.done()
        await server.product.waiters.close()
        async with asyncio.timeout(2):
            assert (await waiting)["events"] == []
