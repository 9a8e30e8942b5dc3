"""A coarser public tier of a release, written once beside it."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql as pg

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    op.create_table(
        "public_tiers",
        sa.Column("release_id", sa.Uuid, sa.ForeignKey("releases.id"), primary_key=True),
        sa.Column("k", sa.Integer, nullable=False),
        sa.Column("expected_errors", pg.JSONB, nullable=False),
    )
    op.create_table(
        "public_cells",
        sa.Column(
            "release_id", sa.Uuid, sa.ForeignKey("public_tiers.release_id"), primary_key=True
        ),
        sa.Column("coordinates", sa.ARRAY(sa.Text), primary_key=True),
        sa.Column("count", sa.Integer, sa.CheckConstraint("count > 0"), nullable=False),
    )
    for table in ("public_tiers", "public_cells"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
