"""Milestones of the work plan, and a history of them that the run-time role can only add to."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql as pg

revision = "0182"
down_revision = "0181"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    op.create_table(
        "milestones",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("what", pg.JSONB, nullable=False),
        sa.Column("responsible", pg.JSONB),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("due", sa.Text, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("indicator", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", pg.JSONB),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
    )
    op.create_index("milestones_due", "milestones", ["last_day", "id"])
    op.create_table(
        "milestone_changes",
        sa.Column("milestone_id", sa.Uuid, sa.ForeignKey("milestones.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("body", pg.JSONB, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
    )
    op.execute(f"REVOKE UPDATE, DELETE ON milestone_changes FROM {role}")
    op.execute(f"REVOKE DELETE ON milestones FROM {role}")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
