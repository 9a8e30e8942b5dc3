"""Tables of organisations: the records, and the stored documents at each level."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from directory.tables import INSTANT, METADATA, Xid8, record_columns

organizations = sa.Table(
    "organizations",
    METADATA,
    *record_columns(),
    sa.Column("plain_name", sa.Text, nullable=False),
    # Suspended: other organisations see only its name, and everybody else sees nothing.
    sa.Column("withheld", sa.Boolean, nullable=False, server_default=sa.false()),
    # It ended or merged into another organisation (record.successions), and is shown like a suspended one.
    sa.Column("ended_at", INSTANT),
)

organization_documents = sa.Table(
    "organization_documents",
    METADATA,
    sa.Column("level", sa.SmallInteger, primary_key=True),
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("managed_by", sa.Uuid, nullable=False),
    sa.Column("visibility", sa.SmallInteger, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("modified_at", INSTANT, nullable=False),
    sa.Column("full_body", sa.LargeBinary, nullable=False),
    sa.Column("list_body", sa.LargeBinary, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("vector", TSVECTOR, nullable=False),
    sa.Column("xid", Xid8, nullable=False),
)
