"""Secrets of a cluster deployment, created here once, kept in your secret store, and never in git.

They are exactly the Secrets that the overlay refers to (tests/deploy/test_cluster.py). In production, PostgreSQL's
operator creates each role from a Secret. Case keys are on separate servers, and people sign in through your OIDC
provider, so the issuer has no Secrets for them.
"""

import base64
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from common.crypto import new_key
from common.ids import new_id
from gateway.keys import named_jwk, new_private_pem

from stack.embedded.arrows import OPERATOR, USERS
from stack.operate.cluster import database_certificates, process_certificates
from stack.operate.cluster.authorities import Authority
from stack.operate.cluster.documents import config_map, secret

KEY_STORE = "referral_keys"
DATABASES = ("directory", "referrals", "reporting", "issuer", KEY_STORE)
_SERVICES = ("directory", "referrals", "reporting", "issuer")


@dataclass(frozen=True)
class Target:
    """The target of an overlay's secrets: the hosts of the two databases, and the owners of their roles."""

    database_host: str = "postgres"
    key_store_host: str = "postgres"
    pooler_host: str | None = None
    """PgBouncer in front of the databases; sessions that need one connection use `database_host`."""
    operator: bool = False
    """PostgreSQL's operator creates databases, roles and certificates, and writes backups into a bucket."""
    verified: bool = False
    """Processes identify each other by certificates."""
    backup: bool = False
    """A CronJob makes backups, sealed with a key of its own."""


EMBEDDED = Target()
SMALL = Target(backup=True)
BACKUP_KEY = "ruta-backup-key"
PRODUCTION = Target(
    "postgres-rw", "postgres-keys-rw", "postgres-pooler", operator=True, verified=True
)
FILL_IN = "fill-in"
"""A placeholder for values that only you know: the keys of your backup buckets."""


def target(overlay: str) -> Target:
    return {"production": PRODUCTION, "small": SMALL}.get(overlay, EMBEDDED)


def documents(
    wanted: Target = EMBEDDED,
    namespace: str = "ruta",
    clients: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Return all Secrets (and the ConfigMap of public keys) to which the manifests refer, with new random values.
    `clients` are the clients that the issuer creates at its first start; by default, this is a single administrator."""
    roles = {f"{name}_{kind}": _password() for name in DATABASES for kind in ("owner", "app")}
    broker = {user: _password() for user in (*USERS, OPERATOR, "route")}

    def url(database: str, kind: str, host: str = wanted.database_host) -> str:
        role = f"{database}_{kind}"
        return f"postgresql+asyncpg://{role}:{roles[role]}@{host}:5432/{database}"

    made: list[dict[str, Any]] = []
    for name in _SERVICES:
        if name == "issuer" and wanted.operator:
            continue
        values = {"RUTA_DATABASE_URL": url(name, "app"), "RUTA_STORED_RESULT_KEY": _key()}
        if wanted.pooler_host:
            values["RUTA_DATABASE_SESSION_URL"] = values["RUTA_DATABASE_URL"]
            values["RUTA_DATABASE_URL"] = url(name, "app", wanted.pooler_host)
        owner = {"RUTA_DATABASE_OWNER_URL": url(name, "owner")}
        if name in broker:
            values["RUTA_NATS_PASSWORD"] = broker[name]
        if name == "referrals":
            apart = wanted.key_store_host
            values["RUTA_KEY_STORE_URL"] = url(KEY_STORE, "app", apart)
            values["RUTA_BLIND_INDEX_KEY"] = _key()
            owner["RUTA_KEY_STORE_OWNER_URL"] = url(KEY_STORE, "owner", apart)
        if name == "reporting":
            values |= {"RUTA_ROUNDING_KEY": _key(), "RUTA_PSEUDONYM_KEY": _key()}
        made += [secret(f"ruta-{name}", values), secret(f"ruta-{name}-owner", owner)]
    pem, jwks = _signing_key()
    made += [
        secret("ruta-gateway", {"RUTA_SESSION_KEY": _key(), "RUTA_METRICS_KEY": _key()}),
        secret("ruta-internal-signing-key", {"internal.pem": pem}),
        secret("ruta-key-encryption-keys", {"keys.json": _key_encryption_keys()}),
        secret("ruta-nats", {f"NATS_{u.upper()}_PASSWORD": p for u, p in broker.items()}),
        *(_by_operator(roles) if wanted.operator else _by_us(roles, clients)),
        *(certificates() if wanted.verified else ()),
        *([secret(BACKUP_KEY, {"backup.key": _key()})] if wanted.backup else ()),
        config_map("ruta-internal-jwks", {"jwks.json": jwks}),
    ]
    for document in made:
        document["metadata"]["namespace"] = namespace
    return made


def _by_us(
    roles: Mapping[str, str], clients: list[dict[str, Any]] | None
) -> Iterator[dict[str, Any]]:
    yield secret("ruta-postgres", {"superuser": _password(), **roles})
    yield secret("ruta-bootstrap-clients", {"clients.json": json.dumps(clients or [_admin()])})


def _by_operator(roles: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for role, password in roles.items():
        made = secret(
            f"ruta-role-{role.replace('_', '-')}", {"username": role, "password": password}
        )
        yield made | {"type": "kubernetes.io/basic-auth"}
    databases = database_certificates.new_authority()
    values = {"ca.crt": databases.certificate, "ca.key": databases.key}
    authority = secret(database_certificates.AUTHORITY, values)
    # Otherwise, the database instances would read a new authority only at their next start.
    authority["metadata"]["labels"] = {"cnpg.io/reload": ""}
    yield authority
    yield secret(database_certificates.TRUST, {"ca.crt": databases.certificate})
    for bucket in ("ruta-backups", "ruta-key-backups"):
        yield secret(
            f"{bucket}-credentials", {"ACCESS_KEY_ID": FILL_IN, "ACCESS_SECRET_KEY": FILL_IN}
        )


def certificates(authority: Authority | None = None) -> Iterator[dict[str, Any]]:
    """Yield new certificates for the processes. Without an `authority`, create a new one and include it."""
    if authority is None:
        authority = process_certificates.new_authority()
        yield process_certificates.kept(authority)
    yield from process_certificates.documents(authority)


def to_fill_in(made: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the Secrets whose values you must fill in."""
    return [d["metadata"]["name"] for d in made if FILL_IN in d.get("stringData", {}).values()]


def as_yaml(made: list[dict[str, Any]]) -> str:
    return str(yaml.safe_dump_all(made, sort_keys=False))


def _admin() -> dict[str, Any]:
    """Return the first client, with which the IM team creates all others (`./ruta client add`)."""
    return {
        "client_id": "admin",
        "secret": _password(),
        "name": "Information management",
        "organisation": str(new_id()),
        "roles": ["im", "admin"],
        "scopes": [
            "admin",
            "directory:read",
            "directory:curate",
            "reports:read",
            "reports:publish",
        ],
    }


def _password() -> str:
    return secrets.token_hex(24)


def _key() -> str:
    return base64.b64encode(new_key()).decode()


def _key_encryption_keys() -> str:
    return json.dumps({"active": "k1", "keys": {"k1": _key()}})


def _signing_key() -> tuple[str, str]:
    pem = new_private_pem()
    return pem, json.dumps({"keys": [named_jwk(pem)]})
