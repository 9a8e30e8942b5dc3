"""The projection of facts and counters, its shadow, and the record of releases."""

import sqlalchemy as sa
from alembic import context, op
from common.db.tables import create_common_tables
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None

SCHEMAS = ("projection", "projection_shadow")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    create_common_tables(op)
    _create_vector_add()
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
        op.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        op.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"
            f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        )
        _create_projection(schema)
    _create_releases(role)
    _create_records(role)


def _create_vector_add() -> None:
    op.execute(
        "CREATE FUNCTION vector_add(a bigint[], b bigint[]) RETURNS bigint[]"
        " LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$"
        " SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY n)"
        " FROM unnest(a, b) WITH ORDINALITY AS pairs(x, y, n) $$"
    )


def _create_projection(schema: str) -> None:
    _create_referrals(schema)
    _create_identifications(schema)
    op.create_table(
        "reporting_grants",
        sa.Column("grant_id", sa.Uuid, primary_key=True),
        sa.Column("person", sa.LargeBinary),
        sa.Column("given_at", TIME),
        sa.Column("withdrawn_at", TIME),
        schema=schema,
    )
    op.create_index(f"{schema}_grants_person", "reporting_grants", ["person"], schema=schema)
    op.create_table(
        "forgotten_persons", sa.Column("mark", sa.LargeBinary, primary_key=True), schema=schema
    )
    op.create_table(
        "services",
        sa.Column("service_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("categories", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("aors", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("areas", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("state_version", sa.Integer, nullable=False),
        sa.Column("capacity_state", sa.Text),
        sa.Column("functional_status", sa.Text),
        sa.Column("referable", sa.Boolean, nullable=False),
        schema=schema,
    )
    op.create_table(
        "gap_counts",
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("need", sa.Text, primary_key=True),
        sa.Column("group", sa.Text, primary_key=True),
        sa.Column("week", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("counted_on", sa.Date, nullable=False),
        schema=schema,
    )
    op.create_table(
        "indicator_counters",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("scope_id", sa.Text, primary_key=True),
        sa.Column("month", sa.Date, primary_key=True),
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("vector", sa.ARRAY(sa.BigInteger), nullable=False),
        schema=schema,
    )


def _create_referrals(schema: str) -> None:
    op.create_table(
        "referral_steps",
        sa.Column("referral_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("counted_on", sa.Date, nullable=False),
        sa.Column("person", sa.LargeBinary),
        sa.Column("from_organisation", sa.Uuid),
        sa.Column("to_organisation", sa.Uuid),
        sa.Column("category", sa.Text),
        sa.Column("aor", sa.Text),
        sa.Column("area", sa.Text),
        sa.Column("urgency", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("countable", sa.Boolean, nullable=False),
        sa.Column("sex", sa.Text),
        sa.Column("age_band", sa.Text),
        schema=schema,
    )
    op.create_index(
        f"{schema}_steps_counted",
        "referral_steps",
        ["counted_on"],
        schema=schema,
        postgresql_where=sa.text("countable"),
    )
    op.create_index(f"{schema}_steps_person", "referral_steps", ["person"], schema=schema)
    op.create_table(
        "referral_facts",
        sa.Column("referral_id", sa.Uuid, primary_key=True),
        sa.Column("state_version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("from_organisation", sa.Uuid),
        sa.Column("to_organisation", sa.Uuid),
        sa.Column("category", sa.Text),
        sa.Column("aor", sa.Text),
        sa.Column("area", sa.Text),
        sa.Column("sent_at", TIME),
        sa.Column("acknowledged_at", TIME),
        sa.Column("accepted_at", TIME),
        sa.Column("delivered_at", TIME),
        sa.Column("confirmed_at", TIME),
        sa.Column("escalated_version", sa.Integer, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        schema=schema,
    )


def _create_identifications(schema: str) -> None:
    op.create_table(
        "identification_facts",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("occurred_on", sa.Date, nullable=False),
        sa.Column("counted_on", sa.Date, nullable=False),
        sa.Column("person", sa.LargeBinary),
        sa.Column("organisation", sa.Uuid, nullable=False),
        sa.Column("judgement", sa.Text),
        sa.Column("assistance_type", sa.Text),
        sa.Column("area", sa.Text),
        sa.Column("countable", sa.Boolean, nullable=False),
        sa.Column("sex", sa.Text),
        sa.Column("age_band", sa.Text),
        sa.Column("exploitation_types", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("transit", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("destination", sa.Text),
        schema=schema,
    )
    op.create_index(
        f"{schema}_identifications_counted",
        "identification_facts",
        ["counted_on"],
        schema=schema,
        postgresql_where=sa.text("countable"),
    )
    op.create_index(
        f"{schema}_identifications_person", "identification_facts", ["person"], schema=schema
    )


def _create_releases(role: str) -> None:
    op.create_table(
        "releases",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("programme", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("k", sa.Integer, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("schema_fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("definition", pg.JSONB, nullable=False),
        sa.Column("expected_errors", pg.JSONB, nullable=False),
        sa.Column("cells_hash", sa.LargeBinary, nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.UniqueConstraint("programme", "period", name="releases_write_once"),
    )
    op.create_table(
        "release_cells",
        sa.Column("release_id", sa.Uuid, sa.ForeignKey("releases.id"), primary_key=True),
        sa.Column("coordinates", sa.ARRAY(sa.Text), primary_key=True),
        sa.Column("count", sa.Integer, sa.CheckConstraint("count > 0"), nullable=False),
    )
    op.create_table(
        "sign_offs",
        sa.Column("release_id", sa.Uuid, sa.ForeignKey("releases.id"), primary_key=True),
        sa.Column("organisation_id", sa.Uuid, primary_key=True),
        sa.Column("signed_at", TIME),
        sa.Column("signed_by", sa.Text),
        sa.Column("waived_because", sa.Text),
    )
    op.create_table(
        "publications",
        sa.Column("release_id", sa.Uuid, sa.ForeignKey("releases.id"), primary_key=True),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("published_by", sa.Text, nullable=False),
    )
    # R4 in the database: what is closed or published cannot be changed by the service itself.
    for table in ("releases", "release_cells", "publications"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
    op.execute(f"REVOKE DELETE, TRUNCATE ON sign_offs FROM {role}")


def _create_records(role: str) -> None:
    op.create_table(
        "late_arrivals",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("counted_on", sa.Date, nullable=False),
    )
    op.create_table(
        "indicator_reads",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("read_at", TIME, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
    )
    op.create_index("indicator_reads_at", "indicator_reads", ["read_at"])
    for table in ("late_arrivals", "indicator_reads"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")
