"""Pathways and their versions, endorsements, the gap counter and the maintained coverage table."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _pathways()
    _endorsements()
    _referral_columns()
    _gaps()


def _pathways() -> None:
    op.create_table(
        "pathways",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("aor", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("published_number", sa.Integer),
        sa.Column("event_version", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("announced", pg.JSONB),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("aor", "area", name="pathways_one_per_area"),
    )
    op.create_index("pathways_area", "pathways", ["area"])
    op.create_table(
        "pathway_versions",
        sa.Column("pathway_id", sa.Uuid, sa.ForeignKey("pathways.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("body", pg.JSONB, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.Text),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("published_by", sa.Text),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("returned_because", sa.Text),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'returned', 'published')",
            name="pathway_versions_state",
        ),
    )
    op.create_index(
        "pathway_versions_one_open",
        "pathway_versions",
        ["pathway_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'published'"),
    )
    op.execute("""
        CREATE FUNCTION published_versions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state = 'published' THEN
                RAISE EXCEPTION 'version % of pathway % is published and stays as it is',
                    OLD.number, OLD.pathway_id USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER published_versions_stay BEFORE UPDATE OR DELETE ON pathway_versions
        FOR EACH ROW EXECUTE FUNCTION published_versions_stay()
    """)


def _endorsements() -> None:
    op.create_table(
        "endorsements",
        sa.Column("service_id", sa.Uuid, sa.ForeignKey("services.id"), primary_key=True),
        sa.Column("aor", sa.Text, primary_key=True),
        sa.Column("endorsed_by", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid),
        sa.Column("endorsed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("endorsements_aor", "endorsements", ["aor", "service_id"])


def _referral_columns() -> None:
    # What ranking reads of the stored document, kept beside it: the document itself is stored out
    # of line, and unpacking it for every candidate of a plan would cost more than the search.
    for column, kind, source in (
        ("referral", "jsonb", "document->'referral'"),
        ("organization_name", "text", "document#>>'{organization,name}'"),
    ):
        op.execute(
            f"ALTER TABLE service_documents ADD COLUMN {column} {kind}"
            f" GENERATED ALWAYS AS ({source}) STORED"
        )


def _gaps() -> None:
    op.create_table(
        "gap_observations",
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("need", sa.Text, primary_key=True),
        sa.Column("grp", sa.Text, primary_key=True),
        sa.Column("week", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("announced", sa.Integer, nullable=False, server_default="0"),
        sa.Column("event_version", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_index(
        "gap_observations_waiting",
        "gap_observations",
        ["week"],
        postgresql_where=sa.text("count > announced"),
    )
    op.create_table(
        "coverage_shares",
        sa.Column("service_id", sa.Uuid, nullable=False),
        *_coverage_key(),
        sa.Column("groups", pg.ARRAY(sa.Text), nullable=False),
    )
    op.create_index("coverage_shares_service", "coverage_shares", ["service_id"])
    op.create_table(
        "coverage_cells",
        *_coverage_key(),
        *(
            sa.Column(group, sa.Integer, nullable=False)
            for group in ("services", "child", "woman", "man", "other")
        ),
        sa.PrimaryKeyConstraint("area", "need", "whole", "state", "visibility", "aors"),
    )
    op.create_table(
        "area_population",
        sa.Column("area", sa.Text, primary_key=True),
        sa.Column("grp", sa.Text, primary_key=True),
        sa.Column("people", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
    )


def _coverage_key() -> list[sa.Column[Any]]:
    return [
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("need", sa.Text, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("visibility", sa.SmallInteger, nullable=False),
        sa.Column("aors", sa.Text, nullable=False),
    ]


def downgrade() -> None:
    for table in (
        "area_population",
        "coverage_cells",
        "coverage_shares",
        "gap_observations",
        "endorsements",
        "pathway_versions",
        "pathways",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION published_versions_stay()")
    for column in ("referral", "organization_name"):
        op.execute(f"ALTER TABLE service_documents DROP COLUMN {column}")
