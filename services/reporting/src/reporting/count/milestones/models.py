"""The tables for milestones and all their earlier states."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

_TIME = sa.DateTime(timezone=True)

milestones = sa.Table(
    "milestones",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("what", pg.JSONB, nullable=False),
    sa.Column("responsible", pg.JSONB(none_as_null=True)),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("due", sa.Text, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("indicator", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", pg.JSONB(none_as_null=True)),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)

# Append-only: the run-time role cannot change or delete rows.
milestone_changes = sa.Table(
    "milestone_changes",
    METADATA,
    sa.Column("milestone_id", sa.Uuid, sa.ForeignKey("milestones.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("body", pg.JSONB, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)
