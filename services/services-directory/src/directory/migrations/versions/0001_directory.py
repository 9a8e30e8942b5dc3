"""Records, the stored documents of each level, taxonomies, history, and the change log of the feed."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from common.db.tables import create_common_tables
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LEVELS = range(4)
PARTITIONED = ("service_documents", "site_documents", "organization_documents")


def upgrade() -> None:
    create_common_tables(op)
    _search_languages()
    _records()
    _documents()
    _change_log()
    _taxonomies()
    _traces()


def _search_languages() -> None:
    for extension in ("unaccent", "pg_trgm", "btree_gist"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for name, stem in (("ruta_es", "spanish"), ("ruta_en", "english")):
        op.execute(f"CREATE TEXT SEARCH CONFIGURATION {name} (COPY = pg_catalog.{stem})")
        op.execute(
            f"ALTER TEXT SEARCH CONFIGURATION {name} ALTER MAPPING FOR hword, hword_part, word"
            f" WITH unaccent, {stem}_stem"
        )
    # unaccent() itself is only STABLE: its dictionary could change. Ours ships with PostgreSQL.
    op.execute(
        "CREATE FUNCTION ruta_plain(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT"
        " PARALLEL SAFE RETURN lower(unaccent('unaccent'::regdictionary, value))"
    )


def _records() -> None:
    op.create_table(
        "organizations",
        *_record_columns(),
        sa.Column("plain_name", sa.Text, nullable=False),
    )
    op.create_index("organizations_managed", "organizations", ["managed_by"])
    op.create_index("organizations_name", "organizations", ["plain_name"])
    op.create_table("locations", *_record_columns())
    op.create_table(
        "services",
        *_record_columns(),
        sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("approved", pg.JSONB),
        sa.Column("aors", pg.ARRAY(sa.Text), nullable=False),
        sa.Column("states", pg.ARRAY(sa.Text), nullable=False),
        sa.Column("valid_until", sa.Date),
        sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("reminded_on", sa.Date),
        sa.Column("event_version", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("announced", pg.JSONB),
        sa.Column("merged_into", sa.Uuid),
        sa.Column("plain_name", sa.Text, nullable=False),
        sa.Column("phone_digits", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.CheckConstraint(
            "state IN ('draft','submitted','approved','returned','withdrawn','merged')"
        ),
    )
    op.create_index("services_organization", "services", ["organization_id"])
    op.create_index("services_managed", "services", ["managed_by", "id"])
    op.create_index("services_state", "services", ["state", "id"])
    op.create_index(
        "services_expiring",
        "services",
        ["valid_until"],
        postgresql_where=sa.text("approved IS NOT NULL AND NOT stale"),
    )
    op.execute("CREATE INDEX services_name ON services USING gin (plain_name gin_trgm_ops)")
    op.execute("CREATE INDEX services_phones ON services USING gin (phone_digits)")
    op.create_table(
        "service_locations",
        sa.Column("service_id", sa.Uuid, sa.ForeignKey("services.id"), primary_key=True),
        sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id"), primary_key=True),
    )
    op.create_index("service_locations_location", "service_locations", ["location_id"])
    op.create_table(
        "external_ids",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("external_id", sa.Text, primary_key=True),
        sa.Column("entity_id", sa.Uuid, nullable=False),
    )
    op.create_index("external_ids_entity", "external_ids", ["entity_id"])


def _record_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("document", pg.JSONB, nullable=False),
        sa.Column("managed_by", sa.Uuid, nullable=False),
        sa.Column("visibility", sa.SmallInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
    ]


_AUDIENCE = """
    level smallint NOT NULL,
    organization_id uuid NOT NULL,
    managed_by uuid NOT NULL,
    visibility smallint NOT NULL,
    aors text[] NOT NULL,
    states text[] NOT NULL,
    etag text NOT NULL,
    modified_at timestamptz NOT NULL,
    sensitive boolean NOT NULL
"""


def _documents() -> None:
    op.execute(f"""
        CREATE TABLE service_documents (
            service_id uuid NOT NULL, {_AUDIENCE},
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
            PRIMARY KEY (level, service_id)
        ) PARTITION BY LIST (level)
    """)
    op.execute(f"""
        CREATE TABLE site_documents (
            site_id uuid NOT NULL, service_id uuid NOT NULL, location_id uuid, {_AUDIENCE},
            full_body bytea NOT NULL,
            list_body bytea NOT NULL,
            pcode text,
            postcodes text[] NOT NULL,
            point point,
            PRIMARY KEY (level, site_id)
        ) PARTITION BY LIST (level)
    """)
    op.execute("""
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
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            PRIMARY KEY (level, organization_id)
        ) PARTITION BY LIST (level)
    """)
    for table in PARTITIONED:
        for level in LEVELS:
            op.execute(f"CREATE TABLE {table}_{level} PARTITION OF {table} FOR VALUES IN ({level})")
    _document_indexes()


def _document_indexes() -> None:
    plain = {
        "service_documents": ["organization_id", "modified_at, service_id", "quality DESC, service_id",
                              "service_id", "managed_by"],
        "site_documents": ["service_id", "modified_at, site_id", "organization_id", "managed_by"],
        "organization_documents": ["name, organization_id"],
    }  # fmt: skip
    gin = {
        "service_documents": ["vector", "categories", "within_areas", "areas", "terms", "taxonomies"],
        "site_documents": ["postcodes"],
        "organization_documents": ["vector"],
    }  # fmt: skip
    for table, columns in plain.items():
        for column in columns:
            op.execute(f"CREATE INDEX ON {table} ({column})")
    for table, columns in gin.items():
        for column in columns:
            op.execute(f"CREATE INDEX ON {table} USING gin ({column})")
    op.execute("CREATE INDEX ON site_documents USING gist (point)")
    op.execute("""
        CREATE TABLE service_translations (
            level smallint NOT NULL,
            service_id uuid NOT NULL,
            language text NOT NULL,
            full_body bytea NOT NULL,
            list_body bytea NOT NULL,
            PRIMARY KEY (level, service_id, language)
        )
    """)
    op.execute("""
        CREATE TABLE search_words (
            level smallint NOT NULL, word text NOT NULL, PRIMARY KEY (level, word)
        )
    """)
    op.execute("CREATE INDEX search_words_near ON search_words USING gin (word gin_trgm_ops)")


def _change_log() -> None:
    # One row per entry, level and audience: the newest change only. The position is the writing
    # transaction, not a sequence: sequences become visible out of order, transactions below the
    # oldest running one do not change any more.
    op.execute("""
        CREATE TABLE service_changes (
            level smallint NOT NULL,
            service_id uuid NOT NULL,
            organization_id uuid NOT NULL,
            managed_by uuid NOT NULL,
            aors text[] NOT NULL,
            states text[] NOT NULL,
            audience text NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (level, service_id, audience)
        )
    """)
    op.execute("CREATE INDEX service_changes_position ON service_changes (level, xid, service_id)")
    # Changes that take nothing from the stored entry but may move a page total.
    op.execute("CREATE SEQUENCE directory_epoch")


def _taxonomies() -> None:
    for table in ("taxonomies", "taxonomy_terms"):
        columns = [
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("visibility", sa.SmallInteger, nullable=False),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("body", pg.JSONB, nullable=False),
        ]
        if table == "taxonomy_terms":
            columns += [
                sa.Column("code", sa.Text),
                sa.Column("taxonomy_id", sa.Uuid),
                sa.Column("parent_id", sa.Uuid),
            ]
        op.create_table(table, *columns)
    op.create_index("taxonomy_terms_taxonomy", "taxonomy_terms", ["taxonomy_id"])
    op.create_table(
        "meta_table_descriptions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("body", pg.JSONB, nullable=False),
    )


def _traces() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("entity_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("pointer", sa.Text, nullable=False),
        sa.Column("old", pg.JSONB),
        sa.Column("new", pg.JSONB),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("history_entity", "history", ["entity_id", "version", "id"])
    op.create_table(
        "restricted_reads",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("service_id", sa.Uuid, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("restricted_reads_service", "restricted_reads", ["service_id", "at"])
    op.create_table(
        "reminders",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("service_id", sa.Uuid, sa.ForeignKey("services.id"), nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("service_id", "kind", "due_on"),
    )
    op.create_index("reminders_organisation", "reminders", ["organisation_id", "due_on"])
    # What was read and what was changed is written once and never altered by the service itself.
    role = context.config.attributes["run_time_role"]
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON history, restricted_reads FROM {role}")


def downgrade() -> None:
    raise NotImplementedError("the first revision is not taken back: drop the database")
