"""Creates all tables from `baseline.sql`: facts, cubes, releases, bulletins. The projection's tables exist twice
(`projection.sql`): readers use one set while a rebuild fills the other. Later revisions expand them."""

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
