"""Organisations, clients, people, and everything that the token endpoint remembers."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from common.db.tables import create_common_tables
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXTS = pg.ARRAY(sa.Text)


def upgrade() -> None:
    create_common_tables(op)
    _organisations()
    _clients()
    _people()
    _sign_in()


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _texts(name: str) -> sa.Column[Any]:
    return sa.Column(name, _TEXTS, nullable=False, server_default="{}")


def _organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
        _moment("created_at"),
    )
    op.create_table(
        "aor_memberships",
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("organisations.id"), primary_key=True),
        sa.Column("aor", sa.Text, primary_key=True),
    )


def _clients() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Text, primary_key=True),
        # NULL: a client through which people of any organisation sign in (the web console).
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("organisations.id")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text),
        *(_texts(name) for name in ("roles", "scopes", "areas", "aors", "redirect_uris")),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
        _moment("created_at"),
    )
    op.create_table(
        "identity_changes",
        sa.Column("id", sa.Uuid, primary_key=True),
        _moment("at"),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("by_client", "by_subject", "what", "kind", "target")
        ),
    )
    role = context.config.attributes["run_time_role"]
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON identity_changes FROM {role}")


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("sign_in_name", sa.Text, nullable=False, unique=True),
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("second_factor", sa.LargeBinary),
        sa.Column("second_factor_step", sa.BigInteger, nullable=False, server_default="0"),
        *(_texts(name) for name in ("roles", "scopes", "areas", "aors")),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
        _moment("created_at"),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("code_hash", sa.LargeBinary, primary_key=True),
        *_grant_columns(),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        *_grant_columns(),
    )
    op.create_index("refresh_tokens_family", "refresh_tokens", ["family"])


def _grant_columns() -> list[sa.Column[Any]]:
    columns: list[sa.Column[Any]] = [
        sa.Column("family", sa.Uuid, nullable=False),
        sa.Column("client_id", sa.Text, sa.ForeignKey("clients.id"), nullable=False),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id"), nullable=False),
        sa.Column("scopes", _TEXTS, nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
    ]
    return columns


def _sign_in() -> None:
    op.create_table(
        "failed_attempts",
        sa.Column("name_digest", sa.LargeBinary, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        _moment("last_at"),
    )
    op.create_table(
        "revocations",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        _moment("issued_until"),
    )
