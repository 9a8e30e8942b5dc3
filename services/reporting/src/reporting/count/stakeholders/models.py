"""The stakeholder table: institutions around the response, by codes that their editors choose."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

stakeholders = sa.Table(
    "stakeholders",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("name", pg.JSONB(none_as_null=True)),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("sectors", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("mandate", pg.JSONB, nullable=False),
    sa.Column("does", pg.JSONB, nullable=False),
    sa.Column("presence", pg.ARRAY(sa.Text)),
    sa.Column("contact", pg.JSONB(none_as_null=True)),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("in_bulletin", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.UniqueConstraint("code", name="stakeholders_once"),
    # The directory's data is linked, not copied.
    sa.CheckConstraint(
        "organisation_id IS NULL OR (name IS NULL AND presence IS NULL AND contact IS NULL"
        " AND NOT in_bulletin)",
        name="stakeholders_linked",
    ),
)
