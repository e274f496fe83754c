"""Skills, channels agents take, wrap-up with dispositions and contact reasons, and how long work was in hand.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")
_TOP = sa.text("parent_id IS NULL")
_WRAPPING = sa.text("state = 'wrapping'")


def upgrade() -> None:
    _make_skills()
    _make_reasons()
    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.add_column(sa.Column("wrap_seconds", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("wants_reason", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("wants_disposition", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reason_id", types.BigKey, nullable=True))
        batch_op.create_foreign_key(op.f("fk_ticket_reason_id"), "contact_reason", ["reason_id"], ["id"])
    with op.batch_alter_table("segment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reason_id", types.BigKey, nullable=True))
        batch_op.add_column(sa.Column("disposition_id", types.BigKey, nullable=True))
        batch_op.add_column(sa.Column("wrap_until", types.Utc(), nullable=True))
        batch_op.add_column(sa.Column("wrap_end", types.CleanText(), nullable=True))
        batch_op.add_column(sa.Column("meant_for_id", types.BigKey, nullable=True))
        batch_op.create_foreign_key(op.f("fk_segment_reason_id"), "contact_reason", ["reason_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_segment_disposition_id"), "disposition", ["disposition_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_segment_meant_for_id"), "employee", ["meant_for_id"], ["id"])
    op.create_index("ix_segment_wrapping", "segment", ["agent_id"], unique=False, sqlite_where=_WRAPPING, postgresql_where=_WRAPPING)
    _make_handling()


def _make_skills() -> None:
    op.create_table(
        "skill",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("retired_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_skill_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_skill_project_id")),
    )
    op.create_table(
        "agent_skill",
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("skill_id", types.BigKey, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_agent_skill_employee_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["skill_id"], ["skill.id"], name=op.f("fk_agent_skill_skill_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("employee_id", "skill_id", name=op.f("pk_agent_skill")),
    )
    op.create_table(
        "queue_skill",
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("skill_id", types.BigKey, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("relax_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_skill_queue_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["skill_id"], ["skill.id"], name=op.f("fk_queue_skill_skill_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("queue_id", "skill_id", name=op.f("pk_queue_skill")),
    )
    op.create_table(
        "agent_channel_off",
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("channel", types.CleanText(), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_agent_channel_off_employee_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("employee_id", "channel", name=op.f("pk_agent_channel_off")),
    )
    op.create_table(
        "stand_in",
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("until", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_stand_in_employee_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_stand_in_queue_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("employee_id", "queue_id", name=op.f("pk_stand_in")),
    )
    op.create_index("ix_stand_in_until", "stand_in", ["until"], unique=False)


def _make_reasons() -> None:
    op.create_table(
        "contact_reason",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("parent_id", types.BigKey, nullable=True),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("retired_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["contact_reason.id"], name=op.f("fk_contact_reason_parent_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_contact_reason_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_reason")),
        sa.UniqueConstraint("project_id", "parent_id", "name", name=op.f("uq_contact_reason_project_id")),
    )
    op.create_index(
        "uq_contact_reason_top", "contact_reason", ["project_id", "name"], unique=True, sqlite_where=_TOP, postgresql_where=_TOP
    )
    op.create_table(
        "disposition",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("retired_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_disposition_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposition")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_disposition_project_id")),
    )


def _make_handling() -> None:
    op.create_table(
        "handling",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("segment_id", types.BigKey, nullable=True),
        sa.Column("agent_id", types.BigKey, nullable=False),
        sa.Column("channel", types.CleanText(), nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("started_at", types.Utc(), nullable=False),
        sa.Column("seen_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["employee.id"], name=op.f("fk_handling_agent_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_handling_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_handling_queue_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_handling_segment_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_handling_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handling")),
    )
    op.create_index("uq_handling_open", "handling", ["agent_id", "kind"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_index("ix_handling_report", "handling", ["project_id", "started_at"], unique=False)
    op.create_index("ix_handling_segment_id", "handling", ["segment_id"], unique=False)


def downgrade() -> None:
    op.drop_table("handling")
    op.drop_index("ix_segment_wrapping", table_name="segment")
    with op.batch_alter_table("segment", schema=None) as batch_op:
        for column in ("meant_for_id", "disposition_id", "reason_id"):
            batch_op.drop_constraint(op.f(f"fk_segment_{column}"), type_="foreignkey")
        for column in ("meant_for_id", "wrap_end", "wrap_until", "disposition_id", "reason_id"):
            batch_op.drop_column(column)
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_ticket_reason_id"), type_="foreignkey")
        batch_op.drop_column("reason_id")
    with op.batch_alter_table("queue", schema=None) as batch_op:
        for column in ("wants_disposition", "wants_reason", "wrap_seconds"):
            batch_op.drop_column(column)
    for table in ("disposition", "contact_reason", "stand_in", "agent_channel_off", "queue_skill", "agent_skill", "skill"):
        op.drop_table(table)
