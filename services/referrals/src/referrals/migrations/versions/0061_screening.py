"""Screening: instruments, screenings, intake from form tools, trainings and certificates."""

from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE instruments (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        shared boolean NOT NULL,
        code text NOT NULL,
        version text NOT NULL,
        document jsonb NOT NULL,
        sha256 bytea NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        UNIQUE (organisation_id, code, version)
    )
    """,
    """
    CREATE TABLE instrument_retirements (
        instrument_id uuid NOT NULL,
        organisation_id uuid NOT NULL,
        for_all boolean NOT NULL,
        retired_at timestamptz NOT NULL,
        retired_by text NOT NULL,
        PRIMARY KEY (instrument_id, organisation_id)
    )
    """,
    """
    CREATE TABLE screenings (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        case_id uuid REFERENCES cases,
        instrument_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('open', 'stopped', 'concluded', 'erased')),
        version integer NOT NULL,
        events integer NOT NULL,
        area text,
        held_at timestamptz NOT NULL,
        source text NOT NULL,
        answers bytea,
        conclusion bytea,
        judgement text,
        screener text,
        stop_reason text,
        attributes jsonb,
        referred_at timestamptz,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        changed_at timestamptz NOT NULL,
        ended_at timestamptz,
        CHECK ((status = 'concluded') = (judgement IS NOT NULL) OR status = 'erased')
    )
    """,
    "CREATE INDEX screenings_listing ON screenings (organisation_id, id DESC)",
    "CREATE INDEX screenings_of_case ON screenings (case_id) WHERE case_id IS NOT NULL",
    """
    CREATE INDEX screenings_retention ON screenings (changed_at)
        WHERE case_id IS NULL AND status <> 'erased'
    """,
    """
    CREATE TABLE intake_forms (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        name text NOT NULL,
        instrument_id uuid NOT NULL,
        mapping jsonb NOT NULL,
        secret bytea NOT NULL,
        active boolean NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        changed_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX intake_forms_organisation ON intake_forms (organisation_id)",
    """
    CREATE TABLE intake_submissions (
        id uuid PRIMARY KEY,
        form_id uuid NOT NULL REFERENCES intake_forms,
        organisation_id uuid NOT NULL,
        submission_id text NOT NULL,
        fingerprint bytea NOT NULL,
        status text NOT NULL CHECK (status IN ('taken', 'quarantined', 'discarded', 'not_kept')),
        reasons jsonb NOT NULL,
        content bytea,
        screening_id uuid REFERENCES screenings,
        received_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        UNIQUE (form_id, submission_id)
    )
    """,
    """
    CREATE INDEX intake_submissions_listing ON intake_submissions (organisation_id, status, id DESC)
    """,
    """
    CREATE TABLE trainings (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        version integer NOT NULL,
        topic text NOT NULL,
        area text NOT NULL,
        starts_on date NOT NULL,
        ends_on date NOT NULL,
        sessions integer NOT NULL,
        women integer NOT NULL,
        men integer NOT NULL,
        others integer NOT NULL,
        cancelled boolean NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        changed_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX trainings_listing ON trainings (organisation_id, id DESC)",
    """
    CREATE TABLE certificates (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        holder text NOT NULL,
        topic text NOT NULL,
        training_id uuid REFERENCES trainings,
        certified_on date NOT NULL,
        valid_until date NOT NULL,
        revoked_at timestamptz,
        revoked_reason text,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        CHECK (valid_until > certified_on),
        CHECK (created_by <> holder)
    )
    """,
    "CREATE INDEX certificates_holder ON certificates (organisation_id, holder, topic)",
    "CREATE INDEX certificates_expiring ON certificates (valid_until) WHERE revoked_at IS NULL",
)
_OWN = "(SELECT caller_organisation()) = organisation_id"
_POLICIES = {
    "instruments": f"{_OWN} OR shared",
    "instrument_retirements": f"{_OWN} OR for_all",
    "screenings": _OWN,
    "intake_forms": _OWN,
    "intake_submissions": _OWN,
    "trainings": f"{_OWN} OR (SELECT caller_has_role('coordinator'))",
    "certificates": f"{_OWN} OR (SELECT caller_has_role('coordinator'))",
}
# An instrument's version never changes: the run-time role cannot even try.
_IMMUTABLE = """
DO $$
DECLARE role_name text;
BEGIN
    FOR role_name IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_name = 'instruments' AND privilege_type = 'UPDATE' AND grantee <> current_user
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE ON instruments FROM %I', role_name);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
    for table, visible in _POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY visible ON {table} USING ({visible} OR (SELECT acts_as_service()))"
            f" WITH CHECK ({_OWN} OR (SELECT acts_as_service()))"
        )
    op.execute(_IMMUTABLE)


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
