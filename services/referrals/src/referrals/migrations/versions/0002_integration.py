"""Webhooks, one-time answer links, break-glass access."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE webhooks (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        url text NOT NULL,
        kinds text[],
        secret bytea NOT NULL,
        former_secret bytea,
        former_until timestamptz,
        active boolean NOT NULL,
        disabled_reason text,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL
    )
    """,
    "CREATE INDEX webhooks_organisation ON webhooks (organisation_id) WHERE active",
    """
    CREATE TABLE webhook_deliveries (
        id uuid PRIMARY KEY,
        webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
        organisation_id uuid NOT NULL,
        notice_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('waiting', 'delivered', 'dead')),
        attempts integer NOT NULL,
        next_attempt_at timestamptz NOT NULL,
        answer_status integer,
        failure text,
        created_at timestamptz NOT NULL,
        delivered_at timestamptz,
        UNIQUE (webhook_id, notice_id)
    )
    """,
    """
    CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at)
        WHERE status = 'waiting'
    """,
    "CREATE INDEX webhook_deliveries_listing ON webhook_deliveries (webhook_id, id DESC)",
    """
    CREATE TABLE answer_links (
        digest bytea PRIMARY KEY,
        referral_id uuid NOT NULL REFERENCES referrals,
        organisation_id uuid NOT NULL,
        language text NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )
    """,
    """
    CREATE TABLE break_glass (
        id uuid PRIMARY KEY,
        case_id uuid NOT NULL REFERENCES cases,
        organisation_id uuid NOT NULL,
        holder_organisation_id uuid NOT NULL,
        reason bytea,
        status text NOT NULL CHECK (status IN ('asked', 'open', 'refused')),
        requested_by text NOT NULL,
        requested_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        expires_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> requested_by)
    )
    """,
)
_OWN = "(SELECT caller_organisation()) = organisation_id"
_POLICIES = {
    "webhooks": _OWN,
    "webhook_deliveries": _OWN,
    "answer_links": _OWN,
    "break_glass": (
        f"{_OWN} OR (SELECT caller_organisation()) = holder_organisation_id"
        " OR (SELECT caller_has_role('coordinator'))"
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
