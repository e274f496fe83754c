"""Which version the tables are at. Apart from `migrate.py`, so that a server whose tables are current loads no alembic."""

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

HEAD = "0013"
"""The newest migration: what this code needs."""


def current(connection: Connection) -> str | None:
    """The version the database is at, None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def is_current(connection: Connection) -> bool:
    """Whether the database is at the version this code needs."""
    return current(connection) == HEAD
