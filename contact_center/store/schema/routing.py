"""Agents as routing sees them: stretches of state that never overlap, and what was offered to whom."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Utc

aux_code = Table(
    "aux_code",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("paid", Boolean, nullable=False),
    Column("retired_at", Utc),
    UniqueConstraint("project_id", "name"),
)

# One open stretch an agent, and it ends when the next begins. Who has none was never here.
agent_state = Table(
    "agent_state",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("employee_id", ForeignKey("employee.id"), nullable=False),
    Column("state", CleanText, nullable=False),
    Column("code_id", ForeignKey("aux_code.id")),
    Column("reason", CleanText, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    # What begins when the work in hand is done.
    Column("next_state", CleanText),
    Column("next_code_id", ForeignKey("aux_code.id")),
    Index(
        "uq_agent_state_open",
        "employee_id",
        unique=True,
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
    Index("ix_agent_state_employee_id", "employee_id", "started_at"),
)

offer = Table(
    "offer",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("segment_id", ForeignKey("segment.id"), nullable=False),
    Column("agent_id", ForeignKey("employee.id"), nullable=False),
    Column("state", CleanText, nullable=False),
    Column("offered_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("ended_at", Utc),
    # Nothing is offered to two: the database says so, whatever the processes do.
    Index(
        "uq_offer_open",
        "segment_id",
        unique=True,
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
    Index("ix_offer_open_agent", "agent_id", sqlite_where=Column("ended_at").is_(None), postgresql_where=Column("ended_at").is_(None)),
    Index("ix_offer_ended_at", "ended_at"),
)
