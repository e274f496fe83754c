"""Contacts and the addresses that reach them."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

contact = Table(
    "contact",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("note", CleanText, nullable=False, default=""),
    Column("owner_id", ForeignKey("employee.id")),
    Column("created_at", Utc, nullable=False),
    # A merged contact stays as an alias, so that old links and webhooks find the survivor.
    Column("merged_into_id", ForeignKey("contact.id")),
)

contact_point = Table(
    "contact_point",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("value", CleanText, nullable=False),
    Column("display", CleanText, nullable=False),
    Column("bounced_at", Utc),
    UniqueConstraint("project_id", "kind", "value"),
)

contact_point_link = Table(
    "contact_point_link",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("point_id", ForeignKey("contact_point.id"), nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("role", CleanText, nullable=False),
    Column("verified_at", Utc),
    Column("valid_from", Utc, nullable=False),
    Column("valid_to", Utc),
    UniqueConstraint("point_id", "contact_id"),
    Index("ix_contact_point_link_contact_id", "contact_id"),
)

# Whoever asked one of our numbers or mailboxes for no more messages.
opt_out = Table(
    "opt_out",
    metadata,
    Column("account_id", ForeignKey("channel_account.id"), primary_key=True),
    Column("point_id", ForeignKey("contact_point.id"), primary_key=True),
    Column("since", Utc, nullable=False),
    Index("ix_opt_out_point_id", "point_id"),
)

contact_merge = Table(
    "contact_merge",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("survivor_id", ForeignKey("contact.id"), nullable=False),
    Column("loser_id", ForeignKey("contact.id"), nullable=False),
    Column("snapshot", Json, nullable=False),
    Column("merged_by", ForeignKey("employee.id")),
    Column("merged_at", Utc, nullable=False),
    Column("undone_by", ForeignKey("employee.id")),
    Column("undone_at", Utc),
    Index("ix_contact_merge_survivor_id", "survivor_id"),
)
