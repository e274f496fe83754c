"""An alert on a figure of work may be of calls only, or of all but them.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert", sa.Column("medium", types.CleanText(), nullable=True))


def downgrade() -> None:
    op.drop_column("alert", "medium")
