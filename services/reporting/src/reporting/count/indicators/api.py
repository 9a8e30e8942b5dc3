"""Routes for operational indicators: exact numbers, only on screen. Each access is recorded."""

from datetime import date
from typing import Annotated

from common.errors import INVALID
from common.http import Session, router
from common.words.codelists import categories
from common.words.places import Places
from fastapi import Query

from reporting.count.indicators import queries, vector
from reporting.count.indicators.months import Month, months
from reporting.count.indicators.queries import Asked, Key
from reporting.count.indicators.readers import Operator
from reporting.count.indicators.schemas import (
    CapacityRow,
    IndicatorRow,
    Indicators,
    ScopeIndicators,
    TimingView,
)
from reporting.count.indicators.scopes import scopes_of
from reporting.count.indicators.service import record_read

routes = router("/reports/v1", ["indicators"])

_SPLITS = ("area", "category", "month")


@routes.get("/indicators")
async def read_indicators(
    *,
    caller: Operator,
    session: Session,
    first: Annotated[Month, Query(alias="from")] = None,
    last: Annotated[Month, Query(alias="to")] = None,
    by: Annotated[
        str, Query(max_length=40, description="area, category, month, or several with commas")
    ] = "",
    area: Annotated[str | None, Query(max_length=20, description="first-level P-code")] = None,
    category: Annotated[str | None, Query(max_length=80)] = None,
) -> Indicators:
    """Return an organisation's own numbers, or those of a coordinator's AoRs."""
    asked = _asked(first, last, by, area=area, category=category)
    parameters = {
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "by": sorted(asked.by),
        "area": area,
        "category": category,
    }
    await record_read(session, caller, parameters)
    scopes = []
    for scope in scopes_of(caller):
        sums = await queries.summed_counters(session, scope, asked)
        scopes.append(
            ScopeIndicators(
                scope=scope.kind,
                id=scope.id,
                rows=[_row(*key, counted) for key, counted in sorted(sums.items(), key=_place)],
                capacity=[
                    CapacityRow(category=code, state=state, services=count)
                    for code, state, count in await queries.capacity(session, scope)
                ],
            )
        )
    return Indicators(
        first=f"{asked.first:%Y-%m}",
        last=f"{asked.last:%Y-%m}",
        by=sorted(asked.by),
        scopes=scopes,
    )


def _asked(
    first: str | None, last: str | None, by: str, *, area: str | None, category: str | None
) -> Asked:
    splits = frozenset(filter(None, by.split(",")))
    if splits - set(_SPLITS):
        raise INVALID.because("by_takes_area_category_and_month", pointer="/by", allowed=_SPLITS)
    if area is not None and area != vector.UNKNOWN:
        place = Places.load().get(area)
        if place is None or place.level != 1:
            raise INVALID.because("not_known_first_level_p_code", pointer="/area")
    if category is not None and category not in categories():
        raise INVALID.because(
            "not_known_category", pointer="/category", allowed=list(categories().codes)
        )
    start, end = months(first, last)
    return Asked(start, end, splits, area, category)


def _place(item: tuple[Key, list[int]]) -> tuple[date, str, str]:
    month, area, category = item[0]
    return month or date.min, area, category


def _row(month: date | None, area: str, category: str, counted: list[int]) -> IndicatorRow:
    timings = {name: vector.timing(counted, name) for name in vector.MILESTONES}
    return IndicatorRow(
        month=f"{month:%Y-%m}" if month else None,
        area=area or None,
        category=category or None,
        counts=vector.named_counts(counted),
        unmet=vector.unmet(counted),
        decline_reasons=vector.decline_reasons(counted),
        not_delivered_reasons=vector.not_delivered_reasons(counted),
        timing={name: TimingView(**vars(each)) for name, each in timings.items() if each} or None,
    )
