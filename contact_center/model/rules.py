"""Rules: when something happens to a ticket, or has been so for a while, and conditions hold, actions are carried out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contact_center.model import actions, conditions
from contact_center.model.actions import Action
from contact_center.model.conditions import Tree, Unreadable
from contact_center.model.words import RuleOutcome, Since, Trigger

MAX_CHAIN = 5
"""Rules that lead to one another; what so many led to, no rule looks at."""
MOST_AN_HOUR = 10
"""How often one rule may fire on one ticket; then something goes round in circles."""


@dataclass(frozen=True, slots=True)
class When:
    """What lets a rule look at a ticket."""

    trigger: Trigger
    since: Since | None = None
    """Of time: what it is counted from."""
    minutes: int | None = None
    business: bool = False
    """Only the time counts in which the ticket's queue is open."""

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {"trigger": self.trigger, "since": self.since, "minutes": self.minutes, "business": self.business}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as supervisors see it."""

    id: int
    name: str
    position: int
    active: bool
    paused_because: str
    """Why the product stopped it: the number of a ticket it went round in circles on; empty while nothing did."""
    trigger: Trigger
    since: Since | None
    minutes: int | None
    business: bool
    conditions: dict[str, Any]
    actions: list[dict[str, Any]]
    queue_ids: list[int] | None
    """It touches tickets of these queues only, which whoever saved it saw; None: the whole project."""
    version: int
    fired: int
    last_fired_at: datetime | None
    changed_at: datetime
    changed_by_id: int | None


@dataclass(frozen=True, slots=True)
class Armed:
    """A rule ready to look at tickets."""

    id: int
    project_id: int
    name: str
    version: int
    when: When
    tree: Tree
    actions: tuple[Action, ...]
    queue_ids: frozenset[int] | None
    since_seq: int
    """It looks at nothing that the journal held already when it was saved."""

    def covers(self, queue_id: int) -> bool:
        """Whether tickets of this queue are the rule's business."""
        return self.queue_ids is None or queue_id in self.queue_ids


@dataclass(frozen=True, slots=True)
class RuleRun:
    """What came of a rule that looked at a ticket."""

    id: int
    rule_id: int
    rule_version: int
    ticket_id: int
    ticket_number: int
    seq: int | None
    """The event that it was about; None: time had passed."""
    at: datetime
    outcome: RuleOutcome
    detail: dict[str, Any]
    """Of what fired the effects, of what did not the reason."""


def when_of(document: dict[str, Any]) -> When:
    """What is kept of a trigger, read again. Raises Unreadable."""
    try:
        trigger = Trigger(document["trigger"])
        since = Since(document["since"]) if document.get("since") else None
        minutes = document.get("minutes")
    except (KeyError, ValueError, TypeError):
        raise Unreadable("There is no such trigger.", ("trigger",)) from None
    if trigger is not Trigger.TIME:
        return When(trigger)
    if since is None:
        raise Unreadable("Time is counted from something.", ("since",))
    if not isinstance(minutes, int) or minutes < 1:
        raise Unreadable("After how many minutes?", ("minutes",))
    return When(trigger, since, minutes, bool(document.get("business")))


def armed(
    rule_id: int,
    project_id: int,
    name: str,
    version: int,
    trigger: dict[str, Any],
    tree: dict[str, Any],
    todo: list[dict[str, Any]],
    queue_ids: list[int] | None,
    since_seq: int,
) -> Armed:
    """A rule made ready. Raises Unreadable for one that another release has kept and this one does not understand."""
    return Armed(
        id=rule_id,
        project_id=project_id,
        name=name,
        version=version,
        when=when_of(trigger),
        tree=conditions.parse(tree, reader=False),
        actions=actions.parse(todo, reader=False),
        queue_ids=None if queue_ids is None else frozenset(queue_ids),
        since_seq=since_seq,
    )
