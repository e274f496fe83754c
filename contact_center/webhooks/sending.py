"""Sending what was planned: one line for each endpoint, so that a slow one delays only itself.

A message is leased and committed before anything leaves, and settled after. Whoever dies in between leaves it leased; it goes
out again under the same `webhook-id`, by which the receiver knows it. At least once, never silently not at all.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog

from contact_center import tasks
from contact_center.egress import guarded_session
from contact_center.errors import ConfigError, Unavailable
from contact_center.keys import Keys
from contact_center.model.webhooks import DeliveryState
from contact_center.store import Connection, Row, Store
from contact_center.store.repositories import webhooks
from contact_center.webhooks import schedule, signing
from contact_center.webhooks.planning import as_of_now, plan
from contact_center.webhooks.posting import Outcome, post

logger = structlog.get_logger(__name__)
Clock = Callable[[], datetime]

IDLE = 30.0
COALESCE = 0.05  # seconds between two looks into the journal
RECORD_RETRY = 1.0
BUSY_WAIT = 1.0  # another process sends to this endpoint: how long until we look again
KEEP = timedelta(days=30)  # how long messages that came to their end are listed
COUNT_EVERY = timedelta(seconds=5)
TIDY_EVERY = timedelta(hours=1)
STALE = timedelta(minutes=1)  # what waited longer, or is tried again, is judged again before it is sent


class WebhookSender:
    """Plans and sends until cancelled."""

    def __init__(self, store: Store, keys: Keys, holder: str, clock: Clock, *, private: bool = False, keep: timedelta = KEEP) -> None:
        self._store = store
        self._keys = keys
        self._holder = holder
        self._clock = clock
        self._private = private
        self._keep = keep
        self._tidied: datetime | None = None
        self._counted: datetime | None = None
        self._news = asyncio.Event()
        self._draining = False
        self._lanes: dict[int, asyncio.Task[Any]] = {}
        self._session: aiohttp.ClientSession | None = None
        self.counts: dict[str, int] = {}
        """What waits and what was stopped, as of the last look."""

    def wake(self) -> None:
        """The journal has grown, or somebody changed an endpoint."""
        self._news.set()

    async def run(self) -> None:
        """Plan what is new, send what is due, sleep until there is more, for ever."""
        while True:
            self._news.clear()
            wait = IDLE
            try:
                wait = await self.step()
            except Unavailable as error:
                logger.warning("webhooks.waiting", error=error.message)
            except Exception as error:
                # Whatever it is: what is planned must not lie there for ever because of one thing nobody foresaw.
                logger.error("webhooks.failed", error=repr(error), exc_info=error)
            await asyncio.sleep(COALESCE)
            await tasks.wait(self._news, wait)

    async def step(self) -> float:
        """Plan, and open the line of every endpoint that something is due for; returns how long nothing more will be."""
        await plan(self._store, self._clock)
        if await self._store.read(webhooks.has_orphans, self._clock()):
            await self._store.write(webhooks.release_orphans, self._clock())
        wait = IDLE
        for endpoint_id, at in (await self._store.read(webhooks.due)).items():
            if endpoint_id in self._lanes or self._draining:
                continue
            seconds = (at - self._clock()).total_seconds()
            if seconds <= 0:
                self._lanes[endpoint_id] = tasks.spawn(self._lane(endpoint_id), name=f"webhook {endpoint_id}")
            else:
                wait = min(wait, seconds)
        await self._tidy()
        return wait

    async def _tidy(self) -> None:
        """Now and then count what waits; once an hour, forget what came to its end long ago."""
        now = self._clock()
        if self._counted is None or now - self._counted > COUNT_EVERY:
            self.counts, self._counted = await self._store.read(webhooks.counts), now
        if self._tidied is None or now - self._tidied > TIDY_EVERY:
            while await self._store.write_bulk(webhooks.forget_ended, now - self._keep):
                pass
            self._tidied = now

    async def rest(self) -> None:
        """Wait until no line is open."""
        while self._lanes:
            await asyncio.wait(list(self._lanes.values()))

    async def drain(self, seconds: float) -> None:
        """Begin nothing new and let what is being sent come to its end, at most `seconds`."""
        self._draining = True
        lanes = list(self._lanes.values())
        if lanes:
            _, late = await asyncio.wait(lanes, timeout=seconds)
            await tasks.stop(*late)
        if self._session is not None:
            await self._session.close()

    async def _lane(self, endpoint_id: int) -> None:
        """Send to one endpoint, one message after the other, until nothing is due."""
        sent = 0
        try:
            while not self._draining and await self.send_next(endpoint_id):
                sent += 1
            if not sent:
                await asyncio.sleep(BUSY_WAIT)
        except Unavailable as error:
            logger.warning("webhooks.waiting", endpoint=endpoint_id, error=error.message)
            await asyncio.sleep(RECORD_RETRY)
        except Exception:
            await asyncio.sleep(IDLE)  # logged by whoever made the task; not again at once
            raise
        finally:
            del self._lanes[endpoint_id]
            self._news.set()

    async def send_next(self, endpoint_id: int) -> bool:
        """Send the next message of an endpoint; False when nothing is due."""
        row = await self._store.write(webhooks.lease_next, endpoint_id, self._holder, self._clock())
        if row is None:
            return False
        endpoint, payload = await self._store.read(_prepared, row, self._clock())
        if endpoint is None:
            return True  # it was just deleted, and the message with it
        outcome = await self._attempt(endpoint, row, payload) if payload is not None else None
        await self._record(row, outcome)
        return True

    async def _attempt(self, endpoint: Row, row: Row, payload: str) -> Outcome:
        try:
            in_force = self._secrets(endpoint)
        except ConfigError as error:
            return Outcome(None, f"secret: {error.message}")
        if self._session is None:
            self._session = guarded_session(private=self._private, limit=0, keep_alive=True)
        body = payload.encode()
        headers = signing.headers(in_force, row["message_id"], int(self._clock().timestamp()), body)
        return await post(self._session, endpoint["url"], body, headers)

    def _secrets(self, endpoint: Row) -> list[str]:
        """The secret, and the earlier one as long as it is valid."""
        found = [self._keys.decrypt(endpoint["secret"])]
        if endpoint["earlier_secret"] and endpoint["earlier_until"] and endpoint["earlier_until"] > self._clock():
            found.append(self._keys.decrypt(endpoint["earlier_secret"]))
        return found

    async def _record(self, row: Row, outcome: Outcome | None) -> None:
        """Write down what became of a message; while the database is away, keep what is known and wait for it."""
        while True:
            try:
                stopped = await self._store.write(settle, row, outcome, self._clock())
                break
            except Unavailable as error:
                logger.warning("webhooks.outcome_waits", message=row["message_id"], error=error.message)
                await asyncio.sleep(RECORD_RETRY)
        if stopped:
            logger.warning("webhooks.stopped", endpoint=row["endpoint_id"], reason=stopped)


def settle(connection: Connection, row: Row, outcome: Outcome | None, now: datetime) -> str:
    """Record an attempt; None for a message that may not be sent any more. Returns why the endpoint was stopped, or nothing."""
    if not webhooks.holds(connection, row):
        return ""  # somebody else has it by now
    if outcome is None:
        webhooks.change_delivery(connection, row["id"], state=DeliveryState.WITHHELD, lease_holder=None, ended_at=now)
        return ""
    facts = {
        "lease_holder": None,
        "last_status": outcome.status,
        "last_error": outcome.error,
        "last_milliseconds": outcome.milliseconds,
    }
    if outcome.delivered:
        webhooks.change_delivery(connection, row["id"], state=DeliveryState.DELIVERED, ended_at=now, **facts)
        if row["seq"] is not None:
            webhooks.change(connection, row["endpoint_id"], failing_since=None, hold_until=None)
        return ""
    gone = outcome.status == 410
    delay = None if gone or row["seq"] is None else schedule.next_delay(row["attempts"], outcome.asked)
    if delay is None:
        webhooks.change_delivery(connection, row["id"], state=DeliveryState.FAILED, ended_at=now, **facts)
    else:
        webhooks.change_delivery(connection, row["id"], state=DeliveryState.PENDING, next_attempt_at=now + delay, **facts)
    if row["seq"] is None:
        return ""  # a test tells whoever sent it, and changes nothing
    return _note_failure(connection, row, delay, now, gone)


def _note_failure(connection: Connection, row: Row, delay: timedelta | None, now: datetime, gone: bool) -> str:
    """Let the line wait for its head, and stop an endpoint that is gone or has failed for days."""
    endpoint = webhooks.find(connection, row["endpoint_id"])
    if endpoint is None:
        return ""
    since = endpoint["failing_since"] or now
    hold = now + delay if delay is not None and schedule.holds(row["attempts"]) else None
    reason = "gone" if gone else "failing" if now - since > schedule.STOP_AFTER else ""
    stop = {"enabled": False, "stopped_because": reason} if reason else {}
    webhooks.change(connection, row["endpoint_id"], failing_since=since, hold_until=hold, **stop)
    return reason


def _prepared(connection: Connection, row: Row, now: datetime) -> tuple[Row | None, str | None]:
    """The endpoint, and what to send to it; no content when it may not hear this any more."""
    endpoint = webhooks.find(connection, row["endpoint_id"])
    if endpoint is None or (row["attempts"] <= 1 and now - row["created_at"] <= STALE):
        return endpoint, row["payload"]
    return endpoint, as_of_now(connection, endpoint, row)
