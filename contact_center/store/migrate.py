"""Bringing tables to the version this code needs, with alembic; one history for both engines."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from contact_center import failpoints
from contact_center.errors import ConfigError
from contact_center.store.schema import metadata, search
from contact_center.store.version import current


def upgrade(where: Engine | Connection, to: str = "head") -> None:
    """Run every migration that is missing, up to revision `to`.

    Raises ConfigError if the database was written by a newer version of the product.
    """
    if isinstance(where, Connection):
        _upgrade(where, to)
        return
    # Batch migrations copy tables; with foreign keys enforced SQLite would delete the rows that point at the old one.
    with where.connect() as connection:
        # Past SQLAlchemy, which would open a transaction first: inside one this pragma does nothing.
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        with connection.begin():
            _upgrade(connection, to)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise ConfigError(f"The migration would leave dangling references: {broken[:3]}")
    where.dispose()


def head() -> str:
    """The newest migration there is; `version.HEAD` must name it."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def drift(connection: Connection) -> list[object]:
    """What differs between the migrated database and the tables as declared; empty when nothing does."""
    context = MigrationContext.configure(connection, opts={"compare_type": False, "include_object": search.is_declared})
    return list(compare_metadata(context, metadata))


def knows(revision: str) -> bool:
    """Whether this release has a migration of that name."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _upgrade(connection: Connection, to: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    at = current(connection)
    if at is not None and at not in known:
        raise ConfigError(f"The database is at version {at}, which this release does not know. Use a newer release.")
    command.upgrade(config, to)
    failpoints.reach("migrate.step")


def downgrade(connection: Connection, to: str) -> None:
    """Step back to revision `to` ("base" empties the database)."""
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, to)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
