"""Stored answers end after a day, and go with what they are about."""

from alembic import op
from common.db.tables import let_answers_end

revision = "0140"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    let_answers_end(op)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
