"""What strangers can make the public doors hold in memory before they have proven anything."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from contact_center.api import bodies
from contact_center.api.handlers import hooks
from contact_center.api.limits import Places
from contact_center.testing import RunningApp, running_app
from tests.channels.web_form.helpers import open_form

CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


async def knock(app: RunningApp, path: str, length: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin a POST whose body is as long as it says, or says nothing (chunked)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(app.url).port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n".encode())
    return reader, writer


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 28000000"])
async def test_few_large_bodies_are_held_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: str) -> None:
    """Whether they tell their length or not: of one address the others wait outside, and small requests pass them."""
    held, most, real = 0, 0, hooks._body

    async def counted(*arguments: Any) -> bytes:
        nonlocal held, most
        held += 1
        most = max(most, held)
        try:
            return await real(*arguments)
        finally:
            held -= 1

    monkeypatch.setattr(hooks, "_body", counted)
    async with running_app(tmp_path, workers=False) as app:
        path = urlsplit(await open_form(app)).path
        slow = [await knock(app, path, length) for _ in range(12)]
        for _ in range(20):
            for _, writer in slow:
                writer.write(CHUNK if "chunked" in length else b"x" * 1000)
            await asyncio.sleep(0.02)
        assert most == 2, "one address has its share of the places"

        reader, writer = await knock(app, path, "Content-Length: 2")
        writer.write(b"{}")
        async with asyncio.timeout(10):
            assert (await reader.readline()).split()[1] in (b"409", b"422")
        for _, each in [*slow, (reader, writer)]:
            each.close()


async def test_a_body_without_an_end_is_cut(tmp_path: Path) -> None:
    """A chunked request that tells no length is refused as soon as it is too long, not when it ends."""
    async with running_app(tmp_path, workers=False) as app:
        path = urlsplit(await open_form(app)).path
        reader, writer = await knock(app, path, "Transfer-Encoding: chunked")
        sent = 0
        answer = asyncio.ensure_future(reader.readline())
        async with asyncio.timeout(30):
            while not answer.done() and sent < 200:
                writer.write(CHUNK * 16)  # a MiB
                await writer.drain()
                sent += 1
                await asyncio.sleep(0)
            assert b" 413 " in await answer
        assert sent < 100
        writer.close()


async def test_slow_bodies_close_no_other_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While large bodies trickle in at one account, what has no body is answered at once at another, and the slow get 408."""
    monkeypatch.setattr(bodies, "STRANGERS", bodies.Pace(1.0, 50_000))
    async with running_app(tmp_path, workers=False) as app:
        path, other = [urlsplit(await open_form(app, address=address)).path for address in ("first", "second")]
        slow = [await knock(app, path, "Content-Length: 20000000") for _ in range(8)]
        answers = [asyncio.ensure_future(reader.readline()) for reader, _ in slow]

        async def trickle() -> None:
            while True:
                for _, writer in slow:
                    writer.write(b"x")
                await asyncio.sleep(0.1)

        drops = asyncio.ensure_future(trickle())
        await asyncio.sleep(0.3)
        async with asyncio.timeout(0.6), aiohttp.ClientSession(app.url) as outside, outside.get(other) as response:
            assert response.status == 200
        async with asyncio.timeout(10):
            done, _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        drops.cancel()
        assert b" 408 " in done.pop().result()
        for _, writer in slow:
            writer.close()
        await asyncio.gather(*answers, return_exceptions=True)


async def test_places_are_shared_among_addresses() -> None:
    """Of six places one address has two at most, a network of IPv6 counts as one, and who leaves lets the next in."""
    places, inside = Places(total=6, each=2), []

    async def come(address: str, leave: asyncio.Event) -> None:
        async with places.place(address):
            inside.append(address)
            await leave.wait()

    leave = asyncio.Event()
    addresses = [*["203.0.113.1"] * 5, "2001:470:1:2::1", "2001:470:1:2::2", "2001:470:1:2::3", "203.0.113.2", "203.0.113.2", "203.0.113.3"]
    tasks = [asyncio.ensure_future(come(address, leave)) for address in addresses]
    await asyncio.sleep(0.05)
    assert inside == [*["203.0.113.1"] * 2, "2001:470:1:2::1", "2001:470:1:2::2", *["203.0.113.2"] * 2]
    tasks[4].cancel()
    leave.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(inside) == len(addresses) - 1
