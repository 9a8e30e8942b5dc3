"""The tables for activities, their imports and layouts, and the work plan's targets."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.count.activities.indicators import GROUPS
from reporting.tables import METADATA

_TIME = sa.DateTime(timezone=True)

activities = sa.Table(
    "activities",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("withdrawn_at", _TIME),
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

activity_imports = sa.Table(
    "activity_imports",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("file_sha256", sa.Text, nullable=False),
    sa.Column("imported_at", _TIME, nullable=False),
    sa.Column("imported_by", sa.Text, nullable=False),
    sa.Column("created", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
)

activity_mappings = sa.Table(
    "activity_mappings",
    METADATA,
    sa.Column("organisation_id", sa.Uuid, primary_key=True),
    sa.Column("layout", sa.Text, primary_key=True),
    # The mapping by field name, as confirmed by a person.
    sa.Column("mapping", pg.JSONB, nullable=False),
    sa.Column("confirmed_at", _TIME, nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
)

work_plan_targets = sa.Table(
    "work_plan_targets",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("indicator", sa.Text, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("start", sa.Date, nullable=False),
    sa.Column("end", sa.Date, nullable=False),
    sa.Column("target", sa.Integer, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.UniqueConstraint("plan", "indicator", "area", name="work_plan_targets_once"),
)
