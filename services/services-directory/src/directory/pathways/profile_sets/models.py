"""The table of profile sets."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from directory.tables import METADATA

profile_sets = sa.Table(
    "profile_sets",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("aor", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("profiles", pg.JSONB, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
)
