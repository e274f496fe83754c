"""What agents can and will take: skills with levels, channels that they leave to others, queues they stand in for a while."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Utc

skill = Table(
    "skill",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("retired_at", Utc),
    UniqueConstraint("project_id", "name"),
)

agent_skill = Table(
    "agent_skill",
    metadata,
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), primary_key=True),
    Column("skill_id", ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True),
    # 1 to 10.
    Column("level", Integer, nullable=False),
)

# What a queue asks of whom its work is offered to, and after how long of waiting one level less will do; 0: never.
queue_skill = Table(
    "queue_skill",
    metadata,
    Column("queue_id", ForeignKey("queue.id", ondelete="CASCADE"), primary_key=True),
    Column("skill_id", ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True),
    Column("level", Integer, nullable=False),
    Column("relax_seconds", Integer, nullable=False, server_default="0"),
)

# A row for each channel of which an agent is offered nothing.
agent_channel_off = Table(
    "agent_channel_off",
    metadata,
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", CleanText, primary_key=True),
)

# A queue that somebody serves until an instant, beside those that were granted for good.
stand_in = Table(
    "stand_in",
    metadata,
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), primary_key=True),
    Column("queue_id", ForeignKey("queue.id", ondelete="CASCADE"), primary_key=True),
    Column("until", Utc, nullable=False),
    Index("ix_stand_in_until", "until"),
)
