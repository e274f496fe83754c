"""Calls as figures count them, kept in step with the entries that tell of them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, delete, exists, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.calls import Missed, Outcome, outcome, talks
from contact_center.model.people import Viewer
from contact_center.model.words import Direction
from contact_center.store.prepared import Prepared
from contact_center.store.repositories import hours, sessions
from contact_center.store.repositories.work import LATE_SECONDS
from contact_center.store.schema.access import employee
from contact_center.store.schema.contacts import contact
from contact_center.store.schema.figures import call_fact, call_talk
from contact_center.store.schema.tickets import interaction, ticket
from contact_center.store.scope import sees_contact, sees_ticket
from contact_center.store.types import Utc

_ENTRY = Prepared(
    select(
        *(
            interaction.c[name]
            for name in ("project_id", "contact_id", "queue_id", "direction", "occurred_at", "received_at", "facts", "cancelled")
        ),
        *(call_fact.c[name].label(f"known_{name}") for name in ("started_at", "due_at", "after_hours", "late", "repeated")),
    )
    .outerjoin(call_fact, call_fact.c.interaction_id == interaction.c.id)
    .where(interaction.c.id == bindparam("interaction_id"))
)
_EMPLOYEES = Prepared(
    select(employee.c.id, employee.c.name, employee.c.email).where(
        employee.c.project_id == bindparam("project_id"),
        # Who had left by then took no call: whoever bears the name now did.
        or_(employee.c.disabled_at.is_(None), employee.c.disabled_at > bindparam("started", type_=Utc())),
        or_(employee.c.name.in_(bindparam("names", expanding=True)), employee.c.email.in_(bindparam("addresses", expanding=True))),
    )
)
LONGEST = timedelta(hours=4)
_TALK = tuple(column.name for column in call_talk.columns if column.name != "id")
_NAMES = tuple(column.name for column in call_fact.columns)
_INSERT = upsert(call_fact).values({name: bindparam(name, type_=call_fact.c[name].type) for name in _NAMES})
_PUT = Prepared(
    _INSERT.on_conflict_do_update(index_elements=["interaction_id"], set_={name: _INSERT.excluded[name] for name in _NAMES[1:]})
)
_FORGET_TALKS = Prepared(delete(call_talk).where(call_talk.c.interaction_id == bindparam("which")))
_ADD_TALK = Prepared(insert(call_talk).values({name: bindparam(name, type_=call_talk.c[name].type) for name in _TALK}))


def note(connection: Connection, interaction_id: int) -> None:
    """Count a call as its entry tells of it now; what is no call, or is one no more, is not counted.

    Until when it was due stays as it was first heard of, unless it turns out to have begun at another time.
    """
    row = _ENTRY.row(connection, interaction_id=interaction_id)
    facts: dict[str, Any] = (row["facts"] if row else None) or {}
    if row is None or row["cancelled"] or facts.get("type") != "call":
        connection.execute(delete(call_fact).where(call_fact.c.interaction_id == interaction_id))
        if row is not None and row["known_repeated"] is not None:
            sessions.changed(connection, row["contact_id"], row["known_started_at"])
        return
    started, is_known = row["occurred_at"], row["known_started_at"] == row["occurred_at"]
    agents = _agents(connection, row["project_id"], started, facts) if facts.get("result") == "answered" else {}
    agent_id = next((agents[name] for name in facts.get("agents") or () if name in agents), None)
    target, calendar = hours.target_of_queue(connection, row["queue_id"])
    due = started + target if calendar is None else calendar.add_business(started, target)
    came = outcome(facts)
    ended = _ended(facts, started) if came is not None else None
    # All that withhold their number stand under one contact, and are not one customer.
    is_session = came is Outcome.ANSWERED and row["direction"] == Direction.IN and bool(facts.get("number"))
    _PUT.run(
        connection,
        {
            "interaction_id": interaction_id,
            "project_id": row["project_id"],
            "queue_id": row["queue_id"],
            "direction": row["direction"],
            "started_at": started,
            "ended_at": ended,
            "outcome": came,
            "wait_seconds": facts.get("wait_seconds"),
            "agent_id": agent_id,
            "repeated": row["known_repeated"] if is_session else None,
            "due_at": row["known_due_at"] if is_known else due,
            "short": bool(facts.get("short")),
            "after_hours": row["known_after_hours"] if is_known else calendar is not None and not calendar.is_open(started),
            "late": row["known_late"] if is_known else (row["received_at"] - started).total_seconds() > LATE_SECONDS,
        },
    )
    if row["known_started_at"] is not None:
        _FORGET_TALKS.run(connection, {"which": interaction_id})
    counted: set[str | None] = set()
    for talk in talks(facts, started, ended):
        _ADD_TALK.run(
            connection,
            {
                "interaction_id": interaction_id,
                "project_id": row["project_id"],
                "agent_id": agent_id if talk.agent is None else agents.get(talk.agent),
                "started_at": talk.started_at,
                "ended_at": talk.ended_at,
                "seconds": talk.seconds,
                "hold_seconds": talk.hold_seconds,
                "first": talk.agent not in counted,
            },
        )
        counted.add(talk.agent)
    if is_session or row["known_repeated"] is not None:
        sessions.changed(connection, row["contact_id"], started)


def _names(facts: Mapping[str, Any]) -> list[str]:
    talked = [talk["agent"] for talk in facts.get("talks") or ()]
    return [name for name in (*(facts.get("agents") or ()), *talked) if isinstance(name, str)]


def _agents(connection: Connection, project_id: int, started: datetime, facts: Mapping[str, Any]) -> dict[str, int]:
    """Of those who took part whom the telephone system calls by the name or the address of one employee: who that is."""
    names = _names(facts)
    found: dict[str, set[int]] = defaultdict(set)
    asked = {"project_id": project_id, "started": started, "names": names, "addresses": [name.lower() for name in names]}
    for row in _EMPLOYEES.rows(connection, **asked) if names else ():
        for name in (row["name"], row["email"]):
            found[name.lower()].add(row["id"])
    return {name: next(iter(ids)) for name in names if len(ids := found[name.lower()]) == 1}


def talking(now: datetime) -> Select[Any]:
    """Employees who are in a call, and since when they talk: of a call that was handed on whoever has it now. A hang-up that nobody told
    us of is believed after four hours."""
    of_call = and_(call_fact.c.interaction_id == call_talk.c.interaction_id, call_fact.c.ended_at.is_(None), call_fact.c.started_at <= now)
    return select(call_talk.c.agent_id, call_talk.c.started_at).where(
        call_talk.c.agent_id.is_not(None), call_talk.c.ended_at.is_(None), call_talk.c.started_at > now - LONGEST, exists().where(of_call)
    )


def missed(
    connection: Connection, viewer: Viewer, since: datetime, until: datetime, queue_id: int | None, before: list[Any] | None, limit: int
) -> list[Missed]:
    """Calls that nobody answered, in queues that the viewer sees, the newest first, from beyond `before` (when, entry)."""
    later, entry = call_fact.alias("later"), interaction.alias("later_entry")
    reached = select(func.min(later.c.started_at)).join(entry, entry.c.id == later.c.interaction_id)
    reached = reached.where(
        entry.c.contact_id == interaction.c.contact_id, later.c.outcome == Outcome.ANSWERED, later.c.started_at > call_fact.c.started_at
    )
    # A call that went on with its ticket, out of sight, is one that was missed here; whose it was is told no more.
    seen = or_(interaction.c.ticket_id.is_(None), sees_ticket(viewer))
    name = case((or_(seen, sees_contact(viewer)), contact.c.name), else_="")
    statement = (
        select(call_fact, interaction.c.contact_id, interaction.c.ticket_id, interaction.c.facts)
        .add_columns(name.label("name"), seen.label("seen"), reached.label("reached_at"))
        .join(interaction, interaction.c.id == call_fact.c.interaction_id)
        .join(contact, contact.c.id == interaction.c.contact_id)
        .outerjoin(ticket, ticket.c.id == interaction.c.ticket_id)
        .where(
            call_fact.c.project_id == viewer.project_id,
            call_fact.c.direction == Direction.IN,
            call_fact.c.outcome != Outcome.ANSWERED,
            call_fact.c.started_at >= since,
            call_fact.c.started_at < until,
        )
        .order_by(call_fact.c.started_at.desc(), call_fact.c.interaction_id.desc())
        .limit(limit)
    )
    if not viewer.sees_all:
        statement = statement.where(call_fact.c.queue_id.in_(viewer.queue_ids))
    if queue_id is not None:
        statement = statement.where(call_fact.c.queue_id == queue_id)
    if before is not None:
        at, entry_id = before
        same = and_(call_fact.c.started_at == at, call_fact.c.interaction_id < entry_id)
        statement = statement.where(or_(call_fact.c.started_at < at, same))
    found = []
    for row in connection.execute(statement):
        number = str((row.facts or {}).get("number") or "")
        # All that withhold their number stand under one contact: whoever of them was reached was somebody else.
        known = row.reached_at if number else None
        shown = number if row.seen else ""
        found.append(
            Missed(
                row.interaction_id, row.contact_id, row.name, row.ticket_id, row.queue_id, shown, row.started_at, Outcome(row.outcome),
                row.wait_seconds, row.short, row.after_hours, known,
            )
        )  # fmt: skip
    return found


def _ended(facts: dict[str, Any], started: datetime) -> datetime | None:
    """When it was over; a source that does not say it tells how long it took. None: somebody answered, and they talk still."""
    told = facts.get("ended_at")
    if told:
        return datetime.fromisoformat(told)
    if facts.get("result") == "answered" and facts.get("talk_seconds") is None:
        return None
    return started + timedelta(seconds=(facts.get("wait_seconds") or 0) + (facts.get("talk_seconds") or 0))
