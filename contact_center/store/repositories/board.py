"""The board's figures, one query each, over the intervals of work."""

from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.engine import Connection

from contact_center.model.board import AgentFigures, HeldTurn, QueueFigures
from contact_center.model.people import Viewer
from contact_center.model.words import AgentState, Demand, EndReason, WorkState
from contact_center.store.repositories import calls
from contact_center.store.schema.access import employee, queue_grant
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.figures import call_fact
from contact_center.store.schema.routing import agent_state
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item

AGES = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
"""Where the ages of those who wait part."""


def by_queue(connection: Connection, viewer: Viewer, since: datetime) -> dict[int, QueueFigures]:
    """Figures of the queues the viewer sees; a queue where nothing happened is not among them."""
    is_open = segment.c.ended_at.is_(None)
    waits = and_(is_open, segment.c.state == WorkState.WAITING)
    statement = (
        select(
            segment.c.queue_id,
            _count(waits),
            _count(and_(is_open, segment.c.state == WorkState.ASSIGNED)),
            func.min(case((waits, work_item.c.opened_at))),
            _count(and_(is_open, work_item.c.kind == Demand.CALLBACK)),
            _count(segment.c.entered_at >= since),
            _count(and_(segment.c.ended_at >= since, segment.c.end_reason == EndReason.COMPLETED)),
            func.min(case((waits, segment.c.due_at))),
        )
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .where(_seen(viewer), or_(is_open, segment.c.ended_at >= since, segment.c.entered_at >= since))
        .group_by(segment.c.queue_id)
    )
    return {row[0]: QueueFigures(*row) for row in connection.execute(statement)}


def by_agent(connection: Connection, viewer: Viewer, since: datetime, present: dict[int, datetime]) -> list[AgentFigures]:
    """Figures of every active colleague; what they do in queues the viewer does not see is not counted."""
    in_work = and_(segment.c.ended_at.is_(None), segment.c.state == WorkState.ASSIGNED)
    answered = and_(segment.c.ended_at >= since, segment.c.end_reason == EndReason.COMPLETED)
    statement = (
        select(employee.c.id, _count(in_work), _count(answered))
        .outerjoin(segment, and_(segment.c.agent_id == employee.c.id, or_(in_work, answered), _seen(viewer)))
        .where(employee.c.project_id == viewer.project_id, employee.c.disabled_at.is_(None))
        .group_by(employee.c.id)
        .order_by(employee.c.id)
    )
    return [AgentFigures(row[0], present.get(row[0]), row[1], row[2]) for row in connection.execute(statement)]


def holding(connection: Connection, viewer: Viewer, most: int = 20) -> dict[int, tuple[HeldTurn, ...]]:
    """What each colleague has in hand, in the queues that the viewer sees; the longest wait first, at most so many."""
    place = func.row_number().over(partition_by=segment.c.agent_id, order_by=(work_item.c.opened_at, segment.c.id))
    columns = (segment.c.agent_id, ticket.c.id, ticket.c.number, contact.c.name, ticket.c.channel, work_item.c.opened_at)
    rows = (
        select(*columns, place.label("place"))
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .join(ticket, ticket.c.id == work_item.c.ticket_id)
        .join(contact, contact.c.id == ticket.c.contact_id)
        .where(segment.c.ended_at.is_(None), segment.c.agent_id.is_not(None), ticket.c.project_id == viewer.project_id, _seen(viewer))
        .subquery()
    )
    found: dict[int, tuple[HeldTurn, ...]] = {}
    for row in connection.execute(select(rows).where(rows.c.place <= most).order_by(rows.c.agent_id, rows.c.place)):
        found[row[0]] = (*found.get(row[0], ()), HeldTurn(*row[1:6]))
    return found


def in_call(connection: Connection, viewer: Viewer, now: datetime) -> dict[int, datetime]:
    """Colleagues who are in a call, and since when."""
    statement = calls.talking(now).where(call_fact.c.project_id == viewer.project_id)
    return {int(row[0]): row[1] for row in connection.execute(statement.order_by(call_fact.c.started_at.desc())) if row[0] is not None}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.sees_all:
        # The project's own segments: a queue belongs to one project.
        return true()
    return segment.c.queue_id.in_(viewer.queue_ids)


def came(connection: Connection, viewer: Viewer, since: datetime) -> int:
    """Turns that customers began since then, each once: those that came into a queue that the viewer sees, from wherever."""
    began = and_(segment.c.project_id == viewer.project_id, segment.c.entered_at >= since)
    statement = select(func.count(segment.c.work_item_id.distinct())).join(work_item, work_item.c.id == segment.c.work_item_id)
    return int(connection.execute(statement.where(began, work_item.c.opened_at >= since, _seen(viewer))).scalar_one())


def ages(connection: Connection, viewer: Viewer, now: datetime) -> dict[int, list[int]]:
    """Those who wait now, by queue and by how long they have, wherever they stood before."""
    waits = and_(segment.c.ended_at.is_(None), segment.c.state == WorkState.WAITING, segment.c.project_id == viewer.project_id)
    edges = [now - limit for limit in AGES]
    opened = work_item.c.opened_at
    within = [opened > edges[0], *(and_(opened <= newer, opened > older) for newer, older in pairwise(edges)), opened <= edges[-1]]
    statement = select(segment.c.queue_id, *(_count(each) for each in within)).join(work_item, work_item.c.id == segment.c.work_item_id)
    rows = connection.execute(statement.where(waits, _seen(viewer)).group_by(segment.c.queue_id))
    return {row[0]: list(row[1:]) for row in rows}


def occupancy(connection: Connection, viewer: Viewer, now: datetime) -> float | None:
    """Of the colleagues who are available now, the part that has something in hand, writes it up or is in a call; None when nobody is."""
    holds = select(segment.c.id).where(segment.c.agent_id == employee.c.id, segment.c.ended_at.is_(None)).exists()
    wraps = select(segment.c.id).where(segment.c.agent_id == employee.c.id, segment.c.state == WorkState.WRAPPING).exists()
    works = or_(holds, wraps, employee.c.id.in_(calls.talking(now).with_only_columns(call_fact.c.agent_id)))
    statement = (
        select(func.count(), _count(works))
        .select_from(agent_state)
        .join(employee, employee.c.id == agent_state.c.employee_id)
        .where(employee.c.project_id == viewer.project_id, agent_state.c.ended_at.is_(None), agent_state.c.state == AgentState.AVAILABLE)
    )
    if not viewer.sees_all:
        shared = select(queue_grant.c.employee_id).where(queue_grant.c.queue_id.in_(viewer.queue_ids))
        statement = statement.where(employee.c.id.in_(shared))
    there, busy = connection.execute(statement).one()
    return busy / there if there else None
