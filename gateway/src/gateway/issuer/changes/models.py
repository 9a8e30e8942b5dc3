"""The table of changes to identities. `told_at` is the time when the change was added to the external list. `news`
marks changes that the person concerned must see, and `read_at` is the time when that person confirmed them."""

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
