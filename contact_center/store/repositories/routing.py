"""Agents, their stretches of state, and offers."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, literal_column, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection, RowMapping

from contact_center.model.people import Viewer
from contact_center.model.routing import AgentNow, AuxCode, Offer
from contact_center.model.words import AgentState, EndReason, OfferState, Priority, StateReason, WorkState
from contact_center.store.repositories import calls, hours, serving, skills
from contact_center.store.repositories.handling import WRAPPING
from contact_center.store.repositories.presence import AT_CONSOLE
from contact_center.store.schema.access import employee, queue
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.figures import call_talk
from contact_center.store.schema.presence import presence
from contact_center.store.schema.routing import agent_state, aux_code, offer
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.types import seconds_between

_NOW = agent_state.c.ended_at.is_(None)
_OPEN = offer.c.ended_at.is_(None)
_OFFER = (
    select(offer, segment.c.queue_id, work_item.c.ticket_id)
    .join(segment, segment.c.id == offer.c.segment_id)
    .join(work_item, work_item.c.id == segment.c.work_item_id)
)


# Codes.


def codes(connection: Connection, project_id: int) -> list[AuxCode]:
    """Every code of the project, by name, retired ones too."""
    rows = connection.execute(select(aux_code).where(aux_code.c.project_id == project_id).order_by(aux_code.c.name))
    return [AuxCode(row.id, row.name, row.paid, row.retired_at is not None) for row in rows]


def add_code(connection: Connection, project_id: int, name: str, paid: bool) -> int | None:
    """Make a code; None when there is one of this name."""
    statement = upsert(aux_code).values(project_id=project_id, name=name, paid=paid).on_conflict_do_nothing().returning(aux_code.c.id)
    return connection.execute(statement).scalar()


def change_code(connection: Connection, code_id: int, **values: object) -> None:
    """Set columns of a code."""
    connection.execute(update(aux_code).where(aux_code.c.id == code_id).values(values))


# States.


def hold_agent(connection: Connection, user_id: int) -> None:
    """Nobody else decides about this agent until the commit."""
    connection.execute(select(employee.c.id).where(employee.c.id == user_id).with_for_update(key_share=True))


def states(connection: Connection, project_id: int) -> list[AgentNow]:
    """How each agent of the project stands who was ever signed in to work."""
    statement = select(agent_state).join(employee, employee.c.id == agent_state.c.employee_id)
    rows = connection.execute(statement.where(employee.c.project_id == project_id, _NOW).order_by(agent_state.c.employee_id)).mappings()
    return _agents(connection, list(rows))


def state_of(connection: Connection, user_id: int) -> AgentNow | None:
    """How this agent stands; None: never signed in to work."""
    row = connection.execute(select(agent_state).where(agent_state.c.employee_id == user_id, _NOW)).mappings().one_or_none()
    return _agents(connection, [row])[0] if row else None


def begin_state(
    connection: Connection, user_id: int, state: AgentState, code_id: int | None, reason: StateReason, now: datetime
) -> AgentNow:
    """End the stretch that is open and begin the next at the same instant, never before the open one began."""
    open_since = connection.execute(select(agent_state.c.started_at).where(agent_state.c.employee_id == user_id, _NOW)).scalar()
    at = max(now, open_since) if open_since else now
    connection.execute(
        update(agent_state).where(agent_state.c.employee_id == user_id, _NOW).values(ended_at=at, next_state=None, next_code_id=None)
    )
    values = {"employee_id": user_id, "state": state, "code_id": code_id, "reason": reason, "started_at": at}
    connection.execute(insert(agent_state).values(values))
    off = skills.channels_off(connection, (user_id,)).get(user_id, frozenset())
    return AgentNow(user_id, state, at, code_id, channels_off=tuple(sorted(off)))


def ask_next(connection: Connection, user_id: int, state: AgentState | None, code_id: int | None) -> None:
    """Note what begins when the work in hand is done; None takes it back."""
    statement = update(agent_state).where(agent_state.c.employee_id == user_id, _NOW)
    connection.execute(statement.values(next_state=state, next_code_id=code_id))


def stretches(connection: Connection, user_id: int) -> list[RowMapping]:
    """Every stretch of this agent, in order."""
    statement = select(agent_state).where(agent_state.c.employee_id == user_id).order_by(agent_state.c.started_at, agent_state.c.id)
    return list(connection.execute(statement).mappings())


def _in_a_call(now: datetime) -> Any:
    return calls.talking(now).with_only_columns(call_talk.c.agent_id)


def lost(connection: Connection, now: datetime, seen_after: datetime, user_id: int | None = None) -> list[tuple[int, int]]:
    """Agents who are signed in to work and have had no console since then, or this one: (project, employee). Whoever is in a call is
    there, whatever became of their console."""
    at_console = select(presence.c.employee_id).where(presence.c.seen_at >= seen_after)
    statement = (
        select(employee.c.project_id, employee.c.id)
        .join(agent_state, and_(agent_state.c.employee_id == employee.c.id, _NOW))
        .where(agent_state.c.state != AgentState.OFFLINE, agent_state.c.started_at < seen_after, employee.c.id.not_in(at_console))
        .where(employee.c.id.not_in(_in_a_call(now)))
        .where(_one_or_all(employee.c.id, user_id))
    )
    return [(int(row[0]), int(row[1])) for row in connection.execute(statement)]


def in_hand(connection: Connection, user_id: int, now: datetime) -> int:
    """How many open turns this agent works on or writes up, and calls they are in."""
    statement = select(func.count()).where(segment.c.agent_id == user_id, or_(segment.c.ended_at.is_(None), WRAPPING))
    talks = connection.execute(calls.talking(now).where(call_talk.c.agent_id == user_id)).all()
    return int(connection.execute(statement).scalar_one()) + len(talks)


def done_and_asked(connection: Connection, now: datetime, user_id: int | None = None) -> list[tuple[int, int]]:
    """Agents who asked for a next state and have nothing in hand any more, or this one: (project, employee)."""
    works = select(segment.c.agent_id).where(or_(segment.c.ended_at.is_(None), WRAPPING), segment.c.agent_id.is_not(None))
    offered = select(offer.c.agent_id).where(_OPEN)
    statement = (
        select(employee.c.project_id, employee.c.id)
        .join(agent_state, and_(agent_state.c.employee_id == employee.c.id, _NOW))
        .where(agent_state.c.next_state.is_not(None), employee.c.id.not_in(works), employee.c.id.not_in(offered))
        .where(employee.c.id.not_in(_in_a_call(now)))
        .where(_one_or_all(employee.c.id, user_id))
    )
    return [(int(row[0]), int(row[1])) for row in connection.execute(statement)]


# What the matcher reads.


@dataclass(frozen=True, slots=True)
class Free:
    """An agent who is signed in to work and at a console."""

    user_id: int
    queue_ids: frozenset[int]
    idle_since: datetime
    skills: Mapping[int, int]
    channels_off: frozenset[str]


@dataclass(frozen=True, slots=True)
class Held:
    """Something an agent works on."""

    user_id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A stay in a queue that nobody has accepted and that is offered to nobody."""

    segment_id: int
    queue_id: int
    channel: str
    priority: Priority
    waiting_since: datetime
    owner_id: int | None
    meant_for_id: int | None = None
    """Whose it was before it was offered to others, because they were away."""


def free_agents(connection: Connection, now: datetime, seen_after: datetime, user_id: int | None = None) -> list[Free]:
    """Agents who may be offered something: available, nothing else asked for, nothing on offer, nothing to write up, no call, a
    console open, not switched off."""
    statement = (
        select(employee.c.id, agent_state.c.started_at, func.max(func.coalesce(segment.c.wrap_until, segment.c.ended_at)))
        .join(agent_state, and_(agent_state.c.employee_id == employee.c.id, _NOW))
        .outerjoin(segment, and_(segment.c.agent_id == employee.c.id, segment.c.ended_at >= agent_state.c.started_at))
        .where(
            employee.c.disabled_at.is_(None),
            agent_state.c.state == AgentState.AVAILABLE,
            agent_state.c.next_state.is_(None),
            employee.c.id.in_(select(presence.c.employee_id).where(presence.c.seen_at >= seen_after, AT_CONSOLE)),
            employee.c.id.not_in(select(offer.c.agent_id).where(_OPEN)),
            employee.c.id.not_in(select(segment.c.agent_id).where(WRAPPING)),
            employee.c.id.not_in(_in_a_call(now)),
            _one_or_all(employee.c.id, user_id),
        )
        .group_by(employee.c.id, agent_state.c.started_at)
    )
    found = {int(row[0]): row[2] or row[1] for row in connection.execute(statement)}
    queues = serving.offered_queues(connection, found, now)
    levels, off = skills.of_agents(connection, found), skills.channels_off(connection, found)
    return [
        Free(user, queues.get(user, frozenset()), idle_since, levels.get(user, {}), off.get(user, frozenset()))
        for user, idle_since in found.items()
    ]


def held(connection: Connection, user_id: int | None = None) -> list[Held]:
    """What agents work on."""
    statement = (
        select(segment.c.agent_id, ticket.c.channel)
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .join(ticket, ticket.c.id == work_item.c.ticket_id)
        .where(segment.c.ended_at.is_(None), segment.c.agent_id.is_not(None), _one_or_all(segment.c.agent_id, user_id))
    )
    return [Held(int(row[0]), row[1]) for row in connection.execute(statement)]


def unanswered(connection: Connection, queue_ids: frozenset[int], limit: int) -> list[Unanswered]:
    """What waits in those of these queues that offer their work; at most `limit`, the longest wait first."""
    statement = (
        select(
            segment.c.id,
            segment.c.queue_id,
            ticket.c.channel,
            ticket.c.priority,
            work_item.c.opened_at,
            contact.c.owner_id,
            segment.c.meant_for_id,
        )
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .join(ticket, ticket.c.id == work_item.c.ticket_id)
        .join(contact, contact.c.id == ticket.c.contact_id)
        .join(queue, queue.c.id == segment.c.queue_id)
        .where(
            segment.c.ended_at.is_(None),
            segment.c.state == WorkState.WAITING,
            queue.c.offers,
            queue.c.id.in_(queue_ids),
            segment.c.id.not_in(select(offer.c.segment_id).where(_OPEN)),
        )
        .order_by(work_item.c.opened_at, segment.c.id)
        .limit(limit)
    )
    return [Unanswered(row[0], row[1], row[2], Priority(row[3]), row[4], row[5], row[6]) for row in connection.execute(statement)]


def waiting_for_the_away(
    connection: Connection, now: datetime, grace: timedelta, limit: int, ticket_id: int | None = None
) -> list[tuple[int, int, int, int]]:
    """Turns that came to somebody who is away, in queues that offer their work, or that of this ticket: (project, ticket, stay,
    employee). What somebody had taken before they left stays theirs."""
    before = now - grace
    at_console = select(presence.c.employee_id).where(presence.c.seen_at >= before)
    gone = and_(
        agent_state.c.state != AgentState.AVAILABLE,
        agent_state.c.started_at <= before,
        # Whose line was lost is known to be gone only after the grace: what came meanwhile they have not seen.
        seconds_between(agent_state.c.started_at, segment.c.entered_at) >= -2 * grace.total_seconds(),
    )
    never_here = and_(agent_state.c.id.is_(None), segment.c.agent_id.not_in(at_console))
    statement = (
        select(ticket.c.project_id, ticket.c.id, segment.c.id, segment.c.agent_id)
        .join(work_item, work_item.c.ticket_id == ticket.c.id)
        .join(segment, segment.c.work_item_id == work_item.c.id)
        .join(queue, queue.c.id == segment.c.queue_id)
        .outerjoin(agent_state, and_(agent_state.c.employee_id == segment.c.agent_id, _NOW))
        .where(
            segment.c.ended_at.is_(None),
            segment.c.state == WorkState.ASSIGNED,
            segment.c.accepted_at == segment.c.entered_at,
            segment.c.entered_at <= before,
            queue.c.offers,
            or_(gone, never_here),
            _one_or_all(ticket.c.id, ticket_id),
        )
        .order_by(segment.c.entered_at)
        .limit(limit)
    )
    return [(int(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in connection.execute(statement)]


def note_meant_for(connection: Connection, segment_id: int, user_id: int) -> None:
    """Whose a turn was before it is offered to others."""
    connection.execute(update(segment).where(segment.c.id == segment_id).values(meant_for_id=user_id))


def refusals(connection: Connection, since: datetime) -> dict[int, frozenset[int]]:
    """Who declined what since then: employees by segment. Who let it run out is out anyway, until they say that they are back."""
    statement = select(offer.c.segment_id, offer.c.agent_id).where(offer.c.ended_at >= since, offer.c.state == OfferState.DECLINED)
    found = defaultdict(set)
    for row in connection.execute(statement):
        found[int(row[0])].add(int(row[1]))
    return {segment_id: frozenset(agents) for segment_id, agents in found.items()}


# Offers.


def add_offer(connection: Connection, segment_id: int, agent_id: int, now: datetime, expires_at: datetime) -> int | None:
    """Reserve a stay in a queue for an agent; None when it waits no more or is offered already."""
    waits = select(segment.c.id).where(segment.c.id == segment_id, segment.c.ended_at.is_(None), segment.c.state == WorkState.WAITING)
    if connection.execute(waits.with_for_update()).scalar() is None:
        return None
    values = {"segment_id": segment_id, "agent_id": agent_id, "state": OfferState.OPEN, "offered_at": now, "expires_at": expires_at}
    return connection.execute(upsert(offer).values(values).on_conflict_do_nothing().returning(offer.c.id)).scalar()


def hold_stay(connection: Connection, segment_id: int) -> None:
    """Nobody offers this stay until the commit, and what was just being offered is to be seen."""
    connection.execute(select(segment.c.id).where(segment.c.id == segment_id).with_for_update())


def stay_of(connection: Connection, offer_id: int) -> int:
    """The stay in a queue that was offered."""
    return int(connection.execute(select(offer.c.segment_id).where(offer.c.id == offer_id)).scalar_one())


def queue_of(connection: Connection, segment_id: int) -> int | None:
    """The queue of this stay, which may have ended."""
    return connection.execute(select(segment.c.queue_id).where(segment.c.id == segment_id)).scalar()


def end_offer(connection: Connection, offer_id: int, state: OfferState, now: datetime) -> bool:
    """End an offer; False when it had ended already."""
    statement = update(offer).where(offer.c.id == offer_id, _OPEN).values(state=state, ended_at=now)
    return connection.execute(statement).rowcount == 1


def find_offer(connection: Connection, offer_id: int) -> Offer | None:
    """An offer, as it stands."""
    row = connection.execute(_OFFER.where(offer.c.id == offer_id)).mappings().one_or_none()
    return _offer(row) if row else None


def open_offer_of(connection: Connection, segment_id: int) -> Offer | None:
    """The open offer of this stay in a queue."""
    row = connection.execute(_OFFER.where(offer.c.segment_id == segment_id, _OPEN)).mappings().one_or_none()
    return _offer(row) if row else None


def open_offers_to(connection: Connection, user_id: int) -> list[Offer]:
    """What is offered to this agent now, the first first."""
    return [_offer(row) for row in connection.execute(_OFFER.where(offer.c.agent_id == user_id, _OPEN).order_by(offer.c.id)).mappings()]


def open_offers(connection: Connection, viewer: Viewer) -> list[Offer]:
    """What is on offer now and the viewer may see: their own, and those of their queues."""
    statement = _OFFER.join(queue, queue.c.id == segment.c.queue_id).where(_OPEN, queue.c.project_id == viewer.project_id)
    if not viewer.sees_all:
        statement = statement.where(or_(offer.c.agent_id == viewer.user_id, segment.c.queue_id.in_(viewer.queue_ids)))
    return [_offer(row) for row in connection.execute(statement.order_by(offer.c.id)).mappings()]


def expired(connection: Connection, now: datetime) -> list[Offer]:
    """Offers whose time is up."""
    return [_offer(row) for row in connection.execute(_OFFER.where(_OPEN, offer.c.expires_at <= now).order_by(offer.c.id)).mappings()]


def unfounded(connection: Connection, now: datetime) -> list[Offer]:
    """Open offers that would not be made now: their agent was switched off, lost or left the queue, writes something up or is in a
    call, or the queue offers no more."""
    active = select(employee.c.id).where(employee.c.id == offer.c.agent_id, employee.c.disabled_at.is_(None))
    serving_now = and_(active.exists(), serving.is_offered(offer.c.agent_id, queue.c.id, now))
    other = segment.alias("other")
    wraps = offer.c.agent_id.in_(select(other.c.agent_id).where(other.c.state == literal_column(f"'{WorkState.WRAPPING}'")))
    busy = or_(wraps, offer.c.agent_id.in_(_in_a_call(now)))
    statement = _OFFER.join(queue, queue.c.id == segment.c.queue_id)
    rows = connection.execute(statement.where(_OPEN, or_(queue.c.offers.is_(False), ~serving_now, busy)).order_by(offer.c.id))
    return [_offer(row) for row in rows.mappings()]


def overflowing(connection: Connection, now: datetime, limit: int, ticket_id: int | None = None) -> list[tuple[int, int, int]]:
    """Turns that waited too long in a queue with an open overflow, or that of this ticket: (project, ticket, queue to go to)."""
    open_now = or_(queue.c.overflow_until.is_(None), queue.c.overflow_until > now)
    queues = select(queue.c.id, queue.c.overflow_seconds).where(queue.c.overflow_queue_id.is_not(None), open_now)
    too_long = [
        and_(segment.c.queue_id == row.id, segment.c.entered_at <= now - timedelta(seconds=row.overflow_seconds))
        for row in connection.execute(queues)
    ]
    if not too_long:
        return []
    other = segment.alias()
    earlier = select(other.c.id).where(other.c.work_item_id == segment.c.work_item_id, other.c.end_reason == EndReason.OVERFLOWED)
    statement = (
        select(queue.c.project_id, work_item.c.ticket_id, queue.c.overflow_queue_id)
        .join(segment, segment.c.queue_id == queue.c.id)
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .where(
            segment.c.ended_at.is_(None),
            segment.c.state == WorkState.WAITING,
            or_(*too_long),
            # Once is enough: two queues that overflow into each other would throw it to and fro.
            ~earlier.exists(),
            _one_or_all(work_item.c.ticket_id, ticket_id),
        )
        .order_by(segment.c.entered_at)
        .limit(limit)
    )
    return [(int(row[0]), int(row[1]), int(row[2])) for row in connection.execute(statement)]


def after_hours(connection: Connection, now: datetime, limit: int, ticket_id: int | None = None) -> list[tuple[int, int, int]]:
    """Turns that came since their queue closed, and that it sends elsewhere, or that of this ticket: (project, ticket, queue to go
    to). What waited while it was open again stays, and what a colleague passed into a closed queue was meant for it."""
    closed = hours.closed_with_a_way_out(connection, now)
    if not closed:
        return []
    since = [and_(queue.c.id == each, true() if at is None else segment.c.entered_at >= at) for each, at in closed.items()]
    statement = (
        select(queue.c.project_id, work_item.c.ticket_id, queue.c.after_hours_queue_id)
        .join(segment, segment.c.queue_id == queue.c.id)
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .where(
            or_(*since),
            segment.c.ended_at.is_(None),
            segment.c.state == WorkState.WAITING,
            segment.c.after_hours,
            segment.c.passed_in.is_(False),
            _one_or_all(work_item.c.ticket_id, ticket_id),
        )
        .order_by(segment.c.entered_at)
        .limit(limit)
    )
    return [(int(row[0]), int(row[1]), int(row[2])) for row in connection.execute(statement)]


def _one_or_all(column: Any, user_id: int | None) -> ColumnElement[bool]:
    return true() if user_id is None else column == user_id


def _agents(connection: Connection, rows: list[RowMapping]) -> list[AgentNow]:
    off = skills.channels_off(connection, (row["employee_id"] for row in rows))
    return [
        AgentNow(
            user_id=row["employee_id"],
            state=AgentState(row["state"]),
            since=row["started_at"],
            code_id=row["code_id"],
            next_state=AgentState(row["next_state"]) if row["next_state"] else None,
            next_code_id=row["next_code_id"],
            channels_off=tuple(sorted(off.get(row["employee_id"], ()))),
        )
        for row in rows
    ]


def _offer(row: RowMapping) -> Offer:
    return Offer(
        id=row["id"],
        ticket_id=row["ticket_id"],
        queue_id=row["queue_id"],
        agent_id=row["agent_id"],
        state=OfferState(row["state"]),
        offered_at=row["offered_at"],
        expires_at=row["expires_at"],
    )
