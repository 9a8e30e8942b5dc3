"""Assistance: plans, what was given, reviews, routes, consented matches of cases."""

from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE plan_items (
        id uuid PRIMARY KEY,
        case_id uuid NOT NULL REFERENCES cases,
        organisation_id uuid NOT NULL,
        need text NOT NULL,
        support_type text NOT NULL,
        status text NOT NULL CHECK (status IN ('planned', 'in_progress', 'met', 'dropped')),
        pathway_id uuid,
        step text,
        planned_end date,
        ended_on date,
        reason text,
        objective bytea,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        changed_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX plan_items_case ON plan_items (case_id, id)",
    """
    CREATE TABLE assistance (
        id uuid PRIMARY KEY,
        case_id uuid NOT NULL REFERENCES cases,
        organisation_id uuid NOT NULL,
        plan_item_id uuid REFERENCES plan_items,
        referral_id uuid REFERENCES referrals,
        support_type text NOT NULL,
        given_on date NOT NULL,
        provider_organisation uuid NOT NULL,
        amount_band text,
        modality text CHECK (modality IN ('cash', 'voucher')),
        note bytea,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        entered_in_error_at timestamptz,
        CHECK ((amount_band IS NULL) = (modality IS NULL))
    )
    """,
    "CREATE INDEX assistance_case ON assistance (case_id, given_on)",
    """
    CREATE TABLE case_reviews (
        id uuid PRIMARY KEY,
        case_id uuid NOT NULL REFERENCES cases,
        organisation_id uuid NOT NULL,
        due_on date NOT NULL,
        done_on date,
        outcome text,
        note bytea,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        done_by text
    )
    """,
    "CREATE UNIQUE INDEX case_reviews_one_open ON case_reviews (case_id) WHERE done_on IS NULL",
    "CREATE INDEX case_reviews_due ON case_reviews (due_on) WHERE done_on IS NULL",
    "CREATE INDEX case_reviews_case ON case_reviews (case_id, id)",
    """
    CREATE TABLE case_routes (
        case_id uuid PRIMARY KEY REFERENCES cases,
        organisation_id uuid NOT NULL,
        sealed bytea NOT NULL,
        statistics boolean NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    """
    CREATE TABLE match_consents (
        case_id uuid PRIMARY KEY REFERENCES cases,
        organisation_id uuid NOT NULL,
        decided_by text NOT NULL,
        method text NOT NULL,
        given_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX match_consents_day ON match_consents (organisation_id, given_at)",
    """
    CREATE TABLE match_tokens (
        case_id uuid NOT NULL REFERENCES cases,
        digest bytea NOT NULL,
        PRIMARY KEY (digest, case_id)
    )
    """,
    "CREATE INDEX match_tokens_case ON match_tokens (case_id)",
    """
    CREATE TABLE case_matches (
        id uuid PRIMARY KEY,
        case_a uuid NOT NULL REFERENCES cases,
        case_b uuid NOT NULL REFERENCES cases,
        status text NOT NULL CHECK (status IN ('possible', 'agreed', 'ended')),
        agreed_a timestamptz,
        agreed_b timestamptz,
        created_at timestamptz NOT NULL,
        ended_at timestamptz,
        UNIQUE (case_a, case_b),
        CHECK (case_a < case_b),
        CHECK (status <> 'agreed' OR num_nulls(agreed_a, agreed_b) = 0)
    )
    """,
    "CREATE INDEX case_matches_b ON case_matches (case_b)",
)
# A case is seen by the organisation that is responsible for it now; so is what hangs on it.
_OF_CASE = "EXISTS (SELECT 1 FROM cases c WHERE c.id = case_id)"
_POLICIES = {
    **dict.fromkeys(
        (
            "plan_items", "assistance", "case_reviews", "case_routes", "match_consents",
            "match_tokens",
        ),
        _OF_CASE,
    ),
    "case_matches": "EXISTS (SELECT 1 FROM cases c WHERE c.id IN (case_a, case_b))",
}  # fmt: skip


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
