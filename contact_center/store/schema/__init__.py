"""All tables, one file a subject. Importing this package fills `metadata`."""

from contact_center.store.schema import access, channels, contacts, journal, outbound, presence, search, tickets, work
from contact_center.store.schema.base import metadata

__all__ = ["access", "channels", "contacts", "journal", "metadata", "outbound", "presence", "search", "tickets", "work"]
