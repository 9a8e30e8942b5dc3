"""Whom a report of the line was handed to reads it whatever its status: where that ended before, it is said."""

from alembic import op

revision = "0286"
down_revision = "0285"
branch_labels = None
depends_on = None

# A report that the desk closed, or put aside, was with nobody; and whoever erased a case went on reading what it was made of.
END = """
    UPDATE line_reports r
    SET handed_to = NULL, handed_basis = NULL, handed_at = NULL,
        status = CASE WHEN r.status = 'handed_over' THEN 'closed' ELSE r.status END
    WHERE r.handed_to IS NOT NULL AND (
        EXISTS (SELECT 1 FROM cases c WHERE c.id = r.case_id AND c.status = 'erased')
        OR (r.case_id IS NULL AND r.status <> 'handed_over' AND r.closed_reason IS DISTINCT FROM 'handed_over')
    )
"""


def upgrade() -> None:
    op.execute("SELECT set_config('ruta.as_service', 'on', true)")
    op.execute(END)
    op.execute("SELECT set_config('ruta.as_service', '', true)")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
