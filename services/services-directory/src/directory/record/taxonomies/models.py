"""Tables of the taxonomies and terms that are not built in."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from directory.tables import METADATA

taxonomies = sa.Table(
    "taxonomies",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("visibility", sa.SmallInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("body", JSONB, nullable=False),
)

taxonomy_terms = sa.Table(
    "taxonomy_terms",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("visibility", sa.SmallInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("taxonomy_id", sa.Uuid),
    sa.Column("parent_id", sa.Uuid),
)

meta_table_descriptions = sa.Table(
    "meta_table_descriptions",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("body", JSONB, nullable=False),
)
