"""All tables, one file a subject. Importing this package fills `metadata`."""

from contact_center.store.schema import (
    access,
    audit,
    canned,
    channels,
    contacts,
    figures,
    handling,
    hours,
    journal,
    outbound,
    presence,
    routing,
    rules,
    search,
    skills,
    sla,
    surveys,
    tickets,
    webhooks,
    work,
    working,
)
from contact_center.store.schema.base import metadata

__all__ = [
    "access", "audit", "canned", "channels", "contacts", "figures", "handling", "hours", "journal", "metadata", "outbound",
    "presence", "routing", "rules", "search", "skills", "sla", "surveys", "tickets", "webhooks", "work", "working",
]  # fmt: skip
