"""The inbound line. `accept` is the first commit: the raw item and how far the source was read. The worker below makes
the second: what the item means. In between a crash loses nothing, and after it the worker finds what is in flight.
"""

import asyncio
import hashlib
import itertools
import math
from collections.abc import Callable, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from contact_center import failpoints, tasks
from contact_center.channels import registry
from contact_center.channels.base import Inbox
from contact_center.errors import Conflict, QuarantineItem, Unavailable
from contact_center.intake.parsing import Parsers
from contact_center.intake.settle import Rules, own_addresses, settle
from contact_center.intake.understanding import Original, Outcome
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount
from contact_center.model.events import Event, RawItemQuarantined, RawItemReleased
from contact_center.model.messages import Cursor, InboundMessage, PublicEntry, PublicFile, PublicTicket, RawItem
from contact_center.model.words import Direction, Fate
from contact_center.store import Connection, Row, Store, blobs, journal
from contact_center.store.blobs import INLINE_LIMIT, BlobFiles
from contact_center.store.repositories import access, channels, raw_items, tickets, timeline
from contact_center.store.repositories.raw_items import Ending

logger = structlog.get_logger(__name__)
Clock = Callable[[], datetime]
Report = Callable[[bool, str], Any]

MAX_ATTEMPTS = 3
RETRY_SECONDS = 5.0
POLL_SECONDS = 10.0
SMALL, SMALL_BYTES = 3, 32 * 1024  # so many batches more go into one commit while all of it is no larger: lines of a log are soon settled


class Pipeline:
    """Everything that turns raw items into history."""

    def __init__(self, store: Store, files: BlobFiles, parsers: Parsers, rules: Rules, clock: Clock, *, batch: int = 20) -> None:
        self.store = store
        self.files = files
        self.clock = clock
        self._parsers = parsers
        self.rules = rules
        self._batch = batch
        self._news = asyncio.Event()
        self.trouble = ""
        """Why nothing is being settled at the moment; empty when all is well."""

    def inbox(self, account: ChannelAccount, fence: tuple[str, int] | None = None, report: Report | None = None) -> Inbox:
        """Where a connector of this account puts what it receives."""
        return AccountInbox(self, account, fence, report)

    # First commit.

    async def accept(self, account_id: int, items: Sequence[RawItem], cursor: Cursor | None, fence: tuple[str, int] | None) -> Set[str]:
        """Store raw items and the cursor in one commit; returns the provider keys that were new."""
        failpoints.reach("channel.fetched")
        ready = [await self._with_blob(item) for item in items]
        added = await self.store.write(_accept, account_id, ready, cursor, fence, self.clock())
        failpoints.reach("intake.accepted")
        if added:
            self._news.set()
        return added

    async def _with_blob(self, item: RawItem) -> RawItem:
        """Large contents go to a file before the row that names them is committed."""
        if item.content is None:
            return item
        content, sha256 = item.content, hashlib.sha256(item.content).hexdigest()
        if len(content) > INLINE_LIMIT:
            await asyncio.to_thread(self.files.keep, content)
            content = None  # type: ignore[assignment]
        return RawItem(item.provider_key, content, sha256, len(item.content), item.source_time, item.envelope)

    # Second commit.

    async def run(self) -> None:
        """Settle what is in flight, then whatever arrives, until cancelled."""
        await self._warm_up()
        while True:
            self._news.clear()
            try:
                await self.settle_all()
                self.trouble = ""
            except Unavailable as error:
                self.trouble = error.message
                logger.warning("intake.waiting", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except Exception as error:
                # Whatever it is: the line must not stand still for ever because of one thing nobody foresaw.
                self.trouble = _reason(error)
                logger.error("intake.failed", error=repr(error), exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            # Another process may have taken something in, or whoever did was cancelled before it could say so.
            await tasks.wait(self._news, POLL_SECONDS)

    async def _warm_up(self) -> None:
        """Start the parser processes now, so that the first mail does not wait for them."""
        try:
            await self._parsers.warm_up()
        except Unavailable as error:
            self.trouble = error.message
            logger.warning("intake.parsers_not_ready", error=error.message)

    def wake(self) -> None:
        """There is something in flight."""
        self._news.set()

    async def settle_all(self) -> None:
        """Settle everything in flight; the next batch is parsed while one is committed."""
        after = 0
        parsed = await self._load_and_parse(after)
        while parsed:
            after = parsed[-1][0]["id"]
            following = asyncio.ensure_future(self._load_and_parse(after))
            try:
                await self._settle(parsed)
            finally:
                parsed = await following

    async def _load_and_parse(self, after: int) -> list[tuple[Row, Outcome]]:
        rows = await self.store.read(raw_items.in_flight, after, self._batch)
        if len(rows) == self._batch and (left := SMALL_BYTES - sum(row["size"] for row in rows)) > 0:
            rows += _fitting(await self.store.read(raw_items.in_flight, rows[-1]["id"], SMALL * self._batch), left)
        outcomes = await self.understand(rows)
        if rows:
            failpoints.reach("intake.parsed")
        return list(zip(rows, outcomes, strict=True))

    async def understand(self, rows: Sequence[Row]) -> list[Outcome]:
        """What items mean, in the order given; their large files are in place then."""
        contents = await self.store.read(_contents, [row["sha256"] for row in rows])
        originals = [self._original(row, contents[row["sha256"]]) for row in rows]
        outcomes = await self._parsers.parse(originals)
        return [await self._keep_large_files(outcome) for outcome in outcomes]

    def _original(self, row: Row, content: bytes | None) -> Original:
        envelope = row["envelope"] | _reading(row["kind"], row["options"])
        if content is not None:
            return Original(row["kind"], envelope, content)
        path = self.files.path(row["sha256"])
        if row["size"] >= _large_from(row["kind"]):
            return Original(row["kind"], envelope, path=str(path), folder=str(self.files.folder))
        return Original(row["kind"], envelope, path=str(path))

    async def _keep_large_files(self, outcome: Outcome) -> Outcome:
        """Move large attachments to their place in the blob store before the rows that name them are committed."""
        if not isinstance(outcome, InboundMessage):
            return outcome
        for file in outcome.attachments:
            if file.path is not None:
                await asyncio.to_thread(self.files.adopt, Path(file.path))
            elif file.content is not None and file.size > INLINE_LIMIT:
                await asyncio.to_thread(self.files.keep, file.content)
        return outcome

    async def _settle(self, parsed: list[tuple[Row, Outcome]]) -> None:
        """Commit a batch; when one of its items fails, each is tried alone, and what still fails is quarantined."""
        if await self._try_to_settle(parsed) is not None:
            for item, outcome in parsed:
                await self._settle_alone(item, outcome)

    async def _settle_alone(self, item: Row, outcome: Outcome) -> None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            reason = await self._try_to_settle([(item, outcome)])
            if reason is None:
                return
            logger.warning("intake.item_failed", item=item["id"], reason=reason)
            await asyncio.sleep(0.05 * attempt)
        await self.store.write(_quarantine, item, reason or "", self.clock())

    async def _try_to_settle(self, parsed: list[tuple[Row, Outcome]]) -> str | None:
        """None when they are settled, else what was wrong with one of them."""
        try:
            await self.store.write(settle_batch, self.rules, parsed, self.clock())
            failpoints.reach("intake.settled")
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - no exception may lose an item
            return _reason(error)
        return None


class AccountInbox:
    """The inbox of one channel account: what its connector may do."""

    def __init__(self, pipeline: Pipeline, account: ChannelAccount, fence: tuple[str, int] | None, report: Report | None) -> None:
        self._pipeline = pipeline
        self._account = account
        self._fence = fence
        self._report = report

    async def accept(self, items: Sequence[RawItem], cursor: Cursor | None = None) -> Set[str]:
        """See `channels.base.Inbox`."""
        return await self._pipeline.accept(self._account.id, items, cursor, self._fence)

    async def cursor(self, name: str) -> dict[str, Any] | None:
        """See `channels.base.Inbox`."""
        return await self._pipeline.store.read(channels.cursor, self._account.id, name)

    async def unknown(self, keys: Sequence[str]) -> set[str]:
        """See `channels.base.Inbox`."""
        known: set[str] = set()
        for start in range(0, len(keys), 500):
            known |= await self._pipeline.store.read(raw_items.known_keys, self._account.id, list(keys[start : start + 500]))
        return set(keys) - known

    def new_file(self) -> Path:
        """See `channels.base.Inbox`."""
        return self._pipeline.files.new_file()

    async def adopt(self, path: Path) -> tuple[str, int]:
        """See `channels.base.Inbox`."""
        return await asyncio.to_thread(self._pipeline.files.adopt, path)

    async def report(self, ok: bool, detail: str = "") -> None:
        """See `channels.base.Inbox`."""
        if self._report is not None:
            await self._report(ok, detail)

    async def ticket(self, message_key: str) -> PublicTicket | None:
        """See `channels.base.Inbox`."""
        return await self._pipeline.store.read(public_ticket, self._account.id, message_key)


def settle_batch(connection: Connection, rules: Rules, parsed: list[tuple[Row, Outcome]], now: datetime) -> None:
    """Settle items in one unit. When one fails, all roll back, and each is tried alone."""
    own = {project_id: own_addresses(connection, project_id) for project_id in {item["project_id"] for item, _ in parsed}}
    claims = raw_items.claim(connection, [item["id"] for item, _ in parsed])
    endings: dict[int, Ending] = {}
    stored: dict[tuple[int, str], int] = {}
    for item, outcome in parsed:
        state, twin = claims.get(item["id"], (None, None))
        if state is not Fate.RECEIVED:
            continue  # another process was faster, and its fate stands
        bytes_key = (item["account_id"], item["sha256"])
        twin = twin or stored.get(bytes_key)
        if isinstance(outcome, QuarantineItem):
            ending = Ending(Fate.QUARANTINED, outcome.message)
        elif twin is not None:
            ending = Ending(Fate.DUPLICATE, "the same bytes are stored already", duplicate_of=twin)
        else:
            ending = settle(connection, Act(now), rules, item, outcome, own[item["project_id"]])
        if ending.fate is Fate.STORED:
            stored[bytes_key] = item["id"]
        endings[item["id"]] = ending
    raw_items.settle(connection, endings)
    _tell(connection, [item for item, _ in parsed], endings, now)
    failpoints.reach("intake.settling")


def settle_by_hand(connection: Connection, act: Act, rules: Rules, item_id: int, message: InboundMessage) -> int:
    """Store a quarantined item as what a person read in it; returns the entry's id.

    Raises Conflict when the item is not in quarantine (any more).
    """
    if raw_items.claim(connection, [item_id]).get(item_id, (None, None))[0] is not Fate.QUARANTINED:
        raise Conflict("This item is not in quarantine.")
    item = raw_items.find(connection, item_id)
    assert item is not None
    ending = settle(connection, act, rules, item, message, own_addresses(connection, item["project_id"]))
    assert ending.interaction_id is not None
    raw_items.settle(connection, {item_id: ending})
    _tell(connection, [item], {item_id: ending}, act.now)
    return ending.interaction_id


def _tell(connection: Connection, items: list[Row], endings: dict[int, Ending], now: datetime) -> None:
    """Say what went into quarantine, and what came out of it."""
    for item in items:
        ending = endings.get(item["id"])
        if ending is None or (ending.fate is not Fate.QUARANTINED and not item["reason"]):
            continue
        row = raw_items.find(connection, item["id"])
        assert row is not None
        news = RawItemQuarantined if ending.fate is Fate.QUARANTINED else RawItemReleased
        journal.append(connection, Event(news(raw_items.as_row(row)), item["project_id"], queue_id=item["queue_id"]), at=now)


def public_ticket(connection: Connection, account_id: int, message_key: str) -> PublicTicket | None:
    """The ticket that holds this message, as its customer may see it: what came and went by this very account.

    Whoever fills in a form may claim anybody's address, so that what the real owner answers by mail, by text or in a call
    must never appear behind a link that the other one has.
    """
    ticket_id = timeline.ticket_of_key(connection, account_id, message_key)
    ticket = tickets.find(connection, ticket_id) if ticket_id is not None else None
    if ticket is None:
        return None
    names = access.user_names(connection)
    said = tuple(
        PublicEntry(
            at=entry.occurred_at,
            ours=entry.direction is Direction.OUT,
            author=names.get(entry.author_id or 0, "") or (entry.sender.name if entry.sender else ""),
            text=entry.text,
            files=tuple(PublicFile(file.id, file.filename) for file in entry.attachments),
            facts=entry.facts,
        )
        for entry in timeline.public(connection, ticket.id, account_id)
        if entry.delivery is None or entry.delivery.held_until is None
    )
    return PublicTicket(ticket.number, ticket.subject, ticket.status, ticket.created_at, said)


def _fitting(rows: Sequence[Row], size: int) -> list[Row]:
    """The first of them that are together no larger than this."""
    sizes = itertools.accumulate(row["size"] for row in rows)
    return [row for row, upto in zip(rows, sizes, strict=True) if upto <= size]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


def _accept(
    connection: Connection,
    account_id: int,
    items: list[RawItem],
    cursor: Cursor | None,
    fence: tuple[str, int] | None,
    now: datetime,
) -> set[str]:
    if fence is not None:
        channels.check_fence(connection, *fence)
    blobs.put_all(connection, ((str(item.sha256), item.size, item.content) for item in items))
    added = set(raw_items.add_all(connection, account_id, items, now))
    if cursor is not None:
        channels.set_cursor(connection, account_id, cursor.name, cursor.value)
    failpoints.reach("intake.accepting")
    return added


def _reading(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """What a parser must know of the account's options."""
    known = registry.kinds().get(kind)
    return known.reading(options) if known else {}


def _large_from(kind: str) -> float:
    """From which size an original is parsed from its file; an unknown kind is the parser's to complain about."""
    known = registry.kinds().get(kind)
    return known.large_from if known else math.inf


def _contents(connection: Connection, hashes: list[str]) -> dict[str, bytes | None]:
    return {sha256: blobs.get(connection, sha256) for sha256 in set(hashes)}


def _quarantine(connection: Connection, item: Row, reason: str, now: datetime) -> None:
    claims = raw_items.claim(connection, [item["id"]])
    if claims.get(item["id"], (None, None))[0] is not Fate.RECEIVED:
        return  # another process was faster, and its fate stands
    endings = {item["id"]: Ending(Fate.QUARANTINED, reason)}
    raw_items.settle(connection, endings)
    _tell(connection, [item], endings, now)
