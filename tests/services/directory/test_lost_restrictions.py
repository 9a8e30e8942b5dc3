"""A directory whose database went back in time, for example after the promotion of a lagging standby. Its worker
restores the restrictions that it had published."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from common.db.session import Database
from common.http import ServiceContext
from common.messaging import Broker, Relay
from common.process.telemetry import Metrics
from directory.lost_restrictions import REMEDY, Holding
from directory.settings import Settings
from directory.tables import COMMON
from httpx import AsyncClient
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection
from stack.embedded.nats import NatsServer, stored_credentials
from stack.embedded.postgres import ServiceDatabase
from structlog.testing import capture_logs

from tests.common.test_messaging import until
from tests.services.directory.conftest import V1, Publish, as_
from tests.services.directory.test_restriction_events import HIDDEN, changed, seen
from tests.support.databases import common_settings, undone


@pytest.fixture
async def connection(directory_database: ServiceDatabase) -> AsyncIterator[AsyncConnection]:
    async with undone(directory_database) as opened:
        yield opened


@pytest.fixture
def database(connection: AsyncConnection) -> Database:
    return Database.bound_to(connection)


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A NATS stream that contains only this directory's events."""
    server = NatsServer(tmp_path, stored_credentials(tmp_path / "credentials.json"), durable=False)
    server.start()
    yield server
    server.stop()


class Worker:
    """The worker's rounds."""

    def __init__(self, context: ServiceContext, relay: Relay) -> None:
        self.context, self._relay = context, relay
        self.holding = Holding(context)

    async def told(self) -> None:
        while await self._relay.publish_batch():
            pass

    def done_again(self) -> float:
        return self.context.metrics.registry.get_sample_value("ruta_record_went_back") or 0


@pytest.fixture
async def worker(
    connection: AsyncConnection,
    database: Database,
    directory_database: ServiceDatabase,
    own_nats: NatsServer,
    internal_jwks: Path,
) -> AsyncIterator[Worker]:
    given: dict[str, Any] = common_settings(directory_database, internal_jwks, own_nats.url)
    given["nats_password"] = SecretStr(own_nats.credentials["directory"])
    settings, metrics = Settings(**given), Metrics()
    broker = Broker(settings)
    await broker.start()
    await until(lambda: broker.connected)
    relay = Relay(settings, database, COMMON, broker, metrics)
    # The relay publishes the events of the rolled-back transaction.
    relay._leading = (await connection.get_raw_connection()).driver_connection
    yield Worker(ServiceContext(settings, database, broker, COMMON, metrics), relay)
    await broker.stop()


async def test_what_was_hidden_or_withdrawn_is_so_again(
    api: AsyncClient, publish: Publish, worker: Worker, connection: AsyncConnection
) -> None:
    house, left, shown = await publish(), await publish(name="Otra"), await publish(name="Abierta")
    await worker.told()
    await worker.holding.look()
    followed = await connection.begin_nested()
    await changed(api, house, **HIDDEN)
    await api.post(f"{V1}/records/services/{left}/withdraw", headers=as_("ngo-salud"))
    await changed(api, shown, **HIDDEN)
    await changed(api, shown, visibility="public")
    await worker.told()
    await worker.holding.look()
    assert worker.done_again() == 0, "a record that is whole is not touched"
    await followed.rollback()
    assert [await seen(api, each) for each in (house, left, shown)] == [200, 200, 200]
    with capture_logs() as said:
        await worker.holding.look()
    assert [await seen(api, each) for each in (house, left, shown)] == [404, 404, 200]
    record = await api.get(f"{V1}/records/services/{house}", headers=as_("gbv-coordinator"))
    place = record.json()["document"]["service_at_locations"][0]["location"]
    assert not {"latitude", "addresses"} & place.keys()
    (told,) = [each for each in said if each["event"] == "record_went_back"]
    assert told["remedy"] == REMEDY
    assert told["restricted"] == 2
    assert worker.done_again() == told["forgotten"] == 4
    await worker.told()
    await worker.holding.look()
    assert worker.done_again() == 4, "once"


async def test_whoever_opens_it_after_that_is_not_contradicted(
    api: AsyncClient, publish: Publish, worker: Worker, connection: AsyncConnection
) -> None:
    """The worker does not hide a reopened service again, even if the database goes back once more."""
    house, other = await publish(), await publish(name="Otra")
    followed = await connection.begin_nested()
    await changed(api, house, **HIDDEN)
    await worker.told()
    await followed.rollback()
    await worker.holding.look()
    assert await seen(api, house) == 404
    await changed(api, house, visibility="public")
    for _ in range(2):
        await worker.told()
        await worker.holding.look()
    assert await seen(api, house) == 200
    followed = await connection.begin_nested()
    await changed(api, other, **HIDDEN)
    await worker.told()
    await followed.rollback()
    await worker.holding.look()
    assert [await seen(api, each) for each in (house, other)] == [200, 404]


async def test_more_than_the_last_word_is_looked_for_where_it_was_forgotten(
    api: AsyncClient, publish: Publish, worker: Worker, connection: AsyncConnection
) -> None:
    """The worker finds every lost event, even if events between and before them are not lost."""
    houses = [await publish(name=f"Casa {number}") for number in range(4)]
    await changed(api, houses[0], **HIDDEN)
    await worker.told()
    followed = await connection.begin_nested()
    for house in houses[1:]:
        await changed(api, house, **HIDDEN)
        await worker.told()
    await followed.rollback()
    await worker.holding.look()
    assert [await seen(api, house) for house in houses] == [404] * 4
    assert worker.done_again() == 3


async def test_while_the_broker_is_away_the_record_stays_as_it_is(
    api: AsyncClient, publish: Publish, worker: Worker
) -> None:
    house = await publish()
    await worker.context.broker.stop()
    await worker.holding.look()
    assert await seen(api, house) == 200
