"""Everything the first release stores.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from contact_center.store import types
from contact_center.store.schema import journal, search

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blob",
        sa.Column("sha256", types.CleanText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "event",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("type", types.CleanText(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("previous_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("admins_only", sa.Boolean(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("data", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("seq", name=op.f("uq_event_seq")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_contact_id", "event", ["contact_id", "seq"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("holder", types.CleanText(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", types.Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "project",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("slug", types.CleanText(), nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("next_ticket_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("slug", name=op.f("uq_project_slug")),
    )
    op.create_table(
        "search_doc",
        sa.Column("place", types.BigKey, autoincrement=False, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("thing_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_search_doc")),
        sa.UniqueConstraint("kind", "thing_id", name=op.f("uq_search_doc_kind")),
    )
    op.create_table(
        "search_state",
        sa.Column("id", types.BigKey, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("walk", types.Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_state")),
    )
    op.create_table(
        "contact_point",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("value", types.CleanText(), nullable=False),
        sa.Column("display", types.CleanText(), nullable=False),
        sa.Column("bounced_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_contact_point_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
        sa.UniqueConstraint("project_id", "kind", "value", name=op.f("uq_contact_point_project_id")),
    )
    op.create_table(
        "employee",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("email", types.CleanText(), nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("role", types.CleanText(), nullable=False),
        sa.Column("password_hash", types.CleanText(), nullable=True),
        sa.Column("disabled_at", types.Utc(), nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_employee_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employee")),
        sa.UniqueConstraint("email", name=op.f("uq_employee_email")),
    )
    op.create_table(
        "queue",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_queue_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_queue_project_id")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("token_hash", types.CleanText(), nullable=False),
        sa.Column("scopes", types.Json(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("expires_at", types.Utc(), nullable=True),
        sa.Column("last_used_at", types.Utc(), nullable=True),
        sa.Column("revoked_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_api_token_employee_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index("ix_api_token_employee_id", "api_token", ["employee_id"], unique=False)
    op.create_table(
        "channel_account",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("address", types.CleanText(), nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("options", types.Json(), nullable=False),
        sa.Column("health", types.CleanText(), nullable=False),
        sa.Column("health_detail", types.CleanText(), nullable=False),
        sa.Column("checked_at", types.Utc(), nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_channel_account_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_channel_account_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_account")),
        sa.UniqueConstraint("project_id", "kind", "address", name=op.f("uq_channel_account_project_id")),
    )
    op.create_table(
        "contact_import",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("created_by", types.BigKey, nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("filename", types.CleanText(), nullable=False),
        sa.Column("sha256", types.CleanText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mapping", types.Json(), nullable=False),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("outcomes", types.Json(), nullable=False),
        sa.Column("error", types.CleanText(), nullable=False),
        sa.Column("finished_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["employee.id"], name=op.f("fk_contact_import_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_contact_import_project_id")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_contact_import_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_import")),
    )
    op.create_index("ix_contact_import_state", "contact_import", ["state"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("key", types.CleanText(), nullable=False),
        sa.Column("request_hash", types.CleanText(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", types.CleanText(), nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_idempotency_employee_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency")),
        sa.UniqueConstraint("employee_id", "key", name=op.f("uq_idempotency_employee_id")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("employee_id", types.BigKey, nullable=True),
        sa.Column("token_hash", types.CleanText(), nullable=False),
        sa.Column("expires_at", types.Utc(), nullable=False),
        sa.Column("used_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_invitation_employee_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_table(
        "organization",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("name_key", types.CleanText(), nullable=False),
        sa.Column("note", types.CleanText(), nullable=False),
        sa.Column("created_by", types.BigKey, nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["employee.id"], name=op.f("fk_organization_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_organization_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("project_id", "name_key", name=op.f("uq_organization_project_id")),
    )
    op.create_table(
        "presence",
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("holder", types.CleanText(), nullable=False),
        sa.Column("since", types.Utc(), nullable=False),
        sa.Column("seen_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_presence_employee_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("employee_id", "holder", name=op.f("pk_presence")),
    )
    op.create_table(
        "queue_grant",
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_queue_grant_employee_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_grant_queue_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("employee_id", "queue_id", name=op.f("pk_queue_grant")),
    )
    op.create_table(
        "session",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("token_hash", types.CleanText(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("last_seen_at", types.Utc(), nullable=False),
        sa.Column("expires_at", types.Utc(), nullable=False),
        sa.Column("address", types.CleanText(), nullable=False),
        sa.Column("user_agent", types.CleanText(), nullable=False),
        sa.Column("revoked_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_session_employee_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index("ix_session_employee_id", "session", ["employee_id"], unique=False)
    op.create_table(
        "channel_cursor",
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("value", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_channel_cursor_account_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_channel_cursor")),
    )
    op.create_table(
        "contact",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("note", types.CleanText(), nullable=False),
        sa.Column("owner_id", types.BigKey, nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("merged_into_id", types.BigKey, nullable=True),
        sa.Column("organization_id", types.BigKey, nullable=True),
        sa.ForeignKeyConstraint(["merged_into_id"], ["contact.id"], name=op.f("fk_contact_merged_into_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_contact_organization_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["employee.id"], name=op.f("fk_contact_owner_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_contact_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index("ix_contact_organization_id", "contact", ["organization_id"], unique=False)
    op.create_index("ix_contact_owner_id", "contact", ["owner_id"], unique=False)
    op.create_table(
        "opt_out",
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("point_id", types.BigKey, nullable=False),
        sa.Column("since", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_opt_out_account_id")),
        sa.ForeignKeyConstraint(["point_id"], ["contact_point.id"], name=op.f("fk_opt_out_point_id")),
        sa.PrimaryKeyConstraint("account_id", "point_id", name=op.f("pk_opt_out")),
    )
    op.create_index("ix_opt_out_point_id", "opt_out", ["point_id"], unique=False)
    op.create_table(
        "organization_domain",
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("domain", types.CleanText(), nullable=False),
        sa.Column("organization_id", types.BigKey, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_organization_domain_organization_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_organization_domain_project_id")),
        sa.PrimaryKeyConstraint("project_id", "domain", name=op.f("pk_organization_domain")),
    )
    op.create_index("ix_organization_domain_organization_id", "organization_domain", ["organization_id"], unique=False)
    op.create_table(
        "contact_claim",
        sa.Column("point_id", types.BigKey, nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=False),
        sa.Column("claimed_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_claim_contact_id")),
        sa.ForeignKeyConstraint(["point_id"], ["contact_point.id"], name=op.f("fk_contact_claim_point_id")),
        sa.PrimaryKeyConstraint("point_id", "contact_id", name=op.f("pk_contact_claim")),
    )
    op.create_index("ix_contact_claim_contact_id", "contact_claim", ["contact_id"], unique=False)
    op.create_table(
        "contact_distinct",
        sa.Column("low_id", types.BigKey, nullable=False),
        sa.Column("high_id", types.BigKey, nullable=False),
        sa.Column("decided_by", types.BigKey, nullable=True),
        sa.Column("decided_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["employee.id"], name=op.f("fk_contact_distinct_decided_by")),
        sa.ForeignKeyConstraint(["high_id"], ["contact.id"], name=op.f("fk_contact_distinct_high_id")),
        sa.ForeignKeyConstraint(["low_id"], ["contact.id"], name=op.f("fk_contact_distinct_low_id")),
        sa.PrimaryKeyConstraint("low_id", "high_id", name=op.f("pk_contact_distinct")),
    )
    op.create_index("ix_contact_distinct_high_id", "contact_distinct", ["high_id"], unique=False)
    op.create_table(
        "contact_import_row",
        sa.Column("import_id", types.BigKey, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("outcome", types.CleanText(), nullable=False),
        sa.Column("reason", types.CleanText(), nullable=False),
        sa.Column("name", types.CleanText(), nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_import_row_contact_id")),
        sa.ForeignKeyConstraint(["import_id"], ["contact_import.id"], name=op.f("fk_contact_import_row_import_id")),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_contact_import_row")),
    )
    op.create_table(
        "contact_match_key",
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("key", types.CleanText(), nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_match_key_contact_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_contact_match_key_project_id")),
        sa.PrimaryKeyConstraint("project_id", "key", "contact_id", name=op.f("pk_contact_match_key")),
    )
    op.create_index("ix_contact_match_key_contact_id", "contact_match_key", ["contact_id"], unique=False)
    op.create_table(
        "contact_merge",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("survivor_id", types.BigKey, nullable=False),
        sa.Column("loser_id", types.BigKey, nullable=False),
        sa.Column("snapshot", types.Json(), nullable=False),
        sa.Column("merged_by", types.BigKey, nullable=True),
        sa.Column("merged_at", types.Utc(), nullable=False),
        sa.Column("undone_by", types.BigKey, nullable=True),
        sa.Column("undone_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["loser_id"], ["contact.id"], name=op.f("fk_contact_merge_loser_id")),
        sa.ForeignKeyConstraint(["merged_by"], ["employee.id"], name=op.f("fk_contact_merge_merged_by")),
        sa.ForeignKeyConstraint(["survivor_id"], ["contact.id"], name=op.f("fk_contact_merge_survivor_id")),
        sa.ForeignKeyConstraint(["undone_by"], ["employee.id"], name=op.f("fk_contact_merge_undone_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_merge")),
    )
    op.create_index("ix_contact_merge_survivor_id", "contact_merge", ["survivor_id"], unique=False)
    op.create_table(
        "contact_point_link",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("point_id", types.BigKey, nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=False),
        sa.Column("role", types.CleanText(), nullable=False),
        sa.Column("verified_at", types.Utc(), nullable=True),
        sa.Column("valid_from", types.Utc(), nullable=False),
        sa.Column("valid_to", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_point_link_contact_id")),
        sa.ForeignKeyConstraint(["point_id"], ["contact_point.id"], name=op.f("fk_contact_point_link_point_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point_link")),
        sa.UniqueConstraint("point_id", "contact_id", name=op.f("uq_contact_point_link_point_id")),
    )
    op.create_index("ix_contact_point_link_contact_id", "contact_point_link", ["contact_id"], unique=False)
    op.create_table(
        "ticket",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("subject", types.CleanText(), nullable=False),
        sa.Column("status", types.CleanText(), nullable=False),
        sa.Column("assignee_id", types.BigKey, nullable=True),
        sa.Column("priority", types.CleanText(), nullable=False),
        sa.Column("channel", types.CleanText(), nullable=False),
        sa.Column("tags", types.Json(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("updated_at", types.Utc(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("last_at", types.Utc(), nullable=False),
        sa.Column("last_direction", types.CleanText(), nullable=True),
        sa.Column("last_kind", types.CleanText(), nullable=True),
        sa.Column("last_preview", types.CleanText(), nullable=False),
        sa.Column("waiting_since", types.Utc(), nullable=True),
        sa.Column("resolved_at", types.Utc(), nullable=True),
        sa.Column("follow_up_of_id", types.BigKey, nullable=True),
        sa.Column("merged_into_id", types.BigKey, nullable=True),
        sa.ForeignKeyConstraint(["assignee_id"], ["employee.id"], name=op.f("fk_ticket_assignee_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_ticket_contact_id")),
        sa.ForeignKeyConstraint(["follow_up_of_id"], ["ticket.id"], name=op.f("fk_ticket_follow_up_of_id")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["ticket.id"], name=op.f("fk_ticket_merged_into_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_ticket_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_ticket_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_ticket_project_id")),
    )
    op.create_index("ix_ticket_assignee_list", "ticket", ["assignee_id", "status", "last_at", "id"], unique=False)
    op.create_index("ix_ticket_contact_id", "ticket", ["contact_id"], unique=False)
    op.create_index("ix_ticket_list", "ticket", ["project_id", "status", "last_at", "id"], unique=False)
    op.create_index("ix_ticket_queue_list", "ticket", ["queue_id", "status", "last_at", "id"], unique=False)
    op.create_table(
        "interaction",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=True),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("account_id", types.BigKey, nullable=True),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("direction", types.CleanText(), nullable=False),
        sa.Column("occurred_at", types.Utc(), nullable=False),
        sa.Column("received_at", types.Utc(), nullable=False),
        sa.Column("author_id", types.BigKey, nullable=True),
        sa.Column("sender_point_id", types.BigKey, nullable=True),
        sa.Column("sender_name", types.CleanText(), nullable=False),
        sa.Column("sender_address", types.CleanText(), nullable=False),
        sa.Column("subject", types.CleanText(), nullable=False),
        sa.Column("visible_text", types.CleanText(), nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("has_html", sa.Boolean(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("recipients", types.Json(), nullable=True),
        sa.Column("change", types.Json(), nullable=True),
        sa.Column("facts", types.Json(), nullable=True),
        sa.Column("message_key", types.CleanText(), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_interaction_account_id")),
        sa.ForeignKeyConstraint(["author_id"], ["employee.id"], name=op.f("fk_interaction_author_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_interaction_contact_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_interaction_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_interaction_queue_id")),
        sa.ForeignKeyConstraint(["sender_point_id"], ["contact_point.id"], name=op.f("fk_interaction_sender_point_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_interaction_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction")),
    )
    op.create_index("ix_interaction_message_key", "interaction", ["message_key"], unique=False)
    op.create_index("ix_interaction_ticket_id", "interaction", ["ticket_id", "occurred_at", "id"], unique=False)
    op.create_index("ix_interaction_timeline", "interaction", ["contact_id", "occurred_at", "id"], unique=False)
    op.create_table(
        "ticket_participant",
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("point_id", types.BigKey, nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["contact_point.id"], name=op.f("fk_ticket_participant_point_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_participant_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "point_id", name=op.f("pk_ticket_participant")),
    )
    op.create_table(
        "ticket_thread_key",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("key", types.CleanText(), nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_thread_key_ticket_id")),
        sa.PrimaryKeyConstraint("project_id", "key", "ticket_id", name=op.f("pk_ticket_thread_key")),
    )
    op.create_index("ix_ticket_thread_key_ticket_id", "ticket_thread_key", ["ticket_id"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("interaction_id", types.BigKey, nullable=True),
        sa.Column("uploader_id", types.BigKey, nullable=True),
        sa.Column("sha256", types.CleanText(), nullable=False),
        sa.Column("filename", types.CleanText(), nullable=False),
        sa.Column("content_type", types.CleanText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_id", types.CleanText(), nullable=True),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_attachment_interaction_id")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_attachment_sha256")),
        sa.ForeignKeyConstraint(["uploader_id"], ["employee.id"], name=op.f("fk_attachment_uploader_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_interaction_id", "attachment", ["interaction_id"], unique=False)
    op.create_table(
        "interaction_body",
        sa.Column("interaction_id", types.BigKey, nullable=False),
        sa.Column("text", types.CleanText(), nullable=False),
        sa.Column("visible_text", types.CleanText(), nullable=False),
        sa.Column("html", types.CleanText(), nullable=True),
        sa.Column("headers", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_interaction_body_interaction_id")),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_interaction_body")),
    )
    op.create_table(
        "interaction_key",
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("key", types.CleanText(), nullable=False),
        sa.Column("interaction_id", types.BigKey, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_interaction_key_account_id")),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_interaction_key_interaction_id")),
        sa.PrimaryKeyConstraint("account_id", "key", name=op.f("pk_interaction_key")),
    )
    op.create_index("ix_interaction_key_interaction_id", "interaction_key", ["interaction_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("interaction_id", types.BigKey, nullable=False),
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("message_key", types.CleanText(), nullable=False),
        sa.Column("message", types.Json(), nullable=False),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", types.Utc(), nullable=False),
        sa.Column("lease_holder", types.CleanText(), nullable=True),
        sa.Column("error", types.CleanText(), nullable=False),
        sa.Column("provider_id", types.CleanText(), nullable=False),
        sa.Column("spooled", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("sent_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_outbox_account_id")),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_outbox_interaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("interaction_id", name=op.f("uq_outbox_interaction_id")),
        sa.UniqueConstraint("message_key", name=op.f("uq_outbox_message_key")),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'leased')"),
        postgresql_where=sa.text("state IN ('queued', 'leased')"),
    )
    op.create_table(
        "raw_item",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("account_id", types.BigKey, nullable=False),
        sa.Column("provider_key", types.CleanText(), nullable=False),
        sa.Column("sha256", types.CleanText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("envelope", types.Json(), nullable=False),
        sa.Column("source_time", types.Utc(), nullable=True),
        sa.Column("received_at", types.Utc(), nullable=False),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", types.CleanText(), nullable=False),
        sa.Column("interaction_id", types.BigKey, nullable=True),
        sa.Column("duplicate_of_id", types.BigKey, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_raw_item_account_id")),
        sa.ForeignKeyConstraint(["duplicate_of_id"], ["raw_item.id"], name=op.f("fk_raw_item_duplicate_of_id")),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_raw_item_interaction_id")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_raw_item_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_item")),
        sa.UniqueConstraint("account_id", "provider_key", name=op.f("uq_raw_item_account_id")),
    )
    op.create_index("ix_raw_item_interaction_id", "raw_item", ["interaction_id"], unique=False)
    op.create_index("ix_raw_item_sha256", "raw_item", ["account_id", "sha256"], unique=False)
    op.create_index(
        "ix_raw_item_unsettled",
        "raw_item",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('received', 'quarantined')"),
        postgresql_where=sa.text("state IN ('received', 'quarantined')"),
    )
    op.create_table(
        "work_item",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("interaction_id", types.BigKey, nullable=False),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("opened_at", types.Utc(), nullable=False),
        sa.Column("closed_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_work_item_interaction_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_work_item_project_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_work_item_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_item")),
    )
    op.create_index(
        "uq_work_item_open",
        "work_item",
        ["ticket_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "segment",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("work_item_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("agent_id", types.BigKey, nullable=True),
        sa.Column("state", types.CleanText(), nullable=False),
        sa.Column("entered_at", types.Utc(), nullable=False),
        sa.Column("accepted_at", types.Utc(), nullable=True),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.Column("end_reason", types.CleanText(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["employee.id"], name=op.f("fk_segment_agent_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_segment_queue_id")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_item.id"], name=op.f("fk_segment_work_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
    )
    op.create_index("ix_segment_ended_at", "segment", ["ended_at"], unique=False)
    op.create_index("ix_segment_entered_at", "segment", ["entered_at"], unique=False)
    op.create_index("ix_segment_work_item_id", "segment", ["work_item_id"], unique=False)
    op.create_index(
        "uq_segment_open",
        "segment",
        ["work_item_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    # ### end Alembic commands ###
    for room in (journal, search):
        for statement in room.POSTGRES_DDL if op.get_bind().dialect.name == "postgresql" else room.SQLITE_DDL:
            op.execute(statement)


def downgrade() -> None:
    op.drop_index(
        "uq_segment_open", table_name="segment", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index("ix_segment_work_item_id", table_name="segment")
    op.drop_index("ix_segment_entered_at", table_name="segment")
    op.drop_index("ix_segment_ended_at", table_name="segment")
    op.drop_table("segment")
    op.drop_index(
        "uq_work_item_open",
        table_name="work_item",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_table("work_item")
    op.drop_index(
        "ix_raw_item_unsettled",
        table_name="raw_item",
        sqlite_where=sa.text("state IN ('received', 'quarantined')"),
        postgresql_where=sa.text("state IN ('received', 'quarantined')"),
    )
    op.drop_index("ix_raw_item_sha256", table_name="raw_item")
    op.drop_index("ix_raw_item_interaction_id", table_name="raw_item")
    op.drop_table("raw_item")
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        sqlite_where=sa.text("state IN ('queued', 'leased')"),
        postgresql_where=sa.text("state IN ('queued', 'leased')"),
    )
    op.drop_table("outbox")
    op.drop_index("ix_interaction_key_interaction_id", table_name="interaction_key")
    op.drop_table("interaction_key")
    op.drop_table("interaction_body")
    op.drop_index("ix_attachment_interaction_id", table_name="attachment")
    op.drop_table("attachment")
    op.drop_index("ix_ticket_thread_key_ticket_id", table_name="ticket_thread_key")
    op.drop_table("ticket_thread_key")
    op.drop_table("ticket_participant")
    op.drop_index("ix_interaction_timeline", table_name="interaction")
    op.drop_index("ix_interaction_ticket_id", table_name="interaction")
    op.drop_index("ix_interaction_message_key", table_name="interaction")
    op.drop_table("interaction")
    op.drop_index("ix_ticket_queue_list", table_name="ticket")
    op.drop_index("ix_ticket_list", table_name="ticket")
    op.drop_index("ix_ticket_contact_id", table_name="ticket")
    op.drop_index("ix_ticket_assignee_list", table_name="ticket")
    op.drop_table("ticket")
    op.drop_index("ix_contact_point_link_contact_id", table_name="contact_point_link")
    op.drop_table("contact_point_link")
    op.drop_index("ix_contact_merge_survivor_id", table_name="contact_merge")
    op.drop_table("contact_merge")
    op.drop_index("ix_contact_match_key_contact_id", table_name="contact_match_key")
    op.drop_table("contact_match_key")
    op.drop_table("contact_import_row")
    op.drop_index("ix_contact_distinct_high_id", table_name="contact_distinct")
    op.drop_table("contact_distinct")
    op.drop_index("ix_contact_claim_contact_id", table_name="contact_claim")
    op.drop_table("contact_claim")
    op.drop_index("ix_organization_domain_organization_id", table_name="organization_domain")
    op.drop_table("organization_domain")
    op.drop_index("ix_opt_out_point_id", table_name="opt_out")
    op.drop_table("opt_out")
    op.drop_index("ix_contact_owner_id", table_name="contact")
    op.drop_index("ix_contact_organization_id", table_name="contact")
    op.drop_table("contact")
    op.drop_table("channel_cursor")
    op.drop_index("ix_session_employee_id", table_name="session")
    op.drop_table("session")
    op.drop_table("queue_grant")
    op.drop_table("presence")
    op.drop_table("organization")
    op.drop_table("invitation")
    op.drop_table("idempotency")
    op.drop_index("ix_contact_import_state", table_name="contact_import")
    op.drop_table("contact_import")
    op.drop_table("channel_account")
    op.drop_index("ix_api_token_employee_id", table_name="api_token")
    op.drop_table("api_token")
    op.drop_table("queue")
    op.drop_table("employee")
    op.drop_table("contact_point")
    op.drop_table("search_state")
    op.drop_table("search_doc")
    op.drop_table("project")
    op.drop_table("lease")
    op.drop_index("ix_event_contact_id", table_name="event")
    op.drop_table("event")
    op.drop_table("blob")
    # ### end Alembic commands ###
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION event_number")
        op.execute("DROP SEQUENCE event_seq")
    else:
        op.execute(f"DROP TABLE {search.FTS}")
