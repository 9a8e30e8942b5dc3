"""The last word on what is restricted, which the worker brings into a list outside the database: a restore from before
it restricts again. It begins with what is restricted
now."""

from alembic import op

revision = "0280"
down_revision = "0271"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "SELECT set_config('ruta.as_service', 'on', true)",
    """
    CREATE TABLE restrictions (
        kind text NOT NULL,
        subject_id uuid NOT NULL,
        word jsonb NOT NULL,
        version bigint NOT NULL,
        case_id uuid,
        at timestamptz NOT NULL,
        told_at timestamptz,
        PRIMARY KEY (kind, subject_id)
    )
    """,
    "CREATE INDEX restrictions_untold ON restrictions (at) WHERE told_at IS NULL",
    "CREATE INDEX restrictions_case ON restrictions (case_id) WHERE case_id IS NOT NULL",
    """
    INSERT INTO restrictions (kind, subject_id, word, version, case_id, at)
    SELECT 'consent', g.id, '{}', 0, g.case_id, coalesce(g.withdrawn_at, g.approved_at, g.created_at)
    FROM grants g JOIN cases c ON c.id = g.case_id
    WHERE g.status IN ('withdrawn', 'refused') AND c.status <> 'erased'
    """,
    """
    INSERT INTO restrictions (kind, subject_id, word, version, case_id, at)
    SELECT 'exception', e.id, '{}', 0, e.case_id, coalesce(e.decided_at, e.created_at)
    FROM exceptions e JOIN cases c ON c.id = e.case_id
    WHERE e.status IN ('ended', 'refused') AND c.status <> 'erased'
    """,
    """
    INSERT INTO restrictions (kind, subject_id, word, version, case_id, at)
    SELECT 'implicated', i.case_id,
        jsonb_build_object('organisations', jsonb_agg(i.organisation_id ORDER BY i.organisation_id)),
        0, i.case_id, max(i.marked_at)
    FROM implicated_organisations i JOIN cases c ON c.id = i.case_id
    WHERE c.status <> 'erased' GROUP BY i.case_id
    """,
    """
    INSERT INTO restrictions (kind, subject_id, word, version, at)
    SELECT 'line_report', r.id, jsonb_build_object('organisations', to_jsonb(r.implicated)), 0, r.last_at
    FROM line_reports r WHERE cardinality(r.implicated) > 0
    """,
    "SELECT set_config('ruta.as_service', '', true)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
