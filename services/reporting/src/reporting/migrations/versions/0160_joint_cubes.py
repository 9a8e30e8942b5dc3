"""One joint cube per population and period; a release is a view of it.

Releases from before were rounded apart from others over the same people and can be played against
them: they stay for the record, and are no longer answered to anybody but the IM role.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql as pg

revision = "0160"
down_revision = "0140"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    op.create_table(
        "joint_cubes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("population", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("k", sa.Integer, nullable=False),
        sa.Column("public_k", sa.Integer),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("schema_fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("definition", pg.JSONB, nullable=False),
        sa.Column("cells_hash", sa.LargeBinary, nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.UniqueConstraint("population", "period", name="joint_cubes_write_once"),
    )
    op.create_table(
        "joint_cells",
        sa.Column("cube_id", sa.Uuid, sa.ForeignKey("joint_cubes.id"), primary_key=True),
        sa.Column("tier", sa.Text, primary_key=True),
        sa.Column("coordinates", sa.ARRAY(sa.Text), primary_key=True),
        sa.Column("count", sa.Integer, sa.CheckConstraint("count > 0"), nullable=False),
        sa.CheckConstraint("tier IN ('internal', 'public')", name="joint_cells_tier"),
    )
    op.add_column("releases", sa.Column("cube_id", sa.Uuid, sa.ForeignKey("joint_cubes.id")))
    for table in ("joint_cubes", "joint_cells"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
