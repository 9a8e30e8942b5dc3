"""The table of publishers' ids, each in its publisher's own space."""

import sqlalchemy as sa

from directory.tables import METADATA

external_ids = sa.Table(
    "external_ids",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("external_id", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Uuid, nullable=False),
)
