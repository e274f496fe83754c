"""Bodies that come piece by piece: bounded in size, and in the time that so many bytes may take."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from contact_center.errors import TooLarge, TooSlow


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a sender may be. Who is slower only holds a place that others need."""

    grace: float
    """Seconds for which a line may be silent."""
    least: int
    """Bytes a second, beyond that."""


STRANGERS = Pace(10.0, 50 * 1000)
COLLEAGUES = Pace(30.0, 8 * 1000)  # a bad line in a hotel; 25 MiB take at most an hour


async def receive(request: web.Request, limit: int, words: str, pace: Pace, take: Callable[[bytes], Awaitable[object]]) -> int:
    """Give the body to `take`, piece by piece; returns its size. Raises TooLarge with these words, or TooSlow."""
    clock = asyncio.get_running_loop().time
    size, begun = 0, clock()
    while True:
        try:
            async with asyncio.timeout_at(begun + pace.grace + size / pace.least):
                chunk = await request.content.readany()
        except TimeoutError:
            raise TooSlow from None
        if not chunk:
            return size
        size += len(chunk)
        if size > limit:
            raise TooLarge(words)
        waited = clock()
        await take(chunk)
        begun += clock() - waited  # a slow disk of ours is not the sender's fault
