"""Who listens, and what they are told. One tail of the journal per process; see the picture in `__init__.py`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeGuard

import structlog
from aiohttp import web

from contact_center import failpoints, tasks
from contact_center.console import wire
from contact_center.console.company import Company, Place
from contact_center.errors import ContactCenterError
from contact_center.model.events import AccessChanged, Recorded
from contact_center.model.people import Viewer
from contact_center.store import Connection, Store, journal
from contact_center.store.audience import News, Reach, for_viewer, reach_of
from contact_center.store.repositories import tickets
from contact_center.tasks import spawn, stop

logger = structlog.get_logger(__name__)

BATCH = 200  # events read from the journal at once
POLL = 1.0  # seconds between looks even if no doorbell rings
HORIZON_SECONDS = 5.0  # a console that hears nothing is told this often how far it is complete
RECHECK_SECONDS = 4.0  # sessions are checked again this often: a revoked one closes within 5 seconds
MAX_WATCHING = 50
PLACE_SECONDS = 0.1  # a console's place is looked up and told this often at most, however often it says it
MESSAGE_LIMIT = 64 * 1024

Authenticate = Callable[[web.Request], Awaitable[tuple[Viewer, str] | None]]
"""A handshake request to (viewer, session token), None to refuse."""
StillValid = Callable[[list[str]], Awaitable[list[Viewer | None]]]
"""Session tokens to the viewers they stand for at this moment, None for those that ended."""


Watched = Callable[[Viewer, str, set[int]], Awaitable[None]]


async def _nobody_asks(_viewer: Viewer, _address: str, _contacts: set[int]) -> None:
    """Nobody wants to know who watches whom."""


@dataclass
class Listener:
    """One console."""

    sid: str
    eio_sid: str
    viewer: Viewer
    token: str
    address: str
    """From where, for the audit log."""
    position: int
    """Everything up to this number was sent or is not for this viewer."""
    watching: set[int] = field(default_factory=set)
    live: bool = True
    """False while the socket reads the journal by itself to catch up."""
    told: int = 0
    """The horizon it was last told."""
    catching_up: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One replay at a time."""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """What a console asks to watch is settled in the order it asked: the last wish stands."""
    place: dict[str, Any] | None = None
    """Where it said it is, not yet looked up."""
    said: dict[str, Any] = field(default_factory=dict)
    """What was looked up last."""
    placing: bool = False
    """Whether somebody is about that already."""


class Console:
    """All consoles of this process."""

    def __init__(self, store: Store, authenticate: Authenticate, still_valid: StillValid, replay_limit: int) -> None:
        self._store = store
        self._authenticate = authenticate
        self._still_valid = still_valid
        self._replay_limit = replay_limit
        self.server = wire.make_server(
            # The origin is checked in our own handshake, by the same rule as HTTP.
            cors_allowed_origins=[],
            max_http_buffer_size=MESSAGE_LIMIT,
            ping_interval=20,
            ping_timeout=15,
            logger=False,
            engineio_logger=False,
        )
        self.server.eio.cors_allowed_origins = "*"
        self.server.eio.cors_credentials = False
        self._listeners: dict[str, Listener] = {}
        self._company = Company()
        self._position = 0
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []
        self.sent = 0
        self.address_of: Callable[[web.Request], str] = lambda request: request.remote or ""
        self.on_watch: Watched = _nobody_asks
        """Called before entries of contacts are sent to somebody who did not watch them."""
        self.on_focus: Callable[[str, int, int | None], None] = lambda _sid, _user_id, _ticket_id: None
        """Called when a console in use shows a ticket that its viewer may see, or none any more."""
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.on_change: Callable[[], None] = lambda: None
        """Called when a console came or went."""
        self.well = True
        """Whether the last look at the journal went well."""
        for event, handler in (
            ("connect", self._connect),
            ("disconnect", self._disconnect),
            ("resume", self._resume),
            ("watch", self._watch),
            ("at", self._at),
        ):
            self.server.on(event, handler)

    @property
    def listeners(self) -> int:
        """How many consoles are connected."""
        return len(self._listeners)

    def users(self) -> set[int]:
        """Employees at a console of this process."""
        return {listener.viewer.user_id for listener in self._listeners.values()}

    async def start(self) -> None:
        """Begin at the end of the journal."""
        self._position = await self._store.read(journal.horizon)
        self._tasks = [spawn(self._tail(), name="console tail"), spawn(self._recheck(), name="console recheck")]

    async def let_go(self, _app: web.Application | None = None) -> None:
        """Close every socket, so that the web server can stop at once; consoles come back and resume by themselves."""
        self._listeners.clear()
        for eio_sid in list(self.server.eio.sockets):
            await wire.close(self.server, eio_sid, abort=True)

    async def close(self) -> None:
        """Stop reading the journal."""
        await stop(*self._tasks)
        await self.server.shutdown()

    def wake(self) -> None:
        """The journal has grown."""
        self._news.set()

    # What consoles ask.

    async def _connect(self, sid: str, environ: dict[str, Any], _auth: Any = None) -> bool:
        found = await self._authenticate(environ["aiohttp.request"])
        if found is None:
            return False
        viewer, token = found
        eio_sid = self.server.manager.eio_sid_from_sid(sid, "/")
        self._listeners[sid] = Listener(sid, eio_sid, viewer, token, self.address_of(environ["aiohttp.request"]), self._position)
        self.on_change()
        return True

    async def _disconnect(self, sid: str, _reason: Any = None) -> None:
        listener = self._listeners.pop(sid, None)
        if listener is not None:
            self.on_focus(sid, listener.viewer.user_id, None)
        await self._tell_company(self._company.goes(sid, listener.viewer.user_id if listener else 0, None))
        self.on_change()

    async def _watch(self, sid: str, data: Any) -> dict[str, Any]:
        """Entries of these contacts are on screen from now on."""
        listener = self._listeners.get(sid)
        contacts = data.get("contacts") if isinstance(data, dict) else None
        if listener is None or not _is_id_list(contacts) or not await self._watches(listener, set(contacts)):
            return {"ok": False}
        return {"ok": True, "position": listener.position}

    async def _at(self, sid: str, data: Any) -> None:
        """Somebody looks at a ticket, or writes in it: those who look at it too hear of it.

        One look-up at a time for a console, of the last it said: however fast it talks, others wait for nothing.
        """
        listener = self._listeners.get(sid)
        if listener is None or not isinstance(data, dict):
            return
        listener.place = data
        if listener.placing:
            return
        listener.placing = True
        try:
            while (said := listener.place) is not None and sid in self._listeners:
                listener.place, listener.said = None, said
                await self._goes(sid, listener)
                await asyncio.sleep(PLACE_SECONDS)
        finally:
            listener.placing = False

    async def _goes(self, sid: str, listener: Listener) -> None:
        """The console is where it said last, if that is a ticket it may see, or nowhere."""
        said = listener.said
        wanted, place = [said.get("ticket_id")], None
        if _is_id_list(wanted):
            try:
                seen = await self._store.read(tickets.visible, listener.viewer, wanted[0])
            except ContactCenterError:
                return  # a courtesy; the next keystroke brings another chance
            place = Place(wanted[0], bool(said.get("writing"))) if seen is not None else None
        if sid in self._listeners:
            self.on_focus(sid, listener.viewer.user_id, place.ticket_id if place and said.get("active") is True else None)
            await self._tell_company(self._company.goes(sid, listener.viewer.user_id, place))

    async def _tell_company(self, ticket_ids: set[int]) -> None:
        for ticket_id in ticket_ids:
            frame = wire.Frame(self.server, "company", {"ticket_id": ticket_id, "people": self._company.at(ticket_id)})
            for sid in self._company.consoles(ticket_id):
                if (listener := self._listeners.get(sid)) is not None:
                    await wire.write(self.server, listener.eio_sid, frame)

    async def _resume(self, sid: str, data: Any) -> dict[str, Any]:
        """Send everything after the console's last number, then go on live; or say that it must start afresh."""
        listener = self._listeners.get(sid)
        after = data.get("after") if isinstance(data, dict) else None
        contacts = data.get("contacts", []) if isinstance(data, dict) else None
        if listener is None or not isinstance(after, int) or after < 0 or not _is_id_list(contacts):
            return {"reset": "unreadable"}
        horizon, oldest = await self._store.read(_ends)
        if after > horizon or after + 1 < oldest or horizon - after > self._replay_limit:
            return {"reset": "too far behind"}
        if not await self._watches(listener, set(contacts)):
            await self._drop(listener)
            return {"reset": "try again"}
        async with listener.catching_up:
            listener.position, listener.live = after, False
            try:
                await self._catch_up(listener)
            except ContactCenterError as error:
                # Without its missed news the console would be silent for good: let it come back and ask again.
                logger.warning("console.replay_failed", error=error.message)
                await self._drop(listener)
        return {"ok": True, "upto": listener.position}

    async def _watches(self, listener: Listener, contacts: set[int]) -> bool:
        """The console watches these from now on, and those who want to know have heard it; False when they could not."""
        async with listener.asking:
            try:
                await self.on_watch(listener.viewer, listener.address, contacts - listener.watching)
            except ContactCenterError as error:
                logger.warning("console.watch_not_told", error=error.message)
                return False
            listener.watching = contacts
            return True

    async def _catch_up(self, listener: Listener) -> None:
        while listener.position < self._position and listener.sid in self._listeners:
            events, reach = await self._store.read(_batch, listener.position, heard=True)
            assert reach is not None
            upto = min(events[-1].seq if events else self._position, self._position)
            batch = [event for event in events if event.seq <= upto]
            await self._send_to(listener, batch, reach, upto)
        listener.live = True  # no await since the last look at the tail's position: nothing fell in between

    # The tail.

    async def _tail(self) -> None:
        loop = asyncio.get_running_loop()
        told_at = loop.time()
        while True:
            try:
                moved = await self._advance()
                self.well = True
            except ContactCenterError as error:
                logger.warning("console.waiting", error=error.message)
                moved = self.well = False
                await asyncio.sleep(POLL)
            except Exception as error:
                logger.error("console.stuck", position=self._position, error=repr(error), exc_info=error)
                moved = self.well = False
                await asyncio.sleep(POLL)
            if loop.time() - told_at > HORIZON_SECONDS:
                told_at = loop.time()
                await self._tell_horizon()
            if not moved:
                await tasks.wait(self._news, POLL)

    async def _advance(self) -> bool:
        self._news.clear()
        events, reach = await self._store.read(_batch, self._position, heard=bool(self._listeners))
        if events:
            failpoints.reach("journal.read")
        if not events:
            return False
        upto = events[-1].seq
        await self._apply_access(events)
        if reach is None and self._listeners:  # somebody came meanwhile
            reach = await self._store.read(reach_of, events)
        await self._broadcast(events, reach or Reach(), upto)
        return True

    async def _broadcast(self, events: list[Recorded], reach: Reach, upto: int) -> None:
        """Encode each distinct bundle once and write it to everybody who hears exactly that."""
        frames: dict[tuple[Any, ...], wire.Frame] = {}
        lost: list[Listener] = []
        self._position = upto
        for listener in [listener for listener in self._listeners.values() if listener.live]:
            heard = [
                (event, news) for event in events if event.seq > listener.position and (news := self._news_for(event, listener, reach))
            ]
            # A console may have read further than this process, when another process made the change.
            listener.position = max(listener.position, upto)
            if not heard:
                continue
            key = tuple((event.seq, news.key) for event, news in heard)
            if key not in frames:
                frames[key] = self._frame(heard, upto)
            listener.told = upto
            self.sent += 1
            if not await wire.write(self.server, listener.eio_sid, frames[key]):
                lost.append(listener)
        for listener in lost:
            await self._drop(listener)

    async def _send_to(self, listener: Listener, events: list[Recorded], reach: Reach, upto: int) -> None:
        heard = [(event, news) for event in events if (news := self._news_for(event, listener, reach))]
        listener.position = listener.told = upto
        if not await wire.write(self.server, listener.eio_sid, self._frame(heard, upto)):
            await self._drop(listener)

    def _news_for(self, event: Recorded, listener: Listener, reach: Reach) -> News | None:
        return for_viewer(event, listener.viewer, reach, listener.watching)

    def _frame(self, heard: list[tuple[Recorded, News]], upto: int) -> wire.Frame:
        events = [
            {"seq": event.seq, "type": news.type, "at": event.at, "actor_id": event.actor_id, "data": news.data} for event, news in heard
        ]
        return wire.Frame(self.server, "news", {"upto": upto, "events": events})

    async def _tell_horizon(self) -> None:
        """Those who heard nothing for a while learn that they are complete up to here."""
        frames: dict[int, wire.Frame] = {}
        for listener in list(self._listeners.values()):
            if listener.live and listener.told < listener.position:
                listener.told = listener.position
                frame = frames.setdefault(listener.position, self._frame([], listener.position))
                await wire.write(self.server, listener.eio_sid, frame)

    # Rights.

    async def _apply_access(self, events: list[Recorded]) -> None:
        """Before anything else of the batch goes out, take rights away that it takes away, and those whose time is up."""
        for event in events:
            if event.type == AccessChanged.TYPE:
                await self._check_user(event.data["user_id"])
        now = self.clock()
        if over := [each for each in self._listeners.values() if each.viewer.until is not None and each.viewer.until <= now]:
            await self._check(over)

    async def _check_user(self, user_id: int) -> None:
        await self._check([listener for listener in self._listeners.values() if listener.viewer.user_id == user_id])

    async def _check(self, listeners: list[Listener]) -> None:
        viewers = await self._still_valid([listener.token for listener in listeners])
        for listener, viewer in zip(listeners, viewers, strict=True):
            if viewer is None:
                await self._drop(listener, "signed out")
            elif viewer != listener.viewer:
                # Events already sent may name what is no longer visible, and the other way round: start afresh.
                listener.viewer = viewer
                await self._goes(listener.sid, listener)  # it may not see the ticket any more, nor who is there
                frame = wire.Frame(self.server, "reset", {"reason": "your rights changed"})
                await wire.write(self.server, listener.eio_sid, frame)

    async def _recheck(self) -> None:
        """Sessions end by time too, and a revocation may come from another process."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                await self._check(list(self._listeners.values()))
            except ContactCenterError as error:
                logger.warning("console.recheck_failed", error=error.message)

    async def _drop(self, listener: Listener, reason: str = "") -> None:
        """Let one console go, without waiting for it: it may be the very one that does not answer."""
        if self._listeners.pop(listener.sid, None) is not None:
            self.on_focus(listener.sid, listener.viewer.user_id, None)
        if reason:
            await wire.write(self.server, listener.eio_sid, wire.Frame(self.server, "bye", {"reason": reason}))
        await wire.close(self.server, listener.eio_sid, abort=not reason)


def _batch(connection: Connection, after: int, *, heard: bool) -> tuple[list[Recorded], Reach | None]:
    """The next events; who reaches them is looked up only where somebody listens."""
    events = journal.read_after(connection, after, BATCH)
    return events, reach_of(connection, events) if heard else None


def _ends(connection: Connection) -> tuple[int, int]:
    return journal.horizon(connection), journal.oldest(connection)


def _is_id_list(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and len(value) <= MAX_WATCHING and all(isinstance(i, int) and 0 < i < 2**53 for i in value)
