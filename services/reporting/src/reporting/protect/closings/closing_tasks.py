"""Performs closing tasks one by one, with the use cases for single releases."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from common.auth import Principal
from common.db.session import Database
from common.http import BackgroundTask, ServiceContext
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.ground.asked_tasks import EVERY_SECONDS, Tasks
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.protect.closings import queries
from reporting.protect.closings.models import closing_steps
from reporting.protect.closings.queries import Work
from reporting.protect.releases import queries as release_queries
from reporting.protect.releases import service as releases
from reporting.protect.releases.errors import ALREADY_PUBLISHED, PERIOD_CLOSED
from reporting.settings import Settings

STEPS = Tasks(
    closing_steps,
    ("closing_id", "programme"),
    queries.due,
    pause=timedelta(seconds=5),
    held=queries.still_due,
    moot=frozenset({PERIOD_CLOSED, ALREADY_PUBLISHED}),
)


@dataclass(frozen=True)
class Means:
    """The inputs for creating a release. `alone` lets one person close and publish; `lost_until` is as in
    `releases.Order`."""

    catalogue: Catalogue
    key: bytes
    alone: bool
    lost_until: date | None = None


def task(context: ServiceContext) -> BackgroundTask:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    catalogue: Catalogue = context.parts["catalogue"]
    means = Means(
        catalogue,
        settings.rounding_key_bytes,
        settings.one_person_publishes,
        settings.lost_until(),
    )
    return BackgroundTask.repeated("closings", partial(one, context.database, means), EVERY_SECONDS)


async def one(database: Database, means: Means) -> bool:
    """Perform the first due task. Return False if there is none."""
    return await STEPS.one(database, partial(_do, means))


async def _do(means: Means, session: AsyncSession, caller: Principal, work: Work) -> None:
    # Somebody may have done it directly in the meantime; in that case, it counts as done.
    release = await release_queries.release_of(session, work.programme, work.period)
    if work.task == "close" and release is None:
        programme, period = means.catalogue.get(work.programme), Period.parse(work.period)
        order = releases.Order(programme, period, means.lost_until)
        await releases.close(session, caller, order, means.key)
    elif work.task == "publish" and release is not None and not release.published:
        await releases.publish(session, caller, release.id, alone=means.alone)
