"""Where alembic finds the connection: `registry.index.database.migrate` hands it in."""

from alembic import context

from registry.index.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
