"""Views that are saved, macros and rules.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from contact_center.model.text import folded
from contact_center.store import types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FILLED_AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("event", sa.Column("chain", types.Json(), nullable=True))
    op.add_column("ticket", sa.Column("subject_folded", types.CleanText(), server_default="", nullable=False))
    _fold_old_subjects()
    _shared_table("saved_view", sa.Column("conditions", types.Json(), nullable=False), sa.Column("sort", types.CleanText(), nullable=False))
    _shared_table("macro", sa.Column("actions", types.Json(), nullable=False))
    op.create_table(
        "rule",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("paused_because", types.CleanText(), nullable=False),
        sa.Column("trigger", types.Json(), nullable=False),
        sa.Column("conditions", types.Json(), nullable=False),
        sa.Column("actions", types.Json(), nullable=False),
        sa.Column("queue_ids", types.Json(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since_seq", sa.BigInteger(), nullable=False),
        sa.Column("fired", sa.Integer(), nullable=False),
        sa.Column("last_fired_at", types.Utc(), nullable=True),
        sa.Column("changed_at", types.Utc(), nullable=False),
        sa.Column("changed_by_id", types.BigKey, nullable=True),
        sa.ForeignKeyConstraint(["changed_by_id"], ["employee.id"], name=op.f("fk_rule_changed_by_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_rule_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
    )
    op.create_index("ix_rule_project_id", "rule", ["project_id", "position"], unique=False)
    op.create_table(
        "rule_run",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("rule_id", types.BigKey, nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("outcome", types.CleanText(), nullable=False),
        sa.Column("detail", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_rule_run_project_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name=op.f("fk_rule_run_rule_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_rule_run_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_run")),
        sa.UniqueConstraint("rule_id", "seq", name=op.f("uq_rule_run_rule_id")),
    )
    op.create_index("ix_rule_run_rule", "rule_run", ["rule_id", "id"], unique=False)
    op.create_index("ix_rule_run_ticket", "rule_run", ["ticket_id", "id"], unique=False)
    op.create_index("ix_rule_run_at", "rule_run", ["at"], unique=False)
    op.create_table(
        "rule_episode",
        sa.Column("rule_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("began_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name=op.f("fk_rule_episode_rule_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_rule_episode_ticket_id")),
        sa.PrimaryKeyConstraint("rule_id", "ticket_id", name=op.f("pk_rule_episode")),
    )
    op.create_index("ix_rule_episode_ticket_id", "rule_episode", ["ticket_id"], unique=False)
    op.create_table(
        "rule_cursor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_cursor")),
    )


def _shared_table(name: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("owner_id", types.BigKey, nullable=False),
        sa.Column("sharing", types.CleanText(), nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=True),
        sa.Column("name", types.CleanText(), nullable=False),
        *columns,
        sa.Column("changed_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["employee.id"], name=op.f(f"fk_{name}_owner_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f(f"fk_{name}_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f(f"fk_{name}_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_project_id", name, ["project_id"], unique=False)


def _fold_old_subjects() -> None:
    """What the application writes beside the subject from now on; no database folds every script alike."""
    ticket = sa.table("ticket", sa.column("id"), sa.column("subject"), sa.column("subject_folded"))
    connection = op.get_bind()
    some = sa.select(ticket.c.id, ticket.c.subject).order_by(ticket.c.id).limit(_FILLED_AT_ONCE)
    set_one = sa.update(ticket).where(ticket.c.id == sa.bindparam("of")).values(subject_folded=sa.bindparam("as"))
    after = 0
    while rows := connection.execute(some.where(ticket.c.id > after)).all():
        connection.execute(set_one, [{"of": row.id, "as": folded(row.subject)} for row in rows])
        after = rows[-1].id


def downgrade() -> None:
    for name in ("rule_cursor", "rule_episode", "rule_run", "rule", "macro", "saved_view"):
        op.drop_table(name)
    op.drop_column("ticket", "subject_folded")
    op.drop_column("event", "chain")
