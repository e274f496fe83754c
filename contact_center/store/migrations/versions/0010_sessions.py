"""Sessions that came again, time in which a ticket was not open, whose calls were, and where goes what comes after hours.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types
from contact_center.store.schema import figures

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_PAUSED = ("paused_seconds", "paused_business_seconds")


def upgrade() -> None:
    op.execute("ALTER TABLE queue ADD COLUMN after_hours_queue_id BIGINT REFERENCES queue (id)")
    op.add_column("segment", sa.Column("after_hours", sa.Boolean(), nullable=True))
    op.add_column("segment", sa.Column("repeated", sa.Boolean(), nullable=True))
    op.add_column("ticket", sa.Column("paused_since", types.Utc(), nullable=True))
    for name in _PAUSED:
        op.add_column("ticket", sa.Column(name, sa.Float(), server_default="0", nullable=False))
    # What was put off before is known to wait since it was last touched.
    op.execute("UPDATE ticket SET paused_since = coalesce(resolved_at, updated_at) WHERE status <> 'open'")
    # Not by making the table anew: its triggers would be gone.
    op.execute("ALTER TABLE call_fact ADD COLUMN agent_id BIGINT REFERENCES employee (id)")
    op.add_column("call_fact", sa.Column("hold_seconds", sa.Float(), nullable=True))
    op.add_column("call_fact", sa.Column("repeated", sa.Boolean(), nullable=True))
    op.create_index("ix_employee_name", "employee", ["project_id", "name"], unique=False)
    op.execute("CREATE INDEX ix_call_fact_agent ON call_fact (agent_id, started_at) WHERE ended_at IS NULL")
    op.create_index("ix_call_fact_ended_at", "call_fact", ["project_id", "ended_at"], unique=False)
    # Whose a resolution is, its ticket says, also when contacts are merged.
    op.drop_index("ix_resolution_contact", table_name="resolution")
    with op.batch_alter_table("resolution") as resolution:
        resolution.drop_column("contact_id")
    # What was folded before knows nothing of what left its queue too late.
    op.execute(
        "INSERT INTO interval_stale (project_id, since, until) SELECT project_id, min(entered_at), max(entered_at) FROM segment "
        "WHERE project_id IS NOT NULL AND ended_at IS NOT NULL GROUP BY project_id"
    )


def downgrade() -> None:
    op.execute("UPDATE segment SET end_reason = 'transferred' WHERE end_reason = 'after_hours'")
    op.execute("ALTER TABLE resolution ADD COLUMN contact_id BIGINT REFERENCES contact (id)")
    op.execute("UPDATE resolution SET contact_id = (SELECT contact_id FROM ticket WHERE ticket.id = resolution.ticket_id)")
    with op.batch_alter_table("resolution") as resolution:
        resolution.alter_column("contact_id", existing_type=sa.BigInteger(), nullable=False)
    op.execute("CREATE INDEX ix_resolution_contact ON resolution (contact_id, resolved_at) WHERE again_at IS NULL")
    op.drop_index("ix_call_fact_agent", table_name="call_fact")
    op.drop_index("ix_call_fact_ended_at", table_name="call_fact")
    op.drop_index("ix_employee_name", table_name="employee")
    with op.batch_alter_table("call_fact") as call:
        call.drop_column("repeated")
        call.drop_column("hold_seconds")
        call.drop_column("agent_id")
    if op.get_bind().dialect.name == "sqlite":  # which made the table anew, without them
        for trigger in (ddl for ddl in figures.SQLITE_DDL if "ON call_fact" in ddl):
            op.execute(trigger)
    for name in (*_PAUSED, "paused_since"):
        op.drop_column("ticket", name)
    op.drop_column("segment", "repeated")
    op.drop_column("segment", "after_hours")
    with op.batch_alter_table("queue") as queue:
        queue.drop_column("after_hours_queue_id")
