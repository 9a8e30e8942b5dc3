"""Who is of one's own organisation: names for the ids that records hold, and whom to give work to."""

from operator import itemgetter
from typing import Annotated
from uuid import UUID

from common.paging import CursorText, Limit, Page, keys_in, page_of
from common.web import Session, router
from fastapi import Query

from gateway.issuer.access import Colleague
from gateway.issuer.people import queries
from gateway.issuer.people.schemas import ColleagueView

routes = router("/identity/v1/colleagues", ["identity"])


@routes.get("", summary="List the people of your own organisation")
async def listed(
    *,
    caller: Colleague,
    session: Session,
    person_id: Annotated[
        list[UUID] | None,
        Query(
            alias="id",
            description="Only these; of another organisation nobody is found.",
            max_length=100,
        ),
    ] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ColleagueView]:
    """Those who were switched off, too: what they did has their name."""
    (after,) = keys_in(cursor, str) or (None,)
    rows = await queries.colleagues(session, caller.organisation, person_id or (), after, limit)
    return page_of(rows, limit, lambda row: ColleagueView(**row), itemgetter("sign_in_name"))
