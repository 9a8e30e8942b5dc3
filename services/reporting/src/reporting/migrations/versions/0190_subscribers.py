"""Who gets bulletins by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0190"
down_revision = "0183"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("address", sa.LargeBinary, nullable=False),
        sa.Column("address_digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("confirm_wanted", sa.Boolean, nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("told_until", TIME),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
    )
    op.create_index("subscribers_due", "subscribers", ["next_attempt_at"])
    op.create_index("subscribers_asked", "subscribers", ["asked_at"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
