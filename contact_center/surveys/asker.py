"""Looks every few seconds for tickets that were resolved long enough ago, and asks. Any number of processes may do so."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from contact_center.errors import ContactCenterError, Unavailable
from contact_center.model.acts import Act
from contact_center.store import Store
from contact_center.store.repositories import surveys
from contact_center.surveys import asking
from contact_center.tickets.replies import Sending

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0
AT_ONCE = 50


class Asker:
    """One of each process. A ticket's row says that it was looked at, so that nobody is asked twice."""

    def __init__(self, store: Store, sending: Callable[[], Sending], base_url: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._sending = sending
        self._base_url = base_url
        self._clock = clock
        self._failed: set[int] = set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                while await self.look() == AT_ONCE:
                    pass
            except ContactCenterError as error:
                logger.warning("surveys.waiting", error=error.message)
            except Exception as error:
                logger.error("surveys.stuck", error=repr(error), exc_info=error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> int:
        """Ask about what is due, each in a unit of its own; returns how many tickets were looked at."""
        now = self._clock()
        due = await self._store.read(surveys.due, now, AT_ONCE, self._failed)
        for project_id, ticket_id in due:
            try:
                await self._store.write(asking.ask, Act(now), self._sending(), self._base_url, project_id, ticket_id)
            except Unavailable:
                raise
            except Exception as error:
                # Whatever it is about this ticket: nobody else waits for it. The next start tries once more.
                self._failed.add(ticket_id)
                logger.error("surveys.not_asked", ticket_id=ticket_id, error=repr(error), exc_info=error)
        return len(due)
