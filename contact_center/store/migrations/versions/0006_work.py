"""Drafts, hand-over notes, watchers and notices, links and merges of tickets, follow-up by queue; surveys.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")
_UNREAD = sa.text("read_at IS NULL")


def upgrade() -> None:
    op.add_column("queue", sa.Column("wants_handover", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("queue", sa.Column("follow_up_days", sa.Integer(), nullable=True))
    op.create_index("ix_ticket_resolved", "ticket", ["queue_id", "resolved_at"], unique=False)
    op.create_table(
        "draft",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("author_id", types.BigKey, nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", types.CleanText(), nullable=False),
        sa.Column("recipients", types.Json(), nullable=False),
        sa.Column("attachment_ids", types.Json(), nullable=False),
        sa.Column("seen_entry_id", sa.BigInteger(), nullable=True),
        sa.Column("begun_at", types.Utc(), nullable=False),
        sa.Column("updated_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_draft_project_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_draft_ticket_id")),
        sa.ForeignKeyConstraint(["author_id"], ["employee.id"], name=op.f("fk_draft_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("ticket_id", "author_id", "kind", name=op.f("uq_draft_ticket_id")),
    )
    op.create_index("ix_draft_author_id", "draft", ["author_id"], unique=False)
    op.create_index("ix_draft_updated_at", "draft", ["updated_at"], unique=False)
    op.create_table(
        "handover",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("author_id", types.BigKey, nullable=False),
        sa.Column("text", types.CleanText(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_handover_project_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_handover_ticket_id")),
        sa.ForeignKeyConstraint(["author_id"], ["employee.id"], name=op.f("fk_handover_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index("uq_handover_open", "handover", ["ticket_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "ticket_watcher",
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("since", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_watcher_ticket_id")),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_ticket_watcher_employee_id")),
        sa.PrimaryKeyConstraint("ticket_id", "employee_id", name=op.f("pk_ticket_watcher")),
    )
    op.create_index("ix_ticket_watcher_employee_id", "ticket_watcher", ["employee_id"], unique=False)
    op.create_table(
        "notice",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("employee_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("interaction_id", types.BigKey, nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("actor_id", types.BigKey, nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("read_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_notice_project_id")),
        sa.ForeignKeyConstraint(["employee_id"], ["employee.id"], name=op.f("fk_notice_employee_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_notice_ticket_id")),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_notice_interaction_id")),
        sa.ForeignKeyConstraint(["actor_id"], ["employee.id"], name=op.f("fk_notice_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_list", "notice", ["employee_id", "at", "id"], unique=False)
    op.create_index("ix_notice_ticket_id", "notice", ["ticket_id"], unique=False)
    op.create_index(
        "uq_notice_unread", "notice", ["employee_id", "ticket_id", "kind"], unique=True, sqlite_where=_UNREAD, postgresql_where=_UNREAD
    )
    op.create_table(
        "ticket_link",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("other_id", types.BigKey, nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("author_id", types.BigKey, nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_ticket_link_project_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_link_ticket_id")),
        sa.ForeignKeyConstraint(["other_id"], ["ticket.id"], name=op.f("fk_ticket_link_other_id")),
        sa.ForeignKeyConstraint(["author_id"], ["employee.id"], name=op.f("fk_ticket_link_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_link")),
        sa.UniqueConstraint("ticket_id", "other_id", name=op.f("uq_ticket_link_ticket_id")),
    )
    op.create_index("ix_ticket_link_other_id", "ticket_link", ["other_id"], unique=False)
    op.create_table(
        "ticket_merge",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("survivor_id", types.BigKey, nullable=False),
        sa.Column("loser_id", types.BigKey, nullable=False),
        sa.Column("author_id", types.BigKey, nullable=True),
        sa.Column("merged_at", types.Utc(), nullable=False),
        sa.Column("moved", types.Json(), nullable=False),
        sa.Column("undone_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_ticket_merge_project_id")),
        sa.ForeignKeyConstraint(["survivor_id"], ["ticket.id"], name=op.f("fk_ticket_merge_survivor_id")),
        sa.ForeignKeyConstraint(["loser_id"], ["ticket.id"], name=op.f("fk_ticket_merge_loser_id")),
        sa.ForeignKeyConstraint(["author_id"], ["employee.id"], name=op.f("fk_ticket_merge_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_merge")),
    )
    op.create_index("ix_ticket_merge_survivor_id", "ticket_merge", ["survivor_id"], unique=False)
    op.create_table(
        "queue_survey",
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("language", types.CleanText(), nullable=False),
        sa.Column("question", types.CleanText(), nullable=False),
        sa.Column("delay_seconds", sa.Integer(), nullable=False),
        sa.Column("cap_days", sa.Integer(), nullable=False),
        sa.Column("expire_days", sa.Integer(), nullable=False),
        sa.Column("low_score", sa.Integer(), nullable=True),
        sa.Column("on_low", types.CleanText(), nullable=False),
        sa.Column("since", types.Utc(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_queue_survey_queue_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("queue_id", name=op.f("pk_queue_survey")),
    )
    op.create_table(
        "survey",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("project_id", types.BigKey, nullable=False),
        sa.Column("queue_id", types.BigKey, nullable=False),
        sa.Column("ticket_id", types.BigKey, nullable=False),
        sa.Column("contact_id", types.BigKey, nullable=False),
        sa.Column("agent_id", types.BigKey, nullable=True),
        sa.Column("kind", types.CleanText(), nullable=False),
        sa.Column("channel", types.CleanText(), nullable=False),
        sa.Column("account_id", types.BigKey, nullable=True),
        sa.Column("interaction_id", types.BigKey, nullable=True),
        sa.Column("answer_id", types.BigKey, nullable=True),
        sa.Column("language", types.CleanText(), nullable=False),
        sa.Column("question", types.CleanText(), nullable=False),
        sa.Column("resolved_at", types.Utc(), nullable=False),
        sa.Column("skipped", types.CleanText(), nullable=True),
        sa.Column("sent_at", types.Utc(), nullable=True),
        sa.Column("answered_at", types.Utc(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("comment", types.CleanText(), nullable=False),
        sa.Column("expires_at", types.Utc(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_survey_project_id")),
        sa.ForeignKeyConstraint(["queue_id"], ["queue.id"], name=op.f("fk_survey_queue_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_survey_ticket_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_survey_contact_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["employee.id"], name=op.f("fk_survey_agent_id")),
        sa.ForeignKeyConstraint(["account_id"], ["channel_account.id"], name=op.f("fk_survey_account_id")),
        sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=op.f("fk_survey_interaction_id")),
        sa.ForeignKeyConstraint(["answer_id"], ["interaction.id"], name=op.f("fk_survey_answer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
        sa.UniqueConstraint("ticket_id", "resolved_at", name=op.f("uq_survey_ticket_id")),
    )
    op.create_index("ix_survey_contact_id", "survey", ["contact_id", "sent_at"], unique=False)
    op.create_index("ix_survey_report", "survey", ["project_id", "sent_at"], unique=False)


def downgrade() -> None:
    op.drop_table("survey")
    op.drop_table("queue_survey")
    op.drop_table("ticket_merge")
    op.drop_table("ticket_link")
    op.drop_table("notice")
    op.drop_table("ticket_watcher")
    op.drop_table("handover")
    op.drop_table("draft")
    op.drop_index("ix_ticket_resolved", table_name="ticket")
    with op.batch_alter_table("queue", schema=None) as batch_op:
        for column in ("follow_up_days", "wants_handover"):
            batch_op.drop_column(column)
