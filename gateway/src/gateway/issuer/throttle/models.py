"""The table of failed attempts. Names and sources are stored as digests, so the table does not list accounts."""

import sqlalchemy as sa

from gateway.issuer.tables import METADATA

failed_attempts = sa.Table(
    "failed_attempts",
    METADATA,
    sa.Column("name_digest", sa.LargeBinary, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
)
