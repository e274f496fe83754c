"""What the API takes about a shift: states, offers, texts that are written often, reports."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from contact_center.api.framework import Input
from contact_center.api.schemas import Name
from contact_center.model.words import AgentState


class OverflowBody(Input):
    """Where turns of a queue go that wait too long; `queue_id: null` closes the overflow."""

    queue_id: int | None = Field(ge=1, lt=2**53)
    after_seconds: int = Field(900, ge=0, le=30 * 86400)
    """How long is too long, on the clock; 0: at once."""
    until: AwareDatetime | Literal["end_of_shift"] | None = None
    """When it closes by itself; none: it stays."""


class CannedBody(Input):
    """A text that is written often. Variables stand in double braces: {{contact.name}}."""

    title: Name
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    queue_id: int | None = Field(None, ge=1, lt=2**53)
    """Only for tickets of this queue."""


class CannedPatchBody(Input):
    """What to change about such a text."""

    title: Name | None = None
    text: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    queue_id: int | None = Field(None, ge=1, lt=2**53)


class StateBody(Input):
    """The state an agent is to be in."""

    state: Literal[AgentState.AVAILABLE, AgentState.AUX, AgentState.OFFLINE]
    code_id: int | None = Field(None, ge=1, lt=2**53)
    """Of aux: why."""
    after_work: bool = False
    """Begin when the work in hand is done."""


class AuxCodeBody(Input):
    """A reason to be signed in and take no work."""

    name: Name
    paid: bool


class AuxCodePatchBody(Input):
    """What to change about such a reason. A retired one is not to be chosen any more."""

    name: Name | None = None
    paid: bool | None = None
    retired: bool | None = None
