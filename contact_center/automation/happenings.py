"""From events to what happened to a ticket: pure, so that a dry run over last week sees what the runner saw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contact_center.model.conditions import evaluate
from contact_center.model.events import InteractionAdded, Recorded, TicketAtRisk, TicketChanged, TicketCreated, TicketOverdue
from contact_center.model.rules import MAX_CHAIN, Armed
from contact_center.model.text import folded
from contact_center.model.words import Direction, EntryKind, Trigger

PAST = timedelta(days=1)
"""What was said so long before it came in, and keeps nobody waiting, is the past: an import wakes no rule."""
_CHANGES = {
    "status": Trigger.STATUS_CHANGED,
    "assignee_id": Trigger.ASSIGNEE_CHANGED,
    "queue_id": Trigger.QUEUE_CHANGED,
    "priority": Trigger.PRIORITY_CHANGED,
}

_BEGINNINGS = {TicketCreated.TYPE: Trigger.CREATED, TicketAtRisk.TYPE: Trigger.AT_RISK, TicketOverdue.TYPE: Trigger.OVERDUE}


@dataclass
class Happening:
    """What one act did to one ticket: all events of a unit of work that tell of it."""

    ticket_id: int
    project_id: int
    at: datetime
    chain: tuple[int, ...]
    seq: int = 0
    """Of the last of them."""
    triggers: set[Trigger] = field(default_factory=set)
    ticket: dict[str, Any] | None = None
    """How the ticket stood then; None when no event of them says so."""
    said_at: datetime | None = None
    """When the customer said what came in."""


def happenings(events: Iterable[Recorded]) -> list[Happening]:
    """What happened to tickets, in the order of the journal. What is of one instant and one ticket is one happening."""
    found: dict[tuple[int, datetime, tuple[int, ...]], Happening] = {}
    for event in events:
        ticket_id = _ticket_of(event)
        if ticket_id is None:
            continue
        key = (ticket_id, event.at, event.chain)
        happening = found.setdefault(key, Happening(ticket_id, event.project_id, event.at, event.chain))
        _take(happening, event)
    for happening in found.values():
        if _is_past(happening):
            happening.triggers -= {Trigger.CREATED, Trigger.CUSTOMER_WROTE}
    return sorted((each for each in found.values() if each.ticket is not None and each.triggers), key=lambda each: each.seq)


def whole(events: list[Recorded], limit: int) -> list[Recorded]:
    """What may be looked at of a batch: the last act may go on behind it, so it waits for the next, unless it is all there is."""
    if len(events) < limit:
        return events
    before = [event for event in events if event.at != events[-1].at]
    return before or events


def facts_of(ticket: Mapping[str, Any], organization_id: int | None) -> dict[str, Any]:
    """A ticket as an event carries it, as tests see it; the same as `conditions.facts_of` makes of the ticket itself."""
    last, due = ticket.get("last_entry"), ticket.get("due")
    return {
        "status": ticket["status"],
        "priority": ticket["priority"],
        "queue": ticket["queue_id"],
        "assignee": ticket["assignee_id"],
        "tags": tuple(ticket["tags"]),
        "channel": ticket["channel"],
        "subject": folded(ticket["subject"]),
        "waiting": _instant(ticket["waiting_since"]),
        "created": _instant(ticket["created_at"]),
        "updated": _instant(ticket["updated_at"]),
        "last_entry": _instant(last["at"] if last else ticket["created_at"]),
        "due": _instant(due["at"]) if due else None,
        "last_direction": last["direction"] if last else Direction.INTERNAL.value,
        "last_kind": last["kind"] if last else "",
        "organization": organization_id,
        "reason": ticket.get("reason_id"),
        "provisional": ticket["contact"]["provisional"],
        "unproven": bool(ticket.get("unproven")),
        "follow_up": ticket.get("follow_up_of") is not None,
        "snoozed": ticket.get("snoozed_until") is not None,
    }


def looks_at(rule: Armed, happening: Happening) -> bool:
    """Whether a happening is a rule's business, whatever the conditions say. What a rule caused is never its own business."""
    assert happening.ticket is not None
    return (
        rule.project_id == happening.project_id
        and rule.when.trigger in happening.triggers
        and rule.id not in happening.chain
        and rule.covers(happening.ticket["queue_id"])
        and happening.ticket.get("merged_into") is None
    )


def is_too_long(happening: Happening) -> bool:
    """Whether so many rules led to it that no more may follow."""
    return len(happening.chain) >= MAX_CHAIN


def matches(rule: Armed, happening: Happening, facts: Mapping[str, Any]) -> bool:
    """Whether the rule's conditions held when it happened."""
    return evaluate(rule.tree, facts, happening.at)


def _ticket_of(event: Recorded) -> int | None:
    if event.type in _BEGINNINGS or event.type == TicketChanged.TYPE:
        return int(event.data["ticket"]["id"])
    if event.type == InteractionAdded.TYPE and event.data["entry"]["ticket_id"] is not None:
        return int(event.data["entry"]["ticket_id"])
    return None


def _take(happening: Happening, event: Recorded) -> None:
    happening.seq = event.seq
    if event.type == InteractionAdded.TYPE:
        happening.triggers |= _said(event.data["entry"])
        if event.data["entry"]["direction"] == Direction.IN:
            happening.said_at = _instant(event.data["entry"]["occurred_at"])
        return
    happening.ticket = event.data["ticket"]
    if event.type in _BEGINNINGS:
        happening.triggers.add(_BEGINNINGS[event.type])
        return
    before, after = event.data["before"], event.data["ticket"]
    happening.triggers |= {_CHANGES[name] for name in ("status", "assignee_id", "queue_id") if before[name] != after[name]}


def _is_past(happening: Happening) -> bool:
    if happening.said_at is None or happening.ticket is None or happening.said_at > happening.at - PAST:
        return False
    waiting = _instant(happening.ticket["waiting_since"])
    return waiting is None or waiting > happening.said_at


def _said(entry: Mapping[str, Any]) -> set[Trigger]:
    if entry["kind"] == EntryKind.CHANGE:
        change = entry["change"] or {}
        return {_CHANGES[change["field"]]} if change.get("field") in _CHANGES else set()
    if entry["automatic"]:
        return set()
    if entry["direction"] == Direction.IN:
        return {Trigger.CUSTOMER_WROTE}
    return {Trigger.AGENT_ANSWERED} if entry["direction"] == Direction.OUT and entry["author_id"] is not None else set()


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
