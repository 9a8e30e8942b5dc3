"""A queue is counted in an index: what is open by state, and what is overdue by its first limit."""

from alembic import op

revision = "0230"
down_revision = "0220"
branch_labels = None
depends_on = None

_OPEN = (
    "sent_at IS NOT NULL AND state IN ('accepted', 'acknowledged', 'draft', 'in_service',"
    " 'info_requested', 'on_hold', 'scheduled', 'sent', 'waitlisted')"
)
_UNDECIDED = "state IN ('acknowledged', 'sent', 'waitlisted')"
# What row security asks of a row, and whose queue it is in, so that counting reads no row itself.
_STATES = (
    "CREATE INDEX CONCURRENTLY referrals_open ON referrals (to_organisation, state)"
    f" INCLUDE (from_organisation, sent_at, service_id) WHERE {_OPEN}"
)
_LATE = f"""
CREATE INDEX CONCURRENTLY referrals_late ON referrals (to_organisation, LEAST(
    CASE WHEN state IN ('sent') THEN acknowledge_by END,
    CASE WHEN {_UNDECIDED} THEN decide_by END,
    CASE WHEN {_UNDECIDED} THEN clinical_deadline END,
    CASE WHEN state IN ('accepted', 'in_service') THEN act_by END,
    CASE WHEN state IN ('scheduled') THEN appointment_at END
)) WHERE {_OPEN}
"""


def upgrade() -> None:
    # What an attempt that was broken off has left is made anew: no plan takes it.
    with op.get_context().autocommit_block():
        for name, made in (("referrals_open", _STATES), ("referrals_late", _LATE)):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(made)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
