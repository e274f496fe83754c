"""What the API takes about agents: skills, channels, where they stand in, and what they say of what they answered."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from contact_center.api.framework import Input
from contact_center.api.schemas import Name
from contact_center.model.shift import SkillLevel, SkillNeed

Id = Annotated[int, Field(ge=1, lt=2**53)]
Level = Annotated[int, Field(ge=1, le=10)]
MOST_SKILLS = 100


class SkillBody(Input):
    """Something that some can do and others cannot."""

    name: Name


class SkillPatchBody(Input):
    """What to change about a skill. A retired one is neither given nor asked for any more."""

    name: Name | None = None
    retired: bool | None = None


class SkillLevelBody(Input):
    """How well somebody can do something."""

    skill_id: Id
    level: Level

    def to_model(self) -> SkillLevel:
        """The model's value."""
        return SkillLevel(self.skill_id, self.level)


class AgentSkillsBody(Input):
    """All that an agent can do."""

    skills: list[SkillLevelBody] = Field(max_length=MOST_SKILLS)


class SkillNeedBody(Input):
    """What a queue asks for; after each `relax_seconds` of waiting one level less will do, 0: never less."""

    skill_id: Id
    level: Level
    relax_seconds: int = Field(0, ge=0, le=30 * 86400)

    def to_model(self) -> SkillNeed:
        """The model's value."""
        return SkillNeed(self.skill_id, self.level, self.relax_seconds)


class QueueNeedsBody(Input):
    """All that a queue asks for."""

    needs: list[SkillNeedBody] = Field(max_length=MOST_SKILLS)


class ChannelsOffBody(Input):
    """The kinds of channel of which an agent is offered nothing."""

    channels: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(max_length=50)


class StandInBody(Input):
    """The queues that somebody serves from now on, until an instant, `end_of_shift`, or for good."""

    queue_ids: list[Id] = Field(max_length=200)
    """None: back to their own."""
    until: AwareDatetime | Literal["end_of_shift", "for_good"] = "end_of_shift"


class ReasonBody(Input):
    """Why customers turn to us."""

    name: Name
    parent_id: Id | None = None
    """The reason of which it is a part; none: it stands at the top."""


class ReasonPatchBody(Input):
    """What to change about a reason. A retired one is not to be chosen any more, nor what is below it."""

    name: Name | None = None
    retired: bool | None = None


class DispositionBody(Input):
    """What may come of a customer's turn."""

    name: Name


class DispositionPatchBody(Input):
    """What to change about a disposition. A retired one is not to be chosen any more."""

    name: Name | None = None
    retired: bool | None = None


class WriteUpBody(Input):
    """What is said of a stay that is being written up; what is left out stays as it is, `null` takes it back."""

    reason_id: Id | None = None
    disposition_id: Id | None = None
    done: bool = False
    """End the wrap-up. Refused while something is missing that the queue wants."""
