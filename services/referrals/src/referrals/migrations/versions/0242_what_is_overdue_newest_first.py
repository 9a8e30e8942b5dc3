"""What is overdue in a queue is read newest first from an index that tells by itself what is late."""

from alembic import op

revision = "0242"
down_revision = "0232"
branch_labels = None
depends_on = None

_OPEN = (
    "sent_at IS NOT NULL AND state IN ('accepted', 'acknowledged', 'draft', 'in_service',"
    " 'info_requested', 'on_hold', 'scheduled', 'sent', 'waitlisted')"
)
_UNDECIDED = "state IN ('acknowledged', 'sent', 'waitlisted')"
# The order of the pages first; the limits behind it are asked of the index, not of each referral.
_NEWEST = f"""
CREATE INDEX CONCURRENTLY referrals_late_newest ON referrals (to_organisation, state, id DESC, LEAST(
    CASE WHEN state IN ('sent') THEN acknowledge_by END,
    CASE WHEN {_UNDECIDED} THEN decide_by END,
    CASE WHEN {_UNDECIDED} THEN clinical_deadline END,
    CASE WHEN state IN ('accepted', 'in_service') THEN act_by END,
    CASE WHEN state IN ('scheduled') THEN appointment_at END
), (CASE WHEN state IN ('on_hold') THEN review_on END)) WHERE {_OPEN}
"""


def upgrade() -> None:
    # What an attempt that was broken off has left is made anew: no plan takes it.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS referrals_late_newest")
        op.execute(_NEWEST)
        # Counting asks `referrals_due` for the same.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS referrals_late")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
