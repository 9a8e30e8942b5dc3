"""Forms of other systems that make cases, and which of their records became which case."""

from alembic import op

revision = "0220"
down_revision = "0215"
branch_labels = None
depends_on = None

_OWN = "(SELECT caller_organisation()) = organisation_id"
_SEEN = f"{_OWN} OR (SELECT acts_as_service())"
_STATEMENTS = (
    """
    ALTER TABLE intake_forms
        ADD COLUMN peer text NOT NULL DEFAULT 'kobotoolbox',
        ADD COLUMN makes text NOT NULL DEFAULT 'screening',
        ALTER COLUMN instrument_id DROP NOT NULL
    """,
    """
    ALTER TABLE intake_forms ADD CONSTRAINT intake_forms_makes
        CHECK (makes = 'screening' AND instrument_id IS NOT NULL
            OR makes = 'case' AND instrument_id IS NULL) NOT VALID
    """,
    "ALTER TABLE intake_submissions ADD COLUMN case_id uuid",
    """
    CREATE TABLE intake_records (
        form_id uuid NOT NULL REFERENCES intake_forms,
        record_id text NOT NULL,
        organisation_id uuid NOT NULL,
        case_id uuid REFERENCES cases,
        person bytea,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (form_id, record_id)
    )
    """,
    "CREATE INDEX intake_records_case ON intake_records (case_id)",
    "ALTER TABLE intake_records ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE intake_records FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY visible ON intake_records USING ({_SEEN}) WITH CHECK ({_SEEN})",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
