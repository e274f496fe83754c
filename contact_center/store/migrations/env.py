"""Runs migrations inside the transaction that `store/migrate.py` opened."""

from alembic import context

from contact_center.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
