"""The indexer: reads the journal after its own cursor and keeps the index as the tables stand.

An event only says *which* thing changed; the texts are read from the tables, so that indexing twice does no harm and the
order does not matter. The words are made outside any transaction, and written together with the cursor: after a crash the
same batch is read again, and when two processes index at once the slower one drops its work.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from contact_center import failpoints, tasks
from contact_center.errors import ContactCenterError
from contact_center.model.events import Recorded
from contact_center.search import words
from contact_center.store import Connection, Store, journal
from contact_center.store.repositories import search_index as search
from contact_center.store.repositories.search_index import CONTACT, ENTRY, TICKET, Doc, Source, State

logger = structlog.get_logger(__name__)

BATCH = 100  # events read, and things walked, at once
POLL = 2.0  # seconds between looks even if no doorbell rings
RETRY = 2.0
_AFTER = {CONTACT: TICKET, TICKET: ENTRY}  # the order of a walk: people first, they are few


@dataclass(frozen=True, slots=True)
class _Step:
    """One batch: what the tables say, and where the cursor stands before and after it."""

    before: State
    after: State
    ids: dict[str, list[int]]
    sources: list[Source]


class Indexer:
    """Keeps the index until cancelled."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = asyncio.Event()
        self.behind = 0
        """How many numbers of the journal were still to be read at the last look."""
        self.walking = False
        self.trouble = ""
        """Why the index stands still; empty while it does not."""

    def wake(self) -> None:
        """The journal has grown."""
        self._news.set()

    async def run(self) -> None:
        """Index what comes, until cancelled."""
        while True:
            self._news.clear()
            try:
                await self.catch_up()
                self.trouble = ""
            except ContactCenterError as error:
                self._failed(error.message)
                await asyncio.sleep(RETRY)
            except Exception as error:
                logger.error("search.stuck", error=repr(error), exc_info=error)
                self._failed(type(error).__name__)
                await asyncio.sleep(RETRY)
            await tasks.wait(self._news, POLL)

    async def catch_up(self) -> None:
        """Index everything there is at this moment."""
        while await self.step():
            pass

    async def step(self) -> bool:
        """Index one batch; False when nothing was left to do."""
        found, horizon = await self._store.read(_next_step)
        if found is None:
            await self._store.write_bulk(search.begin_walk)
            return True
        self.behind = max(0, horizon - found.before.seq)
        self.walking = found.before.walk is not None
        if found.after == found.before:
            return False
        docs = await asyncio.to_thread(docs_of, found.sources)
        if await self._store.write_bulk(_write, found, docs):
            self.behind = max(0, horizon - found.after.seq)
        return True

    def _failed(self, words: str) -> None:
        if not self.trouble:
            logger.warning("search.waiting", error=words)
        self.trouble = words


async def reindex(store: Store, report: Callable[[int], None] | None = None) -> None:
    """Make the whole index anew from the tables, in place: searches go on meanwhile. `report` is told how many steps are done."""
    await store.write_bulk(search.begin_walk)
    indexer = Indexer(store)
    steps = 0
    while await indexer.step():
        steps += 1
        if report is not None:
            report(steps)


def docs_of(sources: Iterable[Source]) -> list[Doc]:
    """What the index holds of these texts."""
    return [_doc(source) for source in sources]


def things_of(events: Iterable[Recorded]) -> dict[str, list[int]]:
    """Which things these events say something new of."""
    found: dict[str, dict[int, None]] = {ENTRY: {}, TICKET: {}, CONTACT: {}}
    for event in events:
        family, data = event.type.partition(".")[0], event.data
        if family == "interaction":
            found[ENTRY][data["entry"]["id"]] = None
        elif family == "ticket" and "ticket" in data:
            found[TICKET][data["ticket"]["id"]] = None
        elif family == "contact":
            found[CONTACT] |= dict.fromkeys(_contacts_of(data))
    return {kind: list(ids) for kind, ids in found.items()}


def _contacts_of(data: dict[str, Any]) -> list[int]:
    people = [data[name]["id"] for name in ("contact", "restored") if name in data]
    return [*people, *([data["loser_id"]] if "loser_id" in data else [])]


def _next_step(connection: Connection) -> tuple[_Step | None, int]:
    at, horizon = search.state(connection), journal.horizon(connection)
    if at is None:
        return None, horizon
    events = journal.read_after(connection, at.seq, BATCH)
    if events:  # what happens now goes before what is walked
        ids = things_of(events)
        after = State(events[-1].seq, at.walk)
    elif at.walk is not None:
        ids, walk = _walked(connection, at.walk)
        after = State(at.seq, walk)
    else:
        return _Step(at, at, {}, []), horizon
    sources = [source for kind, some in ids.items() for source in search.sources(connection, kind, some)]
    return _Step(at, after, ids, sources), horizon


def _walked(connection: Connection, walk: dict[str, Any]) -> tuple[dict[str, list[int]], dict[str, Any] | None]:
    """The next things of a walk, and where it stands then."""
    kind = walk["kind"]
    ids = search.next_ids(connection, kind, walk["after"], BATCH)
    if ids:
        return {kind: ids}, {"kind": kind, "after": ids[-1]}
    return {}, {"kind": _AFTER[kind], "after": 0} if kind in _AFTER else None


def _doc(source: Source) -> Doc:
    found, keys = words.indexed([*source.texts, *source.ids])
    return Doc(source.kind, source.thing_id, source.project_id, source.at, found, keys)


def _write(connection: Connection, step: _Step, docs: list[Doc]) -> bool:
    if not search.move_state(connection, step.before, step.after):
        return False
    for kind, ids in step.ids.items():
        search.keep(connection, kind, ids, [doc for doc in docs if doc.kind == kind])
    failpoints.reach("index.written")
    return True
