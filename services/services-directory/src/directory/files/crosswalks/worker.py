"""Applies decisions about terms that many services have."""

from functools import partial
from itertools import groupby

import sqlalchemy as sa
from common.auth import Principal
from common.db.ended_rights import refuse_ended
from common.db.session import Database
from common.errors import Problem
from common.http import BackgroundTask, ServiceContext

from directory.files.crosswalks import queries
from directory.files.crosswalks.models import crosswalk_waiting
from directory.files.crosswalks.service import AT_ONCE, apply
from directory.tables import ENDED_RIGHTS

IDLE_SECONDS = 1.0


def crosswalk_tasks(context: ServiceContext) -> list[BackgroundTask]:
    work = partial(work_some, context.database)
    return [BackgroundTask.repeated("crosswalks", work, IDLE_SECONDS)]


async def work_some(database: Database) -> bool:
    """Update some waiting services; return False if there are none. If the person who decided has since been suspended,
    write nothing in their name. The decision remains, and the next import or decision applies it."""
    async with database.transaction() as session:
        waiting = await queries.next_waiting(session, AT_ONCE)
        for claims, rows in groupby(waiting, key=lambda row: row.principal):
            try:
                await refuse_ended(session, ENDED_RIGHTS, claims)
            except Problem:
                continue
            await apply(session, Principal.from_claims(claims), [row.service_id for row in rows])
        done = [row.service_id for row in waiting]
        w = crosswalk_waiting.c
        await session.execute(sa.delete(crosswalk_waiting).where(w.service_id.in_(done)))
    return bool(waiting)
