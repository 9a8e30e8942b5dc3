"""Words of the list that name somebody are sealed: told again, as older lines do not open. A case that was handed over has
a last word on who holds it."""

from alembic import op

revision = "0340"
down_revision = "0320"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SELECT set_config('ruta.as_service', 'on', true)")
    op.execute("UPDATE restrictions SET told_at = NULL WHERE kind IN ('implicated', 'line_report')")
    op.execute(
        """
        INSERT INTO restrictions (kind, subject_id, word, version, case_id, at)
        SELECT DISTINCT ON (t.case_id) 'holder', t.case_id,
            jsonb_build_object('holder', t.to_organisation), 0, t.case_id, t.decided_at
        FROM transfers t JOIN cases c ON c.id = t.case_id
        WHERE t.state = 'accepted' AND c.status <> 'erased'
        ORDER BY t.case_id, t.decided_at DESC
        """
    )
    op.execute("SELECT set_config('ruta.as_service', '', true)")


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
