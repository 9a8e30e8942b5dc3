"""People, organisations, clients and sign-ins: creates all tables from `baseline.sql` next to this file. Later
revisions expand them."""

from alembic import context, op
from common.db.migrations.statements import execute

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute(op, "gateway.issuer", "baseline.sql", role=context.config.attributes["run_time_role"])


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
