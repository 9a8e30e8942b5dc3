"""Activities and the work plan, bulletins with their frozen files, outside series.

A published bulletin is immutable in the database itself: the run-time role may not change its
files, and a trigger refuses any change to a bulletin that has been published.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql as pg

revision = "0020"
down_revision = "0001"

TIME = sa.DateTime(timezone=True)
GROUPS = ("women", "men", "girls", "boys", "other_adults", "other_children")


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    _create_activities()
    _create_work_plan()
    _create_bulletins(role)
    _create_outside_series()


def _create_activities() -> None:
    op.create_table(
        "activities",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("withdrawn_at", TIME),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("report_month", sa.Date, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("activity_code", sa.Text, nullable=False),
        sa.Column("activity_detail", sa.Text),
        sa.Column("org_leader", sa.Text, nullable=False),
        sa.Column("org_leader_type", sa.Text, nullable=False),
        sa.Column("org_implementer", sa.Text, nullable=False),
        sa.Column("org_implementer_type", sa.Text, nullable=False),
        sa.Column("project_code", sa.Text),
        sa.Column("project_name", sa.Text),
        sa.Column("adm1_pcode", sa.Text, nullable=False),
        sa.Column("adm2_pcode", sa.Text),
        sa.Column("adm3_pcode", sa.Text),
        sa.Column("tlocation", sa.Text),
        sa.Column("location_name", sa.Text),
        sa.Column("start", sa.Date, nullable=False),
        sa.Column("end", sa.Date),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer),
        *(sa.Column(group, sa.Integer) for group in GROUPS),
        sa.Column("reached", sa.Integer),
        sa.UniqueConstraint("organisation_id", "external_id", name="activities_once"),
    )
    op.create_index("activities_start", "activities", ["start", "id"])
    op.create_table(
        "activity_imports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("file_sha256", sa.Text, nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.Column("created", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("unchanged", sa.Integer, nullable=False),
    )


def _create_work_plan() -> None:
    op.create_table(
        "work_plan_targets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("indicator", sa.Text, nullable=False),
        # '' stands for everywhere, so that uniqueness holds for it too.
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("start", sa.Date, nullable=False),
        sa.Column("end", sa.Date, nullable=False),
        sa.Column("target", sa.Integer, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.UniqueConstraint("plan", "indicator", "area", name="work_plan_targets_once"),
    )


def _create_bulletins(role: str) -> None:
    op.create_table(
        "bulletins",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("content", pg.JSONB, nullable=False),
        sa.Column("content_sha256", sa.Text, nullable=False),
        sa.Column("drafted_at", TIME, nullable=False),
        sa.Column("drafted_by", sa.Text, nullable=False),
        sa.Column("signed_off_at", TIME),
        sa.Column("signed_off_by", sa.Text),
        sa.Column("published_at", TIME),
        sa.Column("published_by", sa.Text),
        sa.UniqueConstraint("kind", "period", "edition", name="bulletins_once"),
    )
    op.create_table(
        "bulletin_files",
        sa.Column("bulletin_id", sa.Uuid, sa.ForeignKey("bulletins.id"), primary_key=True),
        sa.Column("language", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )
    op.execute(f"REVOKE UPDATE, DELETE ON bulletin_files FROM {role}")
    op.execute(f"REVOKE DELETE ON bulletins FROM {role}")
    op.execute(
        "CREATE FUNCTION keep_published_bulletin() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN IF OLD.published_at IS NOT NULL THEN"
        " RAISE EXCEPTION 'a published bulletin never changes' USING ERRCODE = 'RU001';"
        " END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER bulletins_immutable BEFORE UPDATE ON bulletins"
        " FOR EACH ROW EXECUTE FUNCTION keep_published_bulletin()"
    )


def _create_outside_series() -> None:
    op.create_table(
        "outside_series",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("title", pg.JSONB, nullable=False),
        sa.Column("unit", pg.JSONB, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.Column("retrieved_on", sa.Date, nullable=False),
        sa.Column("method", sa.Text),
        sa.Column("points", pg.JSONB, nullable=False),
        sa.Column("points_sha256", sa.Text, nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.UniqueConstraint("code", "edition", name="outside_series_once"),
    )
