"""A console of a test: a real socket.io client that keeps what it hears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import socketio

from contact_center.testing import RunningApp
from tests.api.world import cookie, make_session


class Listening:
    """What one console heard."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.news: list[dict[str, Any]] = []
        self.upto = 0
        self.resets: list[Any] = []
        self.byes: list[Any] = []
        self.gone = asyncio.Event()
        self.client.on("news", self._on_news)
        self.client.on("reset", self.resets.append)
        self.client.on("bye", self.byes.append)
        self.client.on("disconnect", self._on_disconnect)

    def _on_news(self, data: dict[str, Any]) -> None:
        assert data["upto"] >= self.upto, "the horizon never goes back"
        self.upto = data["upto"]
        self.news += data["events"]

    def _on_disconnect(self, *_: Any) -> None:
        self.gone.set()

    @property
    def types(self) -> list[str]:
        """Names of the events heard."""
        return [event["type"] for event in self.news]

    async def ask(self, event: str, data: Any) -> Any:
        """Send and wait for the answer."""
        return await self.client.call(event, data, timeout=10)

    async def hears(self, wanted: Callable[["Listening"], bool]) -> None:
        """Wait until something holds of what was heard."""
        async with asyncio.timeout(20):
            while not wanted(self):
                await asyncio.sleep(0.02)

    async def hears_up_to(self, number: int) -> None:
        """Wait until the console is complete up to a journal number."""
        await self.hears(lambda me: me.upto >= number)


@asynccontextmanager
async def console(app: RunningApp, user_id: int, *, token: str = "", **headers: str) -> AsyncIterator[Listening]:
    """A console of an employee."""
    heard = Listening()
    sent = cookie(token or await make_session(app, user_id)) | headers
    await heard.client.connect(app.url, headers=sent, transports=["websocket"], wait_timeout=10)
    try:
        yield heard
    finally:
        await heard.client.disconnect()
