"""What work was about, and how long it was in hand."""

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Utc

# Why customers turn to us: a tree of three levels at most.
contact_reason = Table(
    "contact_reason",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("parent_id", ForeignKey("contact_reason.id")),
    Column("name", CleanText, nullable=False),
    Column("retired_at", Utc),
    UniqueConstraint("project_id", "parent_id", "name"),
    # NULL is like no other NULL: the names of the uppermost level are held apart by an index of their own.
    Index(
        "uq_contact_reason_top",
        "project_id",
        "name",
        unique=True,
        sqlite_where=Column("parent_id").is_(None),
        postgresql_where=Column("parent_id").is_(None),
    ),
)

# What came of it.
disposition = Table(
    "disposition",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("retired_at", Utc),
    UniqueConstraint("project_id", "name"),
)

# Stretches in which an agent had work in hand, each of one kind: `focus`, `wrap`, `talk`, `hold`. Two kinds may overlap, so
# time in work is the union of them.
handling = Table(
    "handling",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    # The stay in a queue that it was spent on; NULL: nobody waited for an answer.
    Column("segment_id", ForeignKey("segment.id")),
    Column("agent_id", ForeignKey("employee.id"), nullable=False),
    Column("channel", CleanText, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("started_at", Utc, nullable=False),
    # Until when it surely lasted: what nobody renews ends there.
    Column("seen_at", Utc, nullable=False),
    Column("ended_at", Utc),
    # An agent looks at one thing at a time, whatever windows they have.
    Index(
        "uq_handling_open",
        "agent_id",
        "kind",
        unique=True,
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
    # A report reads a stretch of time, and nothing of other projects.
    Index("ix_handling_report", "project_id", "started_at"),
    Index("ix_handling_segment_id", "segment_id"),
)
