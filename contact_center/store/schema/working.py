"""Working a ticket together: drafts, hand-over notes, watchers and their notices, links between tickets, merges by hand."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

# What somebody is writing. The row stays when it is sent or discarded, empty, so that its version never begins again: a window
# that saves late is told, and brings nothing back to life.
draft = Table(
    "draft",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    Column("author_id", ForeignKey("employee.id"), nullable=False),
    # reply or note.
    Column("kind", CleanText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("attachment_ids", Json, nullable=False),
    # The newest entry the author had before them when they began.
    Column("seen_entry_id", BigInteger),
    Column("begun_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("ended_at", Utc),
    UniqueConstraint("ticket_id", "author_id", "kind"),
    Index("ix_draft_author_id", "author_id"),
    Index("ix_draft_updated_at", "updated_at"),
)

# What whoever passed the ticket on wants the next one to know; one that stands a ticket.
handover = Table(
    "handover",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    Column("author_id", ForeignKey("employee.id"), nullable=False),
    Column("text", CleanText, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Index(
        "uq_handover_open",
        "ticket_id",
        unique=True,
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
)

ticket_watcher = Table(
    "ticket_watcher",
    metadata,
    Column("ticket_id", ForeignKey("ticket.id"), primary_key=True),
    Column("employee_id", ForeignKey("employee.id"), primary_key=True),
    Column("since", Utc, nullable=False),
    Index("ix_ticket_watcher_employee_id", "employee_id"),
)

# News of a ticket for one person. While one is unread, what follows counts it up, so that a busy ticket is one line.
notice = Table(
    "notice",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("employee_id", ForeignKey("employee.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    # The newest entry it tells of.
    Column("interaction_id", ForeignKey("interaction.id"), nullable=False),
    # mention or news.
    Column("kind", CleanText, nullable=False),
    Column("actor_id", ForeignKey("employee.id")),
    Column("times", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("read_at", Utc),
    Index("ix_notice_list", "employee_id", "at", "id"),
    Index("ix_notice_ticket_id", "ticket_id"),
    Index(
        "uq_notice_unread",
        "employee_id",
        "ticket_id",
        "kind",
        unique=True,
        sqlite_where=Column("read_at").is_(None),
        postgresql_where=Column("read_at").is_(None),
    ),
)

# `ticket_id` is related to, a duplicate of, or a part of `other_id`.
ticket_link = Table(
    "ticket_link",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    Column("other_id", ForeignKey("ticket.id"), nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("author_id", ForeignKey("employee.id")),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("ticket_id", "other_id"),
    Index("ix_ticket_link_other_id", "other_id"),
)

# Merges by hand, with what went over, so that one can be taken back while nothing has come of it.
ticket_merge = Table(
    "ticket_merge",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("survivor_id", ForeignKey("ticket.id"), nullable=False),
    Column("loser_id", ForeignKey("ticket.id"), nullable=False),
    Column("author_id", ForeignKey("employee.id")),
    Column("merged_at", Utc, nullable=False),
    Column("moved", Json, nullable=False),
    Column("undone_at", Utc),
    Index("ix_ticket_merge_survivor_id", "survivor_id"),
)
