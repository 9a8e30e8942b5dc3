"""An opened access ends when the case is handed over; finding the living ones of a case."""

from alembic import op

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE break_glass DROP CONSTRAINT break_glass_status_check")
    op.execute(
        "ALTER TABLE break_glass ADD CONSTRAINT break_glass_status_check"
        " CHECK (status IN ('asked', 'open', 'refused', 'ended')) NOT VALID"
    )
    op.execute("ALTER TABLE break_glass VALIDATE CONSTRAINT break_glass_status_check")
    op.execute("CREATE INDEX break_glass_case ON break_glass (case_id)")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
