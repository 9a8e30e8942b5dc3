CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE EXTENSION IF NOT EXISTS cube;

CREATE EXTENSION IF NOT EXISTS earthdistance;

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE EXTENSION IF NOT EXISTS unaccent;

CREATE TABLE audit_entries (
    chain uuid NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    organisation_id uuid,
    client text NOT NULL,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id uuid NOT NULL,
    detail jsonb NOT NULL,
    sealed bytea,
    previous bytea DEFAULT '\x'::bytea NOT NULL,
    hash bytea DEFAULT '\x'::bytea NOT NULL,
    CONSTRAINT audit_entries_id_key UNIQUE (id),
    PRIMARY KEY (chain, sequence)
);

CREATE TABLE cases (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    reference text NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
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
    erased_at timestamptz,
    assigned_to text,
    word text,
    CONSTRAINT cases_status_check CHECK ((status = ANY (ARRAY['open'::text, 'closed'::text, 'erased'::text]))),
    CONSTRAINT cases_reference_key UNIQUE (reference)
);

CREATE TABLE exceptions (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    service_id uuid NOT NULL,
    recipient_organisation_id uuid NOT NULL,
    purpose text NOT NULL,
    basis text NOT NULL,
    items text[] NOT NULL,
    rationale bytea,
    person_informed boolean NOT NULL,
    status text NOT NULL,
    requested_by text NOT NULL,
    decided_by text,
    decided_at timestamptz,
    reviewed_by text,
    reviewed_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT exceptions_basis_check CHECK ((basis = ANY (ARRAY['vital_interest'::text, 'best_interest'::text, 'mandatory_report'::text]))),
    CONSTRAINT exceptions_check CHECK (((decided_by IS NULL) OR (decided_by <> requested_by))),
    CONSTRAINT exceptions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'refused'::text, 'ended'::text])))
);

CREATE TABLE grants (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
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
    status text NOT NULL,
    requested_by text NOT NULL,
    approved_by text,
    approved_at timestamptz,
    attributes jsonb,
    withdrawal_digest bytea,
    withdrawn_at timestamptz,
    withdrawal_method text,
    created_at timestamptz NOT NULL,
    CONSTRAINT grants_check CHECK (((approved_by IS NULL) OR (approved_by <> requested_by))),
    CONSTRAINT grants_kind_check CHECK ((kind = ANY (ARRAY['referral'::text, 'reporting'::text, 'transfer'::text]))),
    CONSTRAINT grants_status_check CHECK ((status = ANY (ARRAY['active'::text, 'pending'::text, 'refused'::text, 'withdrawn'::text]))),
    CONSTRAINT grants_withdrawal_digest_key UNIQUE (withdrawal_digest)
);

CREATE TABLE referrals (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    from_organisation uuid NOT NULL,
    to_organisation uuid NOT NULL,
    service_id uuid NOT NULL,
    category text NOT NULL,
    aor text NOT NULL,
    urgency text NOT NULL,
    state text NOT NULL,
    state_before_hold text,
    version bigint NOT NULL,
    area text,
    grant_id uuid REFERENCES grants(id),
    exception_id uuid REFERENCES exceptions(id),
    former_grants uuid[],
    consent_told text,
    replaces uuid REFERENCES referrals(id),
    acknowledge_by timestamptz,
    decide_by timestamptz,
    clinical_deadline timestamptz,
    expected_on date,
    review_on date,
    reason text,
    outcome text,
    late boolean DEFAULT false NOT NULL,
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
    held_still jsonb,
    appointment_at timestamptz,
    reminded_of timestamptz,
    act_by timestamptz,
    unshared_deadline timestamptz,
    unheard_at timestamptz,
    CONSTRAINT referrals_check CHECK (((state = 'draft'::text) OR (num_nonnulls(grant_id, exception_id) = 1) OR (sent_at IS NULL))),
    CONSTRAINT referrals_consent_told_check CHECK ((consent_told = ANY (ARRAY['ending'::text, 'ended'::text])))
);

CREATE TABLE answer_links (
    digest bytea PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES referrals(id),
    organisation_id uuid NOT NULL,
    language text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE plan_items (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    need text NOT NULL,
    support_type text NOT NULL,
    status text NOT NULL,
    pathway_id uuid,
    step text,
    planned_end date,
    ended_on date,
    reason text,
    objective bytea,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT plan_items_status_check CHECK ((status = ANY (ARRAY['planned'::text, 'in_progress'::text, 'met'::text, 'dropped'::text])))
);

CREATE TABLE assistance (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    plan_item_id uuid REFERENCES plan_items(id),
    referral_id uuid REFERENCES referrals(id),
    support_type text NOT NULL,
    given_on date NOT NULL,
    provider_organisation uuid NOT NULL,
    amount_band text,
    modality text,
    note bytea,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    entered_in_error_at timestamptz,
    CONSTRAINT assistance_check CHECK (((amount_band IS NULL) = (modality IS NULL))),
    CONSTRAINT assistance_modality_check CHECK ((modality = ANY (ARRAY['cash'::text, 'voucher'::text])))
);

CREATE TABLE audit_heads (
    chain uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    "position" xid8 NOT NULL
);

CREATE TABLE break_glass (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    holder_organisation_id uuid NOT NULL,
    reason bytea,
    status text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    expires_at timestamptz,
    CONSTRAINT break_glass_check CHECK (((decided_by IS NULL) OR (decided_by <> requested_by))),
    CONSTRAINT break_glass_status_check CHECK ((status = ANY (ARRAY['asked'::text, 'open'::text, 'refused'::text, 'ended'::text])))
);

CREATE TABLE case_lookups (
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (organisation_id, digest, case_id)
);

CREATE TABLE case_matches (
    id uuid PRIMARY KEY,
    case_a uuid NOT NULL REFERENCES cases(id),
    case_b uuid NOT NULL REFERENCES cases(id),
    status text NOT NULL,
    agreed_a timestamptz,
    agreed_b timestamptz,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT case_matches_check CHECK ((case_a < case_b)),
    CONSTRAINT case_matches_check1 CHECK (((status <> 'agreed'::text) OR (num_nulls(agreed_a, agreed_b) = 0))),
    CONSTRAINT case_matches_status_check CHECK ((status = ANY (ARRAY['possible'::text, 'agreed'::text, 'ended'::text]))),
    CONSTRAINT case_matches_case_a_case_b_key UNIQUE (case_a, case_b)
);

CREATE TABLE case_reviews (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    due_on date NOT NULL,
    done_on date,
    outcome text,
    note bytea,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    done_by text
);

CREATE TABLE case_entries (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL,
    content bytea,
    file bytea,
    due_on date,
    done_at timestamptz,
    linked_case_id uuid REFERENCES cases(id),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    taken_back_at timestamptz
);

CREATE TABLE case_routes (
    case_id uuid PRIMARY KEY REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    sealed bytea NOT NULL,
    statistics boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL
);

CREATE TABLE restores (
    at timestamptz PRIMARY KEY,
    kept_until timestamptz NOT NULL
);

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
);

CREATE TABLE certificates (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    holder text NOT NULL,
    topic text NOT NULL,
    training_id uuid REFERENCES trainings(id),
    certified_on date NOT NULL,
    valid_until date NOT NULL,
    revoked_at timestamptz,
    revoked_reason text,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT certificates_check CHECK ((valid_until > certified_on)),
    CONSTRAINT certificates_check1 CHECK ((created_by <> holder))
);

CREATE TABLE channels (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    person text NOT NULL,
    kind text NOT NULL,
    address bytea NOT NULL,
    address_digest bytea NOT NULL,
    shown text NOT NULL,
    language text NOT NULL,
    pace text NOT NULL,
    wakes boolean NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    digest_at time without time zone NOT NULL,
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
    CONSTRAINT channels_check CHECK (((quiet_from IS NULL) = (quiet_until IS NULL))),
    CONSTRAINT channels_pace_check CHECK ((pace = ANY (ARRAY['at_once'::text, 'digest'::text, 'emergencies'::text])))
);

CREATE TABLE clock_looks (
    one boolean PRIMARY KEY,
    at timestamptz NOT NULL,
    believed_from timestamptz NOT NULL,
    CONSTRAINT clock_looks_one_check CHECK (one)
);

CREATE TABLE codes_asked (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    person text NOT NULL,
    address_digest bytea NOT NULL,
    asked_at timestamptz NOT NULL
);

CREATE TABLE dead_letters (
    consumer text NOT NULL,
    event_id text NOT NULL,
    subject text NOT NULL,
    message bytea NOT NULL,
    error text NOT NULL,
    failed_at timestamptz NOT NULL,
    resolved_at timestamptz,
    PRIMARY KEY (consumer, event_id)
);

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
    seen_at timestamptz NOT NULL,
    state_version bigint DEFAULT 0 NOT NULL,
    managed_by uuid,
    states text[] DEFAULT '{}'::text[] NOT NULL,
    countries text[] DEFAULT '{}'::text[] NOT NULL,
    former_organisation_id uuid
);

CREATE TABLE directory_organisations (
    organisation_id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

CREATE TABLE ended_rights (
    target text NOT NULL,
    kind text NOT NULL,
    suspended boolean NOT NULL,
    changed_until timestamptz,
    PRIMARY KEY (target, kind)
);

CREATE TABLE escalations (
    referral_id uuid NOT NULL REFERENCES referrals(id),
    clock text NOT NULL,
    step text NOT NULL,
    due_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    PRIMARY KEY (referral_id, clock, step, due_at)
);

CREATE TABLE implicated_organisations (
    case_id uuid NOT NULL REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    marked_at timestamptz NOT NULL,
    marked_by text NOT NULL,
    PRIMARY KEY (case_id, organisation_id)
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

CREATE TABLE instrument_retirements (
    instrument_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    for_all boolean NOT NULL,
    retired_at timestamptz NOT NULL,
    retired_by text NOT NULL,
    PRIMARY KEY (instrument_id, organisation_id)
);

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
    CONSTRAINT instruments_organisation_id_code_version_key UNIQUE (organisation_id, code, version)
);

CREATE TABLE intake_forms (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    name text NOT NULL,
    instrument_id uuid,
    mapping jsonb NOT NULL,
    secret bytea NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    peer text DEFAULT 'kobotoolbox'::text NOT NULL,
    makes text DEFAULT 'screening'::text NOT NULL,
    CONSTRAINT intake_forms_makes CHECK ((((makes = 'screening'::text) AND (instrument_id IS NOT NULL)) OR ((makes = 'case'::text) AND (instrument_id IS NULL))))
);

CREATE TABLE intake_records (
    form_id uuid NOT NULL REFERENCES intake_forms(id),
    record_id text NOT NULL,
    organisation_id uuid NOT NULL,
    case_id uuid REFERENCES cases(id),
    person bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (form_id, record_id)
);

CREATE TABLE screenings (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    case_id uuid REFERENCES cases(id),
    instrument_id uuid NOT NULL,
    status text NOT NULL,
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
    CONSTRAINT screenings_check CHECK ((((status = 'concluded'::text) = (judgement IS NOT NULL)) OR (status = 'erased'::text))),
    CONSTRAINT screenings_status_check CHECK ((status = ANY (ARRAY['open'::text, 'stopped'::text, 'concluded'::text, 'erased'::text])))
);

CREATE TABLE intake_submissions (
    id uuid PRIMARY KEY,
    form_id uuid NOT NULL REFERENCES intake_forms(id),
    organisation_id uuid NOT NULL,
    submission_id text NOT NULL,
    fingerprint bytea NOT NULL,
    status text NOT NULL,
    reasons jsonb NOT NULL,
    content bytea,
    screening_id uuid REFERENCES screenings(id),
    received_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    case_id uuid,
    CONSTRAINT intake_submissions_status_check CHECK ((status = ANY (ARRAY['taken'::text, 'quarantined'::text, 'discarded'::text, 'not_kept'::text]))),
    CONSTRAINT intake_submissions_form_id_submission_id_key UNIQUE (form_id, submission_id)
);

CREATE TABLE known_people (
    subject text PRIMARY KEY,
    organisation_id uuid NOT NULL,
    roles text[] NOT NULL,
    scopes text[] NOT NULL,
    aors text[] NOT NULL,
    areas text[] NOT NULL,
    said_at timestamptz,
    away_from date,
    away_until date
);

CREATE TABLE late_calls (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    aor text NOT NULL,
    outcome text NOT NULL,
    called_at timestamptz NOT NULL,
    called_by text NOT NULL
);

CREATE TABLE line_reports (
    id uuid PRIMARY KEY,
    locator bytea NOT NULL,
    public_key bytea NOT NULL,
    reporter_key bytea NOT NULL,
    kind text NOT NULL,
    aor text NOT NULL,
    area text,
    urgent boolean NOT NULL,
    wants_case boolean NOT NULL,
    language text NOT NULL,
    status text NOT NULL,
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
    case_id uuid REFERENCES cases(id),
    CONSTRAINT line_reports_check CHECK (((status <> 'handed_over'::text) OR (handed_to IS NOT NULL))),
    CONSTRAINT line_reports_check1 CHECK (((handed_to IS NULL) OR (handed_to <> ALL (implicated)))),
    CONSTRAINT line_reports_status_check CHECK ((status = ANY (ARRAY['new'::text, 'suspected'::text, 'open'::text, 'handed_over'::text, 'closed'::text, 'spam'::text]))),
    CONSTRAINT line_reports_locator_key UNIQUE (locator)
);

CREATE TABLE line_exceptions (
    id uuid PRIMARY KEY,
    report_id uuid NOT NULL REFERENCES line_reports(id),
    organisation_id uuid NOT NULL,
    basis text NOT NULL,
    rationale bytea NOT NULL,
    status text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    CONSTRAINT line_exceptions_basis_check CHECK ((basis = ANY (ARRAY['vital_interest'::text, 'best_interest'::text, 'mandatory_report'::text]))),
    CONSTRAINT line_exceptions_check CHECK (((decided_by IS NULL) OR (decided_by <> requested_by))),
    CONSTRAINT line_exceptions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'refused'::text])))
);

CREATE TABLE line_messages (
    report_id uuid NOT NULL REFERENCES line_reports(id),
    number integer NOT NULL,
    author text NOT NULL,
    desk_copy bytea NOT NULL,
    reporter_copy bytea NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT line_messages_author_check CHECK ((author = ANY (ARRAY['reporter'::text, 'desk'::text]))),
    PRIMARY KEY (report_id, number)
);

CREATE TABLE match_consents (
    case_id uuid PRIMARY KEY REFERENCES cases(id),
    organisation_id uuid NOT NULL,
    decided_by text NOT NULL,
    method text NOT NULL,
    given_at timestamptz NOT NULL,
    recorded_by text NOT NULL
);

CREATE TABLE match_tokens (
    case_id uuid NOT NULL REFERENCES cases(id),
    digest bytea NOT NULL,
    PRIMARY KEY (digest, case_id)
);

CREATE TABLE notices (
    id uuid PRIMARY KEY,
    "position" xid8 DEFAULT pg_current_xact_id() NOT NULL,
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    subject_type text NOT NULL,
    subject_id uuid NOT NULL,
    version bigint,
    for_supervisor boolean DEFAULT false NOT NULL,
    at timestamptz NOT NULL,
    fanned_out_at timestamptz
);

CREATE TABLE on_call (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    person text NOT NULL,
    rank integer NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT on_call_check CHECK ((ends_at > starts_at)),
    CONSTRAINT on_call_rank_check CHECK (((rank >= 1) AND (rank <= 9)))
);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL,
    version bigint NOT NULL,
    traceparent text,
    occurred_at timestamptz NOT NULL,
    published_at timestamptz
);

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

CREATE TABLE pings (
    id uuid PRIMARY KEY,
    channel_id uuid NOT NULL REFERENCES channels(id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    emergency boolean NOT NULL,
    status text NOT NULL,
    due_at timestamptz NOT NULL,
    message_id uuid,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pings_channel_id_notice_id_key UNIQUE (channel_id, notice_id),
    CONSTRAINT pings_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'handing'::text, 'told'::text, 'unclear'::text, 'moot'::text, 'given_up'::text, 'access_ended'::text])))
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

CREATE TABLE referral_steps (
    referral_id uuid NOT NULL REFERENCES referrals(id),
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

CREATE TABLE restrictions (
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    word jsonb NOT NULL,
    version bigint NOT NULL,
    case_id uuid,
    at timestamptz NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (kind, subject_id)
);

CREATE TABLE service_team (
    service_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    client text NOT NULL,
    PRIMARY KEY (organisation_id, service_id, client)
);

CREATE TABLE snapshots (
    referral_id uuid PRIMARY KEY REFERENCES referrals(id),
    case_id uuid NOT NULL,
    to_organisation uuid NOT NULL,
    items text[] NOT NULL,
    sealed bytea,
    created_at timestamptz NOT NULL,
    readable_until timestamptz,
    revoked_at timestamptz
);

CREATE TABLE stored_results (
    client_id text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    result bytea NOT NULL,
    created_at timestamptz NOT NULL,
    subject uuid,
    concerns jsonb,
    PRIMARY KEY (client_id, route, key)
);

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

CREATE TABLE timer_policies (
    aor text NOT NULL,
    urgency text NOT NULL,
    clock text NOT NULL,
    window_minutes integer NOT NULL,
    supervisor_after_minutes integer NOT NULL,
    alternative_after_minutes integer NOT NULL,
    expiry_after_minutes integer NOT NULL,
    working_time boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT timer_policies_alternative_after_minutes_check CHECK ((alternative_after_minutes > 0)),
    CONSTRAINT timer_policies_expiry_after_minutes_check CHECK ((expiry_after_minutes > 0)),
    CONSTRAINT timer_policies_supervisor_after_minutes_check CHECK ((supervisor_after_minutes > 0)),
    CONSTRAINT timer_policies_window_minutes_check CHECK ((window_minutes > 0)),
    PRIMARY KEY (aor, urgency, clock)
);

CREATE TABLE timers (
    referral_id uuid PRIMARY KEY REFERENCES referrals(id),
    clock text NOT NULL,
    step text NOT NULL,
    due_at timestamptz NOT NULL
);

CREATE TABLE transfers (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases(id),
    from_organisation uuid NOT NULL,
    to_organisation uuid NOT NULL,
    grant_id uuid REFERENCES grants(id),
    state text NOT NULL,
    version bigint NOT NULL,
    reason text,
    need text,
    urgency text,
    why text,
    offered_at timestamptz NOT NULL,
    offered_by text NOT NULL,
    decided_at timestamptz,
    decided_by text,
    CONSTRAINT transfers_state_check CHECK ((state = ANY (ARRAY['offered'::text, 'accepted'::text, 'declined'::text, 'recalled'::text])))
);

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
    created_by text NOT NULL,
    kept_by text
);

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    answer_status integer,
    failure text,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    CONSTRAINT webhook_deliveries_webhook_id_notice_id_key UNIQUE (webhook_id, notice_id),
    CONSTRAINT webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'dead'::text, 'access_ended'::text])))
);

CREATE FUNCTION acts_as_service() RETURNS boolean
    LANGUAGE sql STABLE
    AS $$ SELECT coalesce(current_setting('ruta.as_service', true), '') = 'on' $$;

CREATE FUNCTION audit_link() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION audit_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = '42501';
END
$$;

CREATE FUNCTION audit_text(e audit_entries) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT jsonb_build_array(
        e.chain, e.sequence, e.id, round(extract(epoch FROM e.at) * 1000000)::bigint,
        e.organisation_id, e.client, e.action, e.target_type, e.target_id, e.detail,
        encode(e.sealed, 'hex'))::text
$$;

CREATE FUNCTION caller_client() RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT NULLIF(current_setting('ruta.client', true), '') $$;

CREATE FUNCTION caller_has_role(wanted text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$ SELECT wanted = ANY (string_to_array(current_setting('ruta.roles', true), ',')) $$;

CREATE FUNCTION caller_organisation() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$ SELECT NULLIF(current_setting('ruta.organisation', true), '')::uuid $$;

CREATE FUNCTION hold_case(case_id uuid, wait boolean) RETURNS boolean
    LANGUAGE plpgsql COST 100000
    AS $$
BEGIN
    IF case_id IS NULL THEN
        RETURN true;
    ELSIF wait THEN
        PERFORM pg_advisory_xact_lock(uuid_hash_extended(case_id, 4321));
        RETURN true;
    END IF;
    RETURN pg_try_advisory_xact_lock(uuid_hash_extended(case_id, 4321));
END
$$;

CREATE FUNCTION reporting_word(of_case uuid) RETURNS text
    LANGUAGE plpgsql
    AS $$
        DECLARE
            before text := coalesce(current_setting('ruta.as_service', true), '');
            found text;
        BEGIN
            PERFORM set_config('ruta.as_service', 'on', true);
            SELECT jsonb_build_object(
                'status', g.status, 'attributes', g.attributes, 'decided_by', g.decided_by,
                'assent', g.child_assent, 'confirmed', g.approved_by IS NOT NULL,
                'valid_until', g.valid_until, 'caregiver', c.caregiver, 'minor', c.minor,
                'case_status', c.status, 'organisation', c.organisation_id,
                'identity', translate(encode(c.identity, 'base64'), E'\n', '')
            )::text INTO found
            FROM grants g JOIN cases c ON c.id = g.case_id
            WHERE g.case_id = of_case AND g.kind = 'reporting'
            AND g.status IN ('active', 'withdrawn')
            ORDER BY g.status = 'active' DESC, g.id DESC LIMIT 1;
            PERFORM set_config('ruta.as_service', before, true);
            RETURN found;
        END
        $$;

CREATE FUNCTION revoke_snapshot(of_referral uuid, at timestamptz) RETURNS void
    LANGUAGE plpgsql
    AS $$
        DECLARE
            before text := coalesce(current_setting('ruta.as_service', true), '');
        BEGIN
            PERFORM set_config('ruta.as_service', 'on', true);
            UPDATE snapshots SET revoked_at = at
            WHERE referral_id = of_referral AND revoked_at IS NULL;
            PERFORM set_config('ruta.as_service', before, true);
        END
        $$;

CREATE INDEX audit_entries_at ON audit_entries USING brin (at);

CREATE INDEX audit_entries_newest ON audit_entries (organisation_id, id);

CREATE INDEX audit_entries_organisation ON audit_entries (organisation_id, at);

CREATE INDEX audit_entries_target ON audit_entries (target_id, action, at);

CREATE INDEX cases_listing ON cases (organisation_id, id DESC);

CREATE INDEX cases_minors ON cases (id) WHERE (minor AND (status = 'open'::text));

CREATE INDEX cases_retention ON cases (retain_until) WHERE (status = 'closed'::text);

CREATE INDEX exceptions_case ON exceptions (case_id);

CREATE INDEX exceptions_listing ON exceptions (organisation_id, id DESC);

CREATE INDEX grants_case ON grants (case_id, id);

CREATE INDEX grants_listing ON grants (organisation_id, id DESC);

CREATE INDEX referrals_appointments ON referrals (appointment_at) WHERE (state = 'scheduled'::text);

CREATE INDEX referrals_case ON referrals (case_id, id);

CREATE INDEX referrals_due ON referrals (to_organisation, state, LEAST( CASE WHEN (state = 'sent'::text) THEN acknowledge_by ELSE NULL::timestamptz END, CASE WHEN (state = ANY (ARRAY['acknowledged'::text, 'sent'::text, 'waitlisted'::text])) THEN decide_by ELSE NULL::timestamptz END, CASE WHEN (state = ANY (ARRAY['acknowledged'::text, 'sent'::text, 'waitlisted'::text])) THEN clinical_deadline ELSE NULL::timestamptz END, CASE WHEN (state = ANY (ARRAY['accepted'::text, 'in_service'::text])) THEN act_by ELSE NULL::timestamptz END, CASE WHEN (state = 'scheduled'::text) THEN appointment_at ELSE NULL::timestamptz END), ( CASE WHEN (state = 'on_hold'::text) THEN review_on ELSE NULL::date END), id) WHERE ((sent_at IS NOT NULL) AND (state = ANY (ARRAY['accepted'::text, 'acknowledged'::text, 'draft'::text, 'in_service'::text, 'info_requested'::text, 'on_hold'::text, 'scheduled'::text, 'sent'::text, 'waitlisted'::text])));

CREATE INDEX referrals_emergencies ON referrals (sent_at) WHERE ((state = 'sent'::text) AND (urgency = 'emergency'::text));

CREATE INDEX referrals_exception ON referrals (exception_id) WHERE (exception_id IS NOT NULL);

CREATE INDEX grants_ending ON grants (valid_until) WHERE ((status = 'active'::text) AND (valid_until IS NOT NULL));

CREATE INDEX referrals_former_grants ON referrals USING gin (former_grants) WHERE (former_grants IS NOT NULL);

CREATE INDEX referrals_flagged ON referrals (service_id) WHERE (service_flag IS NOT NULL);

CREATE INDEX referrals_grant ON referrals (grant_id) WHERE (grant_id IS NOT NULL);

CREATE INDEX referrals_late_newest ON referrals (to_organisation, state, id DESC, LEAST( CASE WHEN (state = 'sent'::text) THEN acknowledge_by ELSE NULL::timestamptz END, CASE WHEN (state = ANY (ARRAY['acknowledged'::text, 'sent'::text, 'waitlisted'::text])) THEN decide_by ELSE NULL::timestamptz END, CASE WHEN (state = ANY (ARRAY['acknowledged'::text, 'sent'::text, 'waitlisted'::text])) THEN clinical_deadline ELSE NULL::timestamptz END, CASE WHEN (state = ANY (ARRAY['accepted'::text, 'in_service'::text])) THEN act_by ELSE NULL::timestamptz END, CASE WHEN (state = 'scheduled'::text) THEN appointment_at ELSE NULL::timestamptz END), ( CASE WHEN (state = 'on_hold'::text) THEN review_on ELSE NULL::date END)) WHERE ((sent_at IS NOT NULL) AND (state = ANY (ARRAY['accepted'::text, 'acknowledged'::text, 'draft'::text, 'in_service'::text, 'info_requested'::text, 'on_hold'::text, 'scheduled'::text, 'sent'::text, 'waitlisted'::text])));

CREATE INDEX referrals_open ON referrals (to_organisation, state) INCLUDE (from_organisation, sent_at, service_id) WHERE ((sent_at IS NOT NULL) AND (state = ANY (ARRAY['accepted'::text, 'acknowledged'::text, 'draft'::text, 'in_service'::text, 'info_requested'::text, 'on_hold'::text, 'scheduled'::text, 'sent'::text, 'waitlisted'::text])));

CREATE INDEX referrals_queue ON referrals (to_organisation, state, id DESC) WHERE (sent_at IS NOT NULL);

CREATE INDEX referrals_received ON referrals (to_organisation, id DESC) WHERE (sent_at IS NOT NULL);

CREATE INDEX referrals_sent ON referrals (from_organisation, id DESC);

CREATE INDEX referrals_unheard ON referrals (id) WHERE ((state = 'sent'::text) AND (unheard_at IS NOT NULL));

CREATE INDEX referrals_service_queue ON referrals (service_id, id DESC) WHERE (sent_at IS NOT NULL);

CREATE INDEX plan_items_case ON plan_items (case_id, id);

CREATE INDEX assistance_case ON assistance (case_id, given_on);

CREATE INDEX audit_heads_position ON audit_heads ("position");

CREATE INDEX break_glass_case ON break_glass (case_id);

CREATE INDEX case_lookups_case ON case_lookups (case_id);

CREATE INDEX case_matches_b ON case_matches (case_b);

CREATE INDEX case_entries_case ON case_entries (case_id, id);

CREATE INDEX case_entries_due ON case_entries (due_on) WHERE ((due_on IS NOT NULL) AND (done_at IS NULL));

CREATE INDEX case_entries_linked ON case_entries (linked_case_id) WHERE (linked_case_id IS NOT NULL);

CREATE INDEX case_reviews_case ON case_reviews (case_id, id);

CREATE INDEX case_reviews_due ON case_reviews (due_on) WHERE (done_on IS NULL);

CREATE UNIQUE INDEX case_reviews_one_open ON case_reviews (case_id) WHERE (done_on IS NULL);

CREATE INDEX trainings_listing ON trainings (organisation_id, id DESC);

CREATE INDEX certificates_expiring ON certificates (valid_until) WHERE (revoked_at IS NULL);

CREATE INDEX certificates_holder ON certificates (organisation_id, holder, topic);

CREATE INDEX channels_address ON channels (address_digest) WHERE active;

CREATE INDEX channels_organisation ON channels (organisation_id);

CREATE INDEX codes_asked_address ON codes_asked (address_digest);

CREATE INDEX codes_asked_ending ON codes_asked (asked_at);

CREATE INDEX codes_asked_person ON codes_asked (organisation_id, person);

CREATE INDEX directory_services_categories ON directory_services USING gin (categories);

CREATE INDEX directory_services_stale ON directory_services (valid_until) WHERE referable;

CREATE INDEX intake_forms_organisation ON intake_forms (organisation_id);

CREATE INDEX intake_records_case ON intake_records (case_id);

CREATE INDEX screenings_listing ON screenings (organisation_id, id DESC);

CREATE INDEX screenings_of_case ON screenings (case_id) WHERE (case_id IS NOT NULL);

CREATE INDEX screenings_retention ON screenings (changed_at) WHERE ((case_id IS NULL) AND (status <> 'erased'::text));

CREATE INDEX intake_submissions_listing ON intake_submissions (organisation_id, status, id DESC);

CREATE INDEX late_calls_ending ON late_calls (called_at);

CREATE INDEX late_calls_last ON late_calls (aor, organisation_id, called_at DESC);

CREATE INDEX line_reports_case ON line_reports (case_id) WHERE (case_id IS NOT NULL);

CREATE INDEX line_reports_expiry ON line_reports (expires_at);

CREATE INDEX line_reports_handed ON line_reports (handed_to, id DESC);

CREATE INDEX line_reports_queue ON line_reports (aor, status, ((NOT urgent)), last_at, id);

CREATE INDEX line_reports_text ON line_reports (text_digest, received_at);

CREATE INDEX line_exceptions_receiver ON line_exceptions (organisation_id, id DESC);

CREATE INDEX line_exceptions_report ON line_exceptions (report_id);

CREATE INDEX match_tokens_case ON match_tokens (case_id);

CREATE INDEX notices_feed ON notices (organisation_id, "position", id);

CREATE INDEX notices_subject ON notices (subject_id);

CREATE INDEX notices_waiting ON notices (id) WHERE (fanned_out_at IS NULL);

CREATE INDEX on_call_ended ON on_call (ends_at);

CREATE INDEX on_call_running ON on_call (organisation_id, ends_at);

CREATE INDEX outbox_aggregate ON outbox (aggregateid);

CREATE INDEX outbox_unpublished ON outbox (occurred_at, id) WHERE (published_at IS NULL);

CREATE INDEX pathway_alternatives_need ON pathway_alternatives (need, area);

CREATE INDEX pings_due ON pings (channel_id, next_attempt_at) WHERE (settled_at IS NULL);

CREATE INDEX pings_notice ON pings (notice_id);

CREATE INDEX pings_settled ON pings (settled_at) WHERE (settled_at IS NOT NULL);

CREATE INDEX restrictions_case ON restrictions (case_id) WHERE (case_id IS NOT NULL);

CREATE INDEX restrictions_untold ON restrictions (at) WHERE (told_at IS NULL);

CREATE INDEX stored_results_kept ON stored_results (created_at) WHERE (result <> '\x'::bytea);

CREATE INDEX stored_results_subject ON stored_results (subject) WHERE (subject IS NOT NULL);

CREATE INDEX tasks_listing ON tasks (organisation_id, id DESC);

CREATE UNIQUE INDEX tasks_once ON tasks (organisation_id, kind, case_id, COALESCE(referral_id, '00000000-0000-0000-0000-000000000000'::uuid)) WHERE (done_at IS NULL);

CREATE INDEX timers_due ON timers (due_at);

CREATE INDEX transfers_from ON transfers (from_organisation, id DESC);

CREATE UNIQUE INDEX transfers_one_open ON transfers (case_id) WHERE (state = 'offered'::text);

CREATE INDEX transfers_to ON transfers (to_organisation, id DESC);

CREATE INDEX webhooks_organisation ON webhooks (organisation_id) WHERE active;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE (status = 'waiting'::text);

CREATE INDEX webhook_deliveries_notice ON webhook_deliveries (notice_id);

CREATE INDEX webhook_deliveries_listing ON webhook_deliveries (webhook_id, id DESC);

CREATE TRIGGER audit_link BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_link();

CREATE TRIGGER audit_refuse BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

REVOKE UPDATE, DELETE ON audit_entries FROM {role};

REVOKE DELETE ON audit_heads, referral_steps FROM {role};

REVOKE UPDATE, DELETE ON instruments FROM {role};
