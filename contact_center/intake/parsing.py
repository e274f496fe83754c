"""Parsing in processes of its own: off the event loop, bounded in time and memory, and killed when it hangs.

A mail that takes a parser down must not take its neighbours along: after a crash or a time-out the processes are
replaced and every item of the batch is tried alone, so that only the guilty one fails.
"""

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import structlog

from contact_center.channels import registry
from contact_center.errors import QuarantineItem, Unavailable
from contact_center.intake.understanding import Original, Outcome, limit, parse_all, ready

logger = structlog.get_logger(__name__)

START_SECONDS = 60.0

ALONE_SHARE = 3  # what failed in a batch gets this part of the batch's time when it is tried alone ...
ALONE_LEAST = 5.0  # ... and this many seconds at least


def _too_long(seconds: float) -> QuarantineItem:
    return QuarantineItem(f"The item took longer than {seconds:g} seconds to understand, or broke the parser.")


class Parsers:
    """The parser processes."""

    def __init__(self, workers: int, seconds: float) -> None:
        self._workers = workers
        self._seconds = seconds
        self._pool: ProcessPoolExecutor | None = None

    async def parse(self, originals: Sequence[Original]) -> list[Outcome]:
        """What each original means, or why it cannot be understood; in the order given."""
        if not originals:
            return []
        outcomes = await self._try(list(originals), self._seconds)
        if outcomes is not None:
            return outcomes
        if len(originals) == 1:
            return [_too_long(self._seconds)]
        # Many hostile items in one batch must not hold up everybody for the whole time each.
        seconds = max(self._seconds / ALONE_SHARE, min(ALONE_LEAST, self._seconds))
        found: list[Outcome] = []
        for original in originals:
            alone = await self._try([original], seconds)
            found += alone or [_too_long(seconds)]
        return found

    async def warm_up(self) -> None:
        """Start the processes. Raises Unavailable when they cannot."""
        if self._pool is None:
            self._pool = await self._start()

    def close(self) -> None:
        """End the processes, when nobody is going to parse any more."""
        self._give_up()

    def _give_up(self) -> None:
        """End the processes; whoever parses next has new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    async def _start(self) -> ProcessPoolExecutor:
        # A fork of this process would carry its threads' locks and its memory; a fork server would be one more process.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=limit)
        try:
            async with asyncio.timeout(START_SECONDS):  # `wait_for` can lose a cancellation, and who stops us waits for ever
                await asyncio.get_running_loop().run_in_executor(pool, ready, sorted(registry.kinds()))
        except (TimeoutError, BrokenProcessPool, OSError) as error:
            pool.shutdown(wait=False, cancel_futures=True)
            raise Unavailable(f"The parser processes cannot start: {error!r}") from error
        return pool

    async def _try(self, originals: list[Original], seconds: float) -> list[Outcome] | None:
        loop = asyncio.get_running_loop()
        await self.warm_up()
        assert self._pool is not None
        size = max(1, -(-len(originals) // self._workers))
        parts = [originals[start : start + size] for start in range(0, len(originals), size)]
        try:
            futures = [loop.run_in_executor(self._pool, parse_all, part) for part in parts]
            async with asyncio.timeout(seconds):
                results = await asyncio.gather(*futures)
        except (TimeoutError, BrokenProcessPool, MemoryError) as error:
            logger.warning("parsing.restarted", items=len(originals), error=repr(error))
            self._give_up()
            return None
        return [outcome for part in results for outcome in part]
