"""The audit log: who did or saw what. Each row carries a keyed hash over itself and the row before."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from contact_center.store.schema.base import metadata
from contact_center.store.types import CleanText, Json, Utc

# No foreign keys: what is told here outlives whom it tells of.
audit_entry = Table(
    "audit_entry",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("project_id", BigInteger),
    Column("actor_id", BigInteger),
    Column("actor", CleanText, nullable=False),
    Column("address", CleanText, nullable=False),
    Column("action", CleanText, nullable=False),
    Column("object_kind", CleanText, nullable=False),
    Column("object_id", BigInteger),
    Column("detail", Json, nullable=False),
    Column("hash", CleanText, nullable=False),
    Index("ix_audit_entry_object", "object_kind", "object_id", "number"),
    Index("ix_audit_entry_actor", "actor_id", "number"),
    Index("ix_audit_entry_action", "action", "number"),
)

# One row: number and hash of the newest entry. Whoever appends locks it, so that the chain has no forks.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", CleanText, nullable=False),
    # Only a holder of the key can make the head of a shortened chain.
    Column("seal", CleanText, nullable=False),
)
