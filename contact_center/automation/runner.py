"""Drives the rules: what happened, by the journal; what has been so for long enough, by the clock.

It may run in every process. Each rule looks at each event in a unit of its own, whose row in the log is unique: a process that died in the
middle, or another one beside it, does nothing twice. The cursor follows when all rules have looked.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from contact_center import tasks
from contact_center.automation import firing
from contact_center.automation.happenings import Happening, facts_of, happenings, is_too_long, looks_at, matches, whole
from contact_center.errors import ContactCenterError, Unavailable
from contact_center.model.acts import Act
from contact_center.model.conditions import tests_of
from contact_center.model.rules import Armed
from contact_center.model.words import Trigger
from contact_center.store import Connection, Store, journal
from contact_center.store.repositories import rules
from contact_center.tickets.replies import Sending

logger = structlog.get_logger(__name__)

BATCH = 200  # events read at once
IDLE_BEHIND = 1000  # how far the cursor may stay behind while there are no rules
COALESCE = 0.05  # seconds between two looks into the journal
LOOK_SECONDS = 10.0  # between looks at the clock
POLL = 2.0
RETRY = 2.0
AT_ONCE = 200  # tickets that time has come for, read at once
MOST_A_LOOK = 2000  # so that a rule which begins with all of the past does not keep the others waiting
KEEP = timedelta(days=30)
TRIES = 3  # of what nobody foresaw
BROKE = "Something in the product failed; its log says what."
TIDY_SECONDS = 3600.0


class Runner:
    """One of each process; they need not know of each other."""

    def __init__(self, store: Store, sending: Callable[[], Sending], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._sending = sending
        self._clock = clock
        self._news = asyncio.Event()
        self._looked = self._tidied = float("-inf")
        self._walked: dict[int, int] = {}
        """Where a look stopped for each rule that has more tickets than one look takes."""
        self._failed: Counter[tuple[object, ...]] = Counter()

    def wake(self) -> None:
        """The journal has grown, or somebody changed a rule."""
        self._news.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._news.clear()
            try:
                while await self.step():
                    await self._clocks()  # time does not wait until nothing happens any more
                await self._clocks()
            except ContactCenterError as error:
                logger.warning("rules.waiting", error=error.message)
                await asyncio.sleep(RETRY)
            except Exception as error:
                # Whatever it is: without a runner no rule would fire until somebody starts us again.
                logger.error("rules.stuck", error=repr(error), exc_info=error)
                await asyncio.sleep(RETRY)
            await asyncio.sleep(COALESCE)
            await tasks.wait(self._news, POLL)

    async def catch_up(self) -> None:
        """Look at everything that has happened by now, and at what that led to."""
        while await self.step():
            pass

    async def step(self) -> bool:
        """Look at one batch of events; False when there was none."""
        found = await self._store.read(_next)
        if found is None:
            await self._store.write(rules.begin)
            return True
        before, upto, wanted = found
        if upto == before:
            return False
        for happening, several in wanted:
            for rule in several:
                await self._let(rule, happening)
        await self._store.write(rules.advance, before, upto)  # or another process has
        return True

    async def look_at_the_clock(self) -> int:
        """Fire what time has come for; returns how often."""
        fired = 0
        for rule in await self._store.read(rules.active):
            if rule.when.trigger is Trigger.TIME:
                fired += await self._pass_time(rule)
        return fired

    async def _clocks(self) -> None:
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            await self.look_at_the_clock()
        if now - self._tidied >= TIDY_SECONDS:
            self._tidied = now
            while await self._store.write_bulk(rules.forget, self._clock() - KEEP):
                pass

    async def _let(self, rule: Armed, happening: Happening) -> None:
        act = Act(self._clock())
        try:
            if is_too_long(happening):
                await self._store.write(firing.note_loop, act, rule, happening)
            else:
                await self._store.write(firing.on_event, act, self._sending(), rule, happening)
        except Unavailable:
            raise
        except Exception as error:
            if self._may_pass((rule.id, rule.version, happening.seq), error):
                raise
            await self._store.write(firing.note_refusal, act, rule, happening.ticket_id, _why(error), seq=happening.seq)

    async def _pass_time(self, rule: Armed) -> int:
        now = self._clock()
        fired, looked, after = 0, 0, self._walked.pop(rule.id, 0)
        while True:
            some = await self._store.read(_due, rule, now, after)
            for ticket_id, began, is_long_enough in some:
                fired += is_long_enough and await self._let_time(rule, ticket_id, began)
            if len(some) < AT_ONCE:
                return fired
            looked, after = looked + len(some), some[-1][0]
            if looked >= MOST_A_LOOK:
                self._walked[rule.id] = after
                return fired

    async def _let_time(self, rule: Armed, ticket_id: int, began: datetime) -> bool:
        act = Act(self._clock())
        try:
            return await self._store.write(firing.on_time, act, self._sending(), rule, ticket_id, began) is not None
        except firing.Changed:
            return False
        except Unavailable:
            raise
        except Exception as error:
            if self._may_pass((rule.id, rule.version, ticket_id, began), error):
                raise
            await self._store.write(firing.note_refusal, act, rule, ticket_id, _why(error), began=began)
            return False

    def _may_pass(self, what: tuple[object, ...], error: Exception) -> bool:
        """Whether trying once more may help. What nobody foresaw and fails every time must not hold up all that comes after it."""
        if isinstance(error, ContactCenterError):
            return False
        self._failed[what] += 1
        if self._failed[what] < TRIES:
            return True
        del self._failed[what]
        logger.error("rules.given_up", what=what, error=repr(error), exc_info=error)
        return False


def _why(error: Exception) -> str:
    return error.message if isinstance(error, ContactCenterError) else BROKE


Wanted = list[tuple[Happening, list[Armed]]]


def _next(connection: Connection) -> tuple[int, int, Wanted] | None:
    """Where the cursor stands and where it goes next, and which rules are to act on what happened between."""
    at = rules.cursor(connection)
    if at is None:
        return None
    armed = [rule for rule in rules.active(connection) if rule.when.trigger is not Trigger.TIME]
    if not armed:
        # A rule to come looks at nothing that was before it, so that the cursor need not follow every commit.
        horizon = journal.horizon(connection)
        return at, horizon if horizon - at > IDLE_BEHIND else at, []
    events = whole(journal.read_after(connection, at, BATCH), BATCH)
    return at, events[-1].seq if events else at, wanted_of(connection, armed, happenings(events))


def wanted_of(connection: Connection, armed: list[Armed], found: list[Happening]) -> Wanted:
    """Which rules each happening fires, by how the ticket stood then."""
    asks = any(test.field == "organization" for rule in armed for test in tests_of(rule.tree))
    companies = rules.companies(connection, {each.ticket["contact"]["id"] for each in found if each.ticket}) if asks else {}
    wanted: Wanted = []
    for happening in found:
        assert happening.ticket is not None
        several = [rule for rule in armed if happening.seq > rule.since_seq and looks_at(rule, happening)]
        if not several:
            continue
        facts = facts_of(happening.ticket, companies.get(happening.ticket["contact"]["id"]))
        if firing_now := [rule for rule in several if matches(rule, happening, facts)]:
            wanted.append((happening, firing_now))
    return wanted


def _due(connection: Connection, rule: Armed, now: datetime, after: int) -> list[tuple[int, datetime, bool]]:
    found = rules.due(connection, rule, now, after, AT_ONCE)
    return [(ticket_id, began, firing.is_long_enough(connection, rule, queue_id, began, now)) for ticket_id, queue_id, began in found]
