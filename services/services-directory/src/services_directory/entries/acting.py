"""The claims to act under later, when whoever asked is gone; `Principal.from_claims` reads them."""

from typing import Any

from common.auth import Principal


def claims_of(caller: Principal) -> dict[str, Any]:
    return {
        "sub": caller.subject,
        "client_id": caller.client_id,
        "org": str(caller.organisation),
        "roles": sorted(caller.roles),
        "scope": " ".join(sorted(caller.scopes)),
        "aors": sorted(caller.aors),
        "areas": sorted(caller.areas),
    }
