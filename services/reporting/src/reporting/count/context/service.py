"""Imports an edition of an outside series, in addition to the earlier editions."""

import hashlib
import json
from typing import Any

from common import clock
from common.auth import Principal
from common.errors import INVALID
from common.ids import new_id
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.context import queries
from reporting.count.context.models import outside_series
from reporting.count.context.schemas import SeriesBody
from reporting.count.context.series import OutsideSeries


async def import_series(
    session: AsyncSession, caller: Principal, body: SeriesBody
) -> OutsideSeries:
    """Store the series as the next edition of its code; earlier editions remain."""
    places = Places.load()
    seen: set[tuple[Any, ...]] = set()
    for number, point in enumerate(body.points):
        if point.area is not None and not places.is_known(point.area):
            raise INVALID.because("this_p_code_is_not_known", pointer=f"/points/{number}/area")
        if (point.day, point.area) in seen:
            raise INVALID.because("this_day_and_area_appear_twice", pointer=f"/points/{number}")
        seen.add((point.day, point.area))
    points = [[p.day.isoformat(), p.area, str(p.value)] for p in body.points]
    earlier = await queries.editions(session, body.code)
    await session.execute(
        outside_series.insert().values(
            id=new_id(),
            **body.model_dump(exclude={"points"}),
            edition=earlier[0].edition + 1 if earlier else 1,
            points=points,
            points_sha256=hashlib.sha256(json.dumps(points).encode()).hexdigest(),
            imported_at=clock.now(),
            imported_by=caller.subject,
        )
    )
    return (await queries.editions(session, body.code))[0]
