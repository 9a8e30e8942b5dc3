"""Which changes of how somebody signs in they are told, and have read; with what they signed in."""

import sqlalchemy as sa
from alembic import context, op

revision = "0170"
down_revision = "0157"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What an instance of the former release records while both run, and all that was before, is no news.
    op.add_column(
        "identity_changes", sa.Column("news", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("identity_changes", sa.Column("read_at", sa.DateTime(timezone=True)))
    role = context.config.attributes["run_time_role"]
    op.execute(f"GRANT UPDATE (read_at) ON identity_changes TO {role}")
    op.add_column("sign_ins", sa.Column("factor", sa.Text))
    with op.get_context().autocommit_block():
        for table, column in (("identity_changes", "target"), ("sign_ins", "signed_in_at")):
            name = f"{table}_{column}"
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({column})")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
