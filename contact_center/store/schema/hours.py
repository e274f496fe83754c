"""When somebody is there: calendars of opening hours, which queues follow."""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from contact_center.store.schema.base import metadata
from contact_center.store.types import BigKey, CleanText, Json, Utc

calendar = Table(
    "calendar",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("project_id", ForeignKey("project.id"), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("timezone", CleanText, nullable=False),
    # Seven lists from Monday on of intervals ["09:00", "18:00"]; "24:00" ends a day.
    Column("weekly", Json, nullable=False),
    # Country, or country and region, whose holidays are closed ("RU", "DE-BY"); empty: none.
    Column("holidays", CleanText, nullable=False, default=""),
    # Days that differ: {"2026-12-31": [["10:00", "15:00"]], "2027-01-02": []}.
    Column("overrides", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("project_id", "name"),
)
