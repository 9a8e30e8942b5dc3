"""Drafts the bulletins that are due, so that nobody has to remember the end of a period. The schedule only drafts:
people decide about sign-off and publication."""

from datetime import date

import sqlalchemy as sa
from common import clock
from common.http import BackgroundTask, ServiceContext
from common.process.logs import get_logger
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.publish.bulletins import queries, service
from reporting.publish.bulletins.composing.compose import KINDS

EVERY_SECONDS = 3600.0
DRAFTER = "schedule"
_LOCK = 0x5255_5441_4255  # "RUTABU": only one scheduler drafts, however many workers run


def due(today: date) -> tuple[Period, ...]:
    """Return the last half month and the last month to end before ``today``."""
    return tuple(Period.containing(today, kind).previous for kind in KINDS)


async def draft_due(session: AsyncSession, today: date, catalogue: Catalogue) -> list[str]:
    """Draft bulletins for due periods that have none. Return the drafted periods."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    drafted: list[str] = []
    for period in due(today):
        if not await queries.editions(session, KINDS[period.kind], period.id):
            await service.draft(session, DRAFTER, period, catalogue)
            drafted.append(period.id)
    return drafted


def task(context: ServiceContext) -> BackgroundTask:
    """Return the task, which runs every hour and at startup."""
    catalogue: Catalogue = context.parts["catalogue"]

    async def look() -> None:
        async with context.database.transaction() as session:
            drafted = await draft_due(session, clock.utc_day(clock.now()), catalogue)
        if drafted:
            get_logger(__name__).info("bulletins_drafted", periods=drafted)

    return BackgroundTask.repeated("draft-bulletins", look, EVERY_SECONDS)
