"""How long agents have a ticket before them: at a console that is seen, has the focus and is in use. One ticket an agent at any
time, whatever windows they have. Written in batches; whatever nobody renews ends by itself when it was seen last.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from contact_center.errors import ContactCenterError
from contact_center.model.handling import Piece, pieces
from contact_center.store import Connection, Store
from contact_center.store.repositories import handling
from contact_center.store.repositories.handling import OpenFocus, Place

logger = structlog.get_logger(__name__)

WRITE_SECONDS = 5.0
RENEWED = timedelta(seconds=45)  # a console that has not said for so long that it is in use, is not
SHORTEST = timedelta(seconds=1)  # to leaf through a list is no work
MOST_KEPT = 2000  # stretches that wait for a database that does not answer


@dataclass(slots=True)
class Stretch:
    """A ticket before an agent."""

    user_id: int
    ticket_id: int
    started_at: datetime
    sid: str
    ended_at: datetime | None = None
    noted: bool = False
    """Whether the database knows of its beginning."""


class Focus:
    """What is before the agents at consoles of this process."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._consoles: dict[str, tuple[int, int, datetime]] = {}
        self._open: dict[int, Stretch] = {}
        self._over: list[Stretch] = []

    def at(self, sid: str, user_id: int, ticket_id: int | None) -> None:
        """A console in use shows this ticket, or none."""
        self._at(sid, user_id, ticket_id, self._clock())

    def _at(self, sid: str, user_id: int, ticket_id: int | None, now: datetime) -> None:
        before = self._consoles.pop(sid, None)
        if ticket_id is not None:
            self._consoles[sid] = (user_id, ticket_id, now)
        now_open = self._open.get(user_id)
        if ticket_id is not None and (before is None or before[1] != ticket_id):
            self._turn_to(user_id, sid, ticket_id, now)  # what was done last is what they look at
        elif ticket_id is None and now_open is not None and now_open.sid == sid:
            others = [(said, other, there) for other, (user, there, said) in self._consoles.items() if user == user_id]
            if others:
                _, other, there = max(others)
                self._turn_to(user_id, other, there, now)
            else:
                self._end(user_id, now)

    def _turn_to(self, user_id: int, sid: str, ticket_id: int, now: datetime) -> None:
        before = self._open.get(user_id)
        if before is not None and before.ticket_id == ticket_id:
            before.sid = sid
            return
        self._end(user_id, now)
        self._open[user_id] = Stretch(user_id, ticket_id, now, sid)

    def _end(self, user_id: int, now: datetime) -> None:
        stretch = self._open.pop(user_id, None)
        if stretch is not None:
            stretch.ended_at = max(now, stretch.started_at)
            if stretch.noted or stretch.ended_at - stretch.started_at >= SHORTEST:
                self._over.append(stretch)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()

    async def write(self) -> None:
        """Note what ended and what lasts, in one unit."""
        now = self._clock()
        for sid, (user_id, _, said) in list(self._consoles.items()):
            if said < now - RENEWED:
                self._at(sid, user_id, None, said)
        over, self._over = self._over, []
        lasting = [stretch for stretch in self._open.values() if now - stretch.started_at >= SHORTEST]
        if not over and not lasting:
            return
        try:
            gone = await self._store.write(_note, over, lasting, now)
        except ContactCenterError as error:
            logger.warning("focus.not_noted", error=error.message)
            self._over = (over + self._over)[-MOST_KEPT:]
            return
        except Exception as error:
            # Whatever it is about one of them: the time of everybody else is to be noted, too, until somebody starts us again.
            logger.error("focus.lost", stretches=len(over), error=repr(error), exc_info=error)
            return
        for stretch in lasting:
            stretch.noted = True
            if stretch.user_id in gone and self._open.get(stretch.user_id) is stretch:
                # Taken for dead while the database did not answer, it begins anew; else they look at something elsewhere.
                del self._open[stretch.user_id]
                if not gone[stretch.user_id]:
                    self._open[stretch.user_id] = Stretch(stretch.user_id, stretch.ticket_id, now, stretch.sid)


def _note(connection: Connection, over: list[Stretch], lasting: list[Stretch], now: datetime) -> dict[int, bool]:
    """Returns who of those that look at something still are noted otherwise: whether somewhere else, or nowhere any more."""
    every = [*over, *lasting]
    tickets = {stretch.ticket_id for stretch in every}
    there = handling.places(connection, tickets)
    stays = handling.stays(connection, tickets, min(stretch.started_at for stretch in every))
    noted = handling.open_focus(connection, {stretch.user_id for stretch in every})
    rows: list[dict[str, Any]] = []
    gone: dict[int, bool] = {}
    for stretch in every:
        mine = noted.get(stretch.user_id)
        same = mine is not None and _is_same(mine, stretch)
        if stretch.ticket_id not in there or (stretch.noted and not same):
            if stretch.ended_at is None:
                gone[stretch.user_id] = mine is not None
            continue
        if mine is not None and not same and stretch.ended_at is None:
            if mine.started_at > stretch.started_at:
                gone[stretch.user_id] = True
                continue
            handling.end_faded(connection, mine)  # what was begun last is what they look at
        began = mine.started_at if mine is not None and same else stretch.started_at
        parts = pieces(began, stretch.ended_at or now, stays.get(stretch.ticket_id, ()))
        if mine is not None and same:
            _settle(connection, mine, parts[0], over=stretch.ended_at is not None or len(parts) > 1)
            noted.pop(stretch.user_id)
            parts = parts[1:]
        rows += _rows(stretch, parts, there[stretch.ticket_id])
    handling.add_focus(connection, rows)
    return gone


def _is_same(mine: OpenFocus, stretch: Stretch) -> bool:
    """Whether what the database has open is this stretch, or the rest of it."""
    return stretch.noted and mine.ticket_id == stretch.ticket_id and mine.started_at >= stretch.started_at


def _settle(connection: Connection, mine: OpenFocus, part: Piece, *, over: bool) -> None:
    segment_id = part.stay.segment_id if part.stay else None
    handling.settle_focus(connection, mine.id, segment_id, part.ended_at, part.ended_at if over else None)


def _rows(stretch: Stretch, parts: list[Piece], place: Place) -> list[dict[str, Any]]:
    lasts = parts[-1] if parts and stretch.ended_at is None else None
    return [
        {
            "project_id": place.project_id,
            "queue_id": part.stay.queue_id if part.stay else place.queue_id,
            "ticket_id": stretch.ticket_id,
            "segment_id": part.stay.segment_id if part.stay else None,
            "agent_id": stretch.user_id,
            "channel": place.channel,
            "started_at": part.started_at,
            "seen_at": part.ended_at,
            "ended_at": None if part is lasts else part.ended_at,
        }
        for part in parts
        if part is lasts or part.ended_at - part.started_at >= SHORTEST
    ]
