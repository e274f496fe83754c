"""Who is there: colleagues whom work is offered to, and how each stands at this moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, or_, select
from sqlalchemy.engine import Connection

from contact_center.model.figures import About, Tallies, values
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By, Report, Row
from contact_center.model.words import AgentState, WorkState
from contact_center.store.repositories import access, calls, presence, serving
from contact_center.store.schema.access import employee
from contact_center.store.schema.figures import call_talk
from contact_center.store.schema.routing import agent_state
from contact_center.store.schema.work import segment


@dataclass(frozen=True, slots=True)
class Member:
    """A colleague."""

    user_id: int
    queue_ids: frozenset[int]
    """Whose work is offered to them."""
    here: bool
    available: bool
    busy: bool
    """Available, and with something in hand, writing it up, or in a call: in whatever queue, for who works elsewhere is not free here. What
    it is, and how much, is told of queues that the reader sees only."""

    @property
    def tallies(self) -> Tallies:
        """One colleague, in the words of the registry."""
        return Tallies(agents=1, agents_here=self.here, agents_available=self.available, agents_busy=self.busy)


def members(connection: Connection, viewer: Viewer, now: datetime) -> list[Member]:
    """Active colleagues whom work of a queue that the viewer sees is offered to; by number."""
    own = segment.c.agent_id == employee.c.id
    holds = select(segment.c.id).where(own, segment.c.ended_at.is_(None)).exists()
    wraps = select(segment.c.id).where(own, segment.c.state == WorkState.WRAPPING).exists()
    talks = employee.c.id.in_(calls.talking(now).with_only_columns(call_talk.c.agent_id))
    stands = employee.outerjoin(agent_state, (agent_state.c.employee_id == employee.c.id) & agent_state.c.ended_at.is_(None))
    statement = select(employee.c.id, agent_state.c.state, case((or_(holds, wraps, talks), 1), else_=0)).select_from(stands)
    mine = (employee.c.project_id == viewer.project_id, employee.c.disabled_at.is_(None))
    rows = connection.execute(statement.where(*mine).order_by(employee.c.id)).all()
    queues = serving.offered_queues(connection, [row[0] for row in rows], now)
    present = presence.present(connection, now - presence.FADES)
    found = []
    for user_id, state, works in rows:
        seen = frozenset(each for each in queues.get(user_id, ()) if viewer.sees_queue(each))
        available = state == AgentState.AVAILABLE
        if seen:
            here = user_id in present and state != AgentState.OFFLINE
            found.append(Member(user_id, seen, here, available, available and bool(works)))
    return found


def report(connection: Connection, viewer: Viewer, asked: Asked, now: datetime) -> Report:
    """The team by queue or by colleague. The total has everybody once, however many queues they serve."""
    found = [each for each in members(connection, viewer, now) if asked.agent_id in (None, each.user_id)]
    if asked.queue_id is not None:
        found = [each for each in found if asked.queue_id in each.queue_ids]
    rows: dict[str, list[Member]] = {}
    if asked.by is not By.AGENT:  # a queue that nobody serves is told of, too
        known = [each.id for each in access.queues(connection, viewer.project_id) if viewer.sees_queue(each.id)]
        rows = {str(each): [] for each in known if asked.queue_id in (None, each)}
    for each in found:
        keys = [each.user_id] if asked.by is By.AGENT else each.queue_ids if asked.queue_id is None else [asked.queue_id]
        for key in keys:
            rows.setdefault(str(key), []).append(each)
    return Report(asked.since, asked.until, [_row(key, rows[key]) for key in sorted(rows, key=int)], _row("", found))


def figures_of(found: Iterable[Member]) -> dict[str, float | None]:
    """The figures of some colleagues."""
    return _row("", found).figures


def _row(key: str, found: Iterable[Member]) -> Row:
    tallies = sum((each.tallies for each in found), Tallies())
    return Row(key, tallies, values(tallies, about=About.TEAM))
