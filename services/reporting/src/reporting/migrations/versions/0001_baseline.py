"""Facts, cubes, releases, bulletins: creates all tables from `baseline.sql`. The tables of the projection exist twice
(`projection.sql`): one set is read, the other is rebuilt beside it. Later revisions expand them."""

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
