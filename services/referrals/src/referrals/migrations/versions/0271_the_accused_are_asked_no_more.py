"""Nobody is asked any more to hand a report of the line to an organisation that it speaks against."""

from alembic import op

revision = "0271"
down_revision = "0270"
branch_labels = None
depends_on = None

END = """
    DELETE FROM line_exceptions e USING line_reports r
    WHERE r.id = e.report_id AND e.organisation_id = ANY (r.implicated)
"""


def upgrade() -> None:
    op.execute("SELECT set_config('ruta.as_service', 'on', true)")
    op.execute(END)
    op.execute("SELECT set_config('ruta.as_service', '', true)")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
