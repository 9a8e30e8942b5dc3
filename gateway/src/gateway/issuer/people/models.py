"""The tables of people. Passwords and recovery codes are hashed, second factors sealed. The public half of a passkey is
not secret. `invitation_digest` belongs to the token of a person's open invitation."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from gateway.issuer.tables import METADATA

people = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("sign_in_name", sa.Text, nullable=False, unique=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
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
    sa.Column("invitation_digest", sa.LargeBinary, unique=True),
    sa.Column("invited_until", sa.DateTime(timezone=True)),
)
NO_INVITATION: Final = {"invitation_digest": None, "invited_until": None}

recovery_codes = sa.Table(
    "recovery_codes",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("code_digest", sa.LargeBinary, primary_key=True),
    sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("used_at", sa.DateTime(timezone=True)),
)

# `sign_count` is the key's signature counter. `asked_at` is the time of the last challenge that the key signed.
# Responses to that challenge or to an older one are refused.
passkeys = sa.Table(
    "passkeys",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("credential_id", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("asked_at", sa.DateTime(timezone=True)),
    sa.Column("used_at", sa.DateTime(timezone=True)),
)
