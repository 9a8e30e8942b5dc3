"""Request and response bodies of the client routes."""

from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from common.auth import registered_keys
from common.http import ShownOnce, Strict, Text
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.issuer.rights import Aors, Areas, Roles, Scopes

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def acceptable_redirect(uri: str) -> str:
    """Return the redirect URI if a client may register it (RFC 9700 §2.1, §4.1). Raise ValueError unless it uses https
    (or loopback http) and has no fragment."""
    if len(uri) > 500 or not uri.isascii() or any(c.isspace() for c in uri):
        raise ValueError("a redirect URI is ASCII without spaces, at most 500 characters")
    parts = urlsplit(uri)
    if parts.fragment or "#" in uri or parts.username or "*" in uri:
        raise ValueError("a redirect URI has no fragment, user or wildcard")
    loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or loopback):
        raise ValueError("a redirect URI is https, or http on this machine")
    return uri


ClientId = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$")]
RedirectUris = Annotated[
    list[Annotated[str, AfterValidator(acceptable_redirect)]], Field(max_length=10)
]


_KEYS = (
    "1 to 5 public keys (RFC 7517), by which the client signs assertions (`private_key_jwt`, RFC 7523) in place of a"
    " secret: RSA of at least 2048 bits (RS384; RS256 if `alg` says so), P-256 or P-384."
)
Jwks = Annotated[
    Annotated[dict[str, Any], AfterValidator(registered_keys)] | None, Field(description=_KEYS)
]
EndsOn = Annotated[
    date | None, Field(description="The last day on which the client gets tokens; absent: no end.")
]


class NewClient(Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "ngo-puente",
                    "organisation_id": "0190a000-0000-7000-8000-000000000001",
                    "name": "Case management system of Fundación Puente",
                    "roles": ["partner"],
                    "scopes": ["directory:read", "referrals:read", "referrals:write"],
                }
            ]
        }
    )

    id: ClientId
    organisation_id: UUID
    name: Text = Field(max_length=200)
    roles: Roles
    scopes: Scopes
    aors: Aors = Field(default_factory=list, description="Empty: all of its organisation's.")
    areas: Areas = Field(default_factory=list)
    redirect_uris: RedirectUris = Field(default_factory=list)
    jwks: Jwks = None
    ends_on: EndsOn = None


class ClientChange(Strict):
    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    name: Text | None = Field(None, max_length=200)
    roles: Roles | None = None
    scopes: Scopes | None = None
    aors: Aors | None = None
    areas: Areas | None = None
    redirect_uris: RedirectUris | None = None
    jwks: Jwks = None
    ends_on: EndsOn = None
    active: bool | None = None


class Client(BaseModel):
    id: str
    organisation_id: UUID | None
    name: str
    roles: list[str]
    scopes: list[str]
    aors: list[str]
    areas: list[str]
    redirect_uris: list[str]
    jwks: dict[str, Any] | None = Field(
        None, description="Its public keys; without any it has a secret."
    )
    active: bool
    created_at: datetime
    ends_on: date | None = None
    last_used_on: date | None = Field(None, description="The last day on which it got a token.")


class ClientWithSecret(Client):
    secret: ShownOnce = Field(
        None,
        description="Shown this once; keep it where only your system reads it. A repeated command "
        "shows null: if the first answer was lost, renew the secret. A client with keys has none.",
    )
