"""Targets on tickets: policies, and a clock for each promise."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, Table, UniqueConstraint, false

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

sla_policy = Table(
    "sla_policy",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    # In whose time the clocks run; NULL: around the clock.
    Column("calendar_id", ForeignKey("calendar.id")),
    # {"normal": {"first_response": 3600}}: seconds of business time by priority and goal.
    Column("targets", Json, nullable=False),
    Column("warn_percent", Integer, nullable=False),
    Column("escalate_priority", CleanText),
    # Queues name policies and policies a queue: this reference is made last.
    Column("escalate_queue_id", ForeignKey("queue.id", use_alter=True)),
    Column("retired_at", Utc),
    # What was aimed before is aimed anew: the policy, or the hours of its calendar, changed.
    Column("changed_at", Utc, nullable=False),
    UniqueConstraint("project_id", "name"),
    Index("ix_sla_policy_calendar_id", "calendar_id"),
)

sla_clock = Table(
    "sla_clock",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    # Where the ticket stood when the clock last moved.
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("policy_id", ForeignKey("sla_policy.id"), nullable=False),
    # The customer's turn that asks for the response; NULL: the resolution of the ticket.
    Column("work_item_id", ForeignKey("work_item.id")),
    Column("kind", CleanText, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("target_seconds", Integer, nullable=False),
    Column("spent_seconds", Float, nullable=False),
    Column("running_since", Utc),
    Column("due_at", Utc),
    Column("warn_at", Utc),
    Column("aimed_at", Utc, nullable=False),
    Column("warned_at", Utc),
    Column("breached_at", Utc),
    # Whoever watches has seen the breach and done what the policy says.
    Column("escalated_at", Utc),
    Column("stopped_at", Utc),
    # Whether the promise was kept; NULL while that is open, and for what was cancelled.
    Column("met", Boolean),
    Column("cancelled", Boolean, nullable=False, server_default=false()),
    # One clock for each turn, and one for the resolution of each ticket.
    UniqueConstraint("work_item_id"),
    Index(
        "uq_sla_clock_resolution",
        "ticket_id",
        unique=True,
        sqlite_where=Column("work_item_id").is_(None),
        postgresql_where=Column("work_item_id").is_(None),
    ),
    Index("ix_sla_clock_ticket_id", "ticket_id"),
    # What the clock asks for next, and what reports read.
    Index("ix_sla_clock_due", "due_at", sqlite_where=Column("stopped_at").is_(None), postgresql_where=Column("stopped_at").is_(None)),
    Index("ix_sla_clock_warn", "warn_at", sqlite_where=Column("stopped_at").is_(None), postgresql_where=Column("stopped_at").is_(None)),
    # What was aimed before its policy changed.
    Index(
        "ix_sla_clock_aimed",
        "policy_id",
        "aimed_at",
        sqlite_where=Column("stopped_at").is_(None),
        postgresql_where=Column("stopped_at").is_(None),
    ),
    Index("ix_sla_clock_report", "project_id", "started_at"),
)
