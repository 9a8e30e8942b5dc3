"""An offer of a case says what the person needs, how urgently and why, for whoever decides on it."""

from alembic import op

revision = "0350"
down_revision = "0340"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("need", "urgency", "why"):
        op.execute(f"ALTER TABLE transfers ADD COLUMN {column} text")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
