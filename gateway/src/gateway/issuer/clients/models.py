"""The table of clients. Secrets are stored as hashes."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from gateway.issuer.tables import METADATA

clients = sa.Table(
    "clients",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.Text),
    # Public keys. A client with public keys authenticates with them, and its secret is not accepted.
    sa.Column("jwks", pg.JSONB(none_as_null=True)),
    sa.Column("roles", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("areas", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("aors", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("redirect_uris", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    # The last day on which the client can get tokens, and the last day on which it got one.
    sa.Column("ends_on", sa.Date),
    sa.Column("last_used_on", sa.Date),
)

# Used client assertions, kept until they are no longer valid.
used_assertions = sa.Table(
    "used_assertions",
    METADATA,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("until", sa.DateTime(timezone=True), nullable=False),
)
