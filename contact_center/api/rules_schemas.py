"""What the API takes about saved views, macros, bulk actions and rules."""

from typing import Annotated, Any

from pydantic import Field

from contact_center.api.framework import Input
from contact_center.api.schemas import Name, PageQuery
from contact_center.model.words import RuleOutcome, Sharing, Since, Trigger, ViewSort

Id = Annotated[int, Field(ge=1, lt=2**53)]
Conditions = dict[str, Any]
"""A tree: `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}` or a test `{"field", "op", "value"}`; see docs/howto/rules.md."""
Actions = Annotated[list[dict[str, Any]], Field(min_length=1, max_length=12)]
"""What to do: `{"do", "value"}` each; see docs/howto/rules.md."""


class ViewBody(Input):
    """A view to keep."""

    name: Name
    conditions: Conditions
    sort: ViewSort = ViewSort.WAITING
    sharing: Sharing = Sharing.OWN
    queue_id: Id | None = None
    """With `sharing: queue`: which."""


class ViewPatchBody(Input):
    """What to change about a view."""

    name: Name | None = None
    conditions: Conditions | None = None
    sort: ViewSort | None = None
    sharing: Sharing | None = None
    queue_id: Id | None = None


class CountBody(Input):
    """Conditions that somebody is putting together."""

    conditions: Conditions


class MacroBody(Input):
    """A macro to keep."""

    name: Name
    actions: Actions
    sharing: Sharing = Sharing.OWN
    queue_id: Id | None = None


class MacroPatchBody(Input):
    """What to change about a macro."""

    name: Name | None = None
    actions: Actions | None = None
    sharing: Sharing | None = None
    queue_id: Id | None = None


class ActionsBody(Input):
    """Actions to carry out: by themselves, or those of a macro."""

    actions: Actions | None = None
    macro_id: Id | None = None


class BulkBody(ActionsBody):
    """The same for many tickets, each by itself."""

    ticket_ids: Annotated[list[Id], Field(min_length=1, max_length=200)]


class RuleBody(Input):
    """A rule."""

    name: Name
    trigger: Trigger
    since: Since | None = None
    """With `trigger: time_passed`: what the time is counted from."""
    minutes: int | None = Field(None, ge=1, le=366 * 24 * 60)
    """With `trigger: time_passed`: after how long."""
    business: bool = False
    """Whether only the time counts in which the ticket's queue is open."""
    conditions: Conditions
    actions: Actions
    active: bool = True


class RulePatchBody(Input):
    """What to change about a rule. Whatever is said of the trigger is said of all of it."""

    name: Name | None = None
    trigger: Trigger | None = None
    since: Since | None = None
    minutes: int | None = Field(None, ge=1, le=366 * 24 * 60)
    business: bool = False
    conditions: Conditions | None = None
    actions: Actions | None = None
    active: bool | None = None


class TryBody(Input):
    """A rule to try out: what it would do is not asked for."""

    rule_id: Id | None = None
    """The rule that this is to become: what it caused itself is not counted."""
    trigger: Trigger
    since: Since | None = None
    minutes: int | None = Field(None, ge=1, le=366 * 24 * 60)
    business: bool = False
    conditions: Conditions


class RuleOrderBody(Input):
    """All rules in the order in which they are to look at tickets."""

    rule_ids: Annotated[list[Id], Field(min_length=1, max_length=500)]


class RunsQuery(PageQuery):
    """Which runs of rules to list."""

    rule_id: Id | None = None
    outcome: RuleOutcome | None = None
