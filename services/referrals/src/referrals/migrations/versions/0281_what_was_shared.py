"""The last words begin with what is not shared any more, too."""

from alembic import op

revision = "0281"
down_revision = "0280"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "SELECT set_config('ruta.as_service', 'on', true)",
    """
    INSERT INTO restrictions (kind, subject_id, word, version, case_id, at)
    SELECT 'sharing', s.referral_id, '{}', 0, s.case_id, s.revoked_at
    FROM snapshots s JOIN cases c ON c.id = s.case_id
    WHERE s.revoked_at IS NOT NULL AND c.status <> 'erased'
    ON CONFLICT DO NOTHING
    """,
    "SELECT set_config('ruta.as_service', '', true)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
