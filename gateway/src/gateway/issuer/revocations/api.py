"""The list that the front reads every few seconds. Not in the route table: only the front gets here."""

from typing import Any

from common.errors import FORBIDDEN
from common.web import Session, router

from gateway.issuer.access import Anyone
from gateway.issuer.revocations.queries import document

internal = router("/internal/issuer", ["internal"])


@internal.get("/revocations", include_in_schema=False)
async def revocations(caller: Anyone, session: Session) -> dict[str, Any]:
    # The front proves itself by its own internal token, which belongs to no organisation.
    if "internal" not in caller.scopes:
        raise FORBIDDEN.because("Only the gateway may read this.")
    return await document(session)
