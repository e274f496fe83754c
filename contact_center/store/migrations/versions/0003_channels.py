"""Why somebody opted out.

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
    op.add_column("opt_out", sa.Column("reason", types.CleanText(), nullable=True))


def downgrade() -> None:
    op.drop_column("opt_out", "reason")
