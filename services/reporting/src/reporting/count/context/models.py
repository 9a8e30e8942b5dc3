"""The table of imported outside series: one row per edition, never overwritten."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

outside_series = sa.Table(
    "outside_series",
    METADATA,
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
    sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("imported_by", sa.Text, nullable=False),
    sa.UniqueConstraint("code", "edition", name="outside_series_once"),
)
