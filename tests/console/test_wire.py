"""Writing to sockets: at once where there is room, in order always, and not for ever to those who do not read."""

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import socketio
from engineio.async_socket import AsyncSocket

from contact_center.app import utc_now
from contact_center.console import wire
from contact_center.console.live import Listener
from contact_center.console.wire import DirectWebSocket, Frame
from contact_center.contacts import book
from contact_center.model.acts import Act
from contact_center.store import journal
from contact_center.testing import RunningApp, a_mail
from tests.api.world import admin_id, cookie, make_session
from tests.console.helpers import console

BIG = 20_000  # characters of a name: a few hundred fill the buffers of the kernel


class Line:
    """A websocket whose other end reads as fast as the test lets it."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.waiting = 0
        self.closed = False
        self.error: Exception | None = None
        self.aborted = False
        self._req = SimpleNamespace(transport=self)

    async def send_str(self, text: str) -> None:
        """Write one frame."""
        if self.error is not None:
            raise self.error
        self.written.append(text)

    def get_write_buffer_size(self) -> int:
        """Bytes that the other end has not taken yet."""
        return self.waiting

    def abort(self) -> None:
        """Cut the connection."""
        self.aborted = True


class One:
    """The server's side of one console: the library's own socket and queue on a line of ours."""

    def __init__(self) -> None:
        self.server: socketio.AsyncServer = wire.make_server()
        self.socket = AsyncSocket(self.server.eio, "one")
        self.socket.connected = self.socket.upgraded = True
        self.server.eio.sockets["one"] = self.socket
        self.line = Line()
        self.direct = DirectWebSocket(self.socket._websocket_handler, self.server.eio)
        self.direct._sock = self.line

    def frame(self, number: int, size: int = 0) -> Frame:
        """A packet that can be told from others."""
        return Frame(self.server, "news", {"number": number, "filling": "x" * size})

    async def write(self, frame: Frame) -> bool:
        """What is tested."""
        return await wire.write(self.server, "one", frame)

    async def library_writes(self) -> None:
        """What the library's writer does in one round: take all that waits, then write it."""
        for packet in await self.socket.poll():
            await self.direct.send(packet.encode())


async def test_an_idle_console_is_written_to_at_once() -> None:
    """Where there is room a frame goes out as it was encoded, without a queue or a task."""
    one, frame = One(), One().frame(1)
    assert await one.write(frame)
    assert one.line.written == [frame.text]
    assert one.socket.queue.empty()
    assert not one.direct.queued


async def test_nobody_there_is_said_so() -> None:
    """A socket that is gone or closed, or whose line breaks at the write, is told to the caller and nothing is kept for it."""
    one = One()
    assert not await wire.write(one.server, "another", one.frame(1))
    for error in (ConnectionResetError(), RuntimeError("closing")):
        one.line.error = error
        assert not await one.write(one.frame(2))
    one.socket.closed = True
    assert not await one.write(one.frame(3))
    assert one.line.written == []
    assert one.socket.queue.empty()
    assert not one.direct.queued


@pytest.mark.parametrize(("room", "direct"), [(1, True), (0, False), (-1, False)])
async def test_a_frame_must_fit_below_the_mark(room: int, direct: bool) -> None:
    """A frame is written at once only if it leaves the buffer below the mark at which a write would have to wait."""
    one = One()
    frame = one.frame(1)
    one.line.waiting = wire.HIGH_WATER - frame.size - room
    assert await one.write(frame)
    assert (one.line.written == [frame.text]) is direct
    assert one.socket.queue.empty() is direct


def test_the_mark_is_below_the_transports_own() -> None:
    """A transport pauses its writer at 64 KiB; the mark must be reached before, or one console would hold up all others."""
    transport = asyncio.transports._FlowControlMixin.__new__(asyncio.transports._FlowControlMixin)
    transport._set_write_buffer_limits()  # type: ignore[attr-defined]
    assert transport._high_water >= wire.HIGH_WATER  # type: ignore[attr-defined]


async def test_size_is_counted_in_bytes() -> None:
    """Letters of two bytes take the room of two."""
    one = One()
    frame = Frame(one.server, "news", {"name": "Ж" * 100})
    assert frame.size == len(frame.text.encode()) > len(frame.text)


async def test_a_polling_console_hears_through_its_queue() -> None:
    """Who has no websocket yet gets each frame with the next poll."""
    one = One()
    one.socket.upgraded = False
    del one.socket.direct
    frames = [one.frame(number) for number in range(3)]
    for frame in frames:
        assert await one.write(frame)
    assert [packet.encode() for packet in await one.socket.poll()] == [frame.text for frame in frames]
    assert one.line.written == []


async def test_nothing_overtakes_what_waits() -> None:
    """While a frame waits, in the queue or already taken out of it, later ones wait behind it; then writing is direct again."""
    one = One()
    frames = [one.frame(number) for number in range(6)]
    await one.write(frames[0])
    one.line.waiting = wire.HIGH_WATER
    await one.write(frames[1])
    one.line.waiting = 0
    await one.write(frames[2])
    assert one.line.written == [frames[0].text]
    taken = await one.socket.poll()
    assert one.socket.queue.empty()
    await one.write(frames[3])
    assert one.line.written == [frames[0].text], "what was taken out is not written yet"
    for packet in taken:
        await one.direct.send(packet.encode())
    await one.write(frames[4])
    await one.library_writes()
    assert not one.direct.queued
    await one.write(frames[5])
    assert one.socket.queue.empty()
    assert one.line.written == [frame.text for frame in frames]


async def test_packets_of_the_library_are_not_overtaken() -> None:
    """An answer of the library that waits in the queue goes out before news that came later."""
    one, frame = One(), One().frame(1)
    await one.socket.queue.put(frame.packet)
    later = one.frame(2)
    await one.write(later)
    assert one.line.written == []
    await one.library_writes()
    assert one.line.written == [frame.text, later.text]


async def test_who_falls_behind_too_far_is_given_up() -> None:
    """The queue of one console has an end; at it the answer is no, and nothing more is kept."""
    one = One()
    one.line.waiting = wire.HIGH_WATER
    frame = one.frame(1)
    assert all([await one.write(frame) for _ in range(wire.QUEUE_LIMIT)])
    assert not await one.write(frame)
    assert not await one.write(frame)
    assert one.socket.queue.qsize() == len(one.direct.queued) == wire.QUEUE_LIMIT
    assert all(text is frame.text for text in one.direct.queued), "what waits for many is kept once"


@pytest.mark.parametrize("gone", ["closed", "no request", "no transport"])
async def test_a_line_that_is_down_is_not_written_to(gone: str) -> None:
    """A websocket that has ended meanwhile gets nothing directly; the library finds out by itself."""
    one = One()
    if gone == "closed":
        one.line.closed = True
    elif gone == "no request":
        one.line._req = None  # type: ignore[assignment]
    else:
        one.line._req.transport = None
    assert await one.write(one.frame(1))
    assert one.line.written == []
    assert one.socket.queue.qsize() == 1


@pytest.mark.parametrize("abort", [True, False])
async def test_letting_go_waits_for_nobody(abort: bool) -> None:
    """Closing a console whose queue is never emptied returns; with abort its connection is cut."""
    one = One()
    one.line.waiting = wire.HIGH_WATER
    await one.write(one.frame(1))
    await wire.close(one.server, "one", abort=abort)
    assert one.socket.closed
    assert one.line.aborted is abort
    await wire.close(one.server, "one", abort=abort)
    await wire.close(one.server, "another", abort=abort)


# Consoles that do not read.


async def rename(app: RunningApp, number: int) -> None:
    """One event of 20 kB."""
    await app.store.write(book.rename, Act(utc_now()), 1, 1, f"{number} {'x' * BIG}")


@asynccontextmanager
async def stalled(app: RunningApp) -> AsyncIterator[socket.socket]:
    """A console that shakes hands by hand over a real connection and then never reads again."""
    host, _, port = app.url.removeprefix("http://").partition(":")
    loop = asyncio.get_running_loop()
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.setblocking(False)
        await loop.sock_connect(made, (host, int(port)))
        session = cookie(await make_session(app, await admin_id(app)))["Cookie"]
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {session}\r\nUpgrade: websocket\r\n"
        await loop.sock_sendall(
            made, f"{head}Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        await _read_until(made, b'"sid"')
        await loop.sock_sendall(made, b"\x81\x82\0\0\0\0" + b"40")  # a masked text frame: join the namespace
        await _read_until(made, b'40{"sid"')
        yield made


async def _read_until(made: socket.socket, mark: bytes) -> None:
    heard = b""
    async with asyncio.timeout(20):
        while mark not in heard:
            heard += await asyncio.get_running_loop().sock_recv(made, 4096)


@asynccontextmanager
async def silent(app: RunningApp) -> AsyncIterator[None]:
    """A console that polls once and never again."""
    headers = cookie(await make_session(app, await admin_id(app)))
    async with aiohttp.ClientSession(app.url, headers=headers) as client:
        path = "/socket.io/?EIO=4&transport=polling"
        async with client.get(path) as response:
            sid = (await response.text()).partition('"sid":"')[2].partition('"')[0]
        async with client.post(f"{path}&sid={sid}", data="40") as response:
            assert response.status == 200
        async with client.get(f"{path}&sid={sid}") as response:
            assert (await response.text()).startswith("40{")
        yield


async def drown(app: RunningApp, victim: Listener, heard: Any) -> int:
    """Make news until the console that does not read is let go; returns how many there were.

    All the while what is kept for it is bounded, and the console that reads is up to date.
    """
    server = app.product.console.server
    kept = server.eio.sockets[victim.eio_sid]
    for number in range(3000):
        await rename(app, number)
        if number % 5 == 0:  # far below the limit, which holds for the console that reads, too
            await heard.hears_up_to(await app.store.read(journal.horizon))
        direct: DirectWebSocket | None = getattr(kept, "direct", None)
        assert kept.queue.qsize() <= wire.QUEUE_LIMIT + 5, "besides news a few packets of the library"
        if direct is not None:
            # One round of the library's writer is in its hands while the queue fills again.
            assert len(direct.queued) <= 2 * wire.QUEUE_LIMIT + 5
            if direct._sock._req is not None and direct._sock._req.transport is not None:
                # What we write, and the 64 KiB that the library writes on top before it waits.
                assert direct._sock._req.transport.get_write_buffer_size() < wire.HIGH_WATER + 64 * 1024 + 2 * BIG
        if victim.sid not in app.product.console._listeners:
            return number + 1
    raise AssertionError("the console was never let go")


async def _cut(made: socket.socket) -> bool:
    """Whether the other end has gone, after all that it sent was read."""
    async with asyncio.timeout(20):
        try:
            while await asyncio.get_running_loop().sock_recv(made, 65536):
                pass
        except ConnectionError:
            pass
    return True


async def _names(heard: Any, count: int) -> None:
    names = [event["data"]["contact"]["name"].split()[0] for event in heard.news if event["type"] == "contact.changed"]
    assert names == [str(number) for number in range(count)]


async def test_a_console_that_does_not_read_is_dropped_alone(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is cut when too much waits for it; until then and after others hear everything, in order, without delay."""
    monkeypatch.setattr(wire, "QUEUE_LIMIT", 20)
    await server.deliver(a_mail())
    async with stalled(server) as made:
        [victim] = server.product.console._listeners.values()
        async with console(server, await admin_id(server)) as heard:
            count = await drown(server, victim, heard)
            await heard.hears_up_to(await server.store.read(journal.horizon))
            await _names(heard, count)
            assert [listener.sid for listener in server.product.console._listeners.values()] != [victim.sid]
            assert await _cut(made)
            async with asyncio.timeout(20):
                while victim.eio_sid in server.product.console.server.eio.sockets:
                    await asyncio.sleep(0.02)
            assert server.product.console.listeners == 1
            assert server.product.console.well
            await rename(server, count)
            await heard.hears_up_to(await server.store.read(journal.horizon))
            await _names(heard, count + 1)


async def test_a_console_that_does_not_poll_is_dropped_alone(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without a websocket that stops asking is let go at the same limit, and others hear everything."""
    monkeypatch.setattr(wire, "QUEUE_LIMIT", 20)
    await server.deliver(a_mail())
    async with silent(server):
        [victim] = server.product.console._listeners.values()
        async with console(server, await admin_id(server)) as heard:
            count = await drown(server, victim, heard)
            assert count > wire.QUEUE_LIMIT
            await heard.hears_up_to(await server.store.read(journal.horizon))
            await _names(heard, count)
            assert server.product.console.listeners == 1


async def test_a_dropped_console_comes_back_to_all_it_missed(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being dropped loses nothing: from the last number it heard it is told everything since, once."""
    monkeypatch.setattr(wire, "QUEUE_LIMIT", 20)
    await server.deliver(a_mail())
    start = await server.store.read(journal.horizon)
    async with stalled(server):
        [victim] = server.product.console._listeners.values()
        async with console(server, await admin_id(server)) as heard:
            count = await drown(server, victim, heard)
            # Back, it reads: the limit of a real server holds the replay.
            monkeypatch.setattr(wire, "QUEUE_LIMIT", 500)
            async with console(server, await admin_id(server)) as again:
                assert (await again.ask("resume", {"after": start, "contacts": []}))["ok"]
                await again.hears_up_to(await server.store.read(journal.horizon))
                await _names(again, count)
