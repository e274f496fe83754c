"""Calls as figures count them, kept in step with the entries that tell of them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.calls import outcome
from contact_center.store.prepared import Prepared
from contact_center.store.repositories import hours
from contact_center.store.repositories.work import LATE_SECONDS
from contact_center.store.schema.figures import call_fact
from contact_center.store.schema.tickets import interaction

_ENTRY = Prepared(
    select(
        *(interaction.c[name] for name in ("project_id", "queue_id", "direction", "occurred_at", "received_at", "facts", "cancelled")),
        *(call_fact.c[name].label(f"known_{name}") for name in ("started_at", "due_at", "after_hours", "late")),
    )
    .outerjoin(call_fact, call_fact.c.interaction_id == interaction.c.id)
    .where(interaction.c.id == bindparam("interaction_id"))
)
_NAMES = tuple(column.name for column in call_fact.columns)
_INSERT = upsert(call_fact).values({name: bindparam(name, type_=call_fact.c[name].type) for name in _NAMES})
_PUT = Prepared(
    _INSERT.on_conflict_do_update(index_elements=["interaction_id"], set_={name: _INSERT.excluded[name] for name in _NAMES[1:]})
)


def note(connection: Connection, interaction_id: int) -> None:
    """Count a call as its entry tells of it now; what is no call, or is one no more, is not counted.

    Until when it was due stays as it was first heard of, unless it turns out to have begun at another time.
    """
    row = _ENTRY.row(connection, interaction_id=interaction_id)
    facts: dict[str, Any] = (row["facts"] if row else None) or {}
    if row is None or row["cancelled"] or facts.get("type") != "call":
        connection.execute(delete(call_fact).where(call_fact.c.interaction_id == interaction_id))
        return
    started, is_known = row["occurred_at"], row["known_started_at"] == row["occurred_at"]
    target, calendar = hours.target_of_queue(connection, row["queue_id"])
    due = started + target if calendar is None else calendar.add_business(started, target)
    came = outcome(facts)
    _PUT.run(
        connection,
        {
            "interaction_id": interaction_id,
            "project_id": row["project_id"],
            "queue_id": row["queue_id"],
            "direction": row["direction"],
            "started_at": started,
            "ended_at": _ended(facts, started) if came is not None else None,
            "outcome": came,
            "wait_seconds": facts.get("wait_seconds"),
            "talk_seconds": facts.get("talk_seconds"),
            "due_at": row["known_due_at"] if is_known else due,
            "short": bool(facts.get("short")),
            "after_hours": row["known_after_hours"] if is_known else calendar is not None and not calendar.is_open(started),
            "late": row["known_late"] if is_known else (row["received_at"] - started).total_seconds() > LATE_SECONDS,
        },
    )


def _ended(facts: dict[str, Any], started: datetime) -> datetime:
    """When it was over; a source that does not say it tells how long it took."""
    told = facts.get("ended_at")
    if told:
        return datetime.fromisoformat(told)
    return started + timedelta(seconds=(facts.get("wait_seconds") or 0) + (facts.get("talk_seconds") or 0))
