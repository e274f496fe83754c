"""Queues that offer work, agents and their states, offers; what reports read of stays; canned replies.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.add_column(sa.Column("offers", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("offer_seconds", sa.Integer(), server_default="30", nullable=False))
        batch_op.add_column(sa.Column("target_seconds", sa.Integer(), server_default="14400", nullable=False))
        batch_op.add_column(sa.Column("overflow_queue_id", types.BigKey, nullable=True))
        batch_op.add_column(sa.Column("overflow_seconds", sa.Integer(), server_default="3600", nullable=False))
        batch_op.add_column(sa.Column("overflow_until", types.Utc(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_queue_overflow_queue_id"), "queue", ["overflow_queue_id"], ["id"])
    with op.batch_alter_table("segment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due_at", types.Utc(), nullable=True))
        batch_op.add_column(sa.Column("project_id", types.BigKey, nullable=True))
        batch_op.add_column(sa.Column("channel", types.CleanText(), nullable=True))
        batch_op.add_column(sa.Column("passed_in", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("wait_seconds", sa.Float(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_segment_project_id"), "project", ["project_id"], ["id"])
    op.create_index("ix_segment_report", "segment", ["project_id", "entered_at"], unique=False)
    _tell_of_old_stays()
    op.add_column("ticket", sa.Column("snoozed_until", types.Utc(), nullable=True))
    op.add_column("ticket", sa.Column("next_step", types.CleanText(), server_default="", nullable=False))
    op.create_index("ix_ticket_snoozed_until", "ticket", ["snoozed_until"], unique=False)
    op.create_table(
        "canned_reply",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=True),
        sa.Column("title", types.CleanText(), nullable=False),
        sa.Column("text", types.CleanText(), nullable=False),
        sa.Column("changed_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_canned_reply_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_canned_reply_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
        sa.UniqueConstraint("project_id", "title", name=op.f("uq_canned_reply_project_id")),
    )
    op.create_index("ix_segment_agent", "segment", ["agent_id", "ended_at"], unique=False)
    op.create_table(
        "aux_code",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("retired_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_aux_code_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aux_code")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_aux_code_project_id")),
    )
    op.create_table(
        "agent_state",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("code_id", types.BigKey, nullable=True),
        sa.Column("reason", types.CleanText(), nullable=False),
        sa.Column("started_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.Column("next_state", types.CleanText(), nullable=True),
        sa.Column("next_code_id", types.BigKey, nullable=True),
        sa.ForeignKeyConstraint(["code_id"], ["aux_code.id"], name=op.f("fk_agent_state_code_id")),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_agent_state_employee_id")),
        sa.ForeignKeyConstraint(["next_code_id"], ["aux_code.id"], name=op.f("fk_agent_state_next_code_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_state")),
    )
    op.create_index("uq_agent_state_open", "agent_state", ["employee_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_agent_state_employee_id", "agent_state", ["employee_id", "started_at"], unique=False)
    op.create_table(
        "offer",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("segment_id", types.BigKey, nullable=False),
        sa.Column("agent_id", types.BigKey, nullable=False),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("offered_at", types.Utc(), nullable=False),
        sa.Column("expires_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["employee.id"], name=op.f("fk_offer_agent_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_offer_segment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
    )
    op.create_index("uq_offer_open", "offer", ["segment_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_offer_open_agent", "offer", ["agent_id"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_offer_ended_at", "offer", ["ended_at"], unique=False)


def _tell_of_old_stays() -> None:
    """What stays of before would have noted when they began and ended; until when they were due is not known."""
    op.execute("UPDATE segment SET project_id = (SELECT project_id FROM work_item WHERE work_item.id = segment.work_item_id)")
    op.execute(
        "UPDATE segment SET channel = (SELECT ticket.channel FROM ticket JOIN work_item ON work_item.ticket_id = ticket.id "
        "WHERE work_item.id = segment.work_item_id), passed_in = EXISTS "
        "(SELECT 1 FROM segment AS other WHERE other.work_item_id = segment.work_item_id AND other.id < segment.id)"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("UPDATE segment SET wait_seconds = EXTRACT(EPOCH FROM ended_at - entered_at) WHERE ended_at IS NOT NULL")
    else:
        op.execute("UPDATE segment SET wait_seconds = (julianday(ended_at) - julianday(entered_at)) * 86400.0 WHERE ended_at IS NOT NULL")


def downgrade() -> None:
    op.drop_table("canned_reply")
    op.drop_index("ix_ticket_snoozed_until", table_name="ticket")
    op.drop_column("ticket", "next_step")
    op.drop_column("ticket", "snoozed_until")
    op.drop_table("offer")
    op.drop_table("agent_state")
    op.drop_table("aux_code")
    op.drop_index("ix_segment_agent", table_name="segment")
    op.drop_index("ix_segment_report", table_name="segment")
    with op.batch_alter_table("segment", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_segment_project_id"), type_="foreignkey")
        for column in ("wait_seconds", "passed_in", "channel", "project_id", "due_at"):
            batch_op.drop_column(column)
    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_queue_overflow_queue_id"), type_="foreignkey")
        for column in ("overflow_until", "overflow_seconds", "overflow_queue_id", "target_seconds", "offer_seconds", "offers"):
            batch_op.drop_column(column)
