"""Requests that wait for the next ring: long polls. Bounded, and let go at once when the server stops."""

import asyncio
from typing import Any

from contact_center import tasks

MOST = 200  # requests that may wait in one process; further ones are answered at once
LOOK = 5.0  # seconds after which a waiting request looks by itself, should a ring be lost


class Waiters:
    """Everybody in this process who waits for news."""

    def __init__(self) -> None:
        self._ring = asyncio.Event()
        self._waiting = 0
        self._closed = False

    @property
    def open(self) -> bool:
        """Whether one more may wait."""
        return not self._closed and self._waiting < MOST

    def wake(self) -> None:
        """The bell rang: all look."""
        ring, self._ring = self._ring, asyncio.Event()
        ring.set()

    async def close(self, _app: Any = None) -> None:
        """Let all go; nobody waits any more."""
        self._closed = True
        self.wake()

    def listen(self) -> asyncio.Event:
        """What the next ring will set. Ask for it before looking, so that nothing falls in between."""
        return self._ring

    async def wait(self, ring: asyncio.Event, seconds: float) -> None:
        """Wait for that ring, not longer than `seconds`."""
        if not self.open:
            return
        self._waiting += 1
        try:
            await tasks.wait(ring, min(seconds, LOOK))
        finally:
            self._waiting -= 1
