"""Agents and offers, in the one shape that the API returns and the journal carries."""

from dataclasses import dataclass
from datetime import datetime

from contact_center.model.words import AgentState, OfferState


@dataclass(frozen=True, slots=True)
class AuxCode:
    """Why an agent is signed in and takes no work: a break, a training, a meeting."""

    id: int
    name: str
    paid: bool
    retired: bool = False
    """Not to be chosen any more; what was done under it stays."""


@dataclass(frozen=True, slots=True)
class AgentNow:
    """How an agent stands."""

    user_id: int
    state: AgentState
    since: datetime
    code_id: int | None = None
    """Of aux."""
    next_state: AgentState | None = None
    """What begins when the work in hand is done."""
    next_code_id: int | None = None
    channels_off: tuple[str, ...] = ()
    """Kinds of channel of which they are offered nothing, now or ever."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A turn reserved for one agent until they answer or the time is up."""

    id: int
    ticket_id: int
    queue_id: int
    agent_id: int
    state: OfferState
    offered_at: datetime
    expires_at: datetime
