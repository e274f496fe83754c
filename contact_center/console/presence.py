"""Tells the database who is at a console of this process. A console that came or went is noted at once, and what
stays is renewed; a process without consoles writes nothing."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from contact_center import tasks
from contact_center.errors import ContactCenterError
from contact_center.store import Connection, Store
from contact_center.store.repositories import presence

logger = structlog.get_logger(__name__)

RENEW_SECONDS = 15.0
FORGET = timedelta(minutes=10)


class Presence:
    """The presence of this process's consoles."""

    def __init__(self, store: Store, holder: str, here: Callable[[], set[int]], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._holder = holder
        self._here = here
        self._clock = clock
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """A console came or went."""
        self._changed.set()

    async def run(self) -> None:
        """Note and renew until cancelled."""
        noted: set[int] = set()
        while True:
            await tasks.wait(self._changed, RENEW_SECONDS)
            self._changed.clear()
            here = self._here()
            if not here and not noted:
                continue
            try:
                await self._store.write(_note, self._holder, sorted(here), self._clock())
                noted = here
            except ContactCenterError as error:
                logger.warning("presence.not_noted", error=error.message)


def _note(connection: Connection, holder: str, user_ids: list[int], now: datetime) -> None:
    presence.note(connection, holder, user_ids, now)
    presence.forget_faded(connection, now - FORGET)
