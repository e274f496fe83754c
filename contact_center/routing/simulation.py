"""A day that never was, decided by the very matcher that decides in earnest: to try a way of working before people live in it.

Customers arrive at random (Poisson), are handled for an exponential time, and may lose patience after an exponential time: the
assumptions of Erlang C and A, so that the simulation can be held to their exact values.
"""

import heapq
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from contact_center.model.figures import Tallies
from contact_center.model.words import Priority
from contact_center.routing.matcher import WHOLE, Agent, Need, Waiting, match

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
EXPERT = 1  # the one skill there is


@dataclass(frozen=True, slots=True)
class Day:
    """What comes, and who is there. Times in seconds."""

    agents: int
    arrivals_per_hour: float
    hours: float
    handle_seconds: float
    """On average."""
    target_seconds: float
    patience_seconds: float | None = None
    """On average; None: customers wait for ever, as those of mail do."""
    experts: float = 1.0
    """Share of agents who have the skill."""
    hard: float = 0.0
    """Share of customers who need it."""
    relax_seconds: int = 0
    """After this wait anybody will do; 0: never."""
    urgent: float = 0.0
    """Share of customers who are urgent."""
    at_once: int = 1
    """How many things an agent works on at a time, each taking as long as if it were the only one."""
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """What became of everybody."""

    tallies: Tallies
    waits: list[float] = field(repr=False)
    """Of those answered, in seconds, in order of arrival."""
    busy_seconds: float
    """Work done, over all agents."""
    seconds: float
    """How long it all took."""

    def wait_at(self, share: float) -> float:
        """The wait that this share of the answered did not exceed, in seconds; 0 when nobody was answered."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    @property
    def longest(self) -> float:
        """The longest wait of anybody answered, in seconds."""
        return max(self.waits, default=0.0)


def run(day: Day) -> Outcome:
    """Let the day happen. The same day with the same seed always ends the same."""
    return _Run(day).run()


class _Run:
    def __init__(self, day: Day) -> None:
        self._day = day
        self._random = Random(day.seed)  # noqa: S311 - a model of chance, not a secret
        self._agents = {n: self._agent(n) for n in range(1, day.agents + 1)}
        self._waiting: dict[int, Waiting] = {}
        self._events: list[tuple[float, int, str, int]] = []
        self._number = 0
        self._waits: dict[int, float] = {}
        self._busy = 0.0
        self._tallies = Tallies()

    def run(self) -> Outcome:
        at = 0.0
        while (at := at + self._random.expovariate(self._day.arrivals_per_hour / 3600)) < self._day.hours * 3600:
            self._happens(at, "arrives", 0)
        now = 0.0
        while self._events:
            now, _, what, which = heapq.heappop(self._events)
            getattr(self, f"_{what}")(now, which)
            self._assign(now)
        waits = [self._waits[number] for number in sorted(self._waits)]
        return Outcome(self._tallies, waits, self._busy, now)

    def _agent(self, number: int) -> Agent:
        skills = {EXPERT: 1} if number <= round(self._day.experts * self._day.agents) else {}
        return Agent(number, frozenset({1}), WHOLE, BEGINNING, skills=skills)

    def _happens(self, at: float, what: str, which: int) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, what, which or self._number))

    def _arrives(self, now: float, number: int) -> None:
        hard, urgent = self._random.random() < self._day.hard, self._random.random() < self._day.urgent
        self._waiting[number] = Waiting(
            number,
            1,
            "any",
            WHOLE // self._day.at_once,
            Priority.URGENT if urgent else Priority.NORMAL,
            BEGINNING + timedelta(seconds=now),
            needs=(Need(EXPERT, 1, self._day.relax_seconds),) if hard else (),
        )
        self._tallies += Tallies(entered=1)
        if self._day.patience_seconds is not None:
            self._happens(now + self._random.expovariate(1 / self._day.patience_seconds), "leaves", number)
        if hard and self._day.relax_seconds:
            self._happens(now + self._day.relax_seconds, "relaxes", number)

    def _leaves(self, now: float, number: int) -> None:
        item = self._waiting.pop(number, None)
        if item is not None:
            quick = self._waited(item, now) <= self._day.target_seconds
            self._tallies += Tallies(abandoned=1, abandoned_in_target=int(quick))

    def _relaxes(self, _now: float, _number: int) -> None:
        """Anybody will do from here on: worth another look."""

    def _frees(self, now: float, agent_id: int) -> None:
        agent = self._agents[agent_id]
        free = agent.free + WHOLE // self._day.at_once
        self._agents[agent_id] = replace(agent, free=free, idle_since=BEGINNING + timedelta(seconds=now))

    def _assign(self, now: float) -> None:
        at = BEGINNING + timedelta(seconds=now)
        free = [agent for agent in self._agents.values() if agent.free >= WHOLE // self._day.at_once]
        for found in match(free, list(self._waiting.values()), at) if self._waiting else ():
            item = self._waiting.pop(found.segment_id)
            agent = self._agents[found.agent_id]
            self._agents[agent.id] = replace(agent, free=agent.free - item.weight, idle_since=at)
            self._answer(now, item, agent.id)

    def _answer(self, now: float, item: Waiting, agent_id: int) -> None:
        waited, work = self._waited(item, now), self._random.expovariate(1 / self._day.handle_seconds)
        self._waits[item.segment_id] = waited
        self._busy += work
        self._tallies += Tallies(answered=1, answered_in_target=int(waited <= self._day.target_seconds), wait_seconds=waited)
        self._happens(now + work, "frees", agent_id)

    def _waited(self, item: Waiting, now: float) -> float:
        return now - (item.waiting_since - BEGINNING).total_seconds()
