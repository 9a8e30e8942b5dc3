"""The page's visitor, read from the gateway's headers. Pure."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.auth import Principal, Role


@dataclass(frozen=True)
class Visitor:
    """A signed-in visitor. `token` is their access token for API calls; `csrf` is the secret for their session's forms.
    Without activity, the session ends at `idle_until` (seconds since 1970). `idle_in` is the time left, in seconds,
    when the gateway handled the request; 0 if unknown."""

    principal: Principal
    token: str = field(repr=False)
    csrf: str = field(repr=False)
    sign_in_name: str
    organisation_name: str
    idle_until: float
    idle_in: int = 0

    @property
    def roles(self) -> frozenset[Role]:
        return self.principal.roles

    def may(self, *scopes: str) -> bool:
        return all(scope in self.principal.scopes for scope in scopes)


def visitor_of(principal: Principal | None, headers: Mapping[str, str]) -> Visitor | None:
    """Return the visitor; None if nobody is signed in with this browser. Clients with their own token must use the API."""
    token, told = headers.get("ruta-person-token"), _told(headers.get("ruta-person"))
    if principal is None or principal.anonymous or not token or told is None:
        return None
    return Visitor(
        principal,
        token,
        headers.get("ruta-csrf", ""),
        str(told.get("sign_in_name") or ""),
        str(told.get("organisation_name") or ""),
        float(told.get("idle_until") or 0),
        int(told.get("idle_in") or 0),
    )


def _told(header: str | None) -> dict[str, Any] | None:
    if header is None:
        return None
    try:
        told = json.loads(base64.b64decode(header))
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
