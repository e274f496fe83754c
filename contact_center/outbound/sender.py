"""Sending what the outbox holds. A row is leased and committed before anything leaves, and settled after.

Between the two a crash leaves it *uncertain*: the spool is written under a fixed name, so repeating it is harmless, but
an SMTP server may have taken the mail, and then a person decides. Nothing is sent twice silently, and nothing is dropped.
"""

import asyncio
import functools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from contact_center import failpoints, tasks
from contact_center.channels.base import Connector
from contact_center.contacts.identity import normalise
from contact_center.errors import ChannelError, DeliveryUnknown, FenceLost, OptedOut, Unavailable, Undeliverable
from contact_center.model.acts import Act
from contact_center.model.messages import OutboundFile, OutboundMessage, Receipt
from contact_center.model.tickets import Address
from contact_center.model.words import Delivery, PointKind
from contact_center.outbound.pacing import AT_ONCE, PER_ACCOUNT, lease
from contact_center.store import Connection, Row, Store, blobs
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import channels, opt_outs, outbox, timeline
from contact_center.tickets import entries, undelivered
from contact_center.tickets.confirmations import CONFIRMS, heed

logger = structlog.get_logger(__name__)
Clock = Callable[[], datetime]
FindConnector = Callable[[int], Awaitable[Connector | None]]
"""Account id to its connector, None when the account is switched off or gone."""

Settle = Callable[[Connection, Row, str, datetime], None]
"""What became of a leased row: (connection, row, holder, now)."""

FIRST_RETRY = 30.0  # seconds, doubled each time
LONGEST_RETRY = 3600.0
GIVE_UP = timedelta(days=4)  # RFC 5321 4.5.4.1: at least four to five days
IDLE = 30.0
RECORD_RETRY = 1.0
STARTING_RETRY = 2.0  # how long a message waits for a connector that is being started


class Sender:
    """Leases and sends until cancelled."""

    def __init__(self, store: Store, files: BlobFiles, find_connector: FindConnector, holder: str, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._find = find_connector
        self._holder = holder
        self._clock = clock
        self._news = asyncio.Event()
        self._draining = False
        self._on_their_way: dict[asyncio.Task[None], int] = {}
        """Messages that are being sent, and of which account."""
        self._held: dict[int, datetime] = {}
        """Accounts that may send no more until then."""

    def wake(self) -> None:
        """Something was queued."""
        self._news.set()

    async def run(self) -> None:
        """Send what is due, sleep until the next is, for ever."""
        try:
            while True:
                self._news.clear()
                await tasks.wait(self._news, await self._turn())
        finally:
            await tasks.stop(*self._on_their_way)

    async def _turn(self) -> float:
        """Begin whatever may begin; returns the seconds until there may be more to do."""
        try:
            while await self.begin_due():
                pass
            due = await self._store.read(outbox.next_due, self._waiting_accounts())
        except Unavailable as error:
            logger.warning("sender.waiting", error=error.message)
            return IDLE
        except Exception as error:
            # Whatever it is: what is queued must not lie there for ever because of one thing nobody foresaw.
            logger.error("sender.failed", error=repr(error), exc_info=error)
            return IDLE
        times = [at for at in (due, *self._held.values()) if at is not None]
        return min(IDLE, max(0.05, (min(times) - self._clock()).total_seconds())) if times else IDLE

    async def send_due(self) -> int:
        """Send what may leave now and wait until it has; returns how many were leased."""
        begun = await self.begin_due()
        await asyncio.gather(*begun)
        return len(begun)

    async def begin_due(self) -> list[asyncio.Task[None]]:
        """Begin to send what may leave now. A slow server holds up nobody but its own account."""
        await self._recover()
        if self._draining or len(self._on_their_way) >= AT_ONCE:
            return []
        due = await self._store.read(outbox.next_due, self._waiting_accounts())
        if due is None or due > self._clock():
            return []  # nothing is written for nothing
        counts = Counter(self._on_their_way.values())
        leased = await self._store.write(lease, self._holder, self._clock(), counts, list(self._held))
        failpoints.reach("send.leased")
        self._held |= leased.held
        return [self._begin(row) for row in leased.rows]

    def _waiting_accounts(self) -> list[int]:
        """Accounts of which no more is taken for now."""
        now = self._clock()
        self._held = {account: until for account, until in self._held.items() if until > now}
        full = [account for account, count in Counter(self._on_their_way.values()).items() if count >= PER_ACCOUNT]
        return [*self._held, *full]

    def _begin(self, row: Row) -> asyncio.Task[None]:
        task = tasks.spawn(self._send(row), name=f"send {row['id']}")
        self._on_their_way[task] = row["account_id"]
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._on_their_way.pop(task, None)
        self._news.set()

    async def drain(self, seconds: float) -> None:
        """Begin nothing new and let what is being sent come to its end, at most `seconds`: it would be uncertain else."""
        self._draining = True
        if self._on_their_way:
            await asyncio.wait(list(self._on_their_way), timeout=seconds)

    async def _recover(self) -> None:
        """Judge what a sender that died left behind."""
        for row in await self._store.read(outbox.orphaned, self._clock()):
            connector = await self._find(row["account_id"])
            if connector is None and await self._is_enabled(row):
                continue  # it is just being started, and knows best whether a repetition is harmless
            if connector is not None and connector.repeatable:
                await self._store.write(_requeue, row, self._clock())
            else:
                words = "The sending process died; the mail may or may not have gone out."
                await self._store.write(_uncertain, row, self._clock(), words)

    async def _send(self, row: Row) -> None:
        connector = await self._find(row["account_id"])
        try:
            if connector is None:
                words = "The channel is switched off or gone."
                settle = _put_back if await self._is_enabled(row) else functools.partial(_fail, reason=words)
            else:
                message = await self._message(row)
                if refused := await self._store.read(_refused, row):
                    raise Undeliverable(f"{refused} has asked for no more messages.")
                failpoints.reach("send.before")
                await message.go()
                settle = functools.partial(_sent, receipt=await connector.send(message))
                failpoints.reach("send.after")
        except OptedOut as error:
            settle = functools.partial(_opted_out, reason=error.message)
        except FenceLost:
            # This process stood still for longer than its lease: others have judged the row, and nothing has left.
            settle = _put_back
        except Undeliverable as error:
            settle = functools.partial(_fail, reason=error.message)
        except DeliveryUnknown as error:
            settle = functools.partial(_not_known, reason=error.message)
        except (ChannelError, Unavailable) as error:
            settle = functools.partial(_retry, reason=error.message)
        except Exception as error:
            logger.error("sender.crashed", row=row["id"], error=repr(error), exc_info=error)
            settle = functools.partial(_fail, reason=f"Unexpected: {type(error).__name__}: {error}"[:300])
        await self._record(settle, row)

    async def _record(self, settle: Settle, row: Row) -> None:
        """Write down what became of a row; while the database is away, keep what is known and wait for it."""
        while True:
            try:
                await self._store.write(settle, row, self._holder, self._clock())
                failpoints.reach("send.recorded")
                return
            except Unavailable as error:
                logger.warning("sender.outcome_waits", row=row["id"], error=error.message)
                await asyncio.sleep(RECORD_RETRY)

    async def _is_enabled(self, row: Row) -> bool:
        account = await self._store.read(channels.find_account, row["account_id"])
        return account is not None and account.enabled

    async def _message(self, row: Row) -> OutboundMessage:
        data = row["message"]
        files = await self._store.read(timeline.attachments_of, row["interaction_id"])
        return OutboundMessage(
            interaction_id=row["interaction_id"],
            message_key=row["message_key"],
            to=tuple(Address(**address) for address in data["to"]),
            cc=tuple(Address(**address) for address in data["cc"]),
            subject=data["subject"],
            text=data["text"],
            in_reply_to=data["in_reply_to"],
            references=tuple(data["references"]),
            reply_token=data["reply_token"],
            attachments=tuple([await self._file(file) for file in files]),
            quoted=data["quoted"],
            created_at=row["created_at"],
            automatic=bool(data.get("automatic")),
            go=functools.partial(self._go, row),
        )

    async def _go(self, row: Row) -> None:
        """Raises FenceLost when the row is not ours any more."""
        if not await self._store.read(outbox.still_holds, row, self._holder):
            raise FenceLost

    async def _file(self, file: Row) -> OutboundFile:
        content = await self._store.read(blobs.get, file["sha256"])
        if content is None:
            content = await asyncio.to_thread(self._files.path(file["sha256"]).read_bytes)
        return OutboundFile(file["filename"], file["content_type"], content)


def _refused(connection: Connection, row: Row) -> str:
    """A recipient who opted out since the message was queued; empty when nobody did."""
    if row["message"].get(CONFIRMS):
        return ""  # says no more than that the wish was heard
    entry = timeline.find(connection, row["interaction_id"])
    addresses = {address.email for address in (*entry.to, *entry.cc)} if entry is not None else set()
    for kind in PointKind:
        found = opt_outs.among(connection, row["account_id"], kind, [normalise(kind, address) for address in sorted(addresses)])
        if found:
            return found[0]
    return ""


def retry_delay(attempts: int) -> float:
    """Seconds until the next attempt after `attempts` of them."""
    return float(min(LONGEST_RETRY, FIRST_RETRY * 2 ** max(0, attempts - 1)))


def _sent(connection: Connection, row: Row, holder: str, now: datetime, receipt: Receipt) -> None:
    if not outbox.holds(connection, row, holder):
        return
    values = {"state": Delivery.SENT, "sent_at": now, "provider_id": receipt.provider_id, "spooled": receipt.spooled, "error": ""}
    _settle(connection, row, now, values)


def _retry(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    if not outbox.holds(connection, row, holder):
        return
    if now - row["created_at"] > GIVE_UP:
        _fail(connection, row, holder, now, f"Given up after {GIVE_UP.days} days: {reason}")
        return
    at = now + timedelta(seconds=retry_delay(row["attempts"]))
    _settle(connection, row, now, {"state": Delivery.QUEUED, "next_attempt_at": at, "error": reason})


def _fail(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    if outbox.holds(connection, row, holder):
        _settle(connection, row, now, {"state": Delivery.FAILED, "error": reason})
        _demand_attention(connection, row, now)


def _opted_out(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    """The recipient told the provider and not us: from now on we know it too."""
    if outbox.holds(connection, row, holder):
        heed(connection, Act(now), outbox.project_of(connection, row["id"]), row, reason)
        _fail(connection, row, holder, now, reason)


def _not_known(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    if outbox.holds(connection, row, holder):
        _uncertain(connection, row, now, reason)


def _put_back(connection: Connection, row: Row, holder: str, now: datetime) -> None:
    """Nothing was tried: the connector is not there yet."""
    if outbox.holds(connection, row, holder):
        at = now + timedelta(seconds=STARTING_RETRY)
        _settle(connection, row, now, {"state": Delivery.QUEUED, "next_attempt_at": at, "attempts": row["attempts"] - 1})


def _uncertain(connection: Connection, row: Row, now: datetime, reason: str) -> None:
    if outbox.change_lease(connection, row, state=Delivery.UNCERTAIN, error=reason):
        _publish(connection, row, now)
        _demand_attention(connection, row, now)


def _requeue(connection: Connection, row: Row, now: datetime) -> None:
    if outbox.change_lease(connection, row, state=Delivery.QUEUED, next_attempt_at=now, lease_holder=None):
        _publish(connection, row, now)


def _demand_attention(connection: Connection, row: Row, now: datetime) -> None:
    """The customer may have no answer: somebody must look."""
    entry = timeline.find(connection, row["interaction_id"])
    if entry is not None:
        undelivered.demand(connection, Act(now), outbox.project_of(connection, row["id"]), entry)


def _settle(connection: Connection, row: Row, now: datetime, values: dict[str, Any]) -> None:
    outbox.change(connection, row["id"], lease_holder=None, **values)
    _publish(connection, row, now)


def _publish(connection: Connection, row: Row, now: datetime) -> None:
    project_id = outbox.project_of(connection, row["id"])
    entries.publish_entry(connection, Act(now), project_id, row["interaction_id"])
