CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE EXTENSION IF NOT EXISTS cube;

CREATE EXTENSION IF NOT EXISTS earthdistance;

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE EXTENSION IF NOT EXISTS unaccent;

CREATE TEXT SEARCH CONFIGURATION ruta_es (COPY = pg_catalog.spanish);

CREATE TEXT SEARCH CONFIGURATION ruta_en (COPY = pg_catalog.english);

ALTER TEXT SEARCH CONFIGURATION ruta_es ALTER MAPPING FOR hword, hword_part, word WITH unaccent, spanish_stem;

ALTER TEXT SEARCH CONFIGURATION ruta_en ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;

CREATE SEQUENCE directory_epoch;

CREATE TABLE area_population (
    area text NOT NULL,
    grp text NOT NULL,
    people bigint NOT NULL,
    source text NOT NULL,
    imported_at timestamptz NOT NULL,
    PRIMARY KEY (area, grp)
);

CREATE TABLE clock_looks (
    one boolean PRIMARY KEY,
    at timestamptz NOT NULL,
    believed_from timestamptz NOT NULL,
    CONSTRAINT clock_looks_one_check CHECK (one)
);

CREATE TABLE coverage_cells (
    area text NOT NULL,
    need text NOT NULL,
    whole boolean NOT NULL,
    state text NOT NULL,
    visibility smallint NOT NULL,
    aors text NOT NULL,
    services integer NOT NULL,
    child integer NOT NULL,
    woman integer NOT NULL,
    man integer NOT NULL,
    other integer NOT NULL,
    PRIMARY KEY (area, need, whole, state, visibility, aors)
);

CREATE TABLE coverage_shares (
    service_id uuid NOT NULL,
    area text NOT NULL,
    need text NOT NULL,
    whole boolean NOT NULL,
    state text NOT NULL,
    visibility smallint NOT NULL,
    aors text NOT NULL,
    groups text[] NOT NULL
);

CREATE TABLE crosswalk_additions (
    service_id uuid PRIMARY KEY,
    categories text[] NOT NULL
);

CREATE TABLE crosswalk_services (
    service_id uuid NOT NULL,
    term_id uuid NOT NULL,
    PRIMARY KEY (service_id, term_id)
);

CREATE TABLE crosswalk_terms (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    source text NOT NULL,
    taxonomy text NOT NULL,
    term text NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL,
    categories text[],
    decided_by text,
    decided_at timestamptz,
    CONSTRAINT crosswalk_terms_decided CHECK (((categories IS NULL) = (decided_by IS NULL))),
    CONSTRAINT crosswalk_terms_key UNIQUE (source, taxonomy, term)
);

CREATE TABLE crosswalk_waiting (
    service_id uuid PRIMARY KEY,
    principal jsonb NOT NULL
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

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    document jsonb NOT NULL,
    managed_by uuid NOT NULL,
    visibility smallint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL,
    plain_name text NOT NULL,
    withheld boolean DEFAULT false NOT NULL,
    ended_at timestamptz
);

CREATE TABLE successions (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    successor_id uuid NOT NULL,
    kind text NOT NULL,
    service_ids uuid[] NOT NULL,
    areas text[] NOT NULL,
    status text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz
);

CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    url text NOT NULL,
    secret bytea NOT NULL,
    former_secret bytea,
    former_until timestamptz,
    active boolean NOT NULL,
    disabled_reason text,
    created_at timestamptz NOT NULL,
    kept_by text NOT NULL,
    told xid8,
    attempts integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    called_at timestamptz,
    answer_status integer,
    failure text
);

CREATE TABLE services (
    id uuid PRIMARY KEY,
    document jsonb NOT NULL,
    managed_by uuid NOT NULL,
    visibility smallint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL,
    organization_id uuid NOT NULL REFERENCES organizations(id),
    state text NOT NULL,
    approved jsonb,
    aors text[] NOT NULL,
    states text[] NOT NULL,
    valid_until date,
    stale boolean DEFAULT false NOT NULL,
    reminded_on date,
    event_version bigint DEFAULT '0'::bigint NOT NULL,
    announced jsonb,
    merged_into uuid,
    plain_name text NOT NULL,
    phone_digits text[] DEFAULT '{}'::text[] NOT NULL,
    restricted jsonb,
    withheld boolean DEFAULT false NOT NULL,
    CONSTRAINT services_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'approved'::text, 'returned'::text, 'withdrawn'::text, 'merged'::text])))
);

CREATE TABLE endorsements (
    service_id uuid NOT NULL REFERENCES services(id),
    aor text NOT NULL,
    endorsed_by text NOT NULL,
    organisation_id uuid,
    endorsed_at timestamptz NOT NULL,
    PRIMARY KEY (service_id, aor)
);

CREATE TABLE external_ids (
    kind text NOT NULL,
    source text NOT NULL,
    external_id text NOT NULL,
    entity_id uuid NOT NULL,
    PRIMARY KEY (kind, source, external_id)
);

CREATE TABLE gap_observations (
    area text NOT NULL,
    need text NOT NULL,
    grp text NOT NULL,
    week text NOT NULL,
    count integer NOT NULL,
    announced integer DEFAULT 0 NOT NULL,
    event_version bigint DEFAULT '0'::bigint NOT NULL,
    PRIMARY KEY (area, need, grp, week)
);

CREATE TABLE history (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    entity_id uuid NOT NULL,
    version bigint NOT NULL,
    pointer text NOT NULL,
    old jsonb,
    new jsonb,
    client_id text NOT NULL,
    organisation_id uuid,
    at timestamptz NOT NULL,
    source text
);

CREATE TABLE house_looks (
    kind text NOT NULL,
    entity_id uuid NOT NULL,
    organization_id uuid,
    words text[] NOT NULL,
    heard text[] DEFAULT '{}'::text[] NOT NULL,
    held boolean NOT NULL,
    waiting boolean NOT NULL,
    since timestamptz NOT NULL,
    is_house boolean,
    seen_words text[] DEFAULT '{}'::text[] NOT NULL,
    looked_by text,
    looked_at timestamptz,
    PRIMARY KEY (kind, entity_id)
);

CREATE TABLE imports (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    client_id text NOT NULL,
    principal jsonb NOT NULL,
    file_name text NOT NULL,
    file_size bigint NOT NULL,
    digest bytea NOT NULL,
    format text NOT NULL,
    mode text NOT NULL,
    dry_run boolean NOT NULL,
    options jsonb NOT NULL,
    state text NOT NULL,
    content bytea,
    rows_expected integer,
    rows_read integer DEFAULT 0 NOT NULL,
    rows_accepted integer DEFAULT 0 NOT NULL,
    rows_changed integer DEFAULT 0 NOT NULL,
    rows_refused integer DEFAULT 0 NOT NULL,
    services_created integer DEFAULT 0 NOT NULL,
    services_updated integer DEFAULT 0 NOT NULL,
    services_unchanged integer DEFAULT 0 NOT NULL,
    notes jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    fidelity jsonb,
    CONSTRAINT imports_mode CHECK ((mode = ANY (ARRAY['all'::text, 'skip-bad'::text]))),
    CONSTRAINT imports_state CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'finished'::text, 'refused'::text, 'failed'::text])))
);

CREATE TABLE import_rows (
    import_id uuid NOT NULL REFERENCES imports(id) ON DELETE CASCADE,
    number integer NOT NULL,
    verdict text NOT NULL,
    external_id text,
    name text,
    service_id uuid,
    outcome text,
    notes jsonb NOT NULL,
    CONSTRAINT import_verdict CHECK ((verdict = ANY (ARRAY['accepted'::text, 'changed'::text, 'refused'::text, 'vanished'::text]))),
    PRIMARY KEY (import_id, number)
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

CREATE TABLE locations (
    id uuid PRIMARY KEY,
    document jsonb NOT NULL,
    managed_by uuid NOT NULL,
    visibility smallint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL
);

CREATE TABLE meta_table_descriptions (
    id uuid PRIMARY KEY,
    body jsonb NOT NULL
);

CREATE TABLE organization_documents (
    organization_id uuid NOT NULL,
    level smallint NOT NULL,
    managed_by uuid NOT NULL,
    visibility smallint NOT NULL,
    etag text NOT NULL,
    modified_at timestamptz NOT NULL,
    full_body bytea NOT NULL,
    list_body bytea NOT NULL,
    name text NOT NULL,
    vector tsvector NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    PRIMARY KEY (level, organization_id)
) PARTITION BY LIST (level);

CREATE TABLE organization_documents_0 PARTITION OF organization_documents FOR VALUES IN ('0');

CREATE TABLE organization_documents_1 PARTITION OF organization_documents FOR VALUES IN ('1');

CREATE TABLE organization_documents_2 PARTITION OF organization_documents FOR VALUES IN ('2');

CREATE TABLE organization_documents_3 PARTITION OF organization_documents FOR VALUES IN ('3');

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

CREATE TABLE pathways (
    id uuid PRIMARY KEY,
    aor text NOT NULL,
    area text NOT NULL,
    published_number integer,
    event_version bigint DEFAULT '0'::bigint NOT NULL,
    announced jsonb,
    created_at timestamptz NOT NULL,
    CONSTRAINT pathways_one_per_area UNIQUE (aor, area)
);

CREATE TABLE pathway_versions (
    pathway_id uuid NOT NULL REFERENCES pathways(id),
    number integer NOT NULL,
    state text NOT NULL,
    revision integer NOT NULL,
    body jsonb NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    submitted_by text,
    submitted_at timestamptz,
    published_by text,
    published_at timestamptz,
    returned_because text,
    CONSTRAINT pathway_versions_state CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'returned'::text, 'published'::text]))),
    PRIMARY KEY (pathway_id, number)
);

CREATE TABLE profile_sets (
    id uuid PRIMARY KEY,
    aor text NOT NULL,
    name text NOT NULL,
    profiles jsonb NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    CONSTRAINT profile_sets_by_name UNIQUE (aor, name)
);

CREATE TABLE reminder_mails (
    organisation_id uuid PRIMARY KEY,
    told_until timestamptz,
    attempts integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    refused bytea
);

CREATE TABLE reminders (
    id uuid PRIMARY KEY,
    service_id uuid NOT NULL REFERENCES services(id),
    organisation_id uuid NOT NULL,
    kind text NOT NULL,
    due_on date NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT reminders_service_id_kind_due_on_key UNIQUE (service_id, kind, due_on)
);

CREATE TABLE restricted_reads (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    service_id uuid,
    client_id text NOT NULL,
    organisation_id uuid,
    route text NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE risk_messages (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    aor text NOT NULL,
    areas text[] NOT NULL,
    state text NOT NULL,
    version integer NOT NULL,
    texts jsonb NOT NULL,
    valid_until date NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CONSTRAINT risk_messages_state CHECK ((state = ANY (ARRAY['draft'::text, 'published'::text, 'withdrawn'::text])))
);

CREATE TABLE search_words (
    level smallint NOT NULL,
    word text NOT NULL,
    PRIMARY KEY (level, word)
);

CREATE TABLE service_changes (
    level smallint NOT NULL,
    service_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    managed_by uuid NOT NULL,
    aors text[] NOT NULL,
    states text[] NOT NULL,
    audience text NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (level, service_id, audience)
);

CREATE TABLE service_documents (
    service_id uuid NOT NULL,
    level smallint NOT NULL,
    organization_id uuid NOT NULL,
    managed_by uuid NOT NULL,
    visibility smallint NOT NULL,
    aors text[] NOT NULL,
    states text[] NOT NULL,
    etag text NOT NULL,
    modified_at timestamptz NOT NULL,
    sensitive boolean NOT NULL,
    document jsonb NOT NULL,
    full_body bytea NOT NULL,
    core_length integer NOT NULL,
    list_body bytea NOT NULL,
    name text NOT NULL,
    vector tsvector NOT NULL,
    categories text[] NOT NULL,
    areas text[] NOT NULL,
    within_areas text[] NOT NULL,
    terms uuid[] NOT NULL,
    taxonomies uuid[] NOT NULL,
    languages text[] NOT NULL,
    sexes text[] NOT NULL,
    populations text[] NOT NULL,
    nationalities text[] NOT NULL,
    documents text[] NOT NULL,
    minimum_age real,
    maximum_age real,
    capacity_state text,
    functional_status text NOT NULL,
    provider_level text,
    pre_crisis boolean,
    valid_until date,
    verified_on date,
    referable boolean NOT NULL,
    endorsed_by text[] NOT NULL,
    open_minutes int4multirange NOT NULL,
    quality real NOT NULL,
    referral jsonb GENERATED ALWAYS AS ((document -> 'referral'::text)) STORED,
    organization_name text GENERATED ALWAYS AS ((document #>> '{organization,name}'::text[])) STORED,
    season_days daterange[],
    season_minutes int4range[],
    hours_unread boolean DEFAULT false NOT NULL,
    PRIMARY KEY (level, service_id)
) PARTITION BY LIST (level);

ALTER TABLE ONLY service_documents ALTER COLUMN vector SET STORAGE MAIN;

CREATE TABLE service_documents_0 PARTITION OF service_documents FOR VALUES IN ('0');

ALTER TABLE ONLY service_documents_0 ALTER COLUMN vector SET STORAGE MAIN;

CREATE TABLE service_documents_1 PARTITION OF service_documents FOR VALUES IN ('1');

ALTER TABLE ONLY service_documents_1 ALTER COLUMN vector SET STORAGE MAIN;

CREATE TABLE service_documents_2 PARTITION OF service_documents FOR VALUES IN ('2');

ALTER TABLE ONLY service_documents_2 ALTER COLUMN vector SET STORAGE MAIN;

CREATE TABLE service_documents_3 PARTITION OF service_documents FOR VALUES IN ('3');

ALTER TABLE ONLY service_documents_3 ALTER COLUMN vector SET STORAGE MAIN;

CREATE TABLE service_locations (
    service_id uuid NOT NULL REFERENCES services(id),
    location_id uuid NOT NULL REFERENCES locations(id),
    PRIMARY KEY (service_id, location_id)
);

CREATE TABLE service_translations (
    level smallint NOT NULL,
    service_id uuid NOT NULL,
    language text NOT NULL,
    full_body bytea NOT NULL,
    list_body bytea NOT NULL,
    PRIMARY KEY (level, service_id, language)
);

CREATE TABLE site_documents (
    site_id uuid NOT NULL,
    service_id uuid NOT NULL,
    location_id uuid,
    level smallint NOT NULL,
    organization_id uuid NOT NULL,
    managed_by uuid NOT NULL,
    visibility smallint NOT NULL,
    aors text[] NOT NULL,
    states text[] NOT NULL,
    etag text NOT NULL,
    modified_at timestamptz NOT NULL,
    sensitive boolean NOT NULL,
    full_body bytea NOT NULL,
    list_body bytea NOT NULL,
    pcode text,
    postcodes text[] NOT NULL,
    point point,
    PRIMARY KEY (level, site_id)
) PARTITION BY LIST (level);

CREATE TABLE site_documents_0 PARTITION OF site_documents FOR VALUES IN ('0');

CREATE TABLE site_documents_1 PARTITION OF site_documents FOR VALUES IN ('1');

CREATE TABLE site_documents_2 PARTITION OF site_documents FOR VALUES IN ('2');

CREATE TABLE site_documents_3 PARTITION OF site_documents FOR VALUES IN ('3');

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

CREATE TABLE taxonomies (
    id uuid PRIMARY KEY,
    visibility smallint NOT NULL,
    name text NOT NULL,
    body jsonb NOT NULL
);

CREATE TABLE taxonomy_terms (
    id uuid PRIMARY KEY,
    visibility smallint NOT NULL,
    name text NOT NULL,
    body jsonb NOT NULL,
    code text,
    taxonomy_id uuid,
    parent_id uuid
);

CREATE FUNCTION history_only_forgets() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        DECLARE
            at text := CASE OLD.kind WHEN 'location' THEN '/location' ELSE '' END || OLD.pointer;
        BEGIN
            IF ruta_forgets(at, OLD.old, NEW.old) AND ruta_forgets(at, OLD.new, NEW.new) THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'history stays as it was written: it only forgets where a place is that was closed'
                USING ERRCODE = 'restrict_violation';
        END $$;

CREATE FUNCTION published_versions_stay() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF OLD.state = 'published' THEN
                RAISE EXCEPTION 'version % of pathway % is published and stays as it is',
                    OLD.number, OLD.pathway_id USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END $$;

CREATE FUNCTION ruta_forgets(at text, before jsonb, after jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
        BEGIN
            IF before IS NOT DISTINCT FROM after
                OR after IS NULL AND at ~ '/location/(latitude|longitude|addresses|transportation|external_identifier)(/|$)' THEN
                RETURN true;
            ELSIF at ~ '/location/pcode$' THEN
                RETURN coalesce(length(after #>> '{}') < length(before #>> '{}'), false);
            ELSIF jsonb_typeof(before) = 'object' AND jsonb_typeof(after) = 'object' THEN
                RETURN NOT EXISTS (SELECT FROM jsonb_object_keys(after) AS key WHERE NOT before ? key)
                    AND (SELECT bool_and(ruta_forgets(at || '/' || key, before->key, after->key))
                         FROM jsonb_object_keys(before) AS key);
            ELSIF jsonb_typeof(before) = 'array' AND jsonb_typeof(after) = 'array' THEN
                RETURN jsonb_array_length(before) = jsonb_array_length(after)
                    AND (SELECT bool_and(ruta_forgets(at || '/' || i, before->i, after->i))
                         FROM generate_series(0, jsonb_array_length(before) - 1) AS i);
            END IF;
            RETURN false;
        END $_$;

CREATE FUNCTION ruta_offered(categories text[], areas text[], within_areas text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT COST 1000 PARALLEL SAFE
    AS $$
        DECLARE
            found text[] := '{}';
            need text;
            area text;
        BEGIN
            FOREACH need IN ARRAY categories LOOP
                FOREACH area IN ARRAY within_areas LOOP
                    found := found || (need || '>' || area);
                END LOOP;
                FOREACH area IN ARRAY areas LOOP
                    found := found || (need || '<' || area);
                END LOOP;
            END LOOP;
            RETURN found;
        END $$;

CREATE FUNCTION ruta_plain(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(unaccent('unaccent'::regdictionary, value));

CREATE FUNCTION ruta_week_from(usual int4multirange, days daterange[], minutes int4range[], first date) RETURNS int4multirange
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
            SELECT (usual + coalesce(
                       range_agg(held * int4multirange(span)) FILTER (WHERE NOT isempty(span)), '{}'))
                   - coalesce(range_agg(held) FILTER (WHERE isempty(span)), '{}')
            FROM (
                SELECT span, int4multirange(int4range(begins, ends), int4range(begins - 10080, ends - 10080))
                             * '{[0,10080)}' AS held
                FROM (
                    SELECT span, (extract(isodow FROM lower(day))::integer - 1) * 1440 AS begins,
                           (extract(isodow FROM lower(day))::integer - 1 + upper(day) - lower(day)) * 1440
                               AS ends
                    FROM (
                        SELECT span, held_on * daterange(first, first + 7) AS day
                        FROM unnest(days, minutes) AS season(held_on, span)
                    ) seasons
                    WHERE NOT isempty(day)
                ) weekdays
            ) spans
        $$;

CREATE INDEX coverage_shares_service ON coverage_shares (service_id);

CREATE INDEX crosswalk_services_of_term ON crosswalk_services (term_id);

CREATE INDEX organizations_managed ON organizations (managed_by);

CREATE INDEX organizations_name ON organizations (plain_name);

CREATE INDEX organizations_withheld ON organizations (id) WHERE withheld;

CREATE INDEX services_expired ON services (valid_until) WHERE ((approved IS NOT NULL) AND stale);

CREATE INDEX services_expiring ON services (valid_until) WHERE ((approved IS NOT NULL) AND (NOT stale));

CREATE INDEX services_managed ON services (managed_by, id);

CREATE INDEX services_name ON services USING gin (plain_name gin_trgm_ops);

CREATE INDEX services_organization ON services (organization_id);

CREATE INDEX services_phones ON services USING gin (phone_digits);

CREATE INDEX services_state ON services (state, id);

CREATE INDEX services_withheld ON services (id) WHERE withheld;

CREATE INDEX endorsements_aor ON endorsements (aor, service_id);

CREATE INDEX external_ids_entity ON external_ids (entity_id);

CREATE INDEX external_ids_given ON external_ids (external_id, kind);

CREATE INDEX gap_observations_waiting ON gap_observations (week) WHERE (count > announced);

CREATE INDEX history_entity ON history (entity_id, version, id);

CREATE INDEX house_looks_organization ON house_looks (organization_id);

CREATE INDEX imports_by_organisation ON imports (organisation_id, id);

CREATE INDEX imports_waiting ON imports (created_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

CREATE INDEX import_rows_service ON import_rows (service_id) WHERE (service_id IS NOT NULL);

CREATE INDEX organization_documents_name_organization_id_idx ON organization_documents (name, organization_id);

CREATE INDEX organization_documents_vector_idx ON organization_documents USING gin (vector);

CREATE INDEX outbox_unpublished ON outbox (occurred_at, id) WHERE (published_at IS NULL);

CREATE INDEX pathways_area ON pathways (area);

CREATE UNIQUE INDEX pathway_versions_one_open ON pathway_versions (pathway_id) WHERE (state <> 'published'::text);

CREATE INDEX reminders_organisation ON reminders (organisation_id, due_on);

CREATE INDEX restricted_reads_service ON restricted_reads (service_id, at);

CREATE INDEX risk_messages_published ON risk_messages (state, published_at);

CREATE INDEX search_words_near ON search_words USING gin (word gin_trgm_ops);

CREATE INDEX service_changes_position ON service_changes (level, xid, service_id);

CREATE INDEX service_documents_areas_idx ON service_documents USING gin (areas);

CREATE INDEX service_documents_categories_idx ON service_documents USING gin (categories);

CREATE INDEX service_documents_confidential ON service_documents (visibility) WHERE (visibility > 1);

CREATE INDEX service_documents_managed_by_idx ON service_documents (managed_by);

CREATE INDEX service_documents_modified_at_service_id_idx ON service_documents (modified_at, service_id);

CREATE INDEX service_documents_organization_id_idx ON service_documents (organization_id);

CREATE INDEX service_documents_quality_service_id_idx ON service_documents (quality DESC, service_id);

CREATE INDEX service_documents_service_id_idx ON service_documents (service_id);

CREATE INDEX service_documents_taxonomies_idx ON service_documents USING gin (taxonomies);

CREATE INDEX service_documents_terms_idx ON service_documents USING gin (terms);

CREATE INDEX service_documents_vector_idx ON service_documents USING gin (vector);

CREATE INDEX service_documents_within_areas_idx ON service_documents USING gin (within_areas);

CREATE INDEX service_documents_0_offered ON service_documents_0 USING gin (ruta_offered(categories, areas, within_areas));

CREATE INDEX service_documents_1_offered ON service_documents_1 USING gin (ruta_offered(categories, areas, within_areas));

CREATE INDEX service_documents_2_offered ON service_documents_2 USING gin (ruta_offered(categories, areas, within_areas));

CREATE INDEX service_documents_3_offered ON service_documents_3 USING gin (ruta_offered(categories, areas, within_areas));

CREATE INDEX service_locations_location ON service_locations (location_id);

CREATE INDEX site_documents_confidential ON site_documents (visibility) WHERE (visibility > 1);

CREATE INDEX site_documents_managed_by_idx ON site_documents (managed_by);

CREATE INDEX site_documents_modified_at_site_id_idx ON site_documents (modified_at, site_id);

CREATE INDEX site_documents_organization_id_idx ON site_documents (organization_id);

CREATE INDEX site_documents_point_idx ON site_documents USING gist (point);

CREATE INDEX site_documents_postcodes_idx ON site_documents USING gin (postcodes);

CREATE INDEX site_documents_service_id_idx ON site_documents (service_id);

CREATE INDEX stored_results_kept ON stored_results (created_at) WHERE (result <> '\x'::bytea);

CREATE INDEX stored_results_subject ON stored_results (subject) WHERE (subject IS NOT NULL);

CREATE INDEX taxonomy_terms_taxonomy ON taxonomy_terms (taxonomy_id);

CREATE TRIGGER history_only_forgets BEFORE UPDATE ON history FOR EACH ROW EXECUTE FUNCTION history_only_forgets();

CREATE TRIGGER published_versions_stay BEFORE DELETE OR UPDATE ON pathway_versions FOR EACH ROW EXECUTE FUNCTION published_versions_stay();

ALTER INDEX service_documents_0_offered ALTER COLUMN 1 SET STATISTICS 0;

ALTER INDEX service_documents_1_offered ALTER COLUMN 1 SET STATISTICS 0;

ALTER INDEX service_documents_2_offered ALTER COLUMN 1 SET STATISTICS 0;

ALTER INDEX service_documents_3_offered ALTER COLUMN 1 SET STATISTICS 0;

REVOKE UPDATE, DELETE ON history, restricted_reads FROM {role};

GRANT UPDATE (old) ON history TO {role};

GRANT UPDATE (new) ON history TO {role};
