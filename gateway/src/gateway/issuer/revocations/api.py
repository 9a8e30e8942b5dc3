"""The list that the front reads every few seconds. Not in the route table: only the front gets here."""

from typing import Annotated, Any

from common.auth import Principal
from common.errors import FORBIDDEN
from common.web import Session, open_to_all, router

from gateway.issuer.revocations.queries import document

# The front proves itself by its own internal token, which belongs to no organisation.
Front = Annotated[Principal, open_to_all()]
internal = router("/internal/issuer", ["internal"])


@internal.get("/revocations", include_in_schema=False)
async def revocations(caller: Front, session: Session) -> dict[str, Any]:
    if "internal" not in caller.scopes:
        raise FORBIDDEN.because("Only the front reads this.")
    return await document(session)
