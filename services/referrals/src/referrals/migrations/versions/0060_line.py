"""The anonymous line: reports, their threads, exceptions to the reporter's wish."""

from alembic import op

revision = "0060"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE line_reports (
        id uuid PRIMARY KEY,
        locator bytea NOT NULL UNIQUE,
        public_key bytea NOT NULL,
        reporter_key bytea NOT NULL,
        kind text NOT NULL,
        aor text NOT NULL,
        area text,
        urgent boolean NOT NULL,
        wants_case boolean NOT NULL,
        language text NOT NULL,
        status text NOT NULL CHECK (
            status IN ('new', 'suspected', 'open', 'handed_over', 'closed', 'spam')
        ),
        suspected text[] NOT NULL,
        text_digest bytea,
        implicated uuid[] NOT NULL,
        messages integer NOT NULL,
        received_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        taken_by text,
        taken_organisation uuid,
        closed_reason text,
        handed_to uuid,
        handed_basis text,
        handed_at timestamptz,
        case_id uuid REFERENCES cases,
        CHECK (status <> 'handed_over' OR handed_to IS NOT NULL),
        CHECK (handed_to IS NULL OR handed_to <> ALL (implicated))
    )
    """,
    "CREATE INDEX line_reports_queue ON line_reports (aor, status, (NOT urgent), last_at, id)",
    "CREATE INDEX line_reports_handed ON line_reports (handed_to, id DESC)",
    "CREATE INDEX line_reports_expiry ON line_reports (expires_at)",
    "CREATE INDEX line_reports_text ON line_reports (text_digest, received_at)",
    "CREATE INDEX line_reports_case ON line_reports (case_id) WHERE case_id IS NOT NULL",
    """
    CREATE TABLE line_messages (
        report_id uuid NOT NULL REFERENCES line_reports,
        number integer NOT NULL,
        author text NOT NULL CHECK (author IN ('reporter', 'desk')),
        desk_copy bytea NOT NULL,
        reporter_copy bytea NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (report_id, number)
    )
    """,
    """
    CREATE TABLE line_exceptions (
        id uuid PRIMARY KEY,
        report_id uuid NOT NULL REFERENCES line_reports,
        organisation_id uuid NOT NULL,
        basis text NOT NULL CHECK (
            basis IN ('vital_interest', 'best_interest', 'mandatory_report')
        ),
        rationale bytea NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'approved', 'refused')),
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> requested_by)
    )
    """,
    "CREATE INDEX line_exceptions_report ON line_exceptions (report_id)",
    "CREATE INDEX line_exceptions_receiver ON line_exceptions (organisation_id, id DESC)",
)
_DESK = (
    "(SELECT caller_has_role('coordinator'))"
    " AND aor = ANY (string_to_array(current_setting('ruta.aors', true), ','))"
    " AND (SELECT caller_organisation()) <> ALL (implicated)"
)
_POLICIES = {
    "line_reports": f"({_DESK}) OR (SELECT caller_organisation()) = handed_to",
    "line_messages": "EXISTS (SELECT 1 FROM line_reports r WHERE r.id = report_id)",
    "line_exceptions": (
        "(SELECT caller_organisation()) = organisation_id"
        " OR EXISTS (SELECT 1 FROM line_reports r WHERE r.id = report_id)"
    ),
}


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
    for table, visible in _POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY visible ON {table} USING ({visible} OR (SELECT acts_as_service()))"
        )


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
