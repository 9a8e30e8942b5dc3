"""External readers listen to public events over TLS, and can do nothing else on the broker."""

import asyncio
import gc
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import nats.errors
import pytest
from common.events.catalogue import ALL, public
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from stack.embedded import arrows
from stack.embedded.nats import binary
from stack.embedded.ports import LOOPBACK, free_ports
from stack.embedded.postgres import stop_process
from stack.errors import StackError
from stack.operate.cluster.broker import configuration, variable

from tests.support.broker_order import told_the_server
from tests.support.channel_servers import certificate
from tests.support.patience import PATIENCE

# nats-py passes a timeout to aiohttp in a deprecated form.
pytestmark = pytest.mark.filterwarnings("ignore:.*timeout.*:DeprecationWarning")
READERS = ("health", "food-security")
FORBIDDEN_SECONDS = 1.0
RELEASE = "ruta.reporting.release.published.v1"


class Broker:
    """One node with the cluster's configuration but without routes to other nodes."""

    def __init__(self, folder: Path) -> None:
        cert, key = certificate(folder)
        self.trusts = ssl.create_default_context(cafile=str(cert))
        self.inside, self.outside = free_ports(2)
        self.users = (*arrows.USERS, arrows.OPERATOR, *map(arrows.outside, READERS))
        said = configuration(READERS)
        said = re.sub(r"(?s)\ncluster \{.*?\n\}\n", "\n", said)
        for old, new in {
            "port: 4222": f'host: "{LOOPBACK}"\nport: {self.inside}',
            "http_port: 8222\n": "",
            "port: 8443": f'host: "{LOOPBACK}"\n  port: {self.outside}',
            "/etc/nats-outside/tls.crt": str(cert),
            "/etc/ruta/certificate/tls.crt": str(cert),
            "/etc/ruta/certificate/tls.key": str(key),
            "/etc/nats-outside/tls.key": str(key),
            "store_dir: /data": f"store_dir: {folder / 'data'}",
            "$POD_NAME": "alone",
        }.items():
            assert said.count(old) == 1, old
            said = said.replace(old, new)
        (folder / "nats.conf").write_text(said)
        with (folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(binary()), "--config", str(folder / "nats.conf")],
                env={"PATH": os.environ["PATH"], **{variable(u): f"pw-{u}" for u in self.users}},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + PATIENCE
        while "Server is ready" not in (told := (folder / "nats.log").read_text()):
            assert self.process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.05)

    @asynccontextmanager
    async def user(
        self, name: str, *, inside: bool, password: str | None = None
    ) -> AsyncIterator[Client]:
        async def told(error: Exception) -> None:
            self.refusals.append(str(error))

        self.refusals: list[str] = []
        way = f"tls://localhost:{self.inside}" if inside else f"wss://localhost:{self.outside}"
        client = await nats.connect(
            way,
            user=name,
            password=password or f"pw-{name}",
            tls=self.trusts,
            tls_handshake_first=inside,
            allow_reconnect=False,
            error_cb=told,
        )
        try:
            yield client
        finally:
            await client.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(tmp_path_factory.mktemp("broker"))
    yield running
    stop_process(running.process, signal.SIGTERM, 20)


async def test_a_reader_hears_what_is_public_and_nothing_else(broker: Broker) -> None:
    async with (
        broker.user("reporting", inside=True) as service,
        broker.user("outside-health", inside=False) as reader,
    ):
        heard = {subject: await reader.subscribe(subject) for subject in public()}
        await told_the_server(reader)
        for subject in heard:
            await service.publish(subject, b"{}")
        await told_the_server(service)
        for subject, subscription in heard.items():
            assert (await subscription.next_msg(timeout=PATIENCE)).subject == subject
        for subject in sorted({*ALL, ">", "ruta.>", "$JS.>", "_INBOX.>"} - heard.keys()):
            refused = await reader.subscribe(subject)
            await told_the_server(reader)
            await told(broker, f'permissions violation for subscription to "{subject}"')
            await refused.unsubscribe()


async def told(broker: Broker, refusal: str, unheard: Subscription | None = None) -> None:
    """Wait until the server reports the refusal, and check that nothing arrives in the meantime."""
    deadline = time.monotonic() + PATIENCE
    while not any(refusal.lower() in each.lower() for each in broker.refusals):
        assert time.monotonic() < deadline, (refusal, broker.refusals)
        assert unheard is None or unheard.pending_msgs == 0
        await asyncio.sleep(0.01)


async def test_a_reader_publishes_and_asks_nothing(broker: Broker) -> None:
    async with broker.user("outside-health", inside=False) as reader:
        heard = await reader.subscribe(RELEASE)
        await told_the_server(reader)
        for subject in (RELEASE, "ruta.directory.service.changed.v1", "$JS.API.INFO"):
            await reader.publish(subject, b"{}", reply=RELEASE)
            await told_the_server(reader)
            await told(broker, f'permissions violation for publish to "{subject}"', heard)
        with pytest.raises(nats.errors.TimeoutError):
            await heard.next_msg(timeout=FORBIDDEN_SECONDS)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("name", "inside", "password"),
    [
        (
            "outside-health",
            True,
            None,
        ),  # A login without TLS would send the password in plain text.
        ("reporting", False, None),
        (arrows.OPERATOR, False, None),
        ("outside-health", False, "guess"),
        ("outside-education", False, None),
    ],
)
async def test_each_door_is_for_its_own(
    broker: Broker, name: str, inside: bool, password: str | None
) -> None:
    with pytest.raises(nats.errors.Error):
        async with broker.user(name, inside=inside, password=password):
            pass
    # nats-py leaves the refused connection open, so collect it here, where the warning is expected.
    gc.collect()


async def test_without_tls_nobody_is_heard(broker: Broker) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, broker.outside)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
    assert b"101" not in await reader.read(200)
    writer.close()


def test_what_is_public_tells_of_nobody() -> None:
    assert public() == (
        "ruta.reporting.bulletin.published.v1",
        "ruta.reporting.bulletin.withdrawn.v1",
        RELEASE,
        "ruta.reporting.release.withdrawn.v1",
    )
    for subject in public():
        assert not {"case_id", "person", "organisation_id"} & ALL[subject].model_fields.keys()


@pytest.mark.parametrize("name", ["", "Health", "a b", "x }", "-a"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(StackError):
        configuration([name])
