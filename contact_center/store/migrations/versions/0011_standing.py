"""What stands now, and what was done today, of one project, without reading its years.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_segment_standing", "segment", ["project_id", "ended_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_segment_standing", table_name="segment")
