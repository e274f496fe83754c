"""What strangers can make the public doors hold in memory before they have proven anything."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contact_center.api.handlers import hooks
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
    """Whether they tell their length or not: the others wait outside, and small requests pass them."""
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
        assert most == 6

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
