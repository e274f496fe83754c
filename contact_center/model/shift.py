"""What a shift is arranged by: skills, contact reasons, dispositions, and the wrap-up of what was answered."""

from dataclasses import dataclass
from datetime import datetime

from contact_center.model.words import WrapEnd

MOST_LEVELS = 3
"""Of the tree of contact reasons."""


@dataclass(frozen=True, slots=True)
class Skill:
    """Something that some can do and others cannot: a language, a product."""

    id: int
    name: str
    retired: bool = False
    """Not to be given or asked for any more."""


@dataclass(frozen=True, slots=True)
class SkillLevel:
    """How well somebody can do something, from 1 to 10."""

    skill_id: int
    level: int


@dataclass(frozen=True, slots=True)
class SkillNeed:
    """What a queue asks of whoever its work is offered to."""

    skill_id: int
    level: int
    relax_seconds: int = 0
    """After each such time of waiting one level less will do; 0: never less."""


@dataclass(frozen=True, slots=True)
class AgentSkills:
    """What one agent can do."""

    user_id: int
    skills: tuple[SkillLevel, ...]


@dataclass(frozen=True, slots=True)
class QueueNeeds:
    """What one queue asks for."""

    queue_id: int
    needs: tuple[SkillNeed, ...]


@dataclass(frozen=True, slots=True)
class Skills:
    """All that is arranged about skills."""

    skills: list[Skill]
    agents: list[AgentSkills]
    """Those who have any."""
    queues: list[QueueNeeds]
    """Those that ask for any."""


@dataclass(frozen=True, slots=True)
class ContactReason:
    """Why customers turn to us; reasons make a tree."""

    id: int
    name: str
    parent_id: int | None = None
    retired: bool = False
    """Not to be chosen any more, nor anything below it."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What came of a customer's turn."""

    id: int
    name: str
    retired: bool = False


@dataclass(frozen=True, slots=True)
class WrapUp:
    """A stay whose customer has the answer, and which whoever gave it writes up."""

    id: int
    """Of the stay."""
    ticket_id: int
    queue_id: int
    agent_id: int
    started_at: datetime
    until: datetime
    """When it ends by itself, or ended."""
    end: WrapEnd | None = None
    """None while it lasts."""
    called_back: bool = False
    """There is nothing to write up any more: the answer was called back."""
    reason_id: int | None = None
    disposition_id: int | None = None
