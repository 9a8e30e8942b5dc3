"""Exports the caller's own cases as HTCDS records, if the people agreed to statistics."""

from typing import Any
from uuid import UUID

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases.models import Case
from referrals.case.cases.person import open_with
from referrals.case.cases.queries import ID, living
from referrals.case.consents.queries import has_agreed
from referrals.case.consents.statistics import countable
from referrals.ground.audit.service import record
from referrals.ground.keys.store import CaseKeys
from referrals.screening.assistance import htcds, queries
from referrals.screening.assistance.models import CaseRoute, PlanItem
from referrals.screening.assistance.service import opened_route


async def export(
    session: AsyncSession, caller: Principal, keys: CaseKeys, after: UUID | None, limit: int
) -> tuple[list[dict[str, Any]], UUID | None]:
    """Return a page of records, and where the next page begins. Audit the export."""
    cases = await living(session, caller, has_agreed(ID), after, limit)
    found = await keys.of_many([case.id for case in cases[:limit]])
    records = [
        await _record(session, case, found[case.id])
        for case in cases[:limit]
        if case.id in found and await countable(session, keys, case.id) is not None
    ]
    await record(
        session,
        caller,
        "assistance.exported",
        chain=caller.organisation,
        target_type="organisation",
        detail={"cases": len(records)},
    )
    return records, cases[limit - 1].id if len(cases) > limit else None


async def _record(session: AsyncSession, case: Case, key: bytes) -> dict[str, Any]:
    _identity, attributes = open_with(key, case)
    route = await session.get(CaseRoute, case.id)
    review = await queries.open_review(session, case.id)
    return htcds.record(
        reference=case.reference,
        status=case.status,
        closure_reason=case.closure_reason,
        review_due=review.due_on if review else None,
        attributes=attributes,
        plan=[
            {"support_type": i.support_type, "planned_end": i.planned_end, "ended_on": i.ended_on}
            for i in await queries.of_case(session, PlanItem, case.id)
        ],
        route=opened_route(key, route).model_dump() if route and route.statistics else None,
    )
