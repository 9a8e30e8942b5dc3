"""Who is of one's own organisation: names for the ids that records hold, and whom to give work to."""

from operator import itemgetter
from typing import Annotated
from uuid import UUID

from common.auth import Role
from common.http import Session, router
from common.paging import CursorText, Limit, Page, keys_in, page_of
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
    sign_in_name: Annotated[
        str | None, Query(description="Only who signs in by this name.", max_length=63)
    ] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ColleagueView]:
    """Those who were switched off, too: what they did has their name. Auditors read the names of all organisations'
    people, by id or sign-in name only: the record holds their ids."""
    (after,) = keys_in(cursor, str) or (None,)
    audits = Role.AUDITOR in caller.roles and (person_id or sign_in_name)
    rows = await queries.colleagues(
        session,
        None if audits else caller.organisation,
        person_id or (),
        after,
        limit,
        sign_in_name=sign_in_name,
    )
    return page_of(rows, limit, lambda row: ColleagueView(**row), itemgetter("sign_in_name"))
