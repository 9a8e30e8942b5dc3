"""The list that the front reads every few seconds. Not in the route table: only the front gets here."""

from typing import Any

from common.errors import FORBIDDEN
from common.http import Session, router

from gateway.issuer.access import Anyone
from gateway.issuer.clients import queries as clients
from gateway.issuer.organisations import queries as organisations
from gateway.issuer.people import queries as people
from gateway.issuer.revocations.queries import document

internal = router("/internal/issuer", ["internal"])


@internal.get("/revocations", include_in_schema=False)
async def withdrawn(caller: Anyone, session: Session) -> dict[str, Any]:
    """Which tokens are void; and who is suspended, so that nothing is done for them without a token either."""
    # The front proves itself by its own internal token, which belongs to no organisation.
    if "internal" not in caller.scopes:
        raise FORBIDDEN.because("only_gateway_may_read_this")
    found = await document(session)
    found["suspended"] = {
        "organisation": await organisations.suspended(session),
        "subject": await people.suspended(session),
        "client": await clients.suspended(session),
    }
    return found
