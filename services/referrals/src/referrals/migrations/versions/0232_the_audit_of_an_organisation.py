"""The audit of an organisation is read from its end: an index in the order of its pages."""

from alembic import op

revision = "0232"
down_revision = "0231"
branch_labels = None
depends_on = None

_NEWEST = "CREATE INDEX CONCURRENTLY audit_entries_newest ON audit_entries (organisation_id, id)"


def upgrade() -> None:
    # What an attempt that was broken off has left is made anew: no plan takes it.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS audit_entries_newest")
        op.execute(_NEWEST)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
