"""Whoever coordinates notes that an organisation was called about what is late."""

from alembic import op

revision = "0351"
down_revision = "0350"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE late_calls (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        aor text NOT NULL,
        outcome text NOT NULL,
        called_at timestamptz NOT NULL,
        called_by text NOT NULL
    )
    """,
    "CREATE INDEX late_calls_last ON late_calls (aor, organisation_id, called_at DESC)",
    "CREATE INDEX late_calls_ending ON late_calls (called_at)",
    "ALTER TABLE late_calls ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE late_calls FORCE ROW LEVEL SECURITY",
    # Noted by another organisation than it is about: whoever coordinates is checked in the use case.
    "CREATE POLICY visible ON late_calls USING ((SELECT acts_as_service()))",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
