"""Tickets and the contact history."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

ticket = Table(
    "ticket",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("subject", CleanText, nullable=False),
    # The same without regard to case, by the application's own rule: databases disagree beyond ASCII.
    Column("subject_folded", CleanText, nullable=False, server_default=""),
    Column("about", Json),
    Column("status", CleanText, nullable=False),
    Column("assignee_id", ForeignKey("employee.id")),
    Column("priority", CleanText, nullable=False),
    Column("channel", CleanText, nullable=False),
    Column("tags", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("version", Integer, nullable=False),
    Column("last_at", Utc, nullable=False),
    Column("last_direction", CleanText),
    Column("last_kind", CleanText),
    Column("last_preview", CleanText, nullable=False, default=""),
    Column("last_facts", Json),
    Column("waiting_since", Utc),
    Column("resolved_at", Utc),
    # Since when it is not open, and for how long it was not before, on the clock and in its queue's business time: no time to resolution.
    Column("paused_since", Utc),
    Column("paused_seconds", Float, nullable=False, server_default="0"),
    Column("paused_business_seconds", Float, nullable=False, server_default="0"),
    # Put off until then, and what is to be done then.
    Column("snoozed_until", Utc),
    Column("next_step", CleanText, nullable=False, server_default=""),
    # What was promised, and the promise that is to be kept next: of the clocks that run the one that is due first.
    Column("sla_policy_id", ForeignKey("sla_policy.id")),
    Column("due_kind", CleanText),
    Column("due_at", Utc),
    Column("due_warn_at", Utc),
    Column("reason_id", ForeignKey("contact_reason.id")),
    Column("follow_up_of_id", ForeignKey("ticket.id")),
    Column("merged_into_id", ForeignKey("ticket.id")),
    # TRUE: opened by a message with a forged sender.
    Column("unproven", Boolean),
    UniqueConstraint("project_id", "number"),
    Index("ix_ticket_contact_id", "contact_id"),
    Index("ix_ticket_list", "project_id", "status", "last_at", "id"),
    Index("ix_ticket_queue_list", "queue_id", "status", "last_at", "id"),
    Index("ix_ticket_snoozed_until", "snoozed_until"),
    Index("ix_ticket_due_at", "project_id", "due_at", "id"),
    # What was resolved and is to be asked about.
    Index("ix_ticket_resolved", "queue_id", "resolved_at"),
    Index("ix_ticket_assignee_list", "assignee_id", "status", "last_at", "id"),
)

ticket_participant = Table(
    "ticket_participant",
    metadata,
    Column("ticket_id", ForeignKey("ticket.id"), primary_key=True),
    Column("point_id", ForeignKey("contact_point.id"), primary_key=True),
    # How they came to take part: wrote, to, cc; NULL: before this was noted.
    Column("role", CleanText),
)

# Every message id a ticket's mails carry or name: what makes threading independent of the order of arrival.
ticket_thread_key = Table(
    "ticket_thread_key",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("key", CleanText, primary_key=True),
    Column("ticket_id", ForeignKey("ticket.id"), primary_key=True),
    Index("ix_ticket_thread_key_ticket_id", "ticket_id"),
)

interaction = Table(
    "interaction",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("ticket_id", ForeignKey("ticket.id")),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("account_id", ForeignKey("channel_account.id")),
    Column("kind", CleanText, nullable=False),
    Column("direction", CleanText, nullable=False),
    Column("occurred_at", Utc, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("author_id", ForeignKey("employee.id")),
    Column("sender_point_id", ForeignKey("contact_point.id")),
    Column("sender_name", CleanText, nullable=False, default=""),
    Column("sender_address", CleanText, nullable=False, default=""),
    Column("subject", CleanText, nullable=False, default=""),
    Column("visible_text", CleanText, nullable=False, default=""),
    Column("folded", Boolean, nullable=False, default=False),
    Column("truncated", Boolean, nullable=False, default=False),
    Column("has_html", Boolean, nullable=False, default=False),
    Column("automatic", Boolean, nullable=False, default=False),
    Column("recipients", Json),
    Column("change", Json),
    Column("facts", Json),
    Column("message_key", CleanText),
    Column("proof", Json),
    Column("cancelled", Boolean, nullable=False, default=False),
    Index("ix_interaction_timeline", "contact_id", "occurred_at", "id"),
    Index("ix_interaction_ticket_id", "ticket_id", "occurred_at", "id"),
    Index("ix_interaction_message_key", "message_key"),
)

# Every key of a happening that several items tell of (a call and its legs).
interaction_key = Table(
    "interaction_key",
    metadata,
    Column("account_id", ForeignKey("channel_account.id"), primary_key=True),
    Column("key", CleanText, primary_key=True),
    Column("interaction_id", ForeignKey("interaction.id"), nullable=False),
    Index("ix_interaction_key_interaction_id", "interaction_id"),
)

# Apart from the row, so that walking a timeline never reads megabytes of markup.
interaction_body = Table(
    "interaction_body",
    metadata,
    Column("interaction_id", ForeignKey("interaction.id"), primary_key=True),
    Column("text", CleanText, nullable=False),
    Column("visible_text", CleanText, nullable=False),
    Column("html", CleanText),
    Column("headers", Json, nullable=False),
)

attachment = Table(
    "attachment",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("interaction_id", ForeignKey("interaction.id")),
    Column("uploader_id", ForeignKey("employee.id")),
    Column("sha256", ForeignKey("blob.sha256"), nullable=False),
    Column("filename", CleanText, nullable=False),
    Column("content_type", CleanText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_id", CleanText),
    Column("inline", Boolean, nullable=False, default=False),
    Column("created_at", Utc, nullable=False),
    Index("ix_attachment_interaction_id", "interaction_id"),
)
