"""What was queued is not sent once its receiver could not find it any more, and says so."""

from alembic import op

revision = "0310"
down_revision = "0286"
branch_labels = None
depends_on = None

_STATUSES = {
    "webhook_deliveries": "'waiting', 'delivered', 'dead', 'access_ended'",
    "pings": "'waiting', 'told', 'moot', 'given_up', 'access_ended'",
}


def upgrade() -> None:
    for table, statuses in _STATUSES.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_status_check")
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_status_check CHECK (status IN ({statuses})) NOT VALID"
        )


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
