"""Whose rights have ended, as the front tells it: queued imports are judged by it."""

from alembic import op
from common.db.ended_rights import create_ended_rights

revision = "0290"
down_revision = "0283"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ended_rights(op)


def downgrade() -> None:
    op.drop_table("ended_rights")
