"""Table of changes of identities. `told_at`: when it was written to the list that leaves the machine. `news`: whether the
person whom it is about is to be told; `read_at`: when they said that they have read it."""

import sqlalchemy as sa

from gateway.issuer.tables import METADATA

changes = sa.Table(
    "identity_changes",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("by_client", sa.Text, nullable=False),
    sa.Column("by_subject", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("told_at", sa.DateTime(timezone=True)),
    sa.Column("news", sa.Boolean, nullable=False),
    sa.Column("read_at", sa.DateTime(timezone=True)),
)
