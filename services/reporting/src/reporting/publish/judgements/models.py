"""The statement table: nodes of problem trees and entries of SWOT lists, with their citations."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

_TIME = sa.DateTime(timezone=True)

statements = sa.Table(
    "statements",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("analysis", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("parent", sa.Uuid, sa.ForeignKey("statements.id")),
    sa.Column("text", pg.JSONB, nullable=False),
    sa.Column("cited", pg.JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("written_at", _TIME, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("agreed_at", _TIME),
    sa.Column("agreed_by", sa.Text),
    sa.CheckConstraint("agreed_by <> written_by", name="statements_two_people"),
    sa.Index(
        "statements_one_core",
        "analysis",
        unique=True,
        postgresql_where=sa.text("place = 'core-problem'"),
    ),
)
