"""What the API takes about promises to customers."""

from typing import Annotated

from pydantic import Field

from contact_center.api.framework import Input
from contact_center.api.schemas import Name
from contact_center.model.words import Goal, Priority

Targets = dict[Priority, dict[Goal, Annotated[int, Field(ge=60, le=366 * 86400)]]]


class PolicyBody(Input):
    """A policy: what is promised, in whose time, and what happens when it is about to be broken, or is."""

    name: Name
    calendar_id: int | None = Field(None, ge=1, lt=2**53)
    """Whose business time counts; none: around the clock."""
    targets: Targets = Field(min_length=1)
    """Seconds of business time, by priority and goal. What is not named is not promised."""
    warn_percent: int = Field(80, ge=1, le=100)
    """How much of a target is spent when the ticket is said to be at risk."""
    escalate_priority: Priority | None = None
    """What a broken promise raises the priority to, if it is lower."""
    escalate_queue_id: int | None = Field(None, ge=1, lt=2**53)
    """Where a ticket goes whose promise is broken."""


class PolicyPatchBody(Input):
    """What to change about a policy; clocks that run are aimed anew. A retired one is not to be chosen any more."""

    name: Name | None = None
    calendar_id: int | None = Field(None, ge=1, lt=2**53)
    targets: Targets | None = Field(None, min_length=1)
    warn_percent: int | None = Field(None, ge=1, le=100)
    escalate_priority: Priority | None = None
    escalate_queue_id: int | None = Field(None, ge=1, lt=2**53)
    retired: bool | None = None
