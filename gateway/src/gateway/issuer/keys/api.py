"""Routes for discovery (RFC 8414, OIDC Discovery), the JWKS, and key rotation by an administrator."""

from typing import Any, cast

from common.auth import SCOPES, smart
from common.auth.keys import ASSERTION_ALGORITHMS
from common.errors import CONFLICT
from common.http import AnyQuery, Session, StepUp, context_of, router
from common.words.languages import LANGUAGES
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from gateway.issuer.changes.service import record
from gateway.issuer.keys.ring import KeyRing, RotatedTooOften, recognise
from gateway.issuer.requests import Admin, Anyone, settings_of

well_known = router("/.well-known", ["tokens"])
keys = router("/identity/v1/keys", ["identity"])
_PUBLIC = {"Cache-Control": "public, max-age=60"}


class Rotated(BaseModel):
    current_kid: str
    published_kids: list[str]


def ring_of(request: Request) -> KeyRing:
    return cast("KeyRing", context_of(request).parts["ring"])


@well_known.get(
    "/jwks.json",
    summary="Public keys that verify access tokens (RFC 7517)",
    dependencies=[AnyQuery],
)
async def jwks(request: Request, _caller: Anyone) -> JSONResponse:
    """The public keys that verify tokens. The next key is included before it signs."""
    return JSONResponse(ring_of(request).jwks(), headers=_PUBLIC)


@well_known.get(
    "/openid-configuration", summary="OpenID Connect discovery document", dependencies=[AnyQuery]
)
async def openid_configuration(request: Request, _caller: Anyone) -> JSONResponse:
    """The endpoints for client libraries, and what they support (OpenID Connect)."""
    return JSONResponse(_document(request), headers=_PUBLIC)


@well_known.get(
    "/oauth-authorization-server",
    summary="Authorization server metadata (RFC 8414)",
    dependencies=[AnyQuery],
)
async def authorization_server(request: Request, _caller: Anyone) -> JSONResponse:
    """The endpoints for OAuth libraries without OpenID Connect."""
    return JSONResponse(_document(request), headers=_PUBLIC)


@keys.post(
    "/rotate", summary="Let the next key sign and retire the current one", dependencies=[StepUp]
)
async def rotate(request: Request, admin: Admin, session: Session) -> Rotated:
    """Make the next key sign. Tokens of the retired key stay valid until they expire."""
    ring = ring_of(request)
    try:
        current = ring.rotate()
    except RotatedTooOften:
        raise CONFLICT.because("keys_were_rotated_many_times_within_last_hour") from None
    await record(session, admin, "rotated", "keys", current.kid)
    await recognise(context_of(request).database, ring)
    return Rotated(current_kid=current.kid, published_kids=ring.published_kids())


def _document(request: Request) -> dict[str, Any]:
    settings = settings_of(request)
    url = settings.token_issuer_url.rstrip("/")
    return {
        "issuer": settings.token_issuer_url,
        "authorization_endpoint": f"{url}/oauth/authorize",
        "token_endpoint": f"{url}/oauth/token",
        "revocation_endpoint": f"{url}/oauth/revoke",
        "userinfo_endpoint": f"{url}/oauth/userinfo",
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "scopes_supported": ["openid", *SCOPES, *smart.ANNOUNCED],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none",
        ],
        "token_endpoint_auth_signing_alg_values_supported": [*ASSERTION_ALGORITHMS],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [settings.signing_algorithm],
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": [*LANGUAGES],
        "service_documentation": f"{url}/docs",
    }
