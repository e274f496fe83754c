"""Why somebody opted out, which keys contacts share, and files that are still to be fetched from a provider.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ticket", sa.Column("unproven", sa.Boolean(), nullable=True))
    op.add_column("interaction", sa.Column("proof", types.Json(), nullable=True))
    op.add_column("ticket_participant", sa.Column("role", types.CleanText(), nullable=True))
    op.add_column("opt_out", sa.Column("reason", types.CleanText(), nullable=True))
    op.create_table(
        "contact_match_shared",
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("key", types.CleanText(), nullable=False),
        sa.Column("holders", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_contact_match_shared_project_id")),
        sa.PrimaryKeyConstraint("project_id", "key", name=op.f("pk_contact_match_shared")),
    )
    op.create_index("ix_contact_match_shared_holders", "contact_match_shared", ["project_id", "holders"], unique=False)
    op.execute(
        "INSERT INTO contact_match_shared (project_id, key, holders) "
        "SELECT project_id, key, count(*) FROM contact_match_key GROUP BY project_id, key HAVING count(*) > 1"
    )
    op.create_table(
        "remote_file",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("interaction_id", types.BigKey, nullable=False),
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("url", types.CleanText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_remote_file_account_id")),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_remote_file_interaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remote_file")),
    )
    op.create_index("ix_remote_file_next_attempt_at", "remote_file", ["next_attempt_at"], unique=False)


def downgrade() -> None:
    op.drop_table("remote_file")
    op.drop_table("contact_match_shared")
    op.drop_column("opt_out", "reason")
    op.drop_column("ticket_participant", "role")
    op.drop_column("interaction", "proof")
    op.drop_column("ticket", "unproven")
