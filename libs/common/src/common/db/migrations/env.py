"""Alembic's environment: it uses the runner's connection, or only outputs SQL."""

from alembic import context

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True)
else:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
