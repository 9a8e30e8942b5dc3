"""Endpoints of the token issuer: Ruta's own, or an outside provider's. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.auth import smart
from common.auth.keys import ASSERTION_ALGORITHMS

SMART_PATH = "/referrals/v1/fhir/.well-known/smart-configuration"


@dataclass(frozen=True)
class Endpoints:
    """Token endpoints. `token` and `authorize` are None until an outside provider is discovered."""

    issuer: str
    token: str | None
    authorize: str | None
    jwks: str | None
    grants: tuple[str, ...]
    authentication: tuple[str, ...]


def own(url: str, issuer: str | None = None) -> Endpoints:
    """Return the endpoints of Ruta's issuer, which clients reach at `url`."""
    base = url.rstrip("/")
    return Endpoints(
        issuer=issuer or base,
        token=f"{base}/oauth/token",
        authorize=f"{base}/oauth/authorize",
        jwks=f"{base}/.well-known/jwks.json",
        grants=("client_credentials", "authorization_code", "refresh_token"),
        authentication=("client_secret_basic", "client_secret_post", "private_key_jwt"),
    )


def outside(issuer: str, discovered: Mapping[str, Any]) -> Endpoints:
    """Return the endpoints in an OIDC discovery document (OpenID Connect Discovery §3)."""
    return Endpoints(
        issuer=issuer,
        token=_url(discovered, "token_endpoint"),
        authorize=_url(discovered, "authorization_endpoint"),
        jwks=_url(discovered, "jwks_uri"),
        # defaults of the specification (§3)
        grants=_list(discovered, "grant_types_supported") or ("authorization_code", "implicit"),
        authentication=_list(discovered, "token_endpoint_auth_methods_supported")
        or ("client_secret_basic",),
    )


def smart_configuration(found: Endpoints, scopes: Mapping[str, str]) -> dict[str, Any]:
    """Return the SMART configuration (SMART App Launch 2.x §5.3). It covers backend services; Ruta has no EHR launch."""
    known: dict[str, Any] = {
        "issuer": found.issuer,
        "jwks_uri": found.jwks,
        "token_endpoint": found.token,
        "authorization_endpoint": found.authorize,
        "grant_types_supported": list(found.grants),
        "token_endpoint_auth_methods_supported": list(found.authentication),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", *scopes, *smart.ANNOUNCED],
        "response_types_supported": ["code"],
        "capabilities": ["client-confidential-symmetric", "permission-v2"],
    }
    if "private_key_jwt" in found.authentication:
        known["token_endpoint_auth_signing_alg_values_supported"] = [*ASSERTION_ALGORITHMS]
        known["capabilities"].append("client-confidential-asymmetric")
    return {name: value for name, value in known.items() if value is not None}


def _url(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None


def _list(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
