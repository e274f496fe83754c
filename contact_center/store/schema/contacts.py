"""Contacts and the addresses that reach them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

organization = Table(
    "organization",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    # The name as it is compared: two companies whose names differ in case only are one.
    Column("name_key", CleanText, nullable=False),
    Column("note", CleanText, nullable=False),
    Column("created_by", ForeignKey("employee.id")),
    Column("created_at", Utc, nullable=False),
    # What a contract promises its people, whatever queue they write to.
    Column("sla_policy_id", ForeignKey("sla_policy.id")),
    UniqueConstraint("project_id", "name_key"),
)

organization_domain = Table(
    "organization_domain",
    metadata,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("domain", CleanText, primary_key=True),
    Column("organization_id", ForeignKey("organization.id"), nullable=False),
    Index("ix_organization_domain_organization_id", "organization_id"),
)

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
    Column("organization_id", ForeignKey("organization.id")),
    Index("ix_contact_owner_id", "owner_id"),
    Index("ix_contact_organization_id", "organization_id"),
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
    # How we know: what they wrote, or what the provider said.
    Column("reason", CleanText),
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

# What contacts are compared by: two that share a key may be one person. Kept by `contacts/candidates.py`.
contact_match_key = Table(
    "contact_match_key",
    metadata,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("key", CleanText, primary_key=True),
    Column("contact_id", ForeignKey("contact.id"), primary_key=True),
    Column("weight", Integer, nullable=False),
    Index("ix_contact_match_key_contact_id", "contact_id"),
)

# Keys that several contacts have, and how many: so that likely duplicates are found without reading every key.
contact_match_shared = Table(
    "contact_match_shared",
    metadata,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("key", CleanText, primary_key=True),
    Column("holders", Integer, nullable=False),
    Index("ix_contact_match_shared_holders", "project_id", "holders"),
)

# Somebody said that a point is theirs which reaches another contact: a hint, never a link.
contact_claim = Table(
    "contact_claim",
    metadata,
    Column("point_id", ForeignKey("contact_point.id"), primary_key=True),
    Column("contact_id", ForeignKey("contact.id"), primary_key=True),
    Column("claimed_at", Utc, nullable=False),
    Index("ix_contact_claim_contact_id", "contact_id"),
)

# Two contacts that a person found to be different people; the lower id first.
contact_distinct = Table(
    "contact_distinct",
    metadata,
    Column("low_id", ForeignKey("contact.id"), primary_key=True),
    Column("high_id", ForeignKey("contact.id"), primary_key=True),
    Column("decided_by", ForeignKey("employee.id")),
    Column("decided_at", Utc, nullable=False),
    Index("ix_contact_distinct_high_id", "high_id"),
)

contact_import = Table(
    "contact_import",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("created_by", ForeignKey("employee.id"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("filename", CleanText, nullable=False),
    Column("sha256", ForeignKey("blob.sha256"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mapping", Json, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("rows_total", Integer, nullable=False),
    # How far it is: with every batch in its transaction, so that a restart goes on behind it.
    Column("rows_done", Integer, nullable=False),
    Column("outcomes", Json, nullable=False),
    Column("error", CleanText, nullable=False),
    Column("finished_at", Utc),
    Index("ix_contact_import_state", "state"),
)

# Rows of an import that a person should look at; the others leave only their count.
contact_import_row = Table(
    "contact_import_row",
    metadata,
    Column("import_id", ForeignKey("contact_import.id"), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("outcome", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("contact_id", ForeignKey("contact.id")),
)
