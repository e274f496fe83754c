"""What we send: one row a message, its key fixed before the first attempt. And what we still have to fetch."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("interaction_id", ForeignKey("interaction.id"), nullable=False, unique=True),
    Column("account_id", ForeignKey("channel_account.id"), nullable=False),
    Column("message_key", CleanText, nullable=False, unique=True),
    Column("message", Json, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Utc, nullable=False),
    Column("lease_holder", CleanText),
    Column("error", CleanText, nullable=False, default=""),
    Column("provider_id", CleanText, nullable=False, default=""),
    Column("spooled", Boolean, nullable=False, default=False),
    Column("created_at", Utc, nullable=False),
    Column("sent_at", Utc),
    Index(
        "ix_outbox_due",
        "next_attempt_at",
        sqlite_where=Column("state").in_(["queued", "leased"]),
        postgresql_where=Column("state").in_(["queued", "leased"]),
    ),
)

# Messages that nobody wrote (acknowledgements and the like): counted, so that two machines never talk to each other for long.
automatic_send = Table(
    "automatic_send",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("account_id", ForeignKey("channel_account.id", ondelete="CASCADE"), nullable=False),
    Column("point_id", ForeignKey("contact_point.id", ondelete="CASCADE"), nullable=False),
    Column("at", Utc, nullable=False),
    Index("ix_automatic_send_point_id", "point_id", "at"),
    Index("ix_automatic_send_account_id", "account_id", "at"),
)

# Files that a provider keeps for an entry, until they are fetched or given up.
remote_file = Table(
    "remote_file",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("interaction_id", ForeignKey("interaction.id"), nullable=False),
    Column("account_id", ForeignKey("channel_account.id"), nullable=False),
    Column("url", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Utc, nullable=False),
    Index("ix_remote_file_next_attempt_at", "next_attempt_at"),
)
