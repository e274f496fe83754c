"""How agents spent their time: stretches of state and of work, each read once."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, case, func, literal, or_, select, true
from sqlalchemy.engine import Connection

from contact_center.model.agent_time import KINDS, AgentTime, StateSpan, Stretch, WorkSpan, cut, time_of, together
from contact_center.model.figures import About, values
from contact_center.model.people import Viewer
from contact_center.model.reports import Report, Row
from contact_center.model.words import AgentState, HandlingKind, OfferState
from contact_center.store.schema.access import employee, queue_grant
from contact_center.store.schema.figures import call_talk
from contact_center.store.schema.handling import handling
from contact_center.store.schema.routing import agent_state, aux_code, offer
from contact_center.store.schema.tickets import ticket
from contact_center.store.schema.work import segment, work_item
from contact_center.store.scope import sees_ticket
from contact_center.store.types import Utc, seconds_between

_WORKED_UNTIL = func.coalesce(handling.c.ended_at, handling.c.seen_at)
_STATES = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)


def of_agents(connection: Connection, viewer: Viewer, since: datetime, until: datetime, now: datetime) -> list[AgentTime]:
    """The time of each agent who works in a queue that the viewer sees, of those who were there at all; by number."""
    states, paid = _states(connection, viewer, since, until), _paid(connection, viewer.project_id)
    work, offers = _work(connection, viewer, since, until), _offers(connection, viewer, since, until)
    found = []
    for user in sorted({*states, *work, *offers}):
        spans = [StateSpan(state, code, paid.get(code or 0, True), began, ended) for state, code, began, ended in states[user]]
        counts = {"accepted": offers[user][0], "declined": offers[user][1], "expired": offers[user][2]}
        found.append(time_of(user, spans, work[user], since, until, now, **counts))
    return [row for row in found if row.signed_in or row.busy or row.accepted or row.declined or row.expired]


def report(connection: Connection, viewer: Viewer, since: datetime, until: datetime, now: datetime, user_id: int | None = None) -> Report:
    """The same as a report of the registry, of all or of one."""
    found = [each for each in of_agents(connection, viewer, since, until, now) if user_id in (None, each.user_id)]
    rows = [Row(str(each.user_id), each.tallies, values(each.tallies, about=About.TIME)) for each in found]
    total = together(found).tallies
    return Report(since, until, rows, Row("", total, values(total, about=About.TIME)))


def behind(
    connection: Connection,
    viewer: Viewer,
    user_id: int | None,
    since: datetime,
    until: datetime,
    now: datetime,
    most: int,
    *,
    kinds: Collection[str] = KINDS,
    skip: int = 0,
) -> list[Stretch]:
    """What the time of one agent is made of, or of all whom the viewer sees (None): these kinds, in order, so many beyond the first
    `skip`; nothing for somebody who shares no queue with the viewer."""
    end, upto = min(until, now), skip + most
    found: list[Stretch] = []
    for agent, states in _states(connection, viewer, since, until, user_id).items():
        for state, code, began, ended in states:
            if state in kinds and (span := cut(began, ended or now, since, end)):
                found.append(Stretch(state, *span, code, agent))
    # Each in the order in which all are sorted in the end: so the first of each are enough.
    talks = _talks(viewer, since, until, user_id)
    shown = _ticket_of(viewer, handling.c.ticket_id)
    work = _handling(viewer, since, until, user_id).where(handling.c.kind.in_(kinds)).add_columns(*shown)
    places = (_from(since, handling.c.started_at), handling.c.agent_id, handling.c.kind, _to(end, _WORKED_UNTIL), _number(shown))
    for row in connection.execute(work.order_by(*places).limit(upto)):
        if span := cut(row.started_at, row.ended_at, since, end):
            found.append(Stretch(row.kind, *span, None, row.agent_id, row.shown_id, row.shown_number, row.shown_subject or ""))
    if HandlingKind.TALK in kinds or HandlingKind.HOLD in kinds:
        first = _from(since, call_talk.c.started_at)
        if HandlingKind.TALK not in kinds:
            talks = talks.where(call_talk.c.hold_seconds > 0)
            held_from = seconds_between(literal(since, Utc), call_talk.c.ended_at) - call_talk.c.hold_seconds
            first = case((held_from < 0, 0.0), else_=held_from)
        talks = talks.order_by(first, call_talk.c.agent_id, _to(end, call_talk.c.ended_at))
        for row in connection.execute(talks.limit(upto)):
            for kind, began, ended in _parts(row):
                if kind in kinds and (span := cut(began, ended, since, end)):
                    found.append(Stretch(kind, *span, None, row.agent_id))
    wanted = [state for state in _STATES if state in kinds]
    made = (
        offer.c.offered_at >= since,
        offer.c.offered_at < until,
        _one_or_all(offer.c.agent_id, user_id),
        offer.c.agent_id.in_(_seen(viewer)),
    )
    shown = _ticket_of(viewer, work_item.c.ticket_id)
    offers = (
        select(offer.c.agent_id, offer.c.state, offer.c.offered_at, *shown)
        .join(segment, segment.c.id == offer.c.segment_id)
        .join(work_item, work_item.c.id == segment.c.work_item_id)
        .where(*made, offer.c.state.in_(wanted))
        .order_by(offer.c.offered_at, offer.c.agent_id, offer.c.state, _number(shown))
        .limit(upto)
    )
    for row in connection.execute(offers) if wanted else ():
        found.append(
            Stretch(row.state, row.offered_at, row.offered_at, None, row.agent_id, row.shown_id, row.shown_number, row.shown_subject or "")
        )
    return sorted(found, key=_place)[skip:upto]


def _place(stretch: Stretch) -> tuple[datetime, int, str, datetime, int]:
    """The same order as in the statements, down to the last: pages follow each other only where nothing is left to chance."""
    return stretch.began, stretch.agent_id, stretch.kind, stretch.ended, stretch.ticket_id or 0


def _from(since: datetime, began: ColumnElement[Any]) -> ColumnElement[Any]:
    """When the part of a stretch begins that lies in what was asked for."""
    return case((began < since, literal(since, Utc)), else_=began)


def _to(end: datetime, ended: ColumnElement[Any]) -> ColumnElement[Any]:
    """When it ends."""
    return case((ended > end, literal(end, Utc)), else_=ended)


def _number(shown: list[Label[Any]]) -> ColumnElement[Any]:
    return func.coalesce(shown[0].element, 0)


def _ticket_of(viewer: Viewer, ticket_id: ColumnElement[Any]) -> list[Label[Any]]:
    """Number and subject of a ticket that the viewer sees."""
    mine = (ticket.c.id == ticket_id, sees_ticket(viewer))
    names = ("id", "number", "subject")
    return [select(ticket.c[name]).where(*mine).scalar_subquery().label(f"shown_{name}") for name in names]


def _seen(viewer: Viewer) -> Select[tuple[int]]:
    """Colleagues who share a queue with the viewer, and the viewer."""
    everybody = select(employee.c.id).where(employee.c.project_id == viewer.project_id)
    if viewer.sees_all:
        return everybody
    shared = select(queue_grant.c.employee_id).where(queue_grant.c.queue_id.in_(viewer.queue_ids))
    return everybody.where(or_(employee.c.id == viewer.user_id, employee.c.id.in_(shared)))


def _states(
    connection: Connection, viewer: Viewer, since: datetime, until: datetime, user_id: int | None = None
) -> dict[int, list[tuple[AgentState, int | None, datetime, datetime | None]]]:
    columns = (agent_state.c.employee_id, agent_state.c.state, agent_state.c.code_id, agent_state.c.started_at, agent_state.c.ended_at)
    statement = select(*columns).where(
        agent_state.c.employee_id.in_(_seen(viewer)),
        agent_state.c.started_at < until,
        or_(agent_state.c.ended_at.is_(None), agent_state.c.ended_at > since),
        agent_state.c.state != AgentState.OFFLINE,
        _one_or_all(agent_state.c.employee_id, user_id),
    )
    found = defaultdict(list)
    for user, state, code, began, ended in connection.execute(statement):
        found[user].append((AgentState(state), code, began, ended))
    return found


def _paid(connection: Connection, project_id: int) -> dict[int, bool]:
    rows = connection.execute(select(aux_code.c.id, aux_code.c.paid).where(aux_code.c.project_id == project_id))
    return {row.id: bool(row.paid) for row in rows}


def _work(connection: Connection, viewer: Viewer, since: datetime, until: datetime) -> dict[int, list[WorkSpan]]:
    found = defaultdict(list)
    for row in connection.execute(_handling(viewer, since, until)):
        found[row.agent_id].append(WorkSpan(row.kind, row.started_at, row.ended_at))
    for row in connection.execute(_talks(viewer, since, until)):
        found[row.agent_id] += [WorkSpan(*part) for part in _parts(row)]
    return found


def _handling(viewer: Viewer, since: datetime, until: datetime, user_id: int | None = None) -> Select[Any]:
    return select(handling.c.agent_id, handling.c.kind, handling.c.started_at, _WORKED_UNTIL.label("ended_at")).where(
        handling.c.project_id == viewer.project_id,
        handling.c.agent_id.in_(_seen(viewer)),
        handling.c.started_at < until,
        since < _WORKED_UNTIL,
        _one_or_all(handling.c.agent_id, user_id),
    )


def _parts(row: Any) -> list[tuple[str, datetime, datetime]]:
    """A call as talk and hold. When in the talk somebody was on hold is not told: the sums and the whole are right wherever it stands."""
    held = row.ended_at - timedelta(seconds=row.hold_seconds or 0)
    return [(HandlingKind.TALK, row.started_at, held), (HandlingKind.HOLD, held, row.ended_at)]


def _one_or_all(column: ColumnElement[Any], user_id: int | None) -> ColumnElement[bool]:
    return true() if user_id is None else column == user_id


def _talks(viewer: Viewer, since: datetime, until: datetime, user_id: int | None = None) -> Select[Any]:
    """What agents talked in calls, as far as the telephone system has said when it was over."""
    return select(call_talk.c.agent_id, call_talk.c.started_at, call_talk.c.ended_at, call_talk.c.hold_seconds).where(
        call_talk.c.project_id == viewer.project_id,
        call_talk.c.agent_id.in_(_seen(viewer)),
        call_talk.c.ended_at > since,
        call_talk.c.started_at < until,
        call_talk.c.seconds > 0,
        _one_or_all(call_talk.c.agent_id, user_id),
    )


def _offers(connection: Connection, viewer: Viewer, since: datetime, until: datetime) -> dict[int, tuple[int, ...]]:
    counts = [func.sum(case((offer.c.state == state, 1), else_=0)) for state in _STATES]
    made = (offer.c.offered_at >= since, offer.c.offered_at < until, offer.c.agent_id.in_(_seen(viewer)))
    rows = connection.execute(select(offer.c.agent_id, *counts).where(*made).group_by(offer.c.agent_id))
    return defaultdict(lambda: (0, 0, 0), {row[0]: tuple(row[1:]) for row in rows})
