"""People hear that something waits for them: their channels, what is to be told there, the rota."""

from alembic import op

revision = "0210"
down_revision = "0150"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE channels (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        person text NOT NULL,
        supervisor boolean NOT NULL,
        kind text NOT NULL CHECK (kind IN ('email', 'push', 'sms')),
        address bytea NOT NULL,
        address_digest bytea NOT NULL,
        shown text NOT NULL,
        language text NOT NULL,
        pace text NOT NULL CHECK (pace IN ('at_once', 'digest', 'emergencies')),
        wakes boolean NOT NULL,
        quiet_from time,
        quiet_until time,
        digest_at time NOT NULL,
        active boolean NOT NULL,
        switched_off text,
        confirmed_at timestamptz,
        code_wanted boolean NOT NULL,
        code_digest bytea,
        code_until timestamptz,
        told_at timestamptz,
        attempts integer NOT NULL,
        next_attempt_at timestamptz NOT NULL,
        failure text,
        created_at timestamptz NOT NULL,
        CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
    )
    """,
    "CREATE INDEX channels_organisation ON channels (organisation_id)",
    "CREATE INDEX channels_address ON channels (address_digest) WHERE active",
    """
    CREATE TABLE pings (
        id uuid PRIMARY KEY,
        channel_id uuid NOT NULL REFERENCES channels ON DELETE CASCADE,
        organisation_id uuid NOT NULL,
        notice_id uuid NOT NULL,
        emergency boolean NOT NULL,
        status text NOT NULL CHECK (status IN ('waiting', 'told', 'moot', 'given_up')),
        due_at timestamptz NOT NULL,
        settled_at timestamptz,
        UNIQUE (channel_id, notice_id)
    )
    """,
    "CREATE INDEX pings_due ON pings (channel_id, due_at) WHERE status = 'waiting'",
    "CREATE INDEX pings_settled ON pings (settled_at) WHERE settled_at IS NOT NULL",
    """
    CREATE TABLE on_call (
        id uuid PRIMARY KEY,
        organisation_id uuid NOT NULL,
        person text NOT NULL,
        rank integer NOT NULL CHECK (rank BETWEEN 1 AND 9),
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
        created_at timestamptz NOT NULL,
        created_by text NOT NULL
    )
    """,
    "CREATE INDEX on_call_running ON on_call (organisation_id, ends_at)",
    "CREATE INDEX on_call_ended ON on_call (ends_at)",
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
    for table in ("channels", "pings", "on_call"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY visible ON {table} USING ((SELECT caller_organisation()) = organisation_id"
            " OR (SELECT acts_as_service()))"
        )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
