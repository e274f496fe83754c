"""Ending leases whose holder is dead although its clock says otherwise.

A lease says until when it holds, by the clock of whoever took it. When that clock ran ahead and was put right, a dead
process's mailbox would stay unread until then. What a living holder does is renew: a lease that stood unchanged for twice
its length of our own, steady time is dead, whatever the clocks say. Fences keep this safe even if it were not.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from contact_center.store.engine import Store
from contact_center.store.repositories import channels


class Undertaker:
    """Remembers since when it sees each lease unchanged."""

    def __init__(self, store: Store, ttl: timedelta, clock: Callable[[], datetime], steady: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._patience = 2 * ttl.total_seconds()
        self._clock = clock
        self._steady = steady
        self._seen: dict[str, tuple[datetime, float]] = {}

    async def look(self) -> int:
        """End the leases that nobody renewed for too long; returns how many."""
        now, steady = self._clock(), self._steady()
        alive = await self._store.read(channels.living_leases, now)
        self._seen = {
            name: self._seen[name] if name in self._seen and self._seen[name][0] == until else (until, steady)
            for name, until in alive.items()
        }
        dead = [name for name, (_, since) in self._seen.items() if steady - since > self._patience]
        return sum([await self._store.write(channels.end_lease, name, alive[name], now) for name in dead])
