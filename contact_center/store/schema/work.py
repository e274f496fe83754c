"""Work items and their segments: who must act, and how long each queue made the customer wait."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Table

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Utc

work_item = Table(
    "work_item",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    Column("interaction_id", ForeignKey("interaction.id"), nullable=False),
    Column("state", CleanText, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("closed_at", Utc),
    # One open item a ticket: a second message of the same turn joins it without resetting its clock.
    Index(
        "uq_work_item_open",
        "ticket_id",
        unique=True,
        sqlite_where=Column("closed_at").is_(None),
        postgresql_where=Column("closed_at").is_(None),
    ),
    # Whether and when a customer came again.
    Index("ix_work_item_ticket_id", "ticket_id", "opened_at"),
)

segment = Table(
    "segment",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("work_item_id", ForeignKey("work_item.id"), nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("agent_id", ForeignKey("employee.id")),
    Column("state", CleanText, nullable=False),
    Column("entered_at", Utc, nullable=False),
    Column("accepted_at", Utc),
    # Until when it should be answered, in the queue's business time, as of when the stay began; NULL: its queue never opens.
    Column("due_at", Utc),
    # Facts of the beginning and the end, so that a report over a million stays reads this table alone.
    Column("project_id", ForeignKey("project.id")),
    Column("channel", CleanText),
    Column("passed_in", Boolean),
    Column("wait_seconds", Float),
    # TRUE: it came while its queue was closed.
    Column("after_hours", Boolean),
    # TRUE: known to us only a quarter of an hour after it began, or later; figures that were looked at before then were others.
    Column("late", Boolean),
    # The answer that ended it: "first" of its ticket, or "next"; how long the customer's turn lasted until then, wherever it stood.
    Column("response", CleanText),
    Column("response_seconds", Float),
    Column("response_business_seconds", Float),
    # Of a turn that a person answered: whether the customer had asked for the same within the week before.
    Column("repeated", Boolean),
    Column("ended_at", Utc),
    Column("end_reason", CleanText),
    # Why the customer wrote and what came of it, as it stood when the stay was written up.
    Column("reason_id", ForeignKey("contact_reason.id")),
    Column("disposition_id", ForeignKey("disposition.id")),
    # Until when whoever answered writes it up (NULL: not begun), and how that ended: `done`, `time_up`, `not_given`.
    Column("wrap_until", Utc),
    Column("wrap_end", CleanText),
    # Whom the turn was for before it was offered to others, because they were away.
    Column("meant_for_id", ForeignKey("employee.id")),
    Index(
        "uq_segment_open",
        "work_item_id",
        unique=True,
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
    Index("ix_segment_work_item_id", "work_item_id"),
    Index("ix_segment_wrapping", "agent_id", sqlite_where=Column("state") == "wrapping", postgresql_where=Column("state") == "wrapping"),
    # Since when an agent is idle, and what they hold.
    Index("ix_segment_agent", "agent_id", "ended_at"),
    # A report reads a stretch of time, and nothing of other projects.
    Index("ix_segment_report", "project_id", "entered_at"),
    # What is open, and what happened today, without reading the years before.
    Index("ix_segment_entered_at", "entered_at"),
    Index("ix_segment_ended_at", "ended_at"),
    # The same of one project: the planner takes no index that begins with less.
    Index("ix_segment_standing", "project_id", "ended_at"),
)
