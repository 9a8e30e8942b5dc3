"""What of an entry is restricted, as other services were told it: they keep it beside the databases. NULL: not told
yet; the worker tells it at its start."""

from alembic import op

revision = "0280"
down_revision = "0201"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE services ADD COLUMN IF NOT EXISTS restricted jsonb")


def downgrade() -> None:
    op.drop_column("services", "restricted")
