"""Publishes what somebody asked to be published: laying out and reading back all forms takes longer than
a person looks at a page that does nothing. All of it is one transaction; how far it has come is told in
others. A worker that is killed has published or not begun, and the next one goes on."""

from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.database import Database
from common.errors import Problem
from common.logs import get_logger
from common.web import BackgroundTask, ServiceContext
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.bulletins import queries, service
from reporting.bulletins.models import bulletin_publications
from reporting.bulletins.queries import Publication
from reporting.closings.errors import STEP_FAILED
from reporting.settings import Settings

EVERY_SECONDS = 1.0
MOST_ATTEMPTS = 5
"""One that ends its worker, or fails for no reason that Ruta knows, is given up after so many."""
_PAUSE = timedelta(seconds=30)
"""Longer than a publication takes: until then nobody else takes it up."""
_log = get_logger(__name__)


def task(context: ServiceContext) -> BackgroundTask:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    work = partial(one, context.database, alone=settings.one_person_publishes)
    return BackgroundTask.repeated("publish-bulletins", work, EVERY_SECONDS)


async def one(database: Database, *, alone: bool) -> bool:
    """Publish what waits longest; False if nothing does. `alone`: one person may sign off and publish."""
    async with database.transaction() as session:
        asked = await queries.due_publication(session)
        if asked is None:
            return False
        if asked.attempts >= MOST_ATTEMPTS:
            await _rest(session, asked, STEP_FAILED.because(f"It failed {asked.attempts} times."))
            return True
        due_at = clock.now() + _PAUSE * 2**asked.attempts
        await _change(session, asked, attempts=asked.attempts + 1, done=0, due_at=due_at)

    async def stepped() -> None:
        async with database.transaction() as apart:
            await _change(apart, asked, done=bulletin_publications.c.done + 1)

    try:
        async with database.transaction() as session:
            problem = None
            try:
                async with session.begin_nested():
                    found = await queries.locked(session, asked.bulletin_id)
                    # Somebody may have published it meanwhile: then it is done.
                    if found is not None and found.state != "published":
                        # In the name of whoever asked, whose role the route has seen.
                        caller = Principal(
                            asked.asked_by, asked.asked_by, roles=frozenset({Role.IM})
                        )
                        await service.publish(
                            session, caller, asked.bulletin_id, alone=alone, stepped=stepped
                        )
            except Problem as refused:  # nothing of it stays
                problem = refused
            await _rest(session, asked, problem)
    except Exception as error:  # noqa: BLE001 - whatever failed, the next attempt may succeed
        _log.warning("bulletin_not_published", bulletin=str(asked.bulletin_id), exc_info=error)
    return True


async def _rest(session: AsyncSession, asked: Publication, problem: Problem | None) -> None:
    await _change(session, asked, due_at=None, problem=problem.body() if problem else None)


async def _change(session: AsyncSession, asked: Publication, **values: object) -> None:
    await session.execute(
        sa.update(bulletin_publications)
        .where(bulletin_publications.c.bulletin_id == asked.bulletin_id)
        .values(**values)
    )
