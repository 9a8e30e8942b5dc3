"""Queries for the caseload endpoint, which read only a few counters however many cases there are."""

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.caseload.counters import GIVER, HOLDER, LINE, RECEIVER, CaseloadKey
from reporting.count.caseload.models import caseload_counters


async def own(
    session: AsyncSession, caller: Principal, first: date, last: date
) -> list[tuple[CaseloadKey, int]]:
    """Return the counters of the caller's organisation for the months from `first` to `last`."""
    scope = caseload_counters.c.scope.in_((HOLDER, GIVER, RECEIVER))
    mine = caseload_counters.c.scope_id == str(caller.organisation)
    return await _read(session, first, last, scope, mine)


async def of_the_line(
    session: AsyncSession, first: date, last: date, areas: Collection[str] | None
) -> list[tuple[CaseloadKey, int]]:
    """Return reports on the anonymous line, restricted to the first-level `areas` unless that is None."""
    conditions = [caseload_counters.c.scope == LINE]
    if areas is not None:
        conditions.append(caseload_counters.c.area.in_(sorted(areas)))
    return await _read(session, first, last, *conditions)


async def _read(
    session: AsyncSession, first: date, last: date, *conditions: sa.ColumnElement[bool]
) -> list[tuple[CaseloadKey, int]]:
    columns = [caseload_counters.c[name] for name in CaseloadKey._fields]
    rows = await session.execute(
        sa.select(*columns, caseload_counters.c["count"])
        .where(caseload_counters.c.month.between(first, last), *conditions)
        .order_by(*columns)
    )
    return [(CaseloadKey(*row[:-1]), row[-1]) for row in rows]
