"""The figures of the board. Each is counted from work items and their segments, which are closed intervals: the same
question asked again of the same past gives the same answer. `docs/glossary.md` defines them in words."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How one queue stands."""

    queue_id: int
    waiting: int
    """Customer turns in this queue that nobody works on."""
    in_work: int
    """Customer turns in this queue that somebody has taken."""
    oldest_waiting_since: datetime | None
    """When the turn began that waits longest, counting its time in earlier queues too; None when none waits."""
    callbacks: int
    """Of all open turns here, those that ask for a call."""
    received: int
    """Stays in this queue that began since the beginning of the day: transfers into it are stays of their own."""
    answered: int
    """Stays in this queue that ended with an answer since the beginning of the day."""
    first_due: datetime | None = None
    """Until when the first of those who wait should be answered, in the queue's business time; past: the target is missed."""
    oldest_ticket_id: int | None = None
    """Whose turn it is that waits longest."""
    could_take: int = 0
    """Colleagues who could be offered work of this queue at this moment: available, with room, and with the skills it asks for."""


@dataclass(frozen=True, slots=True)
class HeldTurn:
    """A turn that somebody has in hand."""

    ticket_id: int
    number: int
    name: str
    """Of the customer."""
    channel: str
    waiting_since: datetime


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """How one colleague stands."""

    user_id: int
    here_since: datetime | None
    """Since when a console of theirs is open; None when none is."""
    in_work: int
    """Open turns assigned to them."""
    answered: int
    """Turns they answered since the beginning of the day."""
    holding: tuple[HeldTurn, ...] = ()
    """What they have in hand, the longest wait first; at most 20."""
    in_call_since: datetime | None = None
    """Since when they are in a call, where the telephone system tells it as it happens."""
    here: bool | None = None
    """Whether a console of theirs is open and they have not said that they are offline; None: work of no queue that the reader sees is
    offered to them, so that no figure of the team counts them."""
    busy: bool | None = None
    """Whether they have something in hand, write it up or are in a call; None: not available, or not of the team."""


@dataclass(frozen=True, slots=True)
class QueueToday:
    """How a queue has done since the beginning of the day, by the registry of figures."""

    queue_id: int | None
    """None: all that the reader sees."""
    text_level: float | None
    """`service_level.async`, of all but calls."""
    voice_level: float | None
    """`service_level.standard`, of calls."""
    ages: list[int]
    """Those who wait now, by how long: under a quarter of an hour, an hour, four hours, and longer."""


@dataclass(frozen=True, slots=True)
class Board:
    """What supervisors watch, read at one journal number."""

    as_of: int
    at: datetime
    since: datetime
    """The beginning of the day that `received` and `answered` count from."""
    queues: list[QueueFigures]
    agents: list[AgentFigures]
    today: list[QueueToday]
    came: int
    """Turns that customers began since the beginning of the day, each once, however many queues it stood in since."""
    here: int
    """`team.here`: colleagues of the team who are here; of `team`."""
    team: int
    """`team.agents`"""
    busy: float | None
    """`team.busy`: of those who are available at this moment, the part that has something in hand, writes it up or is in a call."""
