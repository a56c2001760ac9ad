"""Alembic runs this file on the connection of `headwater.store.sql.setup.upgrade`, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
