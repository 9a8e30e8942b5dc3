CREATE SCHEMA {schema};

GRANT USAGE ON SCHEMA {schema} TO {role};

ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};

CREATE TABLE {schema}.caseload_counters (
    scope text NOT NULL,
    scope_id text NOT NULL,
    month date NOT NULL,
    area text NOT NULL,
    what text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (scope, scope_id, month, area, what)
);

CREATE TABLE {schema}.caseload_facts (
    event_id uuid NOT NULL,
    what text NOT NULL,
    occurred_on date NOT NULL,
    organisation uuid,
    other_organisation uuid,
    area text,
    detail text,
    PRIMARY KEY (event_id)
);

CREATE TABLE {schema}.forgotten_persons (
    mark bytea NOT NULL,
    PRIMARY KEY (mark)
);

CREATE TABLE {schema}.gap_counts (
    area text NOT NULL,
    need text NOT NULL,
    "group" text NOT NULL,
    week text NOT NULL,
    version integer NOT NULL,
    count integer NOT NULL,
    counted_on date NOT NULL,
    PRIMARY KEY (area, need, "group", week, version)
);

CREATE TABLE {schema}.identification_facts (
    kind text NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    occurred_on date NOT NULL,
    counted_on date NOT NULL,
    person bytea,
    organisation uuid NOT NULL,
    judgement text,
    assistance_type text,
    area text,
    countable boolean NOT NULL,
    sex text,
    age_band text,
    exploitation_types text[] NOT NULL,
    origin text,
    transit text[] NOT NULL,
    destination text,
    PRIMARY KEY (kind, id, version)
);

CREATE TABLE {schema}.indicator_counters (
    scope text NOT NULL,
    scope_id text NOT NULL,
    month date NOT NULL,
    area text NOT NULL,
    category text NOT NULL,
    vector bigint[] NOT NULL,
    PRIMARY KEY (scope, scope_id, month, area, category)
);

CREATE TABLE {schema}.referral_facts (
    referral_id uuid NOT NULL,
    state_version integer NOT NULL,
    state text NOT NULL,
    reason text,
    outcome text,
    from_organisation uuid,
    to_organisation uuid,
    category text,
    aor text,
    area text,
    sent_at timestamptz,
    acknowledged_at timestamptz,
    accepted_at timestamptz,
    delivered_at timestamptz,
    confirmed_at timestamptz,
    escalated_version integer NOT NULL,
    late boolean NOT NULL,
    PRIMARY KEY (referral_id)
);

CREATE TABLE {schema}.referral_steps (
    referral_id uuid NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    occurred_at timestamptz NOT NULL,
    counted_on date NOT NULL,
    person bytea,
    from_organisation uuid,
    to_organisation uuid,
    category text,
    aor text,
    area text,
    urgency text,
    reason text,
    outcome text,
    late boolean NOT NULL,
    countable boolean NOT NULL,
    sex text,
    age_band text,
    PRIMARY KEY (referral_id, version)
);

CREATE TABLE {schema}.reporting_grants (
    grant_id uuid NOT NULL,
    person bytea,
    given_at timestamptz,
    withdrawn_at timestamptz,
    PRIMARY KEY (grant_id)
);

CREATE TABLE {schema}.services (
    service_id uuid NOT NULL,
    version integer NOT NULL,
    organisation_id uuid NOT NULL,
    categories text[] NOT NULL,
    aors text[] NOT NULL,
    areas text[] NOT NULL,
    listed boolean NOT NULL,
    state_version integer NOT NULL,
    capacity_state text,
    functional_status text,
    referable boolean NOT NULL,
    PRIMARY KEY (service_id)
);

CREATE INDEX {schema}_grants_person ON {schema}.reporting_grants (person);

CREATE INDEX {schema}_identifications_counted ON {schema}.identification_facts (counted_on) WHERE countable;

CREATE INDEX {schema}_identifications_person ON {schema}.identification_facts (person);

CREATE INDEX {schema}_steps_counted ON {schema}.referral_steps (counted_on) WHERE countable;

CREATE INDEX {schema}_steps_person ON {schema}.referral_steps (person);
