"""Webhooks that we send: where to, and every message with what became of it."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

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
    Column("enabled", Boolean, nullable=False),
    Column("stopped_because", CleanText, nullable=False, default=""),
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
    Column("seq", BigInteger, nullable=False),
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
        "ix_webhook_delivery_due",
        "next_attempt_at",
        sqlite_where=Column("state").in_(["pending", "leased"]),
        postgresql_where=Column("state").in_(["pending", "leased"]),
    ),
)
