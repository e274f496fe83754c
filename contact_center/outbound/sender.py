"""Sending what the outbox holds. A row is leased and committed before anything leaves, and settled after.

Between the two a crash leaves it *uncertain*: the spool is written under a fixed name, so repeating it is harmless, but
an SMTP server may have taken the mail, and then a person decides. Nothing is sent twice silently, and nothing is dropped.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from contact_center import failpoints, tasks
from contact_center.channels.base import Connector
from contact_center.contacts.identity import normalise
from contact_center.errors import ChannelError, DeliveryUnknown, OptedOut, Unavailable, Undeliverable
from contact_center.model.acts import Act
from contact_center.model.messages import OutboundFile, OutboundMessage, Receipt
from contact_center.model.tickets import Address
from contact_center.model.words import Delivery, PointKind, Status
from contact_center.store import Connection, Row, Store, blobs
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import channels, opt_outs, outbox, timeline
from contact_center.tickets import entries, lifecycle
from contact_center.tickets.confirmations import CONFIRMS, heed

logger = structlog.get_logger(__name__)
Clock = Callable[[], datetime]
FindConnector = Callable[[int], Awaitable[Connector | None]]
"""Account id to its connector, None when the account is switched off or gone."""

Settle = Callable[[Connection, Row, str, datetime], None]
"""What became of a leased row: (connection, row, holder, now)."""

BATCH = 10
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
        self._sending: asyncio.Future[Any] | None = None

    def wake(self) -> None:
        """Something was queued."""
        self._news.set()

    async def run(self) -> None:
        """Send what is due, sleep until the next is, for ever."""
        while True:
            self._news.clear()
            try:
                while await self.send_due():
                    pass
                due = await self._store.read(outbox.next_due)
            except Unavailable as error:
                logger.warning("sender.waiting", error=error.message)
                due = None
            except Exception as error:
                # Whatever it is: what is queued must not lie there for ever because of one thing nobody foresaw.
                logger.error("sender.failed", error=repr(error), exc_info=error)
                due = None
            wait = IDLE if due is None else min(IDLE, max(0.05, (due - self._clock()).total_seconds()))
            await tasks.wait(self._news, wait)

    async def send_due(self) -> int:
        """Send one batch; returns how many were leased."""
        await self._recover()
        due = await self._store.read(outbox.next_due)
        if due is None or due > self._clock() or self._draining:
            return 0  # nothing is written for nothing
        rows = await self._store.write(outbox.lease_due, self._holder, self._clock(), BATCH)
        failpoints.reach("send.leased")
        self._sending = asyncio.gather(*(self._send(row) for row in rows))
        await self._sending
        return len(rows)

    async def drain(self, seconds: float) -> None:
        """Begin nothing new and let what is being sent come to its end, at most `seconds`: it would be uncertain else."""
        self._draining = True
        if self._sending is not None and not self._sending.done():
            await asyncio.wait([self._sending], timeout=seconds)

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
                settle = functools.partial(_sent, receipt=await connector.send(message))
                failpoints.reach("send.after")
        except OptedOut as error:
            settle = functools.partial(_opted_out, reason=error.message)
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
        )

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
    if not outbox.holds(connection, row["id"], holder):
        return
    values = {"state": Delivery.SENT, "sent_at": now, "provider_id": receipt.provider_id, "spooled": receipt.spooled, "error": ""}
    _settle(connection, row, now, values)


def _retry(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    if not outbox.holds(connection, row["id"], holder):
        return
    if now - row["created_at"] > GIVE_UP:
        _fail(connection, row, holder, now, f"Given up after {GIVE_UP.days} days: {reason}")
        return
    at = now + timedelta(seconds=retry_delay(row["attempts"]))
    _settle(connection, row, now, {"state": Delivery.QUEUED, "next_attempt_at": at, "error": reason})


def _fail(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    if outbox.holds(connection, row["id"], holder):
        _settle(connection, row, now, {"state": Delivery.FAILED, "error": reason})
        _demand_attention(connection, row, now)


def _opted_out(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    """The recipient told the provider and not us: from now on we know it too."""
    if outbox.holds(connection, row["id"], holder):
        heed(connection, Act(now), outbox.project_of(connection, row["id"]), row, reason)
        _fail(connection, row, holder, now, reason)


def _not_known(connection: Connection, row: Row, holder: str, now: datetime, reason: str) -> None:
    if outbox.holds(connection, row["id"], holder):
        _uncertain(connection, row, now, reason)


def _put_back(connection: Connection, row: Row, holder: str, now: datetime) -> None:
    """Nothing was tried: the connector is not there yet."""
    if outbox.holds(connection, row["id"], holder):
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
    """The customer may have no answer: the ticket goes back to the open ones."""
    entry = timeline.find(connection, row["interaction_id"])
    if entry is not None and entry.ticket_id is not None:
        project_id = outbox.project_of(connection, row["id"])
        lifecycle.change(connection, Act(now), project_id, entry.ticket_id, lifecycle.TicketPatch(status=Status.OPEN))


def _settle(connection: Connection, row: Row, now: datetime, values: dict[str, Any]) -> None:
    outbox.change(connection, row["id"], lease_holder=None, **values)
    _publish(connection, row, now)


def _publish(connection: Connection, row: Row, now: datetime) -> None:
    project_id = outbox.project_of(connection, row["id"])
    entries.publish_entry(connection, Act(now), project_id, row["interaction_id"])
