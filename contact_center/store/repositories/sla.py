"""Policies of targets, and the clocks of tickets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from contact_center.model.people import Viewer
from contact_center.model.sla import Clock, Course, Due, Policy
from contact_center.model.words import EndReason, Goal, Priority
from contact_center.store.prepared import Prepared, Row
from contact_center.store.repositories import hours
from contact_center.store.schema.access import queue
from contact_center.store.schema.contacts import contact, organization
from contact_center.store.schema.hours import calendar
from contact_center.store.schema.sla import sla_clock, sla_policy
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.scope import sees_ticket

_CHOSEN = Prepared(
    select(func.coalesce(organization.c.sla_policy_id, queue.c.sla_policy_id).label("policy_id"))
    .select_from(ticket)
    .join(queue, queue.c.id == ticket.c.queue_id)
    .join(contact, contact.c.id == ticket.c.contact_id)
    .outerjoin(organization, organization.c.id == contact.c.organization_id)
    .where(ticket.c.id == bindparam("ticket_id"))
)


def _last_stay() -> ScalarSelect[int]:
    """The stay in a queue with which a turn came to its end."""
    stay = segment.alias("stay")
    return select(func.max(stay.c.id)).where(stay.c.work_item_id == work_item.c.id).correlate(work_item).scalar_subquery()


_OPEN_TURN = Prepared(
    select(work_item.c.id, work_item.c.opened_at).where(work_item.c.ticket_id == bindparam("ticket_id"), work_item.c.closed_at.is_(None))
)
_CLOCKS = Prepared(
    select(sla_clock, work_item.c.closed_at, work_item.c.ticket_id.label("turn_ticket_id"), segment.c.end_reason.label("turn_ended_by"))
    .select_from(sla_clock)
    .outerjoin(work_item, work_item.c.id == sla_clock.c.work_item_id)
    .outerjoin(segment, segment.c.id == _last_stay())
    .where(or_(sla_clock.c.ticket_id == bindparam("ticket_id"), sla_clock.c.work_item_id == bindparam("turn_id")))
    .order_by(sla_clock.c.id)
)
_ANSWERED = Prepared(
    select(work_item.c.id)
    .join(segment, segment.c.work_item_id == work_item.c.id)
    .where(work_item.c.ticket_id == bindparam("ticket_id"), segment.c.end_reason == EndReason.COMPLETED)
)
_SHOW_DUE = Prepared(
    update(ticket)
    .where(ticket.c.id == bindparam("ticket_id"))
    .values({name: bindparam(f"new_{name}") for name in ("sla_policy_id", "due_kind", "due_at", "due_warn_at")})
)


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn that a clock belongs to, as far as the clock must know."""

    id: int
    ticket_id: int
    closed_at: datetime | None
    ended_by: EndReason | None


@dataclass(frozen=True, slots=True)
class TicketClock:
    """A clock with where it belongs."""

    clock: Clock
    ticket_id: int
    policy_id: int
    turn: Turn | None
    """None: the clock of the resolution."""
    escalated: bool
    """The breach was seen, and what the policy says was done."""


# Policies.


def policies(connection: Connection, project_id: int) -> list[Policy]:
    """All policies of a project, by name, retired ones too."""
    rows = connection.execute(select(sla_policy).where(sla_policy.c.project_id == project_id).order_by(sla_policy.c.name, sla_policy.c.id))
    return [_policy(row) for row in rows.mappings()]


def find_policy(connection: Connection, policy_id: int, project_id: int | None = None) -> Policy | None:
    """One policy, of this project where one is named."""
    where = [sla_policy.c.id == policy_id] + ([sla_policy.c.project_id == project_id] if project_id is not None else [])
    row = connection.execute(select(sla_policy).where(*where)).mappings().one_or_none()
    return _policy(row) if row else None


def add_policy(connection: Connection, project_id: int, policy: Policy, now: datetime) -> int:
    """Make a policy; returns its id."""
    values = {"project_id": project_id, "changed_at": now} | _columns(policy, now)
    return int(connection.execute(insert(sla_policy).values(values).returning(sla_policy.c.id)).scalar_one())


def change_policy(connection: Connection, policy: Policy, now: datetime) -> None:
    """Let a policy be this; what runs by it is aimed anew."""
    values = {"changed_at": now} | _columns(policy, now)
    connection.execute(update(sla_policy).where(sla_policy.c.id == policy.id).values(values))


def calendar_changed(connection: Connection, calendar_id: int, now: datetime) -> None:
    """The hours of a calendar are others now: what runs by it is aimed anew."""
    connection.execute(update(sla_policy).where(sla_policy.c.calendar_id == calendar_id).values(changed_at=now))


def course(connection: Connection, policy: Policy) -> Course:
    """How the clocks of a policy run."""
    row = connection.execute(select(calendar).where(calendar.c.id == policy.calendar_id)).mappings().one_or_none()
    return Course(hours.named(row).hours if row else None, policy.warn_percent)


# Clocks.


def chosen_policy(connection: Connection, ticket_id: int) -> int | None:
    """Which policy a ticket is to follow: what the contract of the customer's organization says, else what its queue says."""
    found: int | None = _CHOSEN.scalar(connection, ticket_id=ticket_id)
    return found


def open_turn(connection: Connection, ticket_id: int) -> tuple[int, datetime] | None:
    """The customer's open turn: its id and when it began."""
    row = _OPEN_TURN.row(connection, ticket_id=ticket_id)
    return (int(row["id"]), row["opened_at"]) if row else None


def was_answered(connection: Connection, ticket_id: int) -> bool:
    """Whether a person has answered in this ticket before."""
    return _ANSWERED.scalar(connection, ticket_id=ticket_id) is not None


def clocks(connection: Connection, ticket_id: int, turn_id: int = 0) -> list[TicketClock]:
    """Every clock of a ticket, and that of this turn, whatever ticket it came from; the oldest first."""
    return [_ticket_clock(row) for row in _CLOCKS.rows(connection, ticket_id=ticket_id, turn_id=turn_id)]


def add_clock(
    connection: Connection, project_id: int, ticket_id: int, queue_id: int, policy_id: int, turn_id: int | None, clock: Clock, now: datetime
) -> int:
    """Begin a clock; returns its id."""
    values: dict[str, Any] = {"project_id": project_id, "ticket_id": ticket_id, "queue_id": queue_id}
    values |= {"policy_id": policy_id, "work_item_id": turn_id}
    values |= _clock_columns(clock, now) | {"kind": clock.goal, "started_at": clock.started_at}
    return int(connection.execute(insert(sla_clock).values(values).returning(sla_clock.c.id)).scalar_one())


def change_clock(connection: Connection, clock: Clock, now: datetime, **values: Any) -> None:
    """Let a clock stand like this."""
    connection.execute(update(sla_clock).where(sla_clock.c.id == clock.id).values(_clock_columns(clock, now) | values))


def show_due(connection: Connection, ticket_id: int, policy_id: int | None, due: Due | None) -> None:
    """Note on a ticket which policy it follows and what is due next."""
    kind, at, warn_at = (due.goal, due.at, due.warn_at) if due else (None, None, None)
    values = {"new_sla_policy_id": policy_id, "new_due_kind": kind, "new_due_at": at, "new_due_warn_at": warn_at}
    _SHOW_DUE.run(connection, values | {"ticket_id": ticket_id})


def asking(connection: Connection, now: datetime, limit: int) -> list[tuple[int, int]]:
    """Tickets with a clock that has come to its warning or its end, or whose policy has changed: (project, ticket)."""
    runs = and_(sla_clock.c.stopped_at.is_(None), sla_clock.c.running_since.is_not(None))
    questions = (
        and_(sla_clock.c.warn_at <= now, sla_clock.c.warned_at.is_(None)),
        and_(sla_clock.c.due_at < now, sla_clock.c.escalated_at.is_(None)),
    )
    found: dict[int, int] = {}
    for question in questions:
        statement = select(sla_clock.c.project_id, sla_clock.c.ticket_id).where(runs, question).order_by(sla_clock.c.id).limit(limit)
        found |= {int(row.ticket_id): int(row.project_id) for row in connection.execute(statement)}
    changed = (
        select(sla_clock.c.project_id, sla_clock.c.ticket_id)
        .join(sla_policy, sla_policy.c.id == sla_clock.c.policy_id)
        .where(sla_clock.c.stopped_at.is_(None), sla_clock.c.aimed_at < sla_policy.c.changed_at)
        .order_by(sla_clock.c.id)
        .limit(limit)
    )
    found |= {int(row.ticket_id): int(row.project_id) for row in connection.execute(changed)}
    return [(project_id, ticket_id) for ticket_id, project_id in found.items()][:limit]


def of_ticket(connection: Connection, viewer: Viewer, ticket_id: int) -> list[Clock]:
    """The clocks of a ticket that the viewer may see, the oldest first."""
    statement = select(sla_clock).join(ticket, ticket.c.id == sla_clock.c.ticket_id)
    rows = connection.execute(statement.where(ticket.c.id == ticket_id, sees_ticket(viewer)).order_by(sla_clock.c.id).limit(200))
    return [_clock(row) for row in rows.mappings()]


def due_of(row: Row) -> Due | None:
    """What is due next in a ticket's row."""
    return Due(Goal(row["due_kind"]), row["due_at"], row["due_warn_at"]) if row["due_at"] is not None else None


def _policy(row: Row) -> Policy:
    return Policy(
        id=row["id"],
        name=row["name"],
        calendar_id=row["calendar_id"],
        targets={
            Priority(priority): {Goal(goal): int(seconds) for goal, seconds in goals.items()} for priority, goals in row["targets"].items()
        },
        warn_percent=row["warn_percent"],
        escalate_priority=Priority(row["escalate_priority"]) if row["escalate_priority"] else None,
        escalate_queue_id=row["escalate_queue_id"],
        retired=row["retired_at"] is not None,
    )


def _columns(policy: Policy, now: datetime) -> dict[str, Any]:
    return {
        "name": policy.name,
        "calendar_id": policy.calendar_id,
        "targets": {str(priority): {str(goal): seconds for goal, seconds in goals.items()} for priority, goals in policy.targets.items()},
        "warn_percent": policy.warn_percent,
        "escalate_priority": policy.escalate_priority,
        "escalate_queue_id": policy.escalate_queue_id,
        "retired_at": now if policy.retired else None,
    }


def _ticket_clock(row: Row) -> TicketClock:
    turn = None
    if row["work_item_id"] is not None:
        ended_by = EndReason(row["turn_ended_by"]) if row["turn_ended_by"] else None
        turn = Turn(row["work_item_id"], row["turn_ticket_id"], row["closed_at"], ended_by)
    return TicketClock(_clock(row), row["ticket_id"], row["policy_id"], turn, row["escalated_at"] is not None)


def _clock(row: Row) -> Clock:
    return Clock(
        id=row["id"],
        goal=Goal(row["kind"]),
        started_at=row["started_at"],
        target=timedelta(seconds=row["target_seconds"]),
        spent=timedelta(seconds=row["spent_seconds"]),
        running_since=row["running_since"],
        due_at=row["due_at"],
        warn_at=row["warn_at"],
        stopped_at=row["stopped_at"],
        warned_at=row["warned_at"],
        breached_at=row["breached_at"],
        cancelled=row["cancelled"],
    )


def _clock_columns(clock: Clock, now: datetime) -> dict[str, Any]:
    return {
        "target_seconds": int(clock.target.total_seconds()),
        "spent_seconds": clock.spent.total_seconds(),
        "running_since": clock.running_since,
        "due_at": clock.due_at,
        "warn_at": clock.warn_at,
        "aimed_at": now,
        "warned_at": clock.warned_at,
        "breached_at": clock.breached_at,
        "stopped_at": clock.stopped_at,
        "met": clock.met,
        "cancelled": clock.cancelled,
    }
