"""Creates all tables from `baseline.sql` in this folder. Later revisions expand them."""

from alembic import context, op
from common.db.migrations.statements import execute

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute(op, "directory", "baseline.sql", role=context.config.attributes["run_time_role"])
    # Do not trust clock readings before this time.
    op.execute("INSERT INTO clock_looks (one, at, believed_from) VALUES (true, now(), now())")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
