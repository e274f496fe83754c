"""Writing one encoded packet to many sockets.

python-socketio makes a task for every recipient and encodes for each; with a thousand consoles that is most of the
cost. Here a packet is encoded once and written straight to idle websockets; a busy or polling one gets it through its
ordinary queue, and one whose queue grows past `QUEUE_LIMIT` is dropped, to come back and resume.
"""

from collections import deque
from typing import Any

import orjson
import socketio
from engineio import packet as engine_packet
from engineio.async_drivers.aiohttp import WebSocket
from socketio import packet as socket_packet

QUEUE_LIMIT = 500  # packets waiting for one console
# Bytes in the transport's buffer from which a console counts as slow. Below the 64 KiB at which a transport pauses its
# writer: a write that waits for one console would hold up all others.
HIGH_WATER = 48 * 1024


class OneJson:
    """The JSON that python-socketio uses: ours, for speed and one form of instants."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """Encode."""
        return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        """Decode."""
        return orjson.loads(text)


class DirectWebSocket(WebSocket):  # type: ignore[misc]
    """The library's websocket, findable from the socket it serves, and knowing which frames took the long way.

    A frame in the queue may have left it and not be written yet; nothing may overtake it, or news would come out of order.
    """

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        handler.__self__.direct = self
        self.queued: deque[str] = deque()

    async def send(self, message: Any) -> None:
        """Write what the library took out of the queue."""
        await super().send(message)
        # What stands before it left by a poll, while the connection was being turned into a websocket.
        if message in self.queued:
            while self.queued.popleft() != message:
                pass


def make_server(**options: Any) -> socketio.AsyncServer:
    """A socket.io server whose websockets can be written to directly."""
    server = socketio.AsyncServer(async_mode="aiohttp", json=OneJson, **options)
    server.eio._async = {**server.eio._async, "websocket": DirectWebSocket}
    return server


class Frame:
    """One packet, encoded once."""

    def __init__(self, server: socketio.AsyncServer, event: str, data: Any) -> None:
        encoded = server.packet_class(socket_packet.EVENT, namespace="/", data=[event, data]).encode()
        self.packet = engine_packet.Packet(engine_packet.MESSAGE, encoded)
        self.text: str = self.packet.encode()
        self.size = len(self.text.encode())


async def write(server: socketio.AsyncServer, eio_sid: str, frame: Frame) -> bool:
    """Send to one socket; False when it is gone or too far behind to be worth keeping."""
    socket = server.eio.sockets.get(eio_sid)
    if socket is None or socket.closed:
        return False
    direct: DirectWebSocket | None = getattr(socket, "direct", None)
    if direct is not None and socket.upgraded and not direct.queued and socket.queue.empty() and _has_room(direct, frame.size):
        try:
            await direct._sock.send_str(frame.text)
        except (ConnectionError, RuntimeError):
            return False
        return True
    if socket.queue.qsize() >= QUEUE_LIMIT:
        return False
    socket.queue.put_nowait(frame.packet)
    if direct is not None:
        direct.queued.append(frame.text)
    return True


def _has_room(direct: DirectWebSocket, size: int) -> bool:
    websocket = direct._sock
    if websocket is None or websocket.closed or websocket._req is None:
        return False
    transport = websocket._req.transport
    return transport is not None and transport.get_write_buffer_size() + size < HIGH_WATER


async def close(server: socketio.AsyncServer, eio_sid: str, *, abort: bool) -> None:
    """End one socket without waiting for it: the queue of a console that is gone is never emptied.

    With `abort` the connection is cut at once; without, what was queued for it still goes out.
    """
    socket = server.eio.sockets.get(eio_sid)
    if socket is None:
        return
    if not socket.closed:
        await socket.close(wait=False, abort=abort)
    direct: DirectWebSocket | None = getattr(socket, "direct", None)
    if abort and direct is not None and direct._sock is not None and direct._sock._req is not None:
        transport = direct._sock._req.transport
        if transport is not None:
            transport.abort()
