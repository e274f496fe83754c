"""Writing one encoded packet to many sockets.

python-socketio makes a task for every recipient and encodes for each; with a thousand consoles that is most of the
cost. Here a packet is encoded once and written straight to idle websockets; a busy or polling one gets it through its
ordinary queue, and one whose queue grows past `QUEUE_LIMIT` is dropped, to come back and resume.
"""

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
    """The library's websocket, findable from the socket it serves."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        handler.__self__.direct = self


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
    if direct is not None and socket.upgraded and socket.queue.empty() and _has_room(direct, frame.size):
        try:
            await direct._sock.send_str(frame.text)
        except (ConnectionError, RuntimeError):
            return False
        return True
    if socket.queue.qsize() >= QUEUE_LIMIT:
        return False
    socket.queue.put_nowait(frame.packet)
    return True


def _has_room(direct: DirectWebSocket, size: int) -> bool:
    websocket = direct._sock
    if websocket is None or websocket.closed or websocket._req is None:
        return False
    transport = websocket._req.transport
    return transport is not None and transport.get_write_buffer_size() + size < HIGH_WATER
