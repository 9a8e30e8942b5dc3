"""The table of revocations. A row is needed only while older tokens could still be valid."""

import sqlalchemy as sa

from gateway.issuer.tables import METADATA

revocations = sa.Table(
    "revocations",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("issued_until", sa.DateTime(timezone=True), nullable=False),
)
