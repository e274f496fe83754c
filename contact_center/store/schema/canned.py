"""Texts that are written often."""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Utc

canned_reply = Table(
    "canned_reply",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    # Only for tickets of this queue; NULL: for all.
    Column("queue_id", ForeignKey("queue.id")),
    Column("title", CleanText, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("changed_at", Utc, nullable=False),
    UniqueConstraint("project_id", "title"),
)
