"""Who is at a console now. Each process notes its own consoles; what it does not renew fades by itself."""

from sqlalchemy import Column, ForeignKey, Table

from contact_center.store.schema.base import metadata
from contact_center.store.types import CleanText, Utc

presence = Table(
    "presence",
    metadata,
    Column("employee_id", ForeignKey("employee.id", ondelete="CASCADE"), primary_key=True),
    Column("holder", CleanText, primary_key=True),
    Column("since", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
)
