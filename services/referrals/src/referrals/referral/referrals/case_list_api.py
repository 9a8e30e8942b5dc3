"""HTTP routes for the case list, with each case's number of open referrals."""

from typing import Annotated, Literal

from common.http import Session, router
from common.paging import CursorText, Limit, Page, id_cursor, next_cursor
from fastapi import Query
from pydantic import Field

from referrals.case.cases import queries as cases
from referrals.case.cases.schemas import CaseSummary
from referrals.ground.dependencies import CaseReader
from referrals.ground.vocabulary.fields import KnownPlace
from referrals.referral.referrals.list_queries import open_counts
from referrals.referral.referrals.schemas import Moment

case_list = router("/referrals/v1/cases", ["cases"])


class CaseListed(CaseSummary):
    open_referrals: int = Field(
        description="Referrals of the case that have not ended, drafts too."
    )


@case_list.get("")
async def list_cases(
    *,
    session: Session,
    caller: CaseReader,
    status: Literal["open", "closed", "erased"] | None = None,
    mine: Annotated[bool, Query(description="Only those that are assigned to you.")] = False,
    assigned_to: Annotated[
        str | None, Query(max_length=200, description="Only those of this account.")
    ] = None,
    area: Annotated[
        KnownPlace | None, Query(description="Only those of this area and what lies in it.")
    ] = None,
    minor: bool | None = None,
    changed_since: Annotated[
        Moment | None, Query(description="Only those that were changed since this moment.")
    ] = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[CaseListed]:
    """List your organisation's cases, newest first, without personal data."""
    rows = await cases.own_cases(
        session,
        caller,
        status=status,
        mine=mine,
        assigned_to=assigned_to,
        area=area,
        minor=minor,
        changed_since=changed_since,
        before=id_cursor(cursor),
        limit=limit,
    )
    page = rows[:limit]
    counts = await open_counts(session, caller, [case.id for case in page])
    items = [
        CaseListed(
            **CaseSummary.model_validate(case, from_attributes=True).model_dump(),
            open_referrals=counts.get(case.id, 0),
        )
        for case in page
    ]
    return Page(items=items, next_cursor=next_cursor(rows, limit))
