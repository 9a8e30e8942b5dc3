"""Closings: what was asked of all programmes of a period together, and what is left to do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0170"
down_revision = "0160"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "closings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.UniqueConstraint("period", name="closings_once"),
    )
    op.create_table(
        "closing_steps",
        sa.Column("closing_id", sa.Uuid, sa.ForeignKey("closings.id"), primary_key=True),
        sa.Column("programme", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column(
            "task", sa.Text, sa.CheckConstraint("task IN ('close', 'publish')"), nullable=False
        ),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", TIME),
        sa.Column("problem", pg.JSONB),
        sa.Column("changed_at", TIME, nullable=False),
    )
    op.create_index(
        "closing_steps_due",
        "closing_steps",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
