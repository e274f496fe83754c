"""Views that are saved, macros and rules: condition trees and lists of actions, and what rules did."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

saved_view = Table(
    "saved_view",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("owner_id", ForeignKey("employee.id"), nullable=False),
    # own, queue, all: who else finds it in their list.
    Column("sharing", CleanText, nullable=False),
    Column("queue_id", ForeignKey("queue.id")),
    Column("name", CleanText, nullable=False),
    Column("conditions", Json, nullable=False),
    Column("sort", CleanText, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Index("ix_saved_view_project_id", "project_id"),
)

macro = Table(
    "macro",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("owner_id", ForeignKey("employee.id"), nullable=False),
    Column("sharing", CleanText, nullable=False),
    Column("queue_id", ForeignKey("queue.id")),
    Column("name", CleanText, nullable=False),
    Column("actions", Json, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Index("ix_macro_project_id", "project_id"),
)

rule = Table(
    "rule",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("position", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    # Why the product stopped it; empty while nothing did.
    Column("paused_because", CleanText, nullable=False, default=""),
    Column("trigger", Json, nullable=False),
    Column("conditions", Json, nullable=False),
    Column("actions", Json, nullable=False),
    # The queues that whoever saved it saw: it touches no ticket of another; NULL: the whole project.
    Column("queue_ids", Json),
    Column("version", Integer, nullable=False),
    # What the journal holds up to this number happened before the rule was as it is.
    Column("since_seq", BigInteger, nullable=False),
    Column("fired", Integer, nullable=False, default=0),
    Column("last_fired_at", Utc),
    Column("changed_at", Utc, nullable=False),
    Column("changed_by_id", ForeignKey("employee.id")),
    Index("ix_rule_project_id", "project_id", "position"),
)

rule_run = Table(
    "rule_run",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("rule_id", ForeignKey("rule.id", ondelete="CASCADE"), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("ticket_id", ForeignKey("ticket.id"), nullable=False),
    # The event that it was about; NULL: time had passed.
    Column("seq", BigInteger),
    Column("at", Utc, nullable=False),
    Column("outcome", CleanText, nullable=False),
    Column("detail", Json, nullable=False),
    # Effects of a rule on an event are written with this row: there can be no second time.
    UniqueConstraint("rule_id", "seq"),
    Index("ix_rule_run_rule", "rule_id", "id"),
    Index("ix_rule_run_ticket", "ticket_id", "id"),
    Index("ix_rule_run_at", "at"),
)

# The episode of a ticket for which a rule of time fired last: how long something has been so is counted from its beginning.
rule_episode = Table(
    "rule_episode",
    metadata,
    Column("rule_id", ForeignKey("rule.id", ondelete="CASCADE"), primary_key=True),
    Column("ticket_id", ForeignKey("ticket.id"), primary_key=True),
    Column("began_at", Utc, nullable=False),
    Index("ix_rule_episode_ticket_id", "ticket_id"),
)

# One row: how far the journal was read for rules.
rule_cursor = Table(
    "rule_cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)
