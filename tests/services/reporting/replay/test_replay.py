"""A rebuild from the streams gives the same hash, and the old projection serves requests in the meantime."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import nats
import pytest
import sqlalchemy as sa
from common import clock
from common.ids import first_id_of
from pydantic import SecretStr
from reporting.app import create_app
from reporting.count.facts.models import referral_steps
from reporting.errors import HistoryIncompleteError, ReplayRunningError
from reporting.recording.service import Recorder
from reporting.replay import service
from reporting.replay.fingerprint import fingerprint, projection_tables
from reporting.replay.service import Rebuilt, replay
from reporting.settings import Settings
from reporting.tables import COMMON
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from stack.embedded.nats import NatsServer, stored_credentials
from stack.embedded.postgres import ServiceDatabase

from tests.services.reporting.events import Arrived, caseload
from tests.support.databases import MigratedDatabases, common_settings, random_key
from tests.support.patience import PATIENCE


@dataclass
class Bus:
    """This module's own NATS server, which tests may wipe, with all events published to it.

    `history` represents the producers' outboxes, whose events and ids never change.
    """

    server: NatsServer
    history: list[Arrived]

    @asynccontextmanager
    async def client(self, user: str) -> AsyncIterator[Any]:
        connection = await nats.connect(
            self.server.url,
            user=user,
            password=self.server.credentials[user],
            inbox_prefix=f"_INBOX.{user}".encode(),
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def publish(self, events: Sequence[Arrived], *, known_as: str = "{}") -> None:
        self.history += [event for event in events if event not in self.history]
        async with self.client("referrals") as client:
            jetstream = client.jetstream()
            for _, envelope in events:
                headers = {"Nats-Msg-Id": known_as.format(envelope.id)}
                await jetstream.publish(envelope.type, envelope.to_json(), headers=headers)

    async def wipe(self) -> None:
        self.server.stop()
        shutil.rmtree(self.server.data_dir / "jetstream", ignore_errors=True)
        self.server.start()
        async with self.client("operator") as client:
            streams = await client.jetstream().streams_info()
            assert {info.state.messages for info in streams} == {0}


@pytest.fixture
def bus(tmp_path: Path) -> Any:
    credentials = stored_credentials(tmp_path / "credentials.json")
    server = NatsServer(tmp_path / "nats", credentials, durable=False)
    server.start()
    yield Bus(server, [])
    server.stop()


@pytest.fixture(scope="module")
async def replay_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("reporting", "reporting_replay")


@pytest.fixture
async def owner(replay_database: ServiceDatabase) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(replay_database.owner_url, poolclass=NullPool)
    async with engine.begin() as connection:
        for schema in ("projection", "projection_shadow"):
            for table in projection_tables():
                await connection.execute(sa.text(f"TRUNCATE {schema}.{table.name}"))
        await connection.execute(sa.text("TRUNCATE inbox"))
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    """Return one key set for the only database, because a service whose keys have changed refuses to start."""
    names = ("rounding_key", "pseudonym_key", "stored_result_key")
    return {name: SecretStr(random_key()) for name in names}


@pytest.fixture
async def worker(
    replay_database: ServiceDatabase,
    internal_jwks: Path,
    bus: Bus,
    owner: AsyncEngine,
    keys: dict[str, Any],
) -> AsyncIterator[Settings]:
    values: dict[str, Any] = common_settings(replay_database, internal_jwks, bus.server.url)
    values |= keys
    values["nats_password"] = SecretStr(bus.server.credentials["reporting"])
    settings = Settings(**values)
    app = create_app(settings, role="worker")
    async with app.router.lifespan_context(app):
        yield settings


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - what it waits for happens elsewhere
            await asyncio.sleep(0.05)


async def steps(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(referral_steps)) or 0


async def hash_of(engine: AsyncEngine) -> str:
    async with engine.connect() as connection:
        return await fingerprint(connection)


async def rebuild(engine: AsyncEngine, bus: Bus, settings: Settings) -> Rebuilt:
    async with bus.client("operator") as client:
        return await replay(engine, client, Recorder(settings.pseudonym_key_bytes))


async def test_a_rebuild_ends_in_the_same_hash_and_the_consumer_goes_on_after_the_swap(
    bus: Bus, owner: AsyncEngine, worker: Settings
) -> None:
    first, second = list(caseload(30, seed=1)), list(caseload(10, seed=2))
    await bus.publish(first)
    await until(lambda: _is(steps(owner), len(first)))
    rebuilt = await rebuild(owner, bus, worker)
    assert rebuilt.equal
    assert not rebuilt.carried_on
    assert rebuilt.events == len(first)
    await bus.publish(second)
    await until(lambda: _is(steps(owner), len(first) + len(second)))
    assert (await rebuild(owner, bus, worker)).equal


@pytest.mark.slow
async def test_a_stream_that_holds_events_twice_is_rebuilt_to_the_same_hash(
    worker: Settings, owner: AsyncEngine, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker accepted duplicates as new, so a later batch copies them as rows."""
    monkeypatch.setattr(service, "BATCH", 200)
    events = list(caseload(120, seed=3))
    await bus.publish(events)
    await bus.publish(events, known_as="again-{}")
    await until(lambda: _is(steps(owner), len(events)))
    rebuilt = await rebuild(owner, bus, worker)
    assert rebuilt.events == 2 * len(events)
    assert rebuilt.equal


async def test_after_the_stream_was_wiped_the_outboxes_rebuild_the_same_hash(
    bus: Bus, owner: AsyncEngine, worker: Settings
) -> None:
    await bus.publish(list(caseload(25, seed=4)))
    await until(lambda: _is(steps(owner), len(bus.history)))
    before = await hash_of(owner)
    await bus.wipe()
    await bus.publish(list(reversed(bus.history)))
    rebuilt = await rebuild(owner, bus, worker)
    assert rebuilt.events == len(bus.history)
    assert rebuilt.hash_after == rebuilt.hash_before == before


@pytest.mark.slow
async def test_a_stream_that_lacks_events_is_never_swapped_in(
    bus: Bus, owner: AsyncEngine, worker: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.publish(list(caseload(25, seed=9)))
    await until(lambda: _is(steps(owner), len(bus.history)))
    before = await hash_of(owner)
    await bus.wipe()
    await bus.publish(bus.history[:20])
    monkeypatch.setattr("reporting.replay.service._MISSING_SECONDS", 1.0)
    with pytest.raises(HistoryIncompleteError, match=f"lack {len(bus.history) - 20} events"):
        await rebuild(owner, bus, worker)
    assert await hash_of(owner) == before


@pytest.mark.slow
async def test_where_the_streams_do_not_reach_back_any_more_a_rebuild_carries_on(
    bus: Bus, owner: AsyncEngine, worker: Settings
) -> None:
    """A rebuild keeps the earlier facts, and lost newer events arrive again."""
    old, kept = list(caseload(25, seed=11)), list(caseload(25, seed=12))
    await bus.publish([*old, *kept])
    await until(lambda: _is(steps(owner), len(bus.history)))
    before = await hash_of(owner)
    await _let_go(owner, [envelope.id for _, envelope in old])
    await bus.wipe()
    await bus.publish(kept)
    rebuilt = await rebuild(owner, bus, worker)
    assert (rebuilt.carried_on, rebuilt.events) == (True, len(kept))
    assert rebuilt.hash_after == before
    async with owner.begin() as connection:
        lost = [envelope.subject for _, envelope in kept]
        await connection.execute(
            referral_steps.delete().where(sa.cast(referral_steps.c.referral_id, sa.Text).in_(lost))
        )
    assert (await rebuild(owner, bus, worker)).hash_after == before


async def _let_go(owner: AsyncEngine, ids: Sequence[UUID]) -> None:
    """Make these events look as if the service had read them a year ago."""
    year_ago = first_id_of(clock.now() - timedelta(days=365)).int
    inbox = COMMON.inbox
    async with owner.begin() as connection:
        for number, event_id in enumerate(ids):
            await connection.execute(
                inbox.update()
                .where(inbox.c.event_id == event_id)
                .values(event_id=UUID(int=year_ago + number))
            )


@pytest.mark.slow
async def test_a_rebuild_waits_for_events_that_are_still_being_published_again(
    bus: Bus, owner: AsyncEngine, worker: Settings
) -> None:
    await bus.publish(list(caseload(25, seed=10)))
    await until(lambda: _is(steps(owner), len(bus.history)))
    await bus.wipe()
    await bus.publish(bus.history[:20])
    rebuilding = asyncio.create_task(rebuild(owner, bus, worker))
    await asyncio.sleep(1)
    await bus.publish(bus.history[20:])
    assert (await rebuilding).equal


async def test_what_was_lost_or_changed_by_hand_is_found_and_put_right(
    bus: Bus, owner: AsyncEngine, worker: Settings
) -> None:
    await bus.publish(list(caseload(25, seed=5)))
    await until(lambda: _is(steps(owner), len(bus.history)))
    right = await hash_of(owner)
    async with owner.begin() as connection:
        await connection.execute(
            referral_steps.update().where(referral_steps.c.version == 1).values(area="VE01")
        )
    rebuilt = await rebuild(owner, bus, worker)
    assert rebuilt.hash_before != right
    assert rebuilt.hash_after == right == await hash_of(owner)


async def test_the_old_projection_answers_until_the_swap(
    bus: Bus, owner: AsyncEngine, worker: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.publish(list(caseload(40, seed=6)))
    await until(lambda: _is(steps(owner), len(bus.history)))
    monkeypatch.setattr("reporting.replay.service.BATCH", 10)
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.append(await steps(owner))
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await rebuild(owner, bus, worker)
    watching.cancel()
    assert len(seen) > 10
    assert set(seen) == {len(bus.history)}


async def test_events_that_arrive_while_rebuilds_swap_are_neither_lost_nor_counted_twice(
    bus: Bus, owner: AsyncEngine, worker: Settings
) -> None:
    """Two workers rebuild in turn, twice each, while other workers record events one by one."""
    events = list(caseload(40, seed=13))
    other = create_app(worker, role="worker")
    async with other.router.lifespan_context(other):
        await bus.publish(events[:10])
        rebuilt = asyncio.Event()
        publishing = asyncio.create_task(_publish_twice(bus, events[10:], rebuilt))
        while not publishing.done():
            await rebuild(
                owner, bus, worker
            )  # The rebuild may already contain events that no worker has received.
            rebuilt.set()
        await publishing
        await until(lambda: _is(_handled(owner), len(events)))
        assert await steps(owner) == len(events)
        assert (await rebuild(owner, bus, worker)).equal


async def _handled(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(COMMON.inbox)) or 0


async def _publish_twice(bus: Bus, events: Sequence[Arrived], rebuilt: asyncio.Event) -> None:
    """Publish duplicates. Publish the last one only after a rebuild, so that a later rebuild reads it, however slow the
    machine is."""
    for event in events:
        if event is events[-20]:
            await rebuilt.wait()
        await bus.publish([event])
        await bus.publish([event], known_as="again-{}")


async def test_two_rebuilds_at_once_are_refused(
    bus: Bus, owner: AsyncEngine, worker: Settings
) -> None:
    await bus.publish(list(caseload(5, seed=8)))
    async with service._locked(owner, service._REPLAY_LOCK):
        with pytest.raises(ReplayRunningError):
            await rebuild(owner, bus, worker)


async def _is(value: Awaitable[int], wanted: int) -> bool:
    return await value == wanted
