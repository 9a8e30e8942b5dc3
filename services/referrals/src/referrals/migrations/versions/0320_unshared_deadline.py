"""A clinical deadline that the person did not grant stays with the sender."""

from alembic import op

revision = "0320"
down_revision = "0311"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referrals ADD COLUMN unshared_deadline timestamptz")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
