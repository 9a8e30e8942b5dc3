"""Who has a case: a person of the organisation that holds it. Nobody has those from before."""

from alembic import op

revision = "0150"
down_revision = "0143"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE cases ADD COLUMN assigned_to text")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
