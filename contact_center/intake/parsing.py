"""Parsing in processes of its own: off the event loop, bounded in time and memory, and killed when it hangs.

A mail that takes a parser down must not take its neighbours along: after a crash or a time-out the processes are
replaced and every item of the batch is tried alone, so that only the guilty one fails.
"""

import asyncio
import multiprocessing
import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from contact_center.channels import registry
from contact_center.errors import QuarantineItem, Unavailable
from contact_center.model.messages import InboundMessage

logger = structlog.get_logger(__name__)

MEMORY = 3 * 1024**3  # bytes of address space a parser process may have
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Original:
    """A raw item's bytes, in memory or in a file."""

    kind: str
    envelope: dict[str, Any]
    content: bytes | None = None
    path: str | None = None
    folder: str = ""
    """Where large parts go; with it the original is too large to be read at once."""


Outcome = InboundMessage | QuarantineItem


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
            return [QuarantineItem(f"The item took longer than {self._seconds:g} seconds to understand, or broke the parser.")]
        return [outcome for original in originals for outcome in await self.parse([original])]

    async def warm_up(self) -> None:
        """Start the processes. Raises Unavailable when they cannot."""
        if self._pool is None:
            self._pool = await self._start()

    def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    async def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["contact_center.intake.parsing", "contact_center.channels.email.connector"])
        pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_limit)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, ready), START_SECONDS)
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
            results = await asyncio.wait_for(asyncio.gather(*futures), seconds)
        except (TimeoutError, BrokenProcessPool, MemoryError) as error:
            logger.warning("parsing.restarted", items=len(originals), error=repr(error))
            self.close()
            return None
        return [outcome for part in results for outcome in part]


def ready() -> bool:
    """Asked of a new process, so that one that cannot start is not taken for an item that kills it."""
    return True


def parse_all(originals: list[Original]) -> list[Outcome]:
    """Parse each; one bad item does not fail its neighbours. Runs in a parser process."""
    return [_parse_one(original) for original in originals]


def _parse_one(original: Original) -> Outcome:
    try:
        kind = registry.find(original.kind)
        if original.path is not None and original.folder:
            return kind.parse_large(original.path, original.folder, original.envelope)
        content = original.content if original.path is None else Path(original.path).read_bytes()
        return kind.parse(content or b"", original.envelope)
    except MemoryError:
        return QuarantineItem("The item needs more memory to understand than a parser may have.")
    except Exception as error:  # noqa: BLE001 - no exception may lose an item: it is kept and shown with its reason
        return QuarantineItem(f"The item could not be understood: {type(error).__name__}: {str(error)[:300]}")


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
