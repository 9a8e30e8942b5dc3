"""What intervals are computed from, kept from the closing on. Cubes from before compute it when asked."""

import sqlalchemy as sa
from alembic import context, op

revision = "0183"
down_revision = "0182"


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    op.create_table(
        "joint_posteriors",
        sa.Column("cube_id", sa.Uuid, sa.ForeignKey("joint_cubes.id"), primary_key=True),
        sa.Column("tier", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("tier IN ('internal', 'public')", name="joint_posteriors_tier"),
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON joint_posteriors FROM {role}")
