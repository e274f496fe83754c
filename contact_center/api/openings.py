"""Who opened which customer: one entry of the audit log for each employee, customer and ten minutes, before the answer goes out.

What is known to be written costs a look into a dictionary. What is not waits for a write that all who wait share.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.store import Connection, Store, audit
from contact_center.store.repositories import contacts
from contact_center.tasks import spawn

WINDOW = timedelta(minutes=10)
REMEMBERED = 20_000

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Opening:
    """An employee opens a customer's history."""

    act: Act
    contact_id: int
    by_token: bool


@dataclass
class _Batch:
    openings: dict[Key, Opening] = field(default_factory=dict)
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Openings:
    """The openings of this process on their way into the log."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[Key, datetime] = {}
        self._batch: _Batch | None = None
        self._writing = False

    async def note(self, user_id: int, address: str, contact_id: int, *, by_token: bool = False) -> None:
        """Return when it is in the log that the employee opened the customer. Raises Unavailable when it cannot be written."""
        key, now = (user_id, contact_id), self._clock()
        if self.knows(user_id, contact_id):
            return
        batch = self._batch = self._batch or _Batch()
        batch.openings.setdefault(key, Opening(Act(now, user_id, address), contact_id, by_token))
        if not self._writing:
            self._writing = True
            spawn(self._write(), name="openings")
        await asyncio.shield(batch.written)

    def knows(self, user_id: int, contact_id: int) -> bool:
        """Whether that stands in the log already."""
        at = self._known.get((user_id, contact_id))
        return at is not None and self._clock() - at < WINDOW

    async def watched(self, viewer: Viewer, address: str, contact_ids: set[int]) -> None:
        """What of these contacts arrives from now on is shown to the viewer: that opens them, as far as they are to be seen."""
        new = [contact_id for contact_id in sorted(contact_ids) if not self.knows(viewer.user_id, contact_id)]
        seen = await self._store.read(_visible, viewer, new) if new else []
        await asyncio.gather(*(self.note(viewer.user_id, address, contact_id) for contact_id in seen))

    async def _write(self) -> None:
        try:
            while (batch := self._batch) is not None:
                self._batch = None
                await self._write_one(batch)
        finally:
            self._writing = False

    async def _write_one(self, batch: _Batch) -> None:
        try:
            await self._store.write(_note_all, list(batch.openings.values()))
        except BaseException as error:
            batch.written.set_exception(error)
            batch.written.exception()  # whoever waited may have gone
            if not isinstance(error, Exception):
                raise
            return
        self._forget_old()
        self._known |= {key: opening.act.now for key, opening in batch.openings.items()}
        batch.written.set_result(None)

    def _forget_old(self) -> None:
        if len(self._known) > REMEMBERED:
            now = self._clock()
            self._known = {key: at for key, at in self._known.items() if now - at < WINDOW}


def _visible(connection: Connection, viewer: Viewer, contact_ids: list[int]) -> list[int]:
    return [contact_id for contact_id in contact_ids if contacts.is_visible(connection, viewer, contact_id)]


def _note_all(connection: Connection, openings: list[Opening]) -> None:
    for opening in openings:
        act = opening.act
        # Another process, or this one before it was started again, may have told of it.
        if act.user_id is not None and not audit.opened_since(connection, act.user_id, opening.contact_id, act.now - WINDOW):
            by: dict[str, Any] = {"by": "token"} if opening.by_token else {}
            audit.note(connection, act, Action.CONTACT_OPENED, Subject.CONTACT, opening.contact_id, **by)
