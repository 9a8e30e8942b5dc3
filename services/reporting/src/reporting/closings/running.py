"""Does the tasks that closings ask for, one after the other: each in one transaction, which also takes
the task away. A worker that is killed has done a task or not begun it; the next one goes on."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from common import clock
from common.auth import Principal, Role
from common.database import Database
from common.errors import Problem
from common.logs import get_logger
from common.web import BackgroundTask, ServiceContext
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.closings import queries
from reporting.closings.errors import STEP_FAILED
from reporting.closings.models import closing_steps
from reporting.closings.queries import Work
from reporting.periods import Period
from reporting.programmes.catalogue import Catalogue
from reporting.releases import queries as release_queries
from reporting.releases import service as releases
from reporting.releases.errors import ALREADY_PUBLISHED, PERIOD_CLOSED
from reporting.settings import Settings

EVERY_SECONDS = 1.0
MOST_ATTEMPTS = 5
"""A task that ends its worker, or fails for no reason that Ruta knows, is given up after so many."""
_PAUSE = timedelta(seconds=5)
_log = get_logger(__name__)


@dataclass(frozen=True)
class Means:
    """What a release is made with. `alone`: one person may close and publish."""

    catalogue: Catalogue
    key: bytes
    alone: bool


def task(context: ServiceContext) -> BackgroundTask:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    catalogue: Catalogue = context.parts["catalogue"]
    means = Means(catalogue, settings.rounding_key_bytes, settings.one_person_publishes)
    return BackgroundTask.repeated("closings", partial(one, context.database, means), EVERY_SECONDS)


async def one(database: Database, means: Means) -> bool:
    """Do the task that is due first; False if there is none."""
    async with database.transaction() as session:
        work = await queries.due(session)
        if work is None:
            return False
        if work.attempts >= MOST_ATTEMPTS:
            await _rest(session, work, STEP_FAILED.because(f"It failed {work.attempts} times."))
            return True
        await _begun(session, work)
    try:
        async with database.transaction() as session:
            if await queries.still_due(session, work):
                await _rest(session, work, await _done(session, work, means))
    except Exception as error:  # noqa: BLE001 - whatever failed, the next attempt may succeed
        _log.warning(
            "closing_step_failed",
            task=work.task,
            programme=work.programme,
            period=work.period,
            exc_info=error,
        )
    return True


async def _done(session: AsyncSession, work: Work, means: Means) -> Problem | None:
    """What was refused, if it was; then nothing of it stays."""
    # In the name of whoever asked, whose role the route has seen.
    caller = Principal(work.asked_by, work.asked_by, roles=frozenset({Role.IM}))
    try:
        async with session.begin_nested():
            # Somebody may have done it singly meanwhile: then it is done.
            release = await release_queries.release_of(session, work.programme, work.period)
            if work.task == "close" and release is None:
                period = Period.parse(work.period)
                order = releases.Order(means.catalogue.get(work.programme), period)
                await releases.close(session, caller, order, means.key)
            elif work.task == "publish" and release is not None and not release.published:
                await releases.publish(session, caller, release.id, alone=means.alone)
    except Problem as problem:
        if problem.kind in {PERIOD_CLOSED, ALREADY_PUBLISHED}:  # at the same moment
            return None
        return problem
    return None


async def _begun(session: AsyncSession, work: Work) -> None:
    # Until then nobody else takes it up; whoever has it in hand holds its row beyond.
    await _change(
        session,
        work,
        attempts=work.attempts + 1,
        due_at=clock.now() + _PAUSE * 2**work.attempts,
    )


async def _rest(session: AsyncSession, work: Work, problem: Problem | None) -> None:
    await _change(session, work, due_at=None, problem=problem.body() if problem else None)


async def _change(session: AsyncSession, work: Work, **values: object) -> None:
    await session.execute(
        closing_steps.update()
        .where(
            closing_steps.c.closing_id == work.closing_id,
            closing_steps.c.programme == work.programme,
        )
        .values(changed_at=clock.now(), **values)
    )
