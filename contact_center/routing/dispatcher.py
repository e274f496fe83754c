"""Brings work and agents together: woken by every commit, and by the clock when an offer runs out or a line stays lost.

It reads, lets the matcher decide, and offers in units of their own that check again; so it may run in every process, and
what it believed a moment ago does no harm. Nothing is remembered between two rounds.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from contact_center import tasks
from contact_center.errors import ContactCenterError, Unavailable
from contact_center.model.acts import Act
from contact_center.model.shift import SkillNeed
from contact_center.routing import matcher, moves, offers, queues, states
from contact_center.routing.offers import Weights
from contact_center.store import Connection, Store
from contact_center.store.repositories import handling, presence, routing, serving, skills, sla, tickets
from contact_center.tickets import escalation, lifecycle, wrapping

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0  # between looks at the clock
PACE = 0.05  # seconds between two rounds: a flood of commits is looked at together
SHARE = 3  # and so many times as long as the last took: with thousands waiting for nobody, a round at every commit would be all we do
MOST_WAITING = 10_000  # read at once; the longest wait is among them
EVER = datetime.min.replace(tzinfo=UTC)
GAP = timedelta(seconds=30)  # longer between two looks: the machine stood still, or its clock was set
GRACE = timedelta(seconds=90)  # after that an agent is offline
REST = timedelta(minutes=2)  # who declined something is not offered it again for so long


@dataclass(frozen=True, slots=True)
class _Picture:
    """What one round decides about."""

    agents: list[matcher.Agent]
    waiting: list[matcher.Waiting]


class Dispatcher:
    """One of each process; they need not know of each other."""

    def __init__(self, store: Store, weights: Weights, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._weights = weights
        self._clock = clock
        self._news = asyncio.Event()
        self._looked_at: datetime | None = None
        self._watching_since = clock()

    def wake(self) -> None:
        """Something was committed."""
        self._news.set()

    async def run(self) -> None:
        """Offer until cancelled."""
        while True:
            self._news.clear()
            began = time.monotonic()
            try:
                await self.look_at_the_clock(self._watching())
                while await self.offer():
                    pass
            except ContactCenterError as error:
                logger.warning("routing.waiting", error=error.message)
            except Exception as error:
                # Whatever it is: without a dispatcher nobody would be offered anything until somebody starts us again.
                logger.error("routing.stuck", error=repr(error), exc_info=error)
            took = time.monotonic() - began
            await tasks.wait(self._news, LOOK_SECONDS)
            await asyncio.sleep(min(max(PACE, SHARE * took), LOOK_SECONDS))

    def _watching(self) -> datetime:
        """Since when time has passed without a gap. After a start, a stop of the machine and a clock that was set, nobody is to blame
        for not having been seen or not having answered."""
        now = self._clock()
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at <= GAP:
            self._watching_since = now
        self._looked_at = now
        return self._watching_since

    async def look_at_the_clock(self, watching_since: datetime = EVER) -> None:
        """Whatever is due: offers that run out, lost agents, states that were asked for, overflows, promises, what was put off.

        Each in a unit of its own, which asks again: what fails is tried at the next look and holds up nobody else, and no unit
        holds two agents or tickets, for which another might wait the other way round.
        """
        for unit in await self._store.read(_due, Act(self._clock()), watching_since):
            try:
                await self._store.write(unit)
            except Unavailable:
                raise
            except Exception as error:
                logger.error("routing.not_settled", error=repr(error), exc_info=error)

    async def offer(self) -> int:
        """One round: returns how many offers were made."""
        now = self._clock()
        picture = await self._store.read(self._picture, now)
        if picture is None:
            return 0
        channels = {item.segment_id: item.channel for item in picture.waiting}
        made = 0
        for found in matcher.match(picture.agents, picture.waiting, now):
            channel = channels[found.segment_id]
            made += await self._store.write(offers.make, Act(now), self._weights, presence.FADES, found.segment_id, found.agent_id, channel)
        return made

    def _picture(self, connection: Connection, now: datetime) -> _Picture | None:
        free = routing.free_agents(connection, now, now - presence.FADES)
        room: dict[int, int] = {agent.user_id: matcher.WHOLE for agent in free}
        for item in routing.held(connection) if free else ():
            if item.user_id in room:
                room[item.user_id] -= self._weights.of(item.channel)
        # Who has their hands full is no reason to read all that waits, at every commit of a busy day.
        free = [agent for agent in free if room[agent.user_id] >= self._weights.least]
        served = frozenset[int]().union(*(agent.queue_ids for agent in free))
        waits = routing.unanswered(connection, served, MOST_WAITING) if served else []
        if not waits:
            return None
        not_to = routing.refusals(connection, now - REST)
        needs = {queue_id: tuple(_need(each) for each in asked) for queue_id, asked in skills.needs_of(connection).items()}
        here = {agent.user_id for agent in free}
        return _Picture(
            [_agent(agent, room[agent.user_id], now) for agent in free],
            [self._waiting(item, here, needs.get(item.queue_id, ()), not_to.get(item.segment_id, frozenset())) for item in waits],
        )

    def _waiting(
        self, item: routing.Unanswered, here: set[int], needs: tuple[matcher.Need, ...], not_to: frozenset[int]
    ) -> matcher.Waiting:
        weight = self._weights.of(item.channel)
        # Whoever was away when it came is asked before the owner of the customer.
        first = item.meant_for_id if item.meant_for_id in here else item.owner_id
        return matcher.Waiting(
            item.segment_id, item.queue_id, item.channel, weight, item.priority, item.waiting_since, first, needs, not_to
        )


def _agent(agent: routing.Free, room: int, now: datetime) -> matcher.Agent:
    idle_since = agent.idle_since if room == matcher.WHOLE else now
    return matcher.Agent(agent.user_id, agent.queue_ids, room, idle_since, agent.channels_off, agent.skills)


def _need(asked: SkillNeed) -> matcher.Need:
    return matcher.Need(asked.skill_id, asked.level, asked.relax_seconds)


def _due(connection: Connection, act: Act, watching_since: datetime) -> list[Callable[[Connection], object]]:
    """What the clock asks for now: units of work."""
    found: list[Callable[[Connection], object]] = []
    for offer in routing.unfounded(connection, act.now):
        found.append(partial(offers.withdraw, act=act, offer=offer))
    for offer in routing.expired(connection, act.now):
        missed = offer.expires_at >= watching_since
        found.append(partial(offers.expire if missed else offers.withdraw, act=act, offer=offer))
    for project_id, user_id in routing.lost(connection, act.now, act.now - GRACE) if act.now - watching_since >= GRACE else ():
        found.append(partial(states.sign_out_lost, act=act, project_id=project_id, user_id=user_id, seen_after=act.now - GRACE))
    for project_id, user_id in routing.done_and_asked(connection, act.now):
        found.append(partial(states.begin_asked, act=act, project_id=project_id, user_id=user_id))
    for _, ticket_id, _ in routing.overflowing(connection, act.now, queues.AT_ONCE):
        found.append(partial(queues.overflow, act=act, ticket_id=ticket_id))
    for _, ticket_id, _ in routing.after_hours(connection, act.now, queues.AT_ONCE):
        found.append(partial(queues.send_on, act=act, ticket_id=ticket_id))
    for project_id, ticket_id in sla.asking(connection, act.now, queues.AT_ONCE):
        found.append(partial(escalation.look, act=act, project_id=project_id, ticket_id=ticket_id))
    away = routing.waiting_for_the_away(connection, act.now, GRACE, queues.AT_ONCE) if act.now - watching_since >= GRACE else ()
    for _, ticket_id, _, _ in away:
        found.append(partial(queues.release, act=act, ticket_id=ticket_id, grace=GRACE))
    for project_id, user_id in serving.over(connection, act.now):
        found.append(partial(moves.end_over, act=act, project_id=project_id, user_id=user_id))
    for wrap in handling.wraps_due(connection, act.now):
        found.append(partial(wrapping.time_up, act=act, segment_id=wrap.id))
    for focus in handling.faded_focus(connection, act.now - presence.FADES):
        found.append(partial(handling.end_faded, focus=focus))
    for _, ticket_id in tickets.snoozed_until(connection, act.now, queues.AT_ONCE):
        found.append(partial(lifecycle.wake_snoozed, act=act, ticket_id=ticket_id))
    return found
