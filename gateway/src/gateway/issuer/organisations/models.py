"""Tables of organisations and their AoR memberships."""

import sqlalchemy as sa

from gateway.issuer.tables import METADATA

organisations = sa.Table(
    "organisations",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)

memberships = sa.Table(
    "aor_memberships",
    METADATA,
    sa.Column("organisation_id", sa.Uuid, sa.ForeignKey(organisations.c.id), primary_key=True),
    sa.Column("aor", sa.Text, primary_key=True),
)
