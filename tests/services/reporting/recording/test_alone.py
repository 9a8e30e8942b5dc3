"""One event that came alone has its effect in one round trip or two, and only on what is as it was guessed or read."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.database import Database
from common.events import referrals as kinds
from common.ids import new_id
from common.messaging import Consumer
from common.telemetry import Metrics
from reporting.facts.models import forgotten_persons, late_arrivals, referral_steps
from reporting.facts.pseudonyms import forgotten_mark, pseudonym
from reporting.recording import turn_service
from reporting.recording.consumers import subscriptions
from reporting.recording.service import Recorder
from reporting.releases.models import joint_cubes
from reporting.replay.fingerprint import fingerprint, projection_tables
from reporting.replay.service import _locked, _swap
from reporting.tables import COMMON, WRITER_LOCK
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from stack.postgres import ServiceDatabase

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
READER = "referrals/reporting"
Meanwhile = Callable[[], Awaitable[None]]


@pytest.fixture(scope="module")
async def own_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("reporting", "reporting_alone")


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
    """One message with this event, as the broker hands it over; how many had their effect now."""
    return await consumer._apply([event[1].to_json()])


async def alone(database: Database, event: Arrived) -> bool | None:
    """By a reader that has just started."""
    return await Recorder(RECORDER.pseudonym_key).record_alone(database, READER, *event)


def looked_up(journey: Journey | None = None) -> Arrived:
    """A step that nobody takes for the first of its referral, nor for the next: what is known of it is read."""
    return (journey or Journey()).state("accepted", 3)


async def hash_of(database: Database) -> str:
    async with database.transaction() as session:
        return await fingerprint(await session.connection())


async def hash_of_all(database: Database, events: Sequence[Arrived]) -> str:
    """What the projection says of these events when they are recorded together, in their order."""
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
    """Steps of some referrals, a confirmation, an escalation, and a grant."""
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


async def test_events_that_come_alone_and_twice_end_in_the_same_as_all_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = story()
    wanted = await hash_of_all(database, events)
    guessed, read = watched(monkeypatch, "write_as_guessed"), watched(monkeypatch, "write_if")
    consumer = reader(database)
    assert [await arrive(consumer, each) for each in events] == [1] * len(events)
    assert [await arrive(consumer, each) for each in events] == [0] * len(events)
    assert read
    assert all(read)
    assert guessed.count(True) > 0
    # All but the grant; none that came again.
    assert len(read) + guessed.count(True) == len(events) - 1
    assert await hash_of(database) == wanted
    assert await inbox(database) == len(events)


def watched(monkeypatch: pytest.MonkeyPatch, name: str) -> list[bool]:
    """What a function of `turn_service` answers from now on."""
    answers: list[bool] = []
    write = getattr(turn_service, name)

    async def watching(*what: Any) -> bool:
        answers.append(await write(*what))
        return answers[-1]

    monkeypatch.setattr(turn_service, name, watching)
    return answers


async def test_what_is_no_step_of_a_referral_is_left_to_the_other_way(database: Database) -> None:
    erased = kinds.CaseErased(version=1, case_id=new_id())
    assert await alone(database, enveloped(erased, erased.case_id, NOON)) is None
    assert await inbox(database) == 0


STEPS = pytest.mark.parametrize("step", [looked_up, lambda journey: journey.state("sent", 1)])
"""One whose circumstances are read, and one whose are guessed."""
Step = Callable[[Journey], Arrived]


@STEPS
async def test_a_step_of_a_closed_period_counts_on_the_day_it_arrived(
    database: Database, step: Step
) -> None:
    await close(database)
    event = step(Journey())
    assert await alone(database, event)
    today = clock.utc_day(clock.now())
    async with database.transaction() as session:
        assert await session.scalar(sa.select(referral_steps.c.counted_on)) == today
        late = (await session.execute(sa.select(late_arrivals))).one()
    assert tuple(late) == (event[1].id, today)


async def close(database: Database) -> None:
    """Close the month of the events, as far as recording sees it."""
    async with database.transaction() as session:
        await session.execute(
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


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Meanwhile], None]:
    """Let something happen once between the reading and the writing of an event that is recorded alone."""

    def let(happen: Meanwhile) -> None:
        write_if = turn_service.write_if

        async def after(*what: Any) -> bool:
            monkeypatch.setattr(turn_service, "write_if", write_if)
            await happen()
            return await write_if(*what)

        monkeypatch.setattr(turn_service, "write_if", after)

    return let


async def test_what_another_reader_wrote_meanwhile_is_not_written_over(
    database: Database, meanwhile: Any
) -> None:
    first, second, third = Journey().events(*DELIVERED[:3])
    wanted = await hash_of_all(database, [first, second, third])
    consumer, other = reader(database), reader(database)
    await arrive(consumer, first)
    meanwhile(lambda: arrive(other, third))
    assert await alone(database, second) is None
    assert await arrive(consumer, second) == 1
    assert await hash_of(database) == wanted


async def test_who_was_erased_meanwhile_stays_erased(database: Database, meanwhile: Any) -> None:
    journey, consumer = Journey(), reader(database)
    erased = enveloped(kinds.CaseErased(version=9, case_id=journey.case_id), new_id(), NOON)
    step = looked_up(journey)
    meanwhile(lambda: arrive(consumer, erased))
    assert await arrive(consumer, step) == 1
    async with database.transaction() as session:
        (row,) = (await session.execute(sa.select(referral_steps))).all()
    assert (row.person, row.countable, row.sex, row.age_band) == (None, False, None, None)


async def test_a_period_that_was_closed_meanwhile_is_not_counted_again(
    database: Database, meanwhile: Any
) -> None:
    meanwhile(lambda: close(database))
    assert await arrive(reader(database), looked_up()) == 1
    async with database.transaction() as session:
        assert await session.scalar(sa.select(referral_steps.c.counted_on)) == clock.utc_day(
            clock.now()
        )


async def test_what_was_read_of_a_projection_that_was_swapped_away_is_not_written(
    database: Database, owner: AsyncEngine, meanwhile: Any
) -> None:
    first, second = Journey().events(*DELIVERED[:2])
    await arrive(reader(database), first)
    meanwhile(lambda: _swap(owner))
    assert await alone(database, second) is None
    assert await inbox(database) == 1


@STEPS
async def test_nothing_is_written_while_another_writes_and_nobody_waits_for_it(
    database: Database, owner: AsyncEngine, step: Step
) -> None:
    event = step(Journey())
    async with _locked(owner, WRITER_LOCK, wait=True):
        assert await alone(database, event) is None
        assert await inbox(database) == 0
    assert await alone(database, event)


async def test_a_turn_is_compared_in_its_newest_version_however_old_the_snapshot(
    database: Database, owner: AsyncEngine
) -> None:
    event = looked_up()
    async with owner.begin() as other:
        await other.execute(turn_service.NEXT_TURN)
        writing = asyncio.create_task(alone(database, event))
        await _waits(owner)
    assert await writing is None
    assert await inbox(database) == 0


async def test_a_guess_holds_only_if_its_snapshot_is_of_the_newest_turn(
    database: Database, owner: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure that is committed while the statement waits is not in its snapshot."""
    journey = Journey()
    guessed = watched(monkeypatch, "write_as_guessed")
    event = journey.state("sent", 1)
    async with owner.begin() as other:
        await other.execute(turn_service.NEXT_TURN)
        writing = asyncio.create_task(alone(database, event))
        await _waits(owner)
        person = pseudonym(RECORDER.pseudonym_key, journey.case_id)
        mark = forgotten_mark(RECORDER.pseudonym_key, person)
        await other.execute(forgotten_persons.insert().values(mark=mark))
    assert await writing
    assert guessed == [False]
    assert await persons(database) == [None]


async def persons(database: Database) -> Sequence[bytes | None]:
    async with database.transaction() as session:
        return (await session.scalars(sa.select(referral_steps.c.person))).all()


async def test_nobody_guesses_that_a_person_was_not_erased(database: Database) -> None:
    journey, consumer = Journey(), reader(database)
    erased = enveloped(kinds.CaseErased(version=9, case_id=journey.case_id), new_id(), NOON)
    assert await arrive(consumer, erased) == 1
    assert await arrive(consumer, journey.state("sent", 1)) == 1
    assert await persons(database) == [None]


async def test_a_first_step_that_comes_last_finds_the_others(database: Database) -> None:
    sent, *others = Journey().events(*DELIVERED)
    wanted = await hash_of_all(database, [sent, *others])
    for event in (*others, sent):
        assert await alone(database, event)
    assert await hash_of(database) == wanted


async def test_where_a_referral_stood_is_no_guess_once_another_reader_wrote(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = Journey().events(*DELIVERED[:3])
    wanted = await hash_of_all(database, [first, second, third])
    guessed = watched(monkeypatch, "write_as_guessed")
    recorder = Recorder(RECORDER.pseudonym_key)
    assert await recorder.record_alone(database, READER, *first)
    assert await alone(database, third)
    guessed.clear()
    assert await recorder.record_alone(database, READER, *second)
    assert guessed == [False]
    assert await hash_of(database) == wanted


async def test_a_referral_is_followed_by_guesses_and_each_step_has_its_effect(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = Journey().events(*DELIVERED)
    wanted = await hash_of_all(database, events)
    guessed, read = watched(monkeypatch, "write_as_guessed"), watched(monkeypatch, "write_if")
    recorder = Recorder(RECORDER.pseudonym_key)
    for event in events:
        assert await recorder.record_alone(database, READER, *event)
    assert (guessed, read) == ([True] * len(events), [])
    assert await hash_of(database) == wanted


async def _waits(owner: AsyncEngine) -> None:
    """Until some transaction waits for another."""
    async with owner.connect() as connection, asyncio.timeout(PATIENCE):
        while not await connection.scalar(  # noqa: ASYNC110 - what it waits for happens elsewhere
            sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        ):
            await asyncio.sleep(0.01)


async def test_two_readers_at_once_that_get_each_event_twice_end_in_the_same(
    database: Database,
) -> None:
    events = story()
    wanted = await hash_of_all(database, events)

    async def read(seed: int) -> int:
        mixed, consumer = list(events), reader(database)
        random.Random(seed).shuffle(mixed)  # noqa: S311 - an order, no secret
        return sum([await arrive(consumer, each) for each in mixed])

    assert sum(await asyncio.gather(read(1), read(2), read(3))) == len(events)
    assert await hash_of(database) == wanted
