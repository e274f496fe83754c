"""Who is offered what. A pure function of who is free and what waits: no clock, no database, no chance.

Work is taken in the order of its *rank*: the instant since when the customer waits, moved back by what the priority is
worth. So a priority is a head start and never a wall: whatever has waited long enough comes first, and nothing starves.
Each item goes to its owner if the owner can take it now, else to whoever has been idle longest.

One pass suffices for the promise that no agent stands idle while work waits that they could do: agents only become fewer
during a pass, so what fitted nobody at its turn fits nobody at the end.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contact_center.model.words import Priority

WHOLE = 100
"""The capacity of an agent who may do one thing at a time; a mail that weighs 25 leaves room for three more."""

HEAD_START: Mapping[Priority, timedelta] = {
    Priority.LOW: timedelta(hours=-1),
    Priority.NORMAL: timedelta(0),
    Priority.HIGH: timedelta(hours=1),
    Priority.URGENT: timedelta(hours=8),
}
"""What a priority is worth in waiting."""


@dataclass(frozen=True, slots=True)
class Need:
    """A skill that work asks for."""

    skill_id: int
    level: int
    """1 to 10."""
    relax_seconds: int = 0
    """After each such time of waiting one level less will do, until anybody in the queue may; 0: never less."""

    def after(self, waited: timedelta) -> int:
        """The level asked for after this time; 0 asks for nothing."""
        if not self.relax_seconds:
            return self.level
        return max(0, self.level - int(waited.total_seconds() // self.relax_seconds))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stay in a queue that nobody has accepted."""

    segment_id: int
    queue_id: int
    channel: str
    weight: int
    """Of an agent's capacity, 1 to 100."""
    priority: Priority
    waiting_since: datetime
    """When the customer's turn began; the wait in earlier queues counts."""
    owner_id: int | None = None
    """The employee whose customer it is."""
    needs: tuple[Need, ...] = ()
    not_to: frozenset[int] = frozenset()
    """Agents who have just declined it."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent who may be offered something now."""

    id: int
    queue_ids: frozenset[int]
    free: int
    """Capacity that is left; 100 is all of it."""
    idle_since: datetime
    """Whoever has something in hand is idle since now."""
    channels_off: frozenset[str] = frozenset()
    """Kinds of channel they take nothing of."""
    skills: Mapping[int, int] = field(default_factory=dict)
    """Level by skill."""


@dataclass(frozen=True, slots=True)
class Match:
    """To be offered to."""

    segment_id: int
    agent_id: int


def rank(item: Waiting) -> tuple[datetime, int]:
    """What comes first: who waits longest, with the head start of the priority; then the smaller number."""
    return item.waiting_since - HEAD_START[item.priority], item.segment_id


def fits(agent: Agent, item: Waiting, now: datetime) -> bool:
    """Whether this agent could take it, whoever else there is."""
    return agent.id not in item.not_to and _suits(agent, _Sort.of(item, now))


def match(agents: Sequence[Agent], waiting: Sequence[Waiting], now: datetime) -> list[Match]:
    """Who is offered what, in the order in which it is decided; one thing to each agent, who answers before the next comes."""
    return _Pass(agents, now).run(waiting)


@dataclass(frozen=True, slots=True)
class _Sort:
    """All that decides whether an agent suits: items alike in it stand before the same line of agents."""

    queue_id: int
    channel: str
    weight: int
    needs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, item: Waiting, now: datetime) -> "_Sort":
        waited = now - item.waiting_since
        return cls(item.queue_id, item.channel, item.weight, tuple((need.skill_id, need.after(waited)) for need in item.needs))


def _suits(agent: Agent, sort: _Sort) -> bool:
    return (
        agent.free >= sort.weight
        and sort.queue_id in agent.queue_ids
        and sort.channel not in agent.channels_off
        and all(agent.skills.get(skill, 0) >= level for skill, level in sort.needs)
    )


class _Pass:
    """One pass over what waits. Whoever got something is gone, so each line of agents only grows shorter."""

    def __init__(self, agents: Sequence[Agent], now: datetime) -> None:
        self._now = now
        # Longest idle first; between equals whoever has more room, and then the smaller number.
        line = sorted(agents, key=lambda agent: (agent.idle_since, -agent.free, agent.id))
        self._left = {agent.id: agent for agent in line if agent.free > 0}
        self._lines: dict[_Sort, deque[Agent]] = {}

    def run(self, waiting: Sequence[Waiting]) -> list[Match]:
        queues = {queue_id for agent in self._left.values() for queue_id in agent.queue_ids}
        matches = []
        for item in sorted((item for item in waiting if item.queue_id in queues), key=rank):
            if not self._left:
                break
            agent = self._taker(item, _Sort.of(item, self._now))
            if agent is not None:
                matches.append(Match(item.segment_id, agent.id))
                del self._left[agent.id]
        return matches

    def _taker(self, item: Waiting, sort: _Sort) -> Agent | None:
        owner = self._left.get(item.owner_id or 0)
        if owner is not None and owner.id not in item.not_to and _suits(owner, sort):
            return owner
        line = self._line(sort)
        while line and line[0].id not in self._left:
            line.popleft()
        return next((agent for agent in line if agent.id in self._left and agent.id not in item.not_to), None)

    def _line(self, sort: _Sort) -> deque[Agent]:
        line = self._lines.get(sort)
        if line is None:
            line = self._lines[sort] = deque(agent for agent in self._left.values() if _suits(agent, sort))
        return line
