"""The table of field-level history."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from directory.tables import INSTANT, METADATA

history = sa.Table(
    "history",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entity_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("pointer", sa.Text, nullable=False),
    sa.Column("old", JSONB(none_as_null=True)),
    sa.Column("new", JSONB(none_as_null=True)),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("at", INSTANT, nullable=False),
    sa.Column("source", sa.Text),
)
