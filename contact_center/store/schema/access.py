"""Who may enter: projects, employees, queue grants, sessions, tokens."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, false

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

project = Table(
    "project",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("slug", CleanText, nullable=False, unique=True),
    Column("name", CleanText, nullable=False),
    Column("next_ticket_number", Integer, nullable=False, default=1),
)

# "user" is a reserved word of PostgreSQL.
employee = Table(
    "employee",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("email", CleanText, nullable=False, unique=True),
    Column("name", CleanText, nullable=False),
    Column("role", CleanText, nullable=False),
    Column("password_hash", CleanText),
    Column("disabled_at", Utc),
    Column("created_at", Utc, nullable=False),
    # Whom a telephone system calls by their name.
    Index("ix_employee_name", "project_id", "name"),
)

queue_grant = Table(
    "queue_grant",
    metadata,
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), primary_key=True),
    Column("queue_id", ForeignKey("queue.id", ondelete="CASCADE"), primary_key=True),
)

session = Table(
    "session",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), nullable=False),
    Column("token_hash", CleanText, nullable=False, unique=True),
    Column("created_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("address", CleanText, nullable=False),
    Column("user_agent", CleanText, nullable=False),
    Column("revoked_at", Utc),
    Index("ix_session_employee_id", "employee_id"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("token_hash", CleanText, nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("last_used_at", Utc),
    Column("revoked_at", Utc),
    Index("ix_api_token_employee_id", "employee_id"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE")),
    Column("token_hash", CleanText, nullable=False, unique=True),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), nullable=False),
    Column("key", CleanText, nullable=False),
    Column("request_hash", CleanText, nullable=False),
    Column("status", Integer),
    Column("body", CleanText),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("employee_id", "key"),
)

queue = Table(
    "queue",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("confidential", Boolean, nullable=False, default=False),
    Column("created_at", Utc, nullable=False),
    # When it is open; NULL: always.
    Column("calendar_id", ForeignKey("calendar.id")),
    # Routing and its target; seconds.
    Column("offers", Boolean, nullable=False, server_default=false()),
    Column("offer_seconds", Integer, nullable=False, server_default="30"),
    Column("target_seconds", Integer, nullable=False, server_default="14400"),
    Column("overflow_queue_id", ForeignKey("queue.id")),
    Column("overflow_seconds", Integer, nullable=False, server_default="3600"),
    Column("overflow_until", Utc),
    Column("after_hours_queue_id", ForeignKey("queue.id")),
    # What is promised to customers whose tickets open here.
    Column("sla_policy_id", ForeignKey("sla_policy.id")),
    # Whether whoever passes a ticket of it on must leave a note.
    Column("wants_handover", Boolean, nullable=False, server_default=false()),
    # For how long a resolved ticket is reopened by an answer; NULL: as the settings say, 0: never, -1: always.
    Column("follow_up_days", Integer),
    # Time to write up what was answered, in seconds, and what is to be said then.
    Column("wrap_seconds", Integer, nullable=False, server_default="0"),
    Column("wants_reason", Boolean, nullable=False, server_default=false()),
    Column("wants_disposition", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("project_id", "name"),
)
