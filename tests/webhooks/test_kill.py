"""kill -9 by the receiver itself, in the moment between the message that arrived and the answer to it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests import servers
from tests.journeys.conftest import PASSWORD, Served
from tests.webhooks.receiver import Receiver, until
from tests.webhooks.test_api import ask, make
from tests.webhooks.test_signing import checks


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server as a process of its own, that may send to this machine."""
    monkeypatch.setenv("CONTACT_CENTER_WEBHOOKS__ALLOW_PRIVATE_NETWORKS", "true")
    server = Served(tmp_path, servers.free_port(), servers.free_port())
    server.start()
    yield server
    server.stop()


async def test_a_killed_process_sends_again_under_the_same_id(served: Served, receiver: Receiver) -> None:
    """The message whose answer was never heard comes again with its id, and the others follow in order."""

    async def kill(_request: web.Request) -> web.Response:
        await asyncio.to_thread(served.kill)
        return web.Response(status=204)

    async with aiohttp.ClientSession(served.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        token = served.first_login.partition("#")[2]
        await ask(client, "POST", "/first-login", 201, token=token, name="Admin", email="admin@example.com", password=PASSWORD)
        _, secret = await make(client, receiver.url, types=["queue.changed"])
        receiver.answers = [204, kill]
        await ask(client, "POST", "/queues", 201, name="First")
        await until(lambda: len(receiver.heard) == 1)
        await ask(client, "POST", "/queues", 201, name="Second")
        await until(lambda: len(receiver.heard) == 2)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(served.start)
        await ask(client, "POST", "/queues", 201, name="Third")
        await until(lambda: len(receiver.heard) == 4, 60)
    first, second, again, third = receiver.heard
    assert (second.id, second.body) == (again.id, again.body)
    assert first.seq < second.seq < third.seq
    assert len({each.id for each in receiver.heard}) == 3
    assert all(checks(secret, each.headers, each.body) for each in receiver.heard)
