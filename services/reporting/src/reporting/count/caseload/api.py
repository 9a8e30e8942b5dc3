"""Routes for the caseload: exact numbers, only on screen. Each access is recorded."""

from typing import Annotated

from common.auth import Role
from common.http import Session, router
from fastapi import Query

from reporting.count.caseload import queries
from reporting.count.caseload.counters import LINE, CaseloadKey
from reporting.count.caseload.schemas import Caseload, CaseloadRow
from reporting.count.indicators.months import Month, months
from reporting.count.indicators.readers import Operator
from reporting.count.indicators.scopes import OWN_ROLES, states_of
from reporting.count.indicators.service import record_read

routes = router("/reports/v1", ["indicators"])
_PLANNERS = frozenset({Role.COORDINATOR, Role.IM})


@routes.get("/indicators/caseload")
async def read_caseload(
    *,
    caller: Operator,
    session: Session,
    first: Annotated[Month, Query(alias="from")] = None,
    last: Annotated[Month, Query(alias="to")] = None,
) -> Caseload:
    """Return your organisation's opened and closed cases and its transfers. For coordinators and the IM role also
    reports of the anonymous line in their states."""
    start, end = months(first, last)
    asked = {"from": start.isoformat(), "to": end.isoformat()}
    await record_read(session, caller, asked, what="caseload")
    found: list[tuple[CaseloadKey, int]] = []
    if caller.roles & OWN_ROLES and caller.organisation_id is not None:
        found += await queries.own(session, caller, start, end)
    if caller.roles & _PLANNERS:
        found += await queries.of_the_line(session, start, end, states_of(caller.areas))
    return Caseload(
        first=f"{start:%Y-%m}", last=f"{end:%Y-%m}", rows=[_row(*each) for each in found]
    )


def _row(key: CaseloadKey, count: int) -> CaseloadRow:
    return CaseloadRow(
        scope=key.scope,
        month=f"{key.month:%Y-%m}",
        area=key.area,
        what=key.what,
        kind=key.scope_id if key.scope == LINE else None,
        count=count,
    )
