"""Targets on tickets and their clocks.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_RUNS = sa.text("stopped_at IS NULL")
_RESOLUTION = sa.text("work_item_id IS NULL")


def upgrade() -> None:
    op.create_table(
        "sla_policy",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("calendar_id", types.BigKey, nullable=True),
        sa.Column("targets", types.Json, nullable=False),
        sa.Column("warn_percent", sa.Integer(), nullable=False),
        sa.Column("escalate_priority", types.CleanText(), nullable=True),
        sa.Column("escalate_queue_id", types.BigKey, nullable=True),
        sa.Column("retired_at", types.Utc(), nullable=True),
        sa.Column("changed_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_sla_policy_calendar_id")),
        sa.ForeignKeyConstraint(["escalate_queue_id"], ["queue.id"], name=op.f("fk_sla_policy_escalate_queue_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_sla_policy_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policy")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_sla_policy_project_id")),
    )
    op.create_index("ix_sla_policy_calendar_id", "sla_policy", ["calendar_id"], unique=False)
    for table in ("queue", "organization"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("sla_policy_id", types.BigKey, nullable=True))
            batch_op.create_foreign_key(op.f(f"fk_{table}_sla_policy_id"), "sla_policy", ["sla_policy_id"], ["id"])
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sla_policy_id", types.BigKey, nullable=True))
        batch_op.add_column(sa.Column("due_kind", types.CleanText(), nullable=True))
        batch_op.add_column(sa.Column("due_at", types.Utc(), nullable=True))
        batch_op.add_column(sa.Column("due_warn_at", types.Utc(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_ticket_sla_policy_id"), "sla_policy", ["sla_policy_id"], ["id"])
    op.create_index("ix_ticket_due_at", "ticket", ["project_id", "due_at", "id"], unique=False)
    op.create_table(
        "sla_clock",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("policy_id", types.BigKey, nullable=False),
        sa.Column("work_item_id", types.BigKey, nullable=True),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("started_at", types.Utc(), nullable=False),
        sa.Column("target_seconds", sa.Integer(), nullable=False),
        sa.Column("spent_seconds", sa.Float(), nullable=False),
        sa.Column("running_since", types.Utc(), nullable=True),
        sa.Column("due_at", types.Utc(), nullable=True),
        sa.Column("warn_at", types.Utc(), nullable=True),
        sa.Column("aimed_at", types.Utc(), nullable=False),
        sa.Column("warned_at", types.Utc(), nullable=True),
        sa.Column("breached_at", types.Utc(), nullable=True),
        sa.Column("escalated_at", types.Utc(), nullable=True),
        sa.Column("stopped_at", types.Utc(), nullable=True),
        sa.Column("met", sa.Boolean(), nullable=True),
        sa.Column("cancelled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["policy_id"], ["sla_policy.id"], name=op.f("fk_sla_clock_policy_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_sla_clock_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_sla_clock_queue_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sla_clock_ticket_id")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"], name=op.f("fk_sla_clock_work_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_clock")),
        sa.UniqueConstraint("work_item_id", name=op.f("uq_sla_clock_work_item_id")),
    )
    op.create_index(
        "uq_sla_clock_resolution", "sla_clock", ["ticket_id"], unique=True, sqlite_where=_RESOLUTION, postgresql_where=_RESOLUTION
    )
    op.create_index("ix_sla_clock_ticket_id", "sla_clock", ["ticket_id"], unique=False)
    op.create_index("ix_sla_clock_due", "sla_clock", ["due_at"], unique=False, sqlite_where=_RUNS, postgresql_where=_RUNS)
    op.create_index("ix_sla_clock_warn", "sla_clock", ["warn_at"], unique=False, sqlite_where=_RUNS, postgresql_where=_RUNS)
    op.create_index("ix_sla_clock_aimed", "sla_clock", ["policy_id", "aimed_at"], unique=False, sqlite_where=_RUNS, postgresql_where=_RUNS)
    op.create_index("ix_sla_clock_report", "sla_clock", ["project_id", "started_at"], unique=False)


def downgrade() -> None:
    op.drop_table("sla_clock")
    op.drop_index("ix_ticket_due_at", table_name="ticket")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_ticket_sla_policy_id"), type_="foreignkey")
        for column in ("due_warn_at", "due_at", "due_kind", "sla_policy_id"):
            batch_op.drop_column(column)
    for table in ("organization", "queue"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(op.f(f"fk_{table}_sla_policy_id"), type_="foreignkey")
            batch_op.drop_column("sla_policy_id")
    op.drop_table("sla_policy")
