"""Events that workers receive one by one, twice or at once count only once, under the writers' lock."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.events import referrals as kinds
from common.ids import new_id
from common.messaging import Consumer
from common.process.telemetry import Metrics
from reporting.count.facts.models import late_arrivals, referral_steps
from reporting.count.facts.service import lock_projection
from reporting.protect.releases.models import joint_cubes
from reporting.recording.consumers import subscriptions
from reporting.recording.service import Recorder
from reporting.replay.fingerprint import fingerprint, projection_tables
from reporting.tables import COMMON
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from stack.embedded.postgres import ServiceDatabase

from tests.services.reporting.events import (
    DELIVERED,
    NOON,
    Arrived,
    Journey,
    caseload,
    enveloped,
    record_together,
)
from tests.support.databases import MigratedDatabases
from tests.support.patience import PATIENCE

RECORDER = Recorder(b"k" * 32)


@pytest.fixture(scope="module")
async def own_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("reporting", "reporting_consumers")


@pytest.fixture
async def owner(own_database: ServiceDatabase) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(own_database.owner_url, poolclass=NullPool)
    await _empty(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
async def database(own_database: ServiceDatabase, owner: AsyncEngine) -> AsyncIterator[Database]:
    opened = Database.at(own_database.app_url)
    yield opened
    await opened.close()


async def _empty(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for schema in ("projection", "projection_shadow"):
            for table in projection_tables():
                await connection.execute(sa.text(f"TRUNCATE {schema}.{table.name}"))
        await connection.execute(sa.text("TRUNCATE inbox, late_arrivals, joint_cubes CASCADE"))


def reader(database: Database) -> Consumer:
    (subscription,) = (s for s in subscriptions(RECORDER) if s.producer == "referrals")
    never_asked: Any = None
    return Consumer(subscription, database, COMMON, never_asked, Metrics())


async def arrive(consumer: Consumer, event: Arrived) -> int:
    """Deliver one message with this event; return the number of recorded events."""
    return await consumer._apply([event[1].to_json()])


async def hash_of(database: Database) -> str:
    async with database.transaction() as session:
        return await fingerprint(await session.connection())


async def hash_of_all(database: Database, events: Sequence[Arrived]) -> str:
    """Return the projection's hash after recording these events together, in order."""
    before = await hash_of(database)
    async with database.engine.connect() as connection, connection.begin() as undone:
        await record_together(Database.bound_to(connection), RECORDER, events)
        found = await fingerprint(connection)
        await undone.rollback()
    assert await hash_of(database) == before
    return found


async def inbox(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(COMMON.inbox)) or 0


def story() -> list[Arrived]:
    """Return some referrals' steps, a confirmation, an escalation and a grant."""
    events, journey = list(caseload(8, seed=5)), Journey()
    events += [*journey.events(*DELIVERED), journey.confirmed(version=6, hours=70)]
    raised = kinds.EscalationRaised(
        version=7,
        referral_id=journey.referral_id,
        step="reminder",
        due_at=NOON,
        organisation_id=journey.recipient,
        category="TIP-ID",
        urgency="routine",
    )
    given = kinds.GrantGiven(
        version=1, grant_id=new_id(), case_id=journey.case_id, kind="reporting", occurred_at=NOON
    )
    events.append(enveloped(raised, journey.referral_id, NOON))
    events.append(enveloped(given, given.grant_id, NOON))
    random.Random(7).shuffle(events)  # noqa: S311 - an order, no secret
    return events


async def test_events_that_come_one_by_one_and_twice_end_in_the_same_as_all_together(
    database: Database, owner: AsyncEngine
) -> None:
    events = story()
    wanted = await hash_of_all(database, events)
    consumer = reader(database)
    assert [await arrive(consumer, each) for each in events] == [1] * len(events)
    assert [await arrive(consumer, each) for each in events] == [0] * len(events)
    assert await hash_of(database) == wanted
    assert await inbox(database) == len(events)


async def test_an_event_waits_for_a_closing_and_then_counts_on_the_day_it_arrived(
    database: Database, owner: AsyncEngine
) -> None:
    event = Journey().state("sent", 1)
    async with database.transaction() as closing:
        await lock_projection(closing)
        recording = asyncio.create_task(arrive(reader(database), event))
        await _waits(owner, recording)
        await closing.execute(
            joint_cubes.insert().values(
                id=new_id(),
                population="referred-persons",
                period="2026-10",
                period_start=date(2026, 10, 1),
                period_end=date(2026, 10, 31),
                k=5,
                profile="none",
                schema_fingerprint=b"f" * 32,
                definition={},
                cells_hash=b"c" * 32,
                closed_at=clock.now(),
                closed_by="im-officer",
            )
        )
    assert await recording == 1
    today = clock.utc_day(clock.now())
    async with database.transaction() as session:
        assert await session.scalar(sa.select(referral_steps.c.counted_on)) == today
        late = (await session.execute(sa.select(late_arrivals))).one()
    assert tuple(late) == (event[1].id, today)


async def _waits(owner: AsyncEngine, recording: asyncio.Task[int]) -> None:
    """Wait until the recording waits for another transaction or is done."""
    async with owner.connect() as connection, asyncio.timeout(PATIENCE):
        while not recording.done() and not await connection.scalar(  # noqa: ASYNC110 - it waits elsewhere
            sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        ):
            await asyncio.sleep(0.01)


async def test_two_readers_at_once_that_get_each_event_twice_end_in_the_same(
    database: Database, owner: AsyncEngine
) -> None:
    events = story()
    wanted = await hash_of_all(database, events)

    async def read(seed: int) -> int:
        mixed, consumer = list(events), reader(database)
        random.Random(seed).shuffle(mixed)  # noqa: S311 - an order, no secret
        return sum([await arrive(consumer, each) for each in mixed])

    assert sum(await asyncio.gather(read(1), read(2), read(3))) == len(events)
    assert await hash_of(database) == wanted
