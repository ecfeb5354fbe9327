"""Alembic environment: runs on the connection that `nexus.store.migrate` hands over."""

from alembic import context

from nexus.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_server_default=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
