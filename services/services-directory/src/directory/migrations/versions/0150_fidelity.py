"""What became of every value of an imported file."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0150"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("fidelity", pg.JSONB))


def downgrade() -> None:
    op.drop_column("imports", "fidelity")
