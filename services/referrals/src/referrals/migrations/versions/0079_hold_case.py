"""One command at a time on a case: the lock that each takes first (referrals.ground.locking_queries)."""

from alembic import op

revision = "0079"
down_revision = "0071"
branch_labels = None
depends_on = None

# Its cost makes the planner ask everything else of a row before: only what a caller may have is
# held. NULL is what belongs to no case. The second number keeps it apart from other locks.
_HOLD_CASE = """
CREATE FUNCTION hold_case(case_id uuid, wait boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE COST 100000 AS $$
BEGIN
    IF case_id IS NULL THEN
        RETURN true;
    ELSIF wait THEN
        PERFORM pg_advisory_xact_lock(uuid_hash_extended(case_id, 4321));
        RETURN true;
    END IF;
    RETURN pg_try_advisory_xact_lock(uuid_hash_extended(case_id, 4321));
END
$$
"""


def upgrade() -> None:
    op.execute(_HOLD_CASE)


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
