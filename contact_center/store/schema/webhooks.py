"""Webhooks that we send: where to, and every message with what became of it."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, text

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("url", CleanText, nullable=False),
    # Encrypted; the earlier one stays valid until `earlier_until`, so that the other side can change at leisure.
    Column("secret", CleanText, nullable=False),
    Column("earlier_secret", CleanText),
    Column("earlier_until", Utc),
    Column("types", Json, nullable=False),
    # Whether it hears of confidential queues too.
    Column("confidential", Boolean, nullable=False, default=False),
    Column("enabled", Boolean, nullable=False),
    Column("stopped_because", CleanText, nullable=False, default=""),
    # The first failure since something was delivered last.
    Column("failing_since", Utc),
    # Until then nothing is sent: the message at the head of the line is waiting for its next attempt.
    Column("hold_until", Utc),
    # How far the journal was turned into deliveries.
    Column("cursor", BigInteger, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by_id", ForeignKey("employee.id")),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("endpoint_id", ForeignKey("webhook_endpoint.id", ondelete="CASCADE"), nullable=False),
    # The journal's number; a test has none.
    Column("seq", BigInteger),
    Column("message_id", CleanText, nullable=False, unique=True),
    Column("type", CleanText, nullable=False),
    Column("payload", CleanText, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Utc, nullable=False),
    Column("lease_holder", CleanText),
    Column("last_status", Integer),
    Column("last_error", CleanText, nullable=False, default=""),
    Column("last_milliseconds", Integer),
    Column("created_at", Utc, nullable=False),
    Column("ended_at", Utc),
    UniqueConstraint("endpoint_id", "seq"),
    Index("ix_webhook_delivery_list", "endpoint_id", "id"),
    Index(
        "ix_webhook_delivery_line",
        "endpoint_id",
        "seq",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_webhook_delivery_due",
        "endpoint_id",
        "next_attempt_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_webhook_delivery_leased",
        "lease_holder",
        sqlite_where=text("lease_holder IS NOT NULL"),
        postgresql_where=text("lease_holder IS NOT NULL"),
    ),
    Index("ix_webhook_delivery_ended", "ended_at"),
)
