"""Cases, consent, referrals, their history and audit, the directory projection, row security."""

from alembic import op
from common.db.tables import create_common_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE cases (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    reference text NOT NULL UNIQUE,
    version bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'closed', 'erased')),
    area text,
    country text NOT NULL,
    minor boolean,
    caregiver text NOT NULL,
    identity bytea,
    attributes bytea,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    closed_at timestamptz,
    closure_reason text,
    retain_until date,
    erased_at timestamptz
);
CREATE INDEX cases_listing ON cases (organisation_id, id DESC);
CREATE INDEX cases_minors ON cases (id) WHERE minor AND status = 'open';
CREATE INDEX cases_retention ON cases (retain_until) WHERE status = 'closed';

CREATE TABLE case_lookups (
    case_id uuid NOT NULL REFERENCES cases,
    organisation_id uuid NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (organisation_id, digest, case_id)
);
CREATE INDEX case_lookups_case ON case_lookups (case_id);

CREATE TABLE implicated_organisations (
    case_id uuid NOT NULL REFERENCES cases,
    organisation_id uuid NOT NULL,
    marked_at timestamptz NOT NULL,
    marked_by text NOT NULL,
    PRIMARY KEY (case_id, organisation_id)
);

CREATE TABLE grants (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    organisation_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('referral', 'reporting', 'transfer')),
    service_id uuid,
    recipient_organisation_id uuid,
    purpose text,
    items text[] NOT NULL,
    decided_by text NOT NULL,
    child_assent text,
    language text NOT NULL,
    method text NOT NULL,
    given_at timestamptz NOT NULL,
    valid_until timestamptz,
    version bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'pending', 'refused', 'withdrawn')),
    requested_by text NOT NULL,
    approved_by text,
    approved_at timestamptz,
    attributes jsonb,
    withdrawal_digest bytea UNIQUE,
    withdrawn_at timestamptz,
    withdrawal_method text,
    created_at timestamptz NOT NULL,
    CHECK (approved_by IS NULL OR approved_by <> requested_by)
);
CREATE INDEX grants_case ON grants (case_id, id);
CREATE INDEX grants_listing ON grants (organisation_id, id DESC);

CREATE TABLE exceptions (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    organisation_id uuid NOT NULL,
    service_id uuid NOT NULL,
    recipient_organisation_id uuid NOT NULL,
    purpose text NOT NULL,
    basis text NOT NULL CHECK (basis IN ('vital_interest', 'best_interest', 'mandatory_report')),
    items text[] NOT NULL,
    rationale bytea,
    person_informed boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'approved', 'refused', 'ended')),
    requested_by text NOT NULL,
    decided_by text,
    decided_at timestamptz,
    reviewed_by text,
    reviewed_at timestamptz,
    created_at timestamptz NOT NULL,
    CHECK (decided_by IS NULL OR decided_by <> requested_by)
);
CREATE INDEX exceptions_listing ON exceptions (organisation_id, id DESC);
CREATE INDEX exceptions_case ON exceptions (case_id);

CREATE TABLE referrals (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    from_organisation uuid NOT NULL,
    to_organisation uuid NOT NULL,
    service_id uuid NOT NULL,
    category text NOT NULL,
    aor text NOT NULL,
    urgency text NOT NULL CHECK (urgency IN ('emergency', 'urgent', 'routine')),
    state text NOT NULL,
    state_before_hold text,
    version bigint NOT NULL,
    area text,
    grant_id uuid REFERENCES grants,
    exception_id uuid REFERENCES exceptions,
    replaces uuid REFERENCES referrals,
    acknowledge_by timestamptz,
    decide_by timestamptz,
    clinical_deadline timestamptz,
    expected_on date,
    review_on date,
    reason text,
    outcome text,
    late boolean NOT NULL DEFAULT false,
    service_flag text,
    suggested_service_id uuid,
    feedback_confirmed_at timestamptz,
    feedback_confirmed_by text,
    attributes jsonb,
    draft bytea,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    sent_at timestamptz,
    changed_at timestamptz NOT NULL,
    CHECK (state = 'draft' OR num_nonnulls(grant_id, exception_id) = 1 OR sent_at IS NULL)
);
CREATE INDEX referrals_sent ON referrals (from_organisation, id DESC);
CREATE INDEX referrals_received ON referrals (to_organisation, id DESC) WHERE sent_at IS NOT NULL;
CREATE INDEX referrals_queue ON referrals (to_organisation, state, id DESC)
    WHERE sent_at IS NOT NULL;
CREATE INDEX referrals_service_queue ON referrals (service_id, id DESC)
    WHERE sent_at IS NOT NULL;
CREATE INDEX referrals_case ON referrals (case_id, id);
CREATE INDEX referrals_grant ON referrals (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX referrals_exception ON referrals (exception_id) WHERE exception_id IS NOT NULL;

CREATE TABLE snapshots (
    referral_id uuid PRIMARY KEY REFERENCES referrals,
    case_id uuid NOT NULL,
    to_organisation uuid NOT NULL,
    items text[] NOT NULL,
    sealed bytea,
    created_at timestamptz NOT NULL,
    readable_until timestamptz,
    revoked_at timestamptz
);

CREATE TABLE referral_steps (
    referral_id uuid NOT NULL REFERENCES referrals,
    version bigint NOT NULL,
    command text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    at timestamptz NOT NULL,
    organisation_id uuid,
    client text NOT NULL,
    reason text,
    outcome text,
    late boolean NOT NULL,
    detail bytea,
    PRIMARY KEY (referral_id, version)
);

CREATE TABLE timers (
    referral_id uuid PRIMARY KEY REFERENCES referrals,
    clock text NOT NULL,
    step text NOT NULL,
    due_at timestamptz NOT NULL
);
CREATE INDEX timers_due ON timers (due_at);

CREATE TABLE escalations (
    referral_id uuid NOT NULL REFERENCES referrals,
    clock text NOT NULL,
    step text NOT NULL,
    due_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    PRIMARY KEY (referral_id, clock, step, due_at)
);

CREATE TABLE timer_policies (
    aor text NOT NULL,
    urgency text NOT NULL,
    clock text NOT NULL,
    window_minutes integer NOT NULL CHECK (window_minutes > 0),
    supervisor_after_minutes integer NOT NULL CHECK (supervisor_after_minutes > 0),
    alternative_after_minutes integer NOT NULL CHECK (alternative_after_minutes > 0),
    expiry_after_minutes integer NOT NULL CHECK (expiry_after_minutes > 0),
    working_time boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (aor, urgency, clock)
);

CREATE TABLE transfers (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    from_organisation uuid NOT NULL,
    to_organisation uuid NOT NULL,
    grant_id uuid NOT NULL REFERENCES grants,
    state text NOT NULL CHECK (state IN ('offered', 'accepted', 'declined', 'recalled')),
    version bigint NOT NULL,
    reason text,
    offered_at timestamptz NOT NULL,
    offered_by text NOT NULL,
    decided_at timestamptz,
    decided_by text
);
CREATE UNIQUE INDEX transfers_one_open ON transfers (case_id) WHERE state = 'offered';
CREATE INDEX transfers_from ON transfers (from_organisation, id DESC);
CREATE INDEX transfers_to ON transfers (to_organisation, id DESC);

CREATE TABLE notices (
    id uuid PRIMARY KEY,
    position xid8 NOT NULL DEFAULT pg_current_xact_id(),
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    subject_type text NOT NULL,
    subject_id uuid NOT NULL,
    version bigint,
    for_supervisor boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL,
    fanned_out_at timestamptz
);
CREATE INDEX notices_feed ON notices (organisation_id, position, id);
CREATE INDEX notices_waiting ON notices (id) WHERE fanned_out_at IS NULL;

CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    case_id uuid,
    referral_id uuid,
    due_on date,
    created_at timestamptz NOT NULL,
    done_at timestamptz,
    done_by text
);
CREATE UNIQUE INDEX tasks_once ON tasks
    (organisation_id, kind, case_id, coalesce(referral_id, '00000000-0000-0000-0000-000000000000'))
    WHERE done_at IS NULL;
CREATE INDEX tasks_listing ON tasks (organisation_id, id DESC);

CREATE TABLE directory_services (
    service_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    version bigint NOT NULL,
    categories text[] NOT NULL,
    aors text[] NOT NULL,
    areas text[] NOT NULL,
    visibility text NOT NULL,
    functional_status text,
    capacity_state text,
    referable boolean NOT NULL,
    withdrawn boolean NOT NULL,
    valid_until timestamptz,
    minimum_age integer,
    maximum_age integer,
    endorsed_by text[] NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX directory_services_categories ON directory_services USING gin (categories);
CREATE INDEX directory_services_stale ON directory_services (valid_until) WHERE referable;

CREATE TABLE pathway_alternatives (
    pathway_id uuid NOT NULL,
    version bigint NOT NULL,
    aor text NOT NULL,
    area text NOT NULL,
    step text NOT NULL,
    need text NOT NULL,
    rank integer NOT NULL,
    service_id uuid NOT NULL,
    PRIMARY KEY (pathway_id, step, need, rank)
);
CREATE INDEX pathway_alternatives_need ON pathway_alternatives (need, area);

CREATE TABLE service_team (
    service_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    client text NOT NULL,
    PRIMARY KEY (organisation_id, service_id, client)
);

CREATE TABLE protocols (
    id uuid PRIMARY KEY,
    from_country text NOT NULL,
    to_country text NOT NULL,
    from_organisation uuid,
    to_organisation uuid,
    categories text[],
    valid_from date NOT NULL,
    valid_until date,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    ended_at timestamptz
);

CREATE TABLE audit_heads (
    chain uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    position xid8 NOT NULL
);
CREATE INDEX audit_heads_position ON audit_heads (position);

CREATE TABLE audit_entries (
    chain uuid NOT NULL,
    sequence bigint NOT NULL DEFAULT 0,
    id uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    organisation_id uuid,
    client text NOT NULL,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id uuid NOT NULL,
    detail jsonb NOT NULL,
    sealed bytea,
    previous bytea NOT NULL DEFAULT '',
    hash bytea NOT NULL DEFAULT '',
    PRIMARY KEY (chain, sequence)
);
CREATE INDEX audit_entries_target ON audit_entries (target_id, action, at);
CREATE INDEX audit_entries_organisation ON audit_entries (organisation_id, at);
"""

# The chain is made by the database itself: whatever inserts an entry, it is linked.
_AUDIT = """
CREATE FUNCTION audit_text(e audit_entries) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(
        e.chain, e.sequence, e.id, round(extract(epoch FROM e.at) * 1000000)::bigint,
        e.organisation_id, e.client, e.action, e.target_type, e.target_id, e.detail,
        encode(e.sealed, 'hex'))::text
$$;

CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head audit_heads;
BEGIN
    INSERT INTO audit_heads VALUES (NEW.chain, 0, '', pg_current_xact_id())
        ON CONFLICT (chain) DO NOTHING;
    SELECT * INTO head FROM audit_heads WHERE chain = NEW.chain FOR UPDATE;
    NEW.sequence := head.sequence + 1;
    NEW.previous := head.hash;
    NEW.hash := sha256(head.hash || convert_to(audit_text(NEW), 'UTF8'));
    UPDATE audit_heads SET sequence = NEW.sequence, hash = NEW.hash,
        position = pg_current_xact_id() WHERE chain = NEW.chain;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_link BEFORE INSERT ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_link();

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = '42501';
END
$$;
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""

_CALLER = """
CREATE FUNCTION caller_organisation() RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT NULLIF(current_setting('ruta.organisation', true), '')::uuid $$;
CREATE FUNCTION caller_client() RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT NULLIF(current_setting('ruta.client', true), '') $$;
CREATE FUNCTION caller_has_role(wanted text) RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT wanted = ANY (string_to_array(current_setting('ruta.roles', true), ',')) $$;
CREATE FUNCTION acts_as_service() RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT coalesce(current_setting('ruta.as_service', true), '') = 'on' $$;
"""

_OWN = "(SELECT caller_organisation()) = organisation_id"
_PARTY = (
    "from_organisation = (SELECT caller_organisation())"
    " OR (to_organisation = (SELECT caller_organisation()) AND {seen})"
)
_OF_REFERRAL = "EXISTS (SELECT 1 FROM referrals r WHERE r.id = referral_id)"
_POLICIES = {
    "cases": _OWN,
    "case_lookups": _OWN,
    "implicated_organisations": "EXISTS (SELECT 1 FROM cases c WHERE c.id = case_id)",
    "grants": _OWN,
    "exceptions": f"{_OWN} OR (SELECT caller_has_role('coordinator'))",
    "referrals": _PARTY.format(seen="sent_at IS NOT NULL"),
    "snapshots": (
        "EXISTS (SELECT 1 FROM referrals r WHERE r.id = referral_id AND"
        " (r.from_organisation = (SELECT caller_organisation()) OR (revoked_at IS NULL AND (readable_until IS NULL OR readable_until > now()))))"
    ),
    "referral_steps": _OF_REFERRAL,
    "timers": _OF_REFERRAL,
    "escalations": _OF_REFERRAL,
    "transfers": _PARTY.format(seen="true"),
    "notices": _OWN,
    "tasks": _OWN,
    "service_team": _OWN,
    "audit_entries": f"{_OWN} OR (SELECT caller_has_role('auditor'))",
}
# What one party writes for the other to read: the row is checked by the service, not by ownership.
_WRITTEN_FOR_OTHERS = ("notices", "tasks", "audit_entries")


def _statements(script: str) -> list[str]:
    """The statements of a script (the driver takes one at a time); bodies in $$ stay whole."""
    found, current, quoted = [], "", False
    for line in script.splitlines(keepends=True):
        current += line
        quoted ^= line.count("$$") % 2 == 1
        if line.rstrip().endswith(";") and not quoted:
            found.append(current)
            current = ""
    return found


def upgrade() -> None:
    create_common_tables(op)
    for script in (_TABLES, _AUDIT, _CALLER):
        for statement in _statements(script):
            op.execute(statement)
    for table, visible in _POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY visible ON {table} USING ({visible} OR (SELECT acts_as_service()))"
        )
    for table in _WRITTEN_FOR_OTHERS:
        op.execute(f"CREATE POLICY addressed ON {table} FOR INSERT WITH CHECK (true)")
    # The run-time role has its rights by default privileges; here less is right.
    op.execute(
        """
        DO $$
        DECLARE grantee text;
        BEGIN
            FOR grantee IN
                SELECT DISTINCT g.grantee FROM information_schema.role_table_grants g
                WHERE g.table_name = 'audit_entries' AND g.grantee <> current_user
            LOOP
                EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM %I', grantee);
                EXECUTE format('REVOKE DELETE, TRUNCATE ON audit_heads FROM %I', grantee);
                EXECUTE format('REVOKE DELETE, TRUNCATE ON referral_steps FROM %I', grantee);
            END LOOP;
        END $$
        """
    )


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
