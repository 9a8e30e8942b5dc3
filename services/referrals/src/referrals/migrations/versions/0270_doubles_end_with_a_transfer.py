"""What two organisations were told of their doubles ends where one of the cases has gone to another one since."""

from alembic import op

revision = "0270"
down_revision = "0262"
branch_labels = None
depends_on = None

END = """
    UPDATE case_matches m SET status = 'ended', ended_at = now(), agreed_a = NULL, agreed_b = NULL
    WHERE m.status <> 'ended' AND EXISTS (
        SELECT 1 FROM transfers t
        WHERE t.case_id IN (m.case_a, m.case_b) AND t.state = 'accepted' AND t.decided_at > m.created_at
    )
"""


def upgrade() -> None:
    op.execute("SELECT set_config('ruta.as_service', 'on', true)")
    op.execute(END)
    op.execute("SELECT set_config('ruta.as_service', '', true)")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
