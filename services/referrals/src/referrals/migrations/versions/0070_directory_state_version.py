"""What a service is and whether it takes referrals now arrive as two events: a version for each."""

from alembic import op

revision = "0070"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE directory_services ADD COLUMN state_version bigint NOT NULL DEFAULT 0")
    op.execute("UPDATE directory_services SET state_version = version")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
