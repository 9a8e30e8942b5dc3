"""Consents to compare are found by their case alone: since a day's are not counted any more, no statement reads them
by organisation and day."""

from alembic import op

revision = "0311"
down_revision = "0310"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS match_consents_day")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
