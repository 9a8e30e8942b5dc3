"""Which changes of identities are in the list that leaves the machine."""

import sqlalchemy as sa
from alembic import context, op

revision = "0157"
down_revision = "0143"
branch_labels = None
depends_on = None

_UNTOLD = (
    "CREATE INDEX CONCURRENTLY identity_changes_untold ON identity_changes (id)"
    " WHERE told_at IS NULL"
)


def upgrade() -> None:
    op.add_column("identity_changes", sa.Column("told_at", sa.DateTime(timezone=True)))
    # All else of what was recorded stays as it was written.
    role = context.config.attributes["run_time_role"]
    op.execute(f"GRANT UPDATE (told_at) ON identity_changes TO {role}")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS identity_changes_untold")
        op.execute(_UNTOLD)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
