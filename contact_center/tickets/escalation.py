"""What happens when a promise is at risk, and when it is broken: it is said, it stands in the history, and the policy's steps are taken.

Looked at by the clock (`routing/dispatcher.py`), one ticket a unit, each step once: what was done is noted on the clock in the same unit.
"""

from dataclasses import replace

from contact_center.model.acts import Act
from contact_center.model.events import Event, TicketAtRisk, TicketOverdue
from contact_center.model.sla import Clock, Due, Policy
from contact_center.model.tickets import Change, Ticket
from contact_center.model.words import Priority
from contact_center.store import Connection, journal
from contact_center.store.repositories import sla, tickets
from contact_center.tickets import clocks, entries, lifecycle
from contact_center.tickets.clocks import DONE
from contact_center.tickets.lifecycle import UNSET, TicketPatch

_ORDER = tuple(Priority)


def look(connection: Connection, act: Act, project_id: int, ticket_id: int) -> None:
    """Aim the clocks of a ticket anew, and do what those ask for that have come to their warning or their end."""
    before = entries.lock(connection, ticket_id)
    ticket = clocks.keep(connection, act, project_id, before, before, anew=True)
    if ticket.due != before.due:
        tickets.change(connection, ticket_id, act.now)
        ticket = entries.publish_changed(connection, act, project_id, before)
    broken = False
    for each in sla.clocks(connection, ticket_id):
        clock = each.clock
        if clock.is_over or clock.due_at is None or each.escalated:
            continue
        if clock.due_at < act.now:
            broken = True
            _broken(connection, act, project_id, ticket, clock)
        elif clock.warned_at is None and clock.warn_at is not None and clock.warn_at <= act.now:
            sla.change_clock(connection, replace(clock, warned_at=act.now), act.now)
            _say(connection, act, project_id, ticket, TicketAtRisk(ticket, _due(clock)))
    policy = sla.find_policy(connection, ticket.sla_policy_id) if broken and ticket.sla_policy_id is not None else None
    if policy is not None:
        _take_steps(connection, act, project_id, ticket, policy)


def _broken(connection: Connection, act: Act, project_id: int, ticket: Ticket, clock: Clock) -> None:
    at = clock.breached_at or clock.due_at
    sla.change_clock(connection, replace(clock, breached_at=at, warned_at=clock.warned_at or act.now), act.now, escalated_at=act.now)
    entries.note_change(connection, act, project_id, ticket, Change("overdue", at, clock.goal))
    _say(connection, act, project_id, ticket, TicketOverdue(ticket, _due(clock)))


def _take_steps(connection: Connection, act: Act, project_id: int, ticket: Ticket, policy: Policy) -> None:
    raised, queue_id = policy.escalate_priority, policy.escalate_queue_id
    if raised is not None and _ORDER.index(raised) <= _ORDER.index(ticket.priority):
        raised = None
    patch = TicketPatch(priority=raised or UNSET, queue_id=queue_id or UNSET)
    if ticket.status not in DONE and patch.changes(ticket):
        lifecycle.change(connection, act, project_id, ticket.id, patch)


def _due(clock: Clock) -> Due:
    assert clock.due_at is not None
    return Due(clock.goal, clock.due_at, clock.warn_at or clock.due_at)


def _say(connection: Connection, act: Act, project_id: int, ticket: Ticket, data: TicketAtRisk | TicketOverdue) -> None:
    event = Event(data, project_id, queue_id=ticket.queue_id, contact_id=ticket.contact.id, assignee_id=ticket.assignee_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
