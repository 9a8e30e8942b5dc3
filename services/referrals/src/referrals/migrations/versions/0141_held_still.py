"""What the recipient of a referral goes on seeing after its organisation was implicated in the case."""

from alembic import op

revision = "0141"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referrals ADD COLUMN held_still jsonb")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
