"""What of an entry is restricted, as other services were told it: they keep it beside the databases. NULL: not told
yet; the worker tells it at its start."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0280"
down_revision = "0201"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("services", sa.Column("restricted", JSONB(none_as_null=True)))


def downgrade() -> None:
    op.drop_column("services", "restricted")
