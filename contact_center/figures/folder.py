"""Folds what has ended into rollups. What is not folded yet is counted from rows, so that being late costs time and never a number."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from contact_center.errors import Conflict, ContactCenterError
from contact_center.store import Store
from contact_center.store.repositories import channels, rollups

logger = structlog.get_logger(__name__)

LEASE = "figures"
LEASE_TTL = timedelta(seconds=30)
LOOK_SECONDS = 15.0  # what ends within it is folded together
PACE = 0.02  # seconds between two units, so that others who write come between


class Folder:
    """One of each process; the lease lets one of them work."""

    def __init__(self, store: Store, holder: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock

    async def run(self) -> None:
        """Fold until cancelled."""
        while True:
            try:
                while await self._store.read(rollups.behind) and await self._may() and await fold(self._store):
                    await asyncio.sleep(PACE)
            except ContactCenterError as error:
                logger.warning("figures.waiting", error=error.message)
            except Exception as error:
                logger.error("figures.stuck", error=repr(error), exc_info=error)
            await asyncio.sleep(LOOK_SECONDS)

    async def _may(self) -> bool:
        """Whether this process is the one that folds."""
        return await self._store.write(channels.take_lease, LEASE, self._holder, self._clock(), LEASE_TTL) is not None


async def fold(store: Store) -> rollups.Fold | None:
    """Fold what was marked first, in one unit; None when nothing is marked. Whoever lost a race for it counts again."""
    while (found := await store.read(rollups.prepare)) is not None:
        try:
            await store.write_bulk(rollups.write, found)
        except Conflict:
            continue
        return found
    return None


async def rebuild(store: Store, tell: Callable[[int], None]) -> tuple[int, int]:
    """Make every rollup anew; returns how many stays and calls were counted, and how many rollups they made."""
    await store.write_bulk(rollups.forget)
    stays = made = 0
    while (found := await fold(store)) is not None:
        stays, made = stays + found.stays, made + len(found.facts)
        tell(stays)
    return stays, made
