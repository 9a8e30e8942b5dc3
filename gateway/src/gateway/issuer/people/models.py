"""Tables of people, their authorization codes and refresh tokens. Secrets are kept hashed."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from gateway.issuer.clients.models import clients
from gateway.issuer.organisations.models import organisations
from gateway.issuer.tables import METADATA

people = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("sign_in_name", sa.Text, nullable=False, unique=True),
    sa.Column("organisation_id", sa.Uuid, sa.ForeignKey(organisations.c.id), nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("second_factor", sa.LargeBinary),
    sa.Column("second_factor_step", sa.BigInteger, nullable=False),
    sa.Column("roles", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("areas", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("aors", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)

authorization_codes = sa.Table(
    "authorization_codes",
    METADATA,
    sa.Column("code_hash", sa.LargeBinary, primary_key=True),
    sa.Column("family", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, sa.ForeignKey(clients.c.id), nullable=False),
    sa.Column("person_id", sa.Uuid, sa.ForeignKey(people.c.id), nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("challenge", sa.Text, nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("nonce", sa.Text),
    sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("used_at", sa.DateTime(timezone=True)),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    METADATA,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    sa.Column("family", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, sa.ForeignKey(clients.c.id), nullable=False),
    sa.Column("person_id", sa.Uuid, sa.ForeignKey(people.c.id), nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("used_at", sa.DateTime(timezone=True)),
)
