"""Closings on their own database with real commits: killed workers, two workers at once, and single closings and
publications at the same moment."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.auth import Principal, Role
from common.db.session import Database
from common.errors import Problem
from reporting.count.facts.service import lock_projection
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue, load
from reporting.protect.closings import closing_tasks, queries, service
from reporting.protect.closings.closing_tasks import Means, one
from reporting.protect.closings.progress import ClosingState
from reporting.protect.closings.queries import Closing
from reporting.protect.closings.service import Wanted
from reporting.protect.releases import queries as release_queries
from reporting.protect.releases import service as releases
from reporting.protect.releases.models import publications
from reporting.protect.releases.models import releases as release_table
from reporting.tables import COMMON
from stack.embedded.postgres import ServiceDatabase

from tests.support.databases import MigratedDatabases
from tests.support.patience import PATIENCE

IM = Principal(
    "im-officer",
    "im-officer",
    roles=frozenset({Role.IM}),
    scopes=frozenset({"reports:read", "reports:publish"}),
)
KEY = bytes(32)
WORKER = """
import asyncio, sys
from dataclasses import replace
from datetime import timedelta
from common.db.session import Database
from reporting.protect.closings import closing_tasks
from reporting.ground.programmes.catalogue import load

async def work():
    database = Database.at(sys.argv[1])
    means = closing_tasks.Means(load(None), bytes(32), alone=False)
    while await closing_tasks.one(database, means):
        pass

closing_tasks.STEPS = replace(closing_tasks.STEPS, pause=timedelta(0))
asyncio.run(work())
"""


@pytest.fixture(scope="module")
async def closings_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("reporting", "reporting_closings")


@pytest.fixture
async def database(
    closings_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    monkeypatch.setattr(closing_tasks, "STEPS", replace(closing_tasks.STEPS, pause=timedelta(0)))
    opened = Database.at(closings_database.app_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(None)


async def ask(database: Database, catalogue: Catalogue, period: Period) -> UUID:
    async with database.transaction(IM) as session:
        return (await service.close(session, IM, Wanted(period, None), catalogue)).id


async def seen(database: Database, closing_id: UUID) -> Closing:
    async with database.transaction(IM) as session:
        return (await queries.visible(session, IM, closing_id=closing_id))[0]


async def work(database: Database, catalogue: Catalogue) -> None:
    while await one(database, Means(catalogue, KEY, alone=True)):
        pass


async def ask_to_publish(database: Database, closing_id: UUID) -> None:
    async with database.transaction(IM) as session:
        await service.publish(session, IM, closing_id)


def waits_for_the_steps() -> sa.TextClause:
    return sa.text(
        "SELECT count(*) FROM pg_locks WHERE relation = 'closing_steps'::regclass AND NOT granted"
    )


def waits_for_the_projection() -> sa.TextClause:
    return sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


@pytest.mark.slow
async def test_a_killed_worker_leaves_a_task_that_the_next_one_does_whole(
    database: Database, closings_database: ServiceDatabase, catalogue: Catalogue
) -> None:
    closing_id = await ask(database, catalogue, Period.parse("2026-09a"))
    async with database.transaction() as holding:
        # The child is inside its transaction but has counted nothing yet.
        await lock_projection(holding)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, closings_database.app_url
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not await holding.scalar(waits_for_the_projection()):
                assert time.monotonic() < deadline
                assert child.returncode is None
                await asyncio.sleep(0.05)
        finally:
            child.kill()  # SIGKILL
            await child.wait()
    assert (await seen(database, closing_id)).state is ClosingState.CLOSING
    deadline = time.monotonic() + PATIENCE
    while (await seen(database, closing_id)).state is ClosingState.CLOSING:
        assert (
            time.monotonic() < deadline
        )  # PostgreSQL releases the killed worker's locks after a while.
        await work(database, catalogue)
    closing = await seen(database, closing_id)
    assert closing.state is ClosingState.READY
    assert max(each.attempts for each in closing.steps) > 1


async def test_who_looks_while_a_worker_ends_never_sees_a_step_that_failed(
    database: Database, catalogue: Catalogue
) -> None:
    closing_id = await ask(database, catalogue, Period.parse("2026-07b"))
    await work(database, catalogue)
    await ask_to_publish(database, closing_id)
    async with database.transaction(IM) as worker:
        await worker.execute(sa.text("LOCK TABLE closing_steps IN ACCESS EXCLUSIVE MODE"))
        looking = asyncio.create_task(seen(database, closing_id))
        deadline = time.monotonic() + PATIENCE
        while not await worker.scalar(waits_for_the_steps()):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        while task := await queries.due(worker):
            release = await release_queries.release_of(worker, task.programme, task.period)
            assert release is not None
            await releases.publish(worker, IM, release.id, alone=True)
            await closing_tasks.STEPS.change(worker, task, due_at=None)
    assert (await looking).state is ClosingState.PUBLISHED


async def test_many_workers_and_single_commands_at_once_close_and_publish_each_programme_once(
    database: Database, catalogue: Catalogue
) -> None:
    period = Period.parse("2026-09b")

    async def singly_closed() -> str:
        order = releases.Order(catalogue.get("unmet-needs"), period)
        try:
            async with database.transaction(IM) as session:
                await releases.close(session, IM, order, KEY)
        except Problem as problem:
            return problem.kind.code
        return "closed"

    asked = await asyncio.gather(*(ask(database, catalogue, period) for _ in range(4)))
    assert len(set(asked)) == 1
    singly, *_ = await asyncio.gather(
        singly_closed(), *(work(database, catalogue) for _ in range(3))
    )
    assert singly in {"closed", "period_closed"}
    await work(database, catalogue)
    closing = await seen(database, asked[0])
    assert closing.state is ClosingState.READY

    async def singly_published() -> str:
        release = next(each.release for each in closing.steps if each.release is not None)
        try:
            async with database.transaction(IM) as session:
                await releases.publish(session, IM, release.id, alone=True)
        except Problem as problem:
            return problem.kind.code
        except sa.exc.IntegrityError:  # In the route this error becomes a conflict response.
            return "at the same moment"
        return "published"

    await asyncio.gather(*(ask_to_publish(database, asked[0]) for _ in range(3)))
    await asyncio.gather(singly_published(), *(work(database, catalogue) for _ in range(3)))
    await work(database, catalogue)
    assert (await seen(database, asked[0])).state is ClosingState.PUBLISHED
    async with database.transaction(IM) as session:
        ids = list(
            await session.scalars(
                sa.select(release_table.c.id).where(release_table.c.period == period.id)
            )
        )
        told = await session.scalars(
            sa.select(COMMON.outbox.c.aggregateid).where(
                COMMON.outbox.c.aggregateid.in_([str(each) for each in ids])
            )
        )
        kept = await session.scalar(
            sa.select(sa.func.count()).where(publications.c.release_id.in_(ids))
        )
    assert (len(ids), kept) == (3, 3)
    assert sorted(told) == sorted(str(each) for each in ids)


async def test_a_task_that_ends_every_worker_is_given_up_and_the_others_are_done(
    database: Database, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing_id = await ask(database, catalogue, Period.parse("2026-08a"))
    right = closing_tasks._do

    async def do(*given: Any) -> None:
        if given[-1].programme == "gaps":
            raise asyncio.CancelledError  # Like a kill, this writes nothing more.
        await right(*given)

    monkeypatch.setattr(closing_tasks, "_do", do)
    for _ in range(20):
        try:
            if not await one(database, Means(catalogue, KEY, alone=True)):
                break
        except asyncio.CancelledError:
            continue
    closing = await seen(database, closing_id)
    by_programme = {each.programme: each for each in closing.steps}
    assert by_programme["gaps"].problem is not None
    assert by_programme["gaps"].problem["code"] == "step_failed"
    assert all(by_programme[name].release for name in ("referrals", "unmet-needs"))
