"""Opening hours, webhooks, the audit log, comparison with the source, what machines sent, and facts of calls in ticket rows.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ticket", sa.Column("about", types.Json(), nullable=True))
    op.add_column("ticket", sa.Column("last_facts", types.Json(), nullable=True))
    op.create_table(
        "audit_entry",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", types.CleanText(), nullable=False),
        sa.Column("address", types.CleanText(), nullable=False),
        sa.Column("action", types.CleanText(), nullable=False),
        sa.Column("object_kind", types.CleanText(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", types.Json(), nullable=False),
        sa.Column("hash", types.CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_action", ["action", "number"], unique=False)
        batch_op.create_index("ix_audit_entry_actor", ["actor_id", "number"], unique=False)
        batch_op.create_index("ix_audit_entry_object", ["object_kind", "object_id", "number"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", types.CleanText(), nullable=False),
        sa.Column("seal", types.CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "calendar",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("timezone", types.CleanText(), nullable=False),
        sa.Column("weekly", types.Json(), nullable=False),
        sa.Column("holidays", types.CleanText(), nullable=False),
        sa.Column("overrides", types.Json(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_calendar_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_calendar_project_id")),
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("url", types.CleanText(), nullable=False),
        sa.Column("secret", types.CleanText(), nullable=False),
        sa.Column("earlier_secret", types.CleanText(), nullable=True),
        sa.Column("earlier_until", types.Utc(), nullable=True),
        sa.Column("types", types.Json(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("stopped_because", types.CleanText(), nullable=False),
        sa.Column("failing_since", types.Utc(), nullable=True),
        sa.Column("hold_until", types.Utc(), nullable=True),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("created_by_id", types.BigKey, nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["employee.id"], name=op.f("fk_webhook_endpoint_created_by_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_webhook_endpoint_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("endpoint_id", types.BigKey, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("message_id", types.CleanText(), nullable=False),
        sa.Column("type", types.CleanText(), nullable=False),
        sa.Column("payload", types.CleanText(), nullable=False),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", types.Utc(), nullable=False),
        sa.Column("lease_holder", types.CleanText(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", types.CleanText(), nullable=False),
        sa.Column("last_milliseconds", sa.Integer(), nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoint.id"], name=op.f("fk_webhook_delivery_endpoint_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("endpoint_id", "seq", name=op.f("uq_webhook_delivery_endpoint_id")),
        sa.UniqueConstraint("message_id", name=op.f("uq_webhook_delivery_message_id")),
    )
    with op.batch_alter_table("webhook_delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_delivery_due",
            ["endpoint_id", "next_attempt_at"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index("ix_webhook_delivery_ended", ["ended_at"], unique=False)
        batch_op.create_index(
            "ix_webhook_delivery_leased",
            ["lease_holder"],
            unique=False,
            sqlite_where=sa.text("lease_holder IS NOT NULL"),
            postgresql_where=sa.text("lease_holder IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_webhook_delivery_line",
            ["endpoint_id", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index("ix_webhook_delivery_list", ["endpoint_id", "id"], unique=False)

    op.create_table(
        "automatic_send",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("point_id", types.BigKey, nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_automatic_send_account_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["point_id"], ["contact_point.id"], name=op.f("fk_automatic_send_point_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automatic_send")),
    )
    with op.batch_alter_table("automatic_send", schema=None) as batch_op:
        batch_op.create_index("ix_automatic_send_account_id", ["account_id", "at"], unique=False)
        batch_op.create_index("ix_automatic_send_point_id", ["point_id", "at"], unique=False)

    op.create_table(
        "reconciliation",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("at_source", sa.Integer(), nullable=False),
        sa.Column("in_ledger", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("missing_keys", types.Json(), nullable=False),
        sa.Column("error", types.CleanText(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_reconciliation_account_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    with op.batch_alter_table("reconciliation", schema=None) as batch_op:
        batch_op.create_index("ix_reconciliation_account_id", ["account_id", "id"], unique=False)

    with op.batch_alter_table("channel_account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expect_hours", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("silent_since", types.Utc(), nullable=True))

    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.add_column(sa.Column("calendar_id", types.BigKey, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_queue_calendar_id"), "calendar", ["calendar_id"], ["id"])

    with op.batch_alter_table("raw_item", schema=None) as batch_op:
        batch_op.create_index("ix_raw_item_books", ["account_id", "state", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("raw_item", schema=None) as batch_op:
        batch_op.drop_index("ix_raw_item_books")

    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_queue_calendar_id"), type_="foreignkey")
        batch_op.drop_column("calendar_id")

    with op.batch_alter_table("channel_account", schema=None) as batch_op:
        batch_op.drop_column("silent_since")
        batch_op.drop_column("expect_hours")

    with op.batch_alter_table("reconciliation", schema=None) as batch_op:
        batch_op.drop_index("ix_reconciliation_account_id")

    op.drop_table("reconciliation")
    with op.batch_alter_table("automatic_send", schema=None) as batch_op:
        batch_op.drop_index("ix_automatic_send_point_id")
        batch_op.drop_index("ix_automatic_send_account_id")

    op.drop_table("automatic_send")
    with op.batch_alter_table("webhook_delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_delivery_list")
        batch_op.drop_index(
            "ix_webhook_delivery_line", sqlite_where=sa.text("state = 'pending'"), postgresql_where=sa.text("state = 'pending'")
        )
        batch_op.drop_index(
            "ix_webhook_delivery_leased",
            sqlite_where=sa.text("lease_holder IS NOT NULL"),
            postgresql_where=sa.text("lease_holder IS NOT NULL"),
        )
        batch_op.drop_index("ix_webhook_delivery_ended")
        batch_op.drop_index(
            "ix_webhook_delivery_due", sqlite_where=sa.text("state = 'pending'"), postgresql_where=sa.text("state = 'pending'")
        )

    op.drop_table("webhook_delivery")
    op.drop_table("webhook_endpoint")
    op.drop_table("calendar")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_object")
        batch_op.drop_index("ix_audit_entry_actor")
        batch_op.drop_index("ix_audit_entry_action")

    op.drop_table("audit_entry")
    op.drop_column("ticket", "last_facts")
    op.drop_column("ticket", "about")
