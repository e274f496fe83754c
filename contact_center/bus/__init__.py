"""The doorbell: "something was committed, look into the journal". It carries no news and may ring in vain or be lost."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog

from contact_center.tasks import spawn, stop

logger = structlog.get_logger(__name__)

CHANNEL = "contact_center_journal"
COALESCE = 0.01  # seconds between two rings of one process: NOTIFY serialises commits when it is used for each
RETRY = 2.0


class Doorbell:
    """Rings within one process. Everything that must react to commits asks to be woken."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the event loop at every ring."""
        self._listeners.append(wake)

    def ring(self) -> None:
        """Something was committed by this process."""
        self.wake_all()

    def wake_all(self) -> None:
        """Wake every listener of this process."""
        for wake in self._listeners:
            wake()

    async def start(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to let go."""


class PostgresDoorbell(Doorbell):
    """Rings in every process on one PostgreSQL database, by LISTEN and NOTIFY after the commit."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._dsn = dsn
        self._pending = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None

    def ring(self) -> None:
        """Wake this process at once and the others a moment later."""
        self.wake_all()
        self._pending.set()

    async def start(self) -> None:
        """Connect, and stay connected."""
        self._task = spawn(self._run(), name="doorbell")

    async def close(self) -> None:
        """Disconnect."""
        if self._task is not None:
            await stop(self._task)

    async def _run(self) -> None:
        while True:
            try:
                await self._serve()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.warning("doorbell.lost", error=str(error))
                await asyncio.sleep(RETRY)

    async def _serve(self) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.add_listener(CHANNEL, lambda *_: self.wake_all())
            # Without this a process that only listens would not notice that nobody rings any more.
            connection.add_termination_listener(lambda *_: self._pending.set())
            self.wake_all()  # whatever rang while nobody listened
            while True:
                await self._pending.wait()
                self._pending.clear()
                try:
                    await connection.execute(f"NOTIFY {CHANNEL}")
                except BaseException:
                    self._pending.set()  # nobody heard it: ring again over the next connection
                    raise
                await asyncio.sleep(COALESCE)
        finally:
            await connection.close(timeout=1)
