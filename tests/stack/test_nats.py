"""The event bus allows each service exactly the declared subjects."""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import nats
import nats.errors
import pytest
from common.events.readers import READ_BY, stream_name
from nats.aio.client import Client
from stack.embedded import arrows
from stack.embedded.nats import NatsServer, stored_credentials

from tests.support.broker_order import told_the_server
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.laborious

FORBIDDEN_SECONDS = 1.0


async def swallow(_error: Exception) -> None:
    """Ignore the error. NATS reports a refused publish only later, so each test checks the effect instead."""


@asynccontextmanager
async def user(server: NatsServer, name: str) -> AsyncIterator[Client]:
    client = await nats.connect(
        server.url,
        user=name,
        password=server.credentials[name],
        inbox_prefix=arrows.inbox_prefix(name).encode(),
        error_cb=swallow,
    )
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
def own_server(tmp_path: Path) -> NatsServer:
    return NatsServer(tmp_path / "nats", stored_credentials(tmp_path / "nats.json"), durable=False)


@pytest.fixture
def server(own_server: NatsServer) -> Iterator[NatsServer]:
    own_server.start()
    yield own_server
    own_server.stop()


@pytest.mark.parametrize(
    ("reader", "producer"),
    [(reader, producer) for producer, readers in READ_BY.items() for reader in readers],
)
async def test_a_reader_consumes_what_the_arrows_name_and_no_more(
    server: NatsServer, reader: str, producer: str
) -> None:
    named = READ_BY[producer][reader][0].SUBJECT
    async with user(server, producer) as client:
        await client.jetstream().publish(f"ruta.{producer}.thing.done.v1", b"{}")
        await client.jetstream().publish(named, b"{}")
    async with user(server, reader) as client:
        subscription = await client.jetstream().pull_subscribe(
            "", durable=reader, stream=arrows.stream(producer)
        )
        (message,) = await subscription.fetch(1, timeout=PATIENCE)
        await message.ack_sync(timeout=PATIENCE)
        assert message.subject == named
        with pytest.raises(nats.errors.TimeoutError):
            await subscription.fetch(1, timeout=FORBIDDEN_SECONDS)


async def test_nobody_listens_to_the_replies_of_another(server: NatsServer) -> None:
    async with user(server, "directory") as spy, user(server, arrows.OPERATOR) as operator:
        subscription = await spy.subscribe(f"{arrows.inbox_prefix('referrals')}.>")
        await told_the_server(spy)
        await operator.publish(f"{arrows.inbox_prefix('referrals')}.x", b"reply")
        await told_the_server(operator)
        with pytest.raises(nats.errors.TimeoutError):
            await subscription.next_msg(timeout=FORBIDDEN_SECONDS)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_a_wrong_password_is_refused(server: NatsServer) -> None:
    with pytest.raises(nats.errors.Error):
        await nats.connect(
            server.url,
            user="directory",
            password="embedded-only-guess",
            allow_reconnect=False,
            error_cb=swallow,
        )
    # nats-py leaves the refused socket open, so collect it here, where the warning is expected.
    gc.collect()


async def test_what_was_acknowledged_outlives_a_kill(own_server: NatsServer) -> None:
    durable = NatsServer(own_server.data_dir, own_server.credentials, durable=True)
    durable.start()
    try:
        async with httpx.AsyncClient(trust_env=False) as monitor:
            store = (await monitor.get(f"{durable.monitor_url}/jsz?config=true")).json()
        assert store["config"]["sync_always"], "a loss of power would take what was acknowledged"
        async with user(durable, "directory") as client:
            stream = client.jetstream()
            await stream.publish("ruta.directory.thing.done.v1", b"{}")
            assert durable.process is not None
            durable.process.kill()
            durable.process.wait()
        durable.start()
        async with user(durable, "directory") as client:
            info = await client.jetstream().stream_info("RUTA_DIRECTORY")
            assert info.state.messages == 1
    finally:
        durable.stop()


def test_the_arrows_and_the_readers_name_the_same() -> None:
    assert {producer: tuple(readers) for producer, readers in READ_BY.items()} == arrows.READERS
    assert arrows.stream("directory") == stream_name("directory")
