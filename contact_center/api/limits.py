"""How often one address may do something. Counted in memory by each process, so that nobody outside makes us write."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


def holder_of(address: str) -> str:
    """Whoever has one IPv6 address has the 2^64 of its network: they share a budget."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed) >> 64 << 64, 64)))
    return address


class PostLimits:
    """What comes to public doors, by account and address."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allows(self, account_id: int, address: str, per_minute: int) -> bool:
        """Count a request; False when there were too many within a minute."""
        if per_minute <= 0:
            return True
        return self._limiter.hit(RateLimitItemPerMinute(per_minute), str(account_id), holder_of(address))


class Places:
    """Large bodies that are held in memory at once: a few of all, fewer of one address, so that nobody takes all places."""

    def __init__(self, total: int, each: int) -> None:
        self._total, self._each = total, each
        self._taken: Counter[str] = Counter()
        self._waiting: list[asyncio.Event] = []

    @asynccontextmanager
    async def place(self, address: str) -> AsyncIterator[None]:
        """Hold a place. Who has their share already waits behind themselves, and holds nobody else up."""
        holder = holder_of(address)
        while self._taken.total() >= self._total or self._taken[holder] >= self._each:
            left = asyncio.Event()
            self._waiting.append(left)
            await left.wait()
        self._taken[holder] += 1
        try:
            yield
        finally:
            self._taken[holder] -= 1
            self._taken += Counter()  # forgets who holds nothing
            waiting, self._waiting = self._waiting, []
            for left in waiting:
                left.set()
