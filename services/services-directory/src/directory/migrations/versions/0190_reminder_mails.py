"""Organisations are written to when their entries are to be verified."""

import sqlalchemy as sa
from alembic import op

revision = "0190"
down_revision = "0180"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reminder_mails",
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("told_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused", sa.LargeBinary),
    )


def downgrade() -> None:
    op.drop_table("reminder_mails")
