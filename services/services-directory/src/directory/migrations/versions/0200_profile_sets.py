"""Profiles that an AoR keeps to try its drafts with; a look at the log of restricted reads stands in it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0200"
down_revision = "0190"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "profile_sets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("aor", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("profiles", pg.JSONB, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("aor", "name", name="profile_sets_by_name"),
    )
    # Null: the log itself was read, by an auditor.
    op.alter_column("restricted_reads", "service_id", nullable=True)


def downgrade() -> None:
    op.drop_table("profile_sets")
