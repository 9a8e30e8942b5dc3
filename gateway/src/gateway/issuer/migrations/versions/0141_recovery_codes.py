"""Recovery codes of people, by their keyed digests."""

import sqlalchemy as sa
from alembic import op

revision = "0141"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recovery_codes",
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id"), primary_key=True),
        sa.Column("code_digest", sa.LargeBinary, primary_key=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
