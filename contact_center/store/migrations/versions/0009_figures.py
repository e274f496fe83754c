"""Calls, resolutions and responses as figures count them, rollups, alerts.

Revision ID: 0009
Revises: 0008
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from contact_center.store import types
from contact_center.store.schema import figures

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_index("ix_work_item_ticket_id", "work_item", ["ticket_id", "opened_at"], unique=False)
    op.add_column("segment", sa.Column("late", sa.Boolean(), nullable=True))
    op.add_column("segment", sa.Column("response", types.CleanText(), nullable=True))
    op.add_column("segment", sa.Column("response_seconds", sa.Float(), nullable=True))
    op.add_column("segment", sa.Column("response_business_seconds", sa.Float(), nullable=True))
    op.create_table(
        "call_fact",
        sa.Column("interaction_id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("direction", types.CleanText(), nullable=False),
        sa.Column("started_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.Column("outcome", types.CleanText(), nullable=True),
        sa.Column("wait_seconds", sa.Float(), nullable=True),
        sa.Column("talk_seconds", sa.Float(), nullable=True),
        sa.Column("due_at", types.Utc(), nullable=True),
        sa.Column("short", sa.Boolean(), nullable=False),
        sa.Column("after_hours", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_call_fact_interaction_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_call_fact_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_call_fact_queue_id")),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_call_fact")),
    )
    op.create_index("ix_call_fact_report", "call_fact", ["project_id", "started_at"], unique=False)
    op.create_table(
        "resolution",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("agent_id", types.BigKey, nullable=True),
        sa.Column("channel", types.CleanText(), nullable=False),
        sa.Column("reason_id", types.BigKey, nullable=True),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("opened_at", types.Utc(), nullable=False),
        sa.Column("resolved_at", types.Utc(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("business_seconds", sa.Float(), nullable=False),
        sa.Column("reopened_at", types.Utc(), nullable=True),
        sa.Column("again_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["employee.id"], name=op.f("fk_resolution_agent_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_resolution_contact_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_resolution_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_resolution_queue_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_resolution_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resolution")),
    )
    unasked = sa.text("again_at IS NULL")
    op.create_index(
        "ix_resolution_contact", "resolution", ["contact_id", "resolved_at"], unique=False, sqlite_where=unasked, postgresql_where=unasked
    )
    op.create_index("ix_resolution_ticket_id", "resolution", ["ticket_id"], unique=False)
    op.create_index("ix_resolution_report", "resolution", ["project_id", "resolved_at"], unique=False)
    op.create_table(
        "interval_fact",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("grain", types.CleanText(), nullable=False),
        sa.Column("interval_start", types.Utc(), nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("channel", types.CleanText(), nullable=False),
        sa.Column("agent_id", types.BigKey, nullable=True),
        sa.Column("reason_id", types.BigKey, nullable=True),
        sa.Column("tallies", types.Json(), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["employee.id"], name=op.f("fk_interval_fact_agent_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_interval_fact_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_interval_fact_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interval_fact")),
    )
    op.create_index("ix_interval_fact_report", "interval_fact", ["project_id", "grain", "interval_start"], unique=False)
    op.create_table(
        "interval_stale",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("since", types.Utc(), nullable=False),
        sa.Column("until", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_interval_stale_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interval_stale")),
    )
    op.create_index("ix_interval_stale_project_id", "interval_stale", ["project_id", "since"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("figure", types.CleanText(), nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=True),
        sa.Column("above", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("told", types.Json(), nullable=False),
        sa.Column("sound", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("beyond_since", types.Utc(), nullable=True),
        sa.Column("within_since", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_alert_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_alert_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_project_id", "alert", ["project_id"], unique=False)
    op.create_table(
        "alert_firing",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("alert_id", types.BigKey, nullable=False),
        sa.Column("began_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("last_value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_firing_alert_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_firing")),
    )
    op.create_index("uq_alert_firing_open", "alert_firing", ["alert_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_alert_firing_alert_id", "alert_firing", ["alert_id", "began_at"], unique=False)
    _tell_of_the_past()
    for statement in figures.POSTGRES_DDL if op.get_bind().dialect.name == "postgresql" else figures.SQLITE_DDL:
        op.execute(statement)


def _tell_of_the_past() -> None:
    """Of what was before: responses and resolutions as far as rows still say, on the clock; all rollups are to be made."""
    is_first = (
        "CASE WHEN EXISTS (SELECT 1 FROM segment AS other JOIN work_item AS earlier ON earlier.id = other.work_item_id "
        "JOIN work_item AS own ON own.ticket_id = earlier.ticket_id WHERE own.id = segment.work_item_id "
        "AND other.end_reason = 'completed' AND other.id < segment.id) THEN 'next' ELSE 'first' END"
    )
    lasted = _seconds("segment.ended_at", "work_item.opened_at")
    of_turn = sa.text("(SELECT " + lasted + " FROM work_item WHERE work_item.id = segment.work_item_id)")  # noqa: S608 - our own words
    segment = sa.table("segment", sa.column("response"), sa.column("response_seconds"), sa.column("end_reason"))
    values = {"response": sa.text(is_first), "response_seconds": of_turn}
    op.execute(sa.update(segment).where(segment.c.end_reason == "completed").values(values))
    names = (
        "project_id",
        "ticket_id",
        "contact_id",
        "queue_id",
        "agent_id",
        "channel",
        "answers",
        "opened_at",
        "resolved_at",
        "seconds",
        "business_seconds",
    )
    answers = (
        "(SELECT count(*) FROM segment JOIN work_item ON work_item.id = segment.work_item_id "
        "WHERE work_item.ticket_id = ticket.id AND segment.end_reason = 'completed')"
    )
    age = sa.text(_seconds("resolved_at", "created_at"))
    old = ("project_id", "id", "contact_id", "queue_id", "assignee_id", "channel")
    ticket = sa.table("ticket", *(sa.column(name) for name in (*old, "created_at", "resolved_at", "merged_into_id")))
    columns: list[Any] = [*(ticket.c[name] for name in old), sa.text(answers), ticket.c.created_at, ticket.c.resolved_at, age, age]
    resolved = sa.select(*columns).where(ticket.c.resolved_at.is_not(None), ticket.c.merged_into_id.is_(None))
    op.execute(sa.insert(sa.table("resolution", *(sa.column(name) for name in names))).from_select(names, resolved))
    _tell_of_old_calls()
    op.execute(
        "INSERT INTO interval_stale (project_id, since, until) SELECT project_id, min(entered_at), "
        "max(entered_at) FROM segment WHERE project_id IS NOT NULL GROUP BY project_id"
    )
    op.execute(
        "INSERT INTO interval_stale (project_id, since, until) SELECT project_id, min(started_at), max(started_at) FROM call_fact "
        "GROUP BY project_id"
    )


def _tell_of_old_calls() -> None:
    """Calls as their entries tell of them; until when they were due is counted on the clock, for what hours were then is not known."""
    connection = op.get_bind()
    entry = sa.table(
        "interaction", sa.column("id"), sa.column("project_id"), sa.column("queue_id"), sa.column("occurred_at", types.Utc()),
        sa.column("received_at", types.Utc()), sa.column("facts", types.Json()), sa.column("kind"), sa.column("cancelled", sa.Boolean()),
    )  # fmt: skip
    queue = sa.table("queue", sa.column("id"), sa.column("target_seconds"))
    names = (
        "interaction_id",
        "project_id",
        "queue_id",
        "direction",
        "outcome",
        "wait_seconds",
        "talk_seconds",
        "short",
        "after_hours",
        "late",
    )
    instants = ("started_at", "ended_at", "due_at")
    call = sa.table("call_fact", *(sa.column(name) for name in names), *(sa.column(name, types.Utc()) for name in instants))
    calls = sa.select(entry, queue.c.target_seconds).join(queue, queue.c.id == entry.c.queue_id)
    calls = calls.where(entry.c.kind == "telephony", entry.c.cancelled.is_(sa.false())).order_by(entry.c.id).limit(1000)
    last = 0
    while rows := connection.execute(calls.where(entry.c.id > last)).all():
        last = rows[-1].id
        found = [_call(row) for row in rows if (row.facts or {}).get("type") == "call"]
        if found:
            connection.execute(sa.insert(call), found)


def _call(row: Any) -> dict[str, Any]:
    facts = row.facts
    result, wait = facts.get("result"), facts.get("wait_seconds")
    outcome = {"answered": "answered", "timeout": "overflowed", "voicemail": "overflowed", "ringing": None}.get(result, "abandoned")
    started = row.occurred_at
    return {
        "interaction_id": row.id,
        "project_id": row.project_id,
        "queue_id": row.queue_id,
        "direction": facts.get("direction", "in"),
        "started_at": started,
        "ended_at": datetime.fromisoformat(facts["ended_at"]) if outcome is not None and facts.get("ended_at") else None,
        "outcome": outcome,
        "wait_seconds": wait,
        "talk_seconds": facts.get("talk_seconds"),
        "due_at": started + timedelta(seconds=row.target_seconds),
        "short": bool(facts.get("short")),
        "after_hours": False,
        "late": row.received_at - started > timedelta(minutes=15),
    }


def _seconds(end: str, start: str) -> str:
    if op.get_bind().dialect.name == "postgresql":
        return f"EXTRACT(EPOCH FROM {end} - {start})"
    return f"(julianday({end}) - julianday({start})) * 86400.0"


def downgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for table, names in figures.TRIGGERS.items():
        for name in names:
            op.execute(f"DROP TRIGGER {name} ON {table}" if is_postgres else f"DROP TRIGGER {name}")
    for function in ("stay_changed", "call_changed") if is_postgres else ():
        op.execute(f"DROP FUNCTION {function}")
    for table in ("alert_firing", "alert", "interval_stale", "interval_fact", "resolution", "call_fact"):
        op.drop_table(table)
    for column in ("response_business_seconds", "response_seconds", "response", "late"):
        op.drop_column("segment", column)
    op.drop_index("ix_work_item_ticket_id", table_name="work_item")
