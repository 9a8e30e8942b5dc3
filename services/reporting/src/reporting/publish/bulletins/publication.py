"""Publishes ordered bulletins in the worker, because rendering and verifying all forms takes longer than a person waits
for a page. Separate transactions record the progress."""

from datetime import timedelta
from functools import partial

from common.auth import Principal
from common.db.session import Database
from common.http import BackgroundTask, ServiceContext
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.ground.asked_tasks import EVERY_SECONDS, Tasks
from reporting.publish.bulletins import queries, service
from reporting.publish.bulletins.models import bulletin_publications
from reporting.publish.bulletins.queries import Publication
from reporting.settings import Settings

PUBLICATIONS = Tasks(
    bulletin_publications,
    ("bulletin_id",),
    queries.due_publication,
    pause=timedelta(seconds=30),  # longer than any publication takes
    begun={"done": 0},
)


def task(context: ServiceContext) -> BackgroundTask:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    work = partial(one, context.database, alone=settings.one_person_publishes)
    return BackgroundTask.repeated("publish-bulletins", work, EVERY_SECONDS)


async def one(database: Database, *, alone: bool) -> bool:
    """Publish the longest-waiting bulletin. Return False if there is none. `alone` lets one person sign off and
    publish."""

    async def publish(session: AsyncSession, caller: Principal, asked: Publication) -> None:
        async def stepped() -> None:
            async with database.transaction() as apart:
                done = bulletin_publications.c.done + 1
                await PUBLICATIONS.change(apart, asked, done=done)

        found = await queries.locked(session, asked.bulletin_id)
        # Somebody may have published it in the meantime; in that case, it counts as done.
        if found is not None and found.published_at is None:
            await service.publish(session, caller, asked.bulletin_id, alone=alone, stepped=stepped)

    return await PUBLICATIONS.one(database, publish)
