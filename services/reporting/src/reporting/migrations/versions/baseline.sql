CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE EXTENSION IF NOT EXISTS cube;

CREATE EXTENSION IF NOT EXISTS earthdistance;

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE EXTENSION IF NOT EXISTS unaccent;

CREATE TABLE activities (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    version integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    withdrawn_at timestamptz,
    external_id text NOT NULL,
    report_month date NOT NULL,
    type text NOT NULL,
    activity_code text NOT NULL,
    activity_detail text,
    org_leader text NOT NULL,
    org_leader_type text NOT NULL,
    org_implementer text NOT NULL,
    org_implementer_type text NOT NULL,
    project_code text,
    project_name text,
    adm1_pcode text NOT NULL,
    adm2_pcode text,
    adm3_pcode text,
    tlocation text,
    location_name text,
    start date NOT NULL,
    "end" date,
    status text NOT NULL,
    quantity integer,
    women integer,
    men integer,
    girls integer,
    boys integer,
    other_adults integer,
    other_children integer,
    reached integer,
    CONSTRAINT activities_once UNIQUE (organisation_id, external_id)
);

CREATE TABLE activity_imports (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    file_name text NOT NULL,
    file_sha256 text NOT NULL,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    created integer NOT NULL,
    changed integer NOT NULL,
    unchanged integer NOT NULL
);

CREATE TABLE activity_mappings (
    organisation_id uuid NOT NULL,
    layout text NOT NULL,
    mapping jsonb NOT NULL,
    confirmed_at timestamptz NOT NULL,
    confirmed_by text NOT NULL,
    PRIMARY KEY (organisation_id, layout)
);

CREATE TABLE bulletins (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    period text NOT NULL,
    edition integer NOT NULL,
    state text NOT NULL,
    content jsonb NOT NULL,
    content_sha256 text NOT NULL,
    drafted_at timestamptz NOT NULL,
    drafted_by text NOT NULL,
    signed_off_at timestamptz,
    signed_off_by text,
    published_at timestamptz,
    published_by text,
    CONSTRAINT bulletins_once UNIQUE (kind, period, edition)
);

CREATE TABLE bulletin_files (
    bulletin_id uuid NOT NULL REFERENCES bulletins(id),
    language text NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (bulletin_id, language, name)
);

CREATE TABLE bulletin_letterheads (
    id integer PRIMARY KEY CHECK (id = 1),
    letterhead jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);

CREATE TABLE bulletin_publications (
    bulletin_id uuid PRIMARY KEY REFERENCES bulletins(id),
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    due_at timestamptz,
    done integer NOT NULL,
    problem jsonb,
    claims jsonb
);

CREATE TABLE closings (
    id uuid PRIMARY KEY,
    period text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    CONSTRAINT closings_once UNIQUE (period)
);

CREATE TABLE closing_steps (
    closing_id uuid NOT NULL REFERENCES closings(id),
    programme text NOT NULL,
    "position" integer NOT NULL,
    task text NOT NULL,
    asked_by text NOT NULL,
    attempts integer NOT NULL,
    due_at timestamptz,
    problem jsonb,
    changed_at timestamptz NOT NULL,
    claims jsonb,
    CONSTRAINT closing_steps_task_check CHECK ((task = ANY (ARRAY['close'::text, 'publish'::text]))),
    PRIMARY KEY (closing_id, programme)
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

CREATE TABLE ended_rights (
    target text NOT NULL,
    kind text NOT NULL,
    suspended boolean NOT NULL,
    changed_until timestamptz,
    PRIMARY KEY (target, kind)
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

CREATE TABLE indicator_reads (
    id uuid PRIMARY KEY,
    read_at timestamptz NOT NULL,
    client_id text NOT NULL,
    organisation_id uuid,
    what text NOT NULL,
    parameters json NOT NULL
);

CREATE TABLE joint_cubes (
    id uuid PRIMARY KEY,
    population text NOT NULL,
    period text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    k integer NOT NULL,
    profile text NOT NULL,
    schema_fingerprint bytea NOT NULL,
    definition jsonb NOT NULL,
    cells_hash bytea NOT NULL,
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL,
    CONSTRAINT joint_cubes_write_once UNIQUE (population, period)
);

CREATE TABLE joint_cells (
    cube_id uuid NOT NULL REFERENCES joint_cubes(id),
    coordinates text[] NOT NULL,
    count integer NOT NULL,
    CONSTRAINT joint_cells_count_check CHECK ((count > 0)),
    PRIMARY KEY (cube_id, coordinates)
);

CREATE TABLE late_arrivals (
    event_id uuid PRIMARY KEY,
    counted_on date NOT NULL
);

CREATE TABLE milestones (
    id uuid PRIMARY KEY,
    plan text NOT NULL,
    what jsonb NOT NULL,
    responsible jsonb,
    organisation_id uuid,
    due text NOT NULL,
    last_day date NOT NULL,
    indicator text,
    status text NOT NULL,
    reason jsonb,
    version integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);

CREATE TABLE milestone_changes (
    milestone_id uuid NOT NULL REFERENCES milestones(id),
    version integer NOT NULL,
    body jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (milestone_id, version)
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

CREATE TABLE outside_series (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    edition integer NOT NULL,
    title jsonb NOT NULL,
    unit jsonb NOT NULL,
    source text NOT NULL,
    url text NOT NULL,
    licence text NOT NULL,
    retrieved_on date NOT NULL,
    method text,
    points jsonb NOT NULL,
    points_sha256 text NOT NULL,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    CONSTRAINT outside_series_once UNIQUE (code, edition)
);

CREATE TABLE releases (
    id uuid PRIMARY KEY,
    programme text NOT NULL,
    period text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    k integer NOT NULL,
    profile text NOT NULL,
    schema_fingerprint bytea NOT NULL,
    definition jsonb NOT NULL,
    expected_errors jsonb NOT NULL,
    cells_hash bytea NOT NULL,
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL,
    cube_id uuid NOT NULL REFERENCES joint_cubes(id),
    CONSTRAINT releases_write_once UNIQUE (programme, period)
);

CREATE TABLE publications (
    release_id uuid PRIMARY KEY REFERENCES releases(id),
    published_at timestamptz NOT NULL,
    published_by text NOT NULL
);

CREATE TABLE withdrawals (
    subject uuid PRIMARY KEY,
    reason jsonb NOT NULL,
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text
);

CREATE TABLE sign_offs (
    release_id uuid NOT NULL REFERENCES releases(id),
    organisation_id uuid NOT NULL,
    signed_at timestamptz,
    signed_by text,
    waived_because text,
    PRIMARY KEY (release_id, organisation_id)
);

CREATE TABLE stakeholders (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    organisation_id uuid,
    name jsonb,
    type text NOT NULL,
    sectors text[] NOT NULL,
    mandate jsonb NOT NULL,
    does jsonb NOT NULL,
    presence text[],
    contact jsonb,
    source text NOT NULL,
    as_of date NOT NULL,
    in_bulletin boolean NOT NULL,
    version integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT stakeholders_linked CHECK (((organisation_id IS NULL) OR ((name IS NULL) AND (presence IS NULL) AND (contact IS NULL) AND (NOT in_bulletin)))),
    CONSTRAINT stakeholders_once UNIQUE (code)
);

CREATE TABLE statements (
    id uuid PRIMARY KEY,
    analysis text NOT NULL,
    place text NOT NULL,
    parent uuid REFERENCES statements(id),
    text jsonb NOT NULL,
    cited jsonb NOT NULL,
    version integer NOT NULL,
    written_at timestamptz NOT NULL,
    written_by text NOT NULL,
    organisation_id uuid NOT NULL,
    agreed_at timestamptz,
    agreed_by text,
    CONSTRAINT statements_two_people CHECK ((agreed_by <> written_by))
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

CREATE TABLE subscribers (
    id uuid PRIMARY KEY,
    address bytea NOT NULL,
    address_digest bytea NOT NULL,
    language text NOT NULL,
    asked_at timestamptz NOT NULL,
    asked integer NOT NULL,
    confirm_wanted boolean NOT NULL,
    confirmed_at timestamptz,
    told_until timestamptz,
    attempts integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    CONSTRAINT subscribers_address_digest_key UNIQUE (address_digest)
);

CREATE TABLE work_plan_targets (
    id uuid PRIMARY KEY,
    plan text NOT NULL,
    indicator text NOT NULL,
    area text NOT NULL,
    start date NOT NULL,
    "end" date NOT NULL,
    target integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT work_plan_targets_once UNIQUE (plan, indicator, area)
);

CREATE FUNCTION keep_published_bulletin() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF OLD.published_at IS NOT NULL THEN RAISE EXCEPTION 'a published bulletin never changes' USING ERRCODE = 'RU001'; END IF; RETURN NEW; END $$;

CREATE FUNCTION vector_add(a bigint[], b bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY n) FROM unnest(a, b) WITH ORDINALITY AS pairs(x, y, n) $$;

CREATE INDEX activities_start ON activities (start, id);

CREATE INDEX closing_steps_due ON closing_steps (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX indicator_reads_at ON indicator_reads (read_at);

CREATE INDEX milestones_due ON milestones (last_day, id);

CREATE INDEX outbox_unpublished ON outbox (occurred_at, id) WHERE (published_at IS NULL);

CREATE UNIQUE INDEX statements_one_core ON statements (analysis) WHERE (place = 'core-problem'::text);

CREATE INDEX stored_results_kept ON stored_results (created_at) WHERE (result <> '\x'::bytea);

CREATE INDEX stored_results_subject ON stored_results (subject) WHERE (subject IS NOT NULL);

CREATE INDEX subscribers_asked ON subscribers (asked_at);

CREATE INDEX subscribers_due ON subscribers (next_attempt_at);

CREATE TRIGGER bulletins_immutable BEFORE UPDATE ON bulletins FOR EACH ROW EXECUTE FUNCTION keep_published_bulletin();

REVOKE UPDATE, DELETE ON releases, publications, late_arrivals, indicator_reads FROM {role};

REVOKE UPDATE, DELETE ON joint_cubes, joint_cells, bulletin_files FROM {role};

REVOKE UPDATE, DELETE ON milestone_changes FROM {role};

REVOKE DELETE ON sign_offs, bulletins, milestones, withdrawals FROM {role};
