CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE EXTENSION IF NOT EXISTS cube;

CREATE EXTENSION IF NOT EXISTS earthdistance;

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE EXTENSION IF NOT EXISTS unaccent;

CREATE TABLE organisations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    version bigint DEFAULT '1'::bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE aor_memberships (
    organisation_id uuid NOT NULL REFERENCES organisations(id),
    aor text NOT NULL,
    PRIMARY KEY (organisation_id, aor)
);

CREATE TABLE clients (
    id text PRIMARY KEY,
    organisation_id uuid REFERENCES organisations(id),
    name text NOT NULL,
    secret_hash text,
    jwks jsonb,
    roles text[] DEFAULT '{}'::text[] NOT NULL,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    areas text[] DEFAULT '{}'::text[] NOT NULL,
    aors text[] DEFAULT '{}'::text[] NOT NULL,
    redirect_uris text[] DEFAULT '{}'::text[] NOT NULL,
    active boolean DEFAULT true NOT NULL,
    version bigint DEFAULT '1'::bigint NOT NULL,
    created_at timestamptz NOT NULL,
    ends_on date,
    last_used_on date
);

CREATE TABLE people (
    id uuid PRIMARY KEY,
    sign_in_name text NOT NULL,
    organisation_id uuid NOT NULL REFERENCES organisations(id),
    password_hash text,
    second_factor bytea,
    second_factor_step bigint DEFAULT '0'::bigint NOT NULL,
    roles text[] DEFAULT '{}'::text[] NOT NULL,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    areas text[] DEFAULT '{}'::text[] NOT NULL,
    aors text[] DEFAULT '{}'::text[] NOT NULL,
    active boolean DEFAULT true NOT NULL,
    version bigint DEFAULT '1'::bigint NOT NULL,
    created_at timestamptz NOT NULL,
    invitation_digest bytea,
    invited_until timestamptz,
    CONSTRAINT people_invitation_digest_key UNIQUE (invitation_digest),
    CONSTRAINT people_sign_in_name_key UNIQUE (sign_in_name)
);

CREATE TABLE authorization_codes (
    code_hash bytea PRIMARY KEY,
    family uuid NOT NULL,
    client_id text NOT NULL REFERENCES clients(id),
    person_id uuid NOT NULL REFERENCES people(id),
    scopes text[] NOT NULL,
    signed_in_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    redirect_uri text NOT NULL,
    challenge text NOT NULL,
    nonce text,
    amr text[]
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

CREATE TABLE failed_attempts (
    name_digest bytea NOT NULL,
    source text NOT NULL,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (name_digest, source)
);

CREATE TABLE identity_changes (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    by_client text NOT NULL,
    by_subject text NOT NULL,
    what text NOT NULL,
    kind text NOT NULL,
    target text NOT NULL,
    told_at timestamptz,
    news boolean DEFAULT false NOT NULL,
    read_at timestamptz
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
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

CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people(id),
    credential_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    made_at timestamptz NOT NULL,
    asked_at timestamptz,
    used_at timestamptz,
    CONSTRAINT passkeys_credential_id_key UNIQUE (credential_id)
);

CREATE TABLE recovery_codes (
    person_id uuid NOT NULL REFERENCES people(id),
    code_digest bytea NOT NULL,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person_id, code_digest)
);

CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    family uuid NOT NULL,
    client_id text NOT NULL REFERENCES clients(id),
    person_id uuid NOT NULL REFERENCES people(id),
    scopes text[] NOT NULL,
    signed_in_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE revocations (
    kind text NOT NULL,
    target text NOT NULL,
    issued_until timestamptz NOT NULL,
    PRIMARY KEY (kind, target)
);

CREATE TABLE sign_ins (
    id uuid PRIMARY KEY,
    client_id text NOT NULL REFERENCES clients(id),
    person_id uuid NOT NULL REFERENCES people(id),
    signed_in_at timestamptz NOT NULL,
    ended_at timestamptz,
    lost_answers smallint DEFAULT '0'::smallint NOT NULL,
    factor text
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

CREATE TABLE used_assertions (
    digest bytea PRIMARY KEY,
    until timestamptz NOT NULL
);

CREATE INDEX identity_changes_target ON identity_changes (target);

CREATE INDEX identity_changes_untold ON identity_changes (id) WHERE (told_at IS NULL);

CREATE INDEX outbox_unpublished ON outbox (occurred_at, id) WHERE (published_at IS NULL);

CREATE INDEX ix_passkeys_person_id ON passkeys (person_id);

CREATE INDEX refresh_tokens_family ON refresh_tokens (family);

CREATE INDEX sign_ins_client_id ON sign_ins (client_id);

CREATE INDEX sign_ins_person_id ON sign_ins (person_id);

CREATE INDEX sign_ins_signed_in_at ON sign_ins (signed_in_at);

CREATE INDEX stored_results_kept ON stored_results (created_at) WHERE (result <> '\x'::bytea);

CREATE INDEX stored_results_subject ON stored_results (subject) WHERE (subject IS NOT NULL);

REVOKE UPDATE, DELETE ON identity_changes FROM {role};

GRANT UPDATE (told_at) ON identity_changes TO {role};

GRANT UPDATE (read_at) ON identity_changes TO {role};
