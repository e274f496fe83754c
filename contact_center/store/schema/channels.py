"""Channel accounts, how far each was read, the ledger of raw items, and their bytes."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

channel_account = Table(
    "channel_account",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("address", CleanText, nullable=False),
    Column("queue_id", ForeignKey("queue.id"), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("options", Json, nullable=False),
    Column("health", CleanText, nullable=False),
    Column("health_detail", CleanText, nullable=False, default=""),
    Column("checked_at", Utc),
    # After how many hours without anything people are told; NULL: silence is ordinary here.
    Column("expect_hours", Integer),
    # Since when nothing has come, once that is longer than expected; NULL: all is well.
    Column("silent_since", Utc),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("project_id", "kind", "address"),
)

channel_cursor = Table(
    "channel_cursor",
    metadata,
    Column("account_id", ForeignKey("channel_account.id", ondelete="CASCADE"), primary_key=True),
    Column("name", CleanText, primary_key=True),
    Column("value", Json, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("holder", CleanText, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

blob = Table(
    "blob",
    metadata,
    Column("sha256", CleanText, primary_key=True),
    Column("size", BigInteger, nullable=False),
    # NULL: too large for the database; the bytes are in a file of the blob folder under the same name.
    Column("content", LargeBinary),
)

raw_item = Table(
    "raw_item",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("account_id", ForeignKey("channel_account.id"), nullable=False),
    Column("provider_key", CleanText, nullable=False),
    Column("sha256", ForeignKey("blob.sha256"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("envelope", Json, nullable=False),
    Column("source_time", Utc),
    Column("received_at", Utc, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("reason", CleanText, nullable=False, default=""),
    Column("interaction_id", ForeignKey("interaction.id")),
    Column("duplicate_of_id", ForeignKey("raw_item.id")),
    UniqueConstraint("account_id", "provider_key"),
    Index("ix_raw_item_sha256", "account_id", "sha256"),
    # Only items in flight or stuck are looked for by state; the settled millions stay out of the index.
    Index(
        "ix_raw_item_unsettled",
        "state",
        "id",
        sqlite_where=Column("state").in_(["received", "quarantined"]),
        postgresql_where=Column("state").in_(["received", "quarantined"]),
    ),
    Index("ix_raw_item_interaction_id", "interaction_id"),
    # The books are counted from the index alone.
    Index("ix_raw_item_books", "account_id", "state", "id"),
)

# What a comparison of the ledger with the source itself found.
reconciliation = Table(
    "reconciliation",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("account_id", ForeignKey("channel_account.id", ondelete="CASCADE"), nullable=False),
    Column("at", Utc, nullable=False),
    Column("at_source", Integer, nullable=False),
    Column("in_ledger", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    # The first of the missing, by the source's own key.
    Column("missing_keys", Json, nullable=False),
    Column("error", CleanText, nullable=False, default=""),
    Index("ix_reconciliation_account_id", "account_id", "id"),
)
