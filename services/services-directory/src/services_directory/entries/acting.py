"""The claims to act under later, when whoever asked is gone; `Principal.from_claims` reads them."""

from typing import Any

from common.auth import Principal


def claims_of(principal: Principal) -> dict[str, Any]:
    return {
        "sub": principal.subject,
        "client_id": principal.client_id,
        "org": str(principal.organisation),
        "roles": sorted(principal.roles),
        "scope": " ".join(sorted(principal.scopes)),
        "aors": sorted(principal.aors),
        "areas": sorted(principal.areas),
    }
