"""Facts, cubes, releases, bulletins: all tables, as `baseline.sql` makes them, and the projection's, once for
what is read and once for the rebuild beside it (`projection.sql`). Later revisions expand them."""

from alembic import context, op
from common.db.migrations.statements import execute

revision = "0001"
down_revision = None


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    execute(op, "reporting", "baseline.sql", role=role)
    for schema in ("projection", "projection_shadow"):
        execute(op, "reporting", "projection.sql", schema=schema, role=role)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
