"""When an accepted referral is to move on: the appointment, or by when the next step is to be taken."""

from alembic import op

revision = "0211"
down_revision = "0210"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE referrals ADD COLUMN appointment_at timestamptz, ADD COLUMN act_by timestamptz"
    )


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
