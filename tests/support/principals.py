"""The demo clients as principals, with real internal tokens signed by a key of this test run."""

import json
import time
from functools import cache
from pathlib import Path
from uuid import UUID

from common.auth import ANONYMOUS, Principal, mint_token, public_jwk
from common.ids import new_id
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

_PARTNER = (
    "directory:read directory:write referrals:read referrals:write reports:read",
    ["partner", "caseworker"],
)
_COORDINATOR = (
    "directory:read directory:write directory:curate referrals:read reports:read",
    ["coordinator"],
)
_SUPERVISOR = ("referrals:read referrals:write directory:read reports:read", ["supervisor"])
_IM = (
    "directory:read directory:curate referrals:read reports:read reports:publish admin",
    ["im", "admin"],
)

# Client → its organisation's number, (scopes, roles), AoRs.
CLIENTS: dict[str, tuple[int, tuple[str, list[str]], list[str]]] = {
    "ngo-refugio": (1, _PARTNER, ["CP", "GBV", "TIP"]),
    "ngo-salud": (2, _PARTNER, ["GBV", "CP"]),
    "ngo-legal": (3, _PARTNER, ["TIP", "GBV"]),
    "health-cluster": (4, ("directory:read", ["reader"]), []),
    "gbv-coordinator": (5, _COORDINATOR, ["GBV"]),
    "cp-coordinator": (6, _COORDINATOR, ["CP"]),
    "tip-coordinator": (7, _COORDINATOR, ["TIP", "GP"]),
    "im-officer": (8, _IM, ["CP", "GBV", "TIP", "GP"]),
    "auditor": (9, ("referrals:read reports:read", ["auditor"]), []),
    "ngo-refugio-supervisor": (1, _SUPERVISOR, ["CP", "GBV", "TIP"]),
    "ngo-salud-supervisor": (2, _SUPERVISOR, ["GBV", "CP"]),
}


def organisation(number: int) -> UUID:
    return UUID(f"0190a000-0000-7000-8000-{number:012d}")


def claims_of(client: str, **changes: object) -> dict[str, object]:
    """Return the claims of a demo client; `changes` replaces some (roles=[…], scope="…", areas=[…])."""
    number, (scope, roles), aors = CLIENTS[client]
    return {
        "sub": client,
        "client_id": client,
        "org": str(organisation(number)),
        "roles": roles,
        "scope": scope,
        "aors": aors,
        "areas": [],
        **changes,
    }


def principal(client: str, **changes: object) -> Principal:
    """Return a principal for tests below the API."""
    return (
        ANONYMOUS if client == "anonymous" else Principal.from_claims(claims_of(client, **changes))
    )


@cache
def signing_key() -> str:
    """Return the PEM of this run's ES256 key, which stands in for the gateway's key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def write_internal_jwks(path: Path) -> Path:
    """Write the key file that services use to verify internal tokens."""
    path.write_text(json.dumps({"keys": [public_jwk(signing_key(), "test", "ES256")]}))
    return path


def internal_token(audience: str, claims: dict[str, object]) -> str:
    now = int(time.time())
    # Some modules create tokens at collection, and a run on a slow machine takes long, so tokens last for hours.
    end = now + 6 * 3600
    payload = {"iss": "ruta-gateway", "aud": audience, "exp": end, "jti": str(new_id())}
    if "client_id" in claims and claims["sub"] != claims["client_id"]:
        # A person who has just signed in, unless the test sets another time.
        claims = {"auth_time": now, **claims}
    return mint_token(
        {**payload, **claims},
        private_pem=signing_key(),
        kid="test",
        algorithm="ES256",
        typ="ruta-int+jwt",
    )


def bearer(client: str, *, audience: str, **changes: object) -> dict[str, str]:
    """Return the headers of a call by `client` (or "anonymous") to the service of this audience."""
    nobody: dict[str, object] = {"sub": "anonymous", "client_id": "anonymous"}
    claims = nobody if client == "anonymous" else claims_of(client, **changes)
    return {"Authorization": f"Bearer {internal_token(audience, claims)}"}


def keyed(headers: dict[str, str], key: str | None = None) -> dict[str, str]:
    """Add an Idempotency-Key to the headers, by default a new one."""
    return {**headers, "Idempotency-Key": key or str(new_id())}
