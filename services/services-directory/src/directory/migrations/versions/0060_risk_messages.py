"""Risk messages that coordinators publish for information points."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0060"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "risk_messages",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("aor", sa.Text, nullable=False),
        sa.Column("areas", pg.ARRAY(sa.Text), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("texts", pg.JSONB, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("written_at", instant, nullable=False),
        sa.Column("published_by", sa.Text),
        sa.Column("published_at", instant),
        sa.Column("withdrawn_by", sa.Text),
        sa.Column("withdrawn_at", instant),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'withdrawn')", name="risk_messages_state"
        ),
    )
    op.create_index("risk_messages_published", "risk_messages", ["state", "published_at"])


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
