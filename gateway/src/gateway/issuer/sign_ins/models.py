"""The tables of sign-ins, authorization codes and refresh tokens. Codes and tokens are hashed."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from gateway.issuer.tables import METADATA


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


sign_ins = sa.Table(
    "sign_ins",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    _moment("signed_in_at"),
    _moment("ended_at", nullable=True),
    sa.Column("factor", sa.Text),
    sa.Column("lost_answers", sa.SmallInteger, nullable=False, server_default="0"),
)

# `family` is the sign-in's id.
authorization_codes = sa.Table(
    "authorization_codes",
    METADATA,
    sa.Column("code_hash", sa.LargeBinary, primary_key=True),
    sa.Column("family", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("challenge", sa.Text, nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("nonce", sa.Text),
    sa.Column("amr", pg.ARRAY(sa.Text)),
    _moment("signed_in_at"),
    _moment("expires_at"),
    _moment("used_at", nullable=True),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    METADATA,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    sa.Column("family", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False),
    _moment("signed_in_at"),
    _moment("expires_at"),
    _moment("used_at", nullable=True),
)
