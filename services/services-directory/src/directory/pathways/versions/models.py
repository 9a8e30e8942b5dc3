"""Tables of pathways and their versions."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from directory.tables import METADATA

pathways = sa.Table(
    "pathways",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("aor", sa.Text, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("published_number", sa.Integer),
    sa.Column("event_version", sa.BigInteger, nullable=False),
    sa.Column("announced", pg.JSONB),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)

pathway_versions = sa.Table(
    "pathway_versions",
    METADATA,
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
)
