"""A queue by deadline is read from an index, state by state, and what is overdue is counted there, too."""

from alembic import op

revision = "0231"
down_revision = "0230"
branch_labels = None
depends_on = None

_OPEN = (
    "sent_at IS NOT NULL AND state IN ('accepted', 'acknowledged', 'draft', 'in_service',"
    " 'info_requested', 'on_hold', 'scheduled', 'sent', 'waitlisted')"
)
_UNDECIDED = "state IN ('acknowledged', 'sent', 'waitlisted')"
# What is due at an instant, then what is due when a day begins; a state has the one or the other.
_DUE = f"""
CREATE INDEX CONCURRENTLY referrals_due ON referrals (to_organisation, state, LEAST(
    CASE WHEN state IN ('sent') THEN acknowledge_by END,
    CASE WHEN {_UNDECIDED} THEN decide_by END,
    CASE WHEN {_UNDECIDED} THEN clinical_deadline END,
    CASE WHEN state IN ('accepted', 'in_service') THEN act_by END,
    CASE WHEN state IN ('scheduled') THEN appointment_at END
), (CASE WHEN state IN ('on_hold') THEN review_on END), id) WHERE {_OPEN}
"""


def upgrade() -> None:
    # What an attempt that was broken off has left is made anew: no plan takes it.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS referrals_due")
        op.execute(_DUE)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
