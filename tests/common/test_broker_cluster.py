"""The production broker from its overlay, as three real nodes with the rendered configuration.

Only the hosts and ports differ from those in the cluster. The test stops each node in turn while a relay and a consumer
use all three. No event is lost, and each event counts once.
"""

import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from common.db.session import Database
from common.events.directory import CapacityChanged
from common.messaging.broker_streams import Settings, arranged
from nats.aio.client import Client
from pydantic import SecretStr
from stack.embedded.arrows import OPERATOR, stream
from stack.embedded.nats import binary
from stack.embedded.ports import LOOPBACK, free_ports
from stack.embedded.postgres import stop_process
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.authorities import Authority
from stack.operate.cluster.check import Skipped, built
from stack.operate.cluster.process_certificates import BROKER, LIFETIME, NAMES, new_authority
from stack.private_files import write_private

from tests.common import sample
from tests.common.test_messaging import Reader, event, running, until, write
from tests.support.leaving_out import left_out
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.laborious

NODES = 3
EXPORTER = "common.messaging.broker_exporter"
PORTS = {"port: 4222": 0, "http_port: 8222": 1, "port: 6222": 2}


class Node:
    """One pod of the StatefulSet `nats` as a process with the pod's environment."""

    def __init__(self, folder: Path, name: str, configuration: str, env: dict[str, str]) -> None:
        self.folder, self.name, self.env = folder, name, env
        self.peers: dict[str, str] = {}
        self.ports = free_ports(len(PORTS))
        for said, place in PORTS.items():
            key = said.partition(":")[0]
            # Match the whole line at its indentation, so that `port` does not match `http_port`.
            configuration = re.sub(
                rf"(?m)^(\s*){re.escape(said)}$",
                rf'\g<1>{key}: {self.ports[place]}\n\g<1>host: "{LOOPBACK}"'
                if key == "port"
                else rf"\g<1>{key}: {self.ports[place]}",
                configuration,
            )
        for path in ("data", "etc/ruta"):
            configuration = configuration.replace(f"/{path}", str(folder / path))
        self.configuration = configuration
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"tls://{LOOPBACK}:{self.ports[0]}"

    @property
    def monitor(self) -> str:
        return f"http://{LOOPBACK}:{self.ports[1]}"

    def give(self, shown: tuple[str, str], trusted: str) -> None:
        """Provide the files that the pod mounts: its certificate, and the authorities that it trusts."""
        texts = dict(zip(("certificate/tls.crt", "certificate/tls.key"), shown, strict=True))
        for name, text in {**texts, "trust/ca.crt": trusted}.items():
            write_private(self.folder / "etc/ruta" / name, text)

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "nats.conf").write_text(self.configuration)
        env = {key: _replaced(value, self.peers) for key, value in self.env.items()}
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(binary()), "--config", str(self.folder / "nats.conf")],
                env={"PATH": os.environ["PATH"], **env},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def lose(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def _replaced(value: str, peers: dict[str, str]) -> str:
    for host, address in peers.items():
        value = value.replace(host, address)
    return value


def _environment(container: dict[str, Any], pod: str, secret: dict[str, str]) -> dict[str, str]:
    """Return the environment that the kubelet would set: `envFrom`, then `env`. A $(…) in `env` sees only earlier
    entries."""
    said: dict[str, str] = {}
    for entry in container["env"]:
        source = entry.get("valueFrom", {})
        if "fieldRef" in source:
            value = pod
        elif "secretKeyRef" in source:
            value = secret[source["secretKeyRef"]["key"]]
        else:
            value = re.sub(r"\$\((\w+)\)", lambda m: said.get(m[1], m[0]), entry["value"])
        said[entry["name"]] = value
    return {**secret, **said}


@pytest.fixture(scope="module")
def secret() -> dict[str, str]:
    made = {d["metadata"]["name"]: d for d in cluster_secrets.documents()}
    values: dict[str, str] = made["ruta-nats"]["stringData"]
    return values


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_authority()


def _shown(authority: Authority) -> tuple[str, str]:
    """Return the broker's certificate, which is also valid for the loopback address."""
    return authority.signed(NAMES[BROKER], LIFETIME, addresses=[LOOPBACK])


@pytest.fixture
def nodes(tmp_path: Path, secret: dict[str, str], authority: Authority) -> Iterator[list[Node]]:
    try:
        documents = built("production")
    except Skipped as reason:
        left_out(str(reason))
    pods = next(
        d for d in documents if d["kind"] == "StatefulSet" and d["metadata"]["name"] == "nats"
    )
    assert pods["spec"]["replicas"] == NODES
    config = next(
        d["data"]["nats.conf"]
        for d in documents
        if d["kind"] == "ConfigMap" and "nats.conf" in d.get("data", {})
    )
    containers = {c["name"]: c for c in pods["spec"]["template"]["spec"]["containers"]}
    container = containers["nats"]
    assert containers["exporter"]["args"][0] == EXPORTER
    names = [f"nats-{number}" for number in range(NODES)]
    made = [
        Node(tmp_path / name, name, config, _environment(container, name, secret)) for name in names
    ]
    peers = {f"{node.name}.nats-peers:6222": f"{LOOPBACK}:{node.ports[2]}" for node in made}
    for node in made:
        node.peers = peers
        node.give(_shown(authority), authority.certificate)
        node.start()
    yield made
    for node in made:
        if node.process is not None:
            stop_process(node.process, signal.SIGTERM, 20)


async def _healthy(nodes: list[Node]) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        for node in nodes:
            try:
                if (await client.get(f"{node.monitor}/healthz")).status_code != 200:
                    return False
            except httpx.TransportError:
                return False
    return True


async def _routed(nodes: list[Node]) -> bool:
    """Return whether every node has routes to both other nodes (the server keeps several per peer)."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        for node in nodes:
            try:
                routes = (await client.get(f"{node.monitor}/routez")).json()["routes"]
            except httpx.TransportError:
                return False
            if len({route["remote_name"] for route in routes}) < NODES - 1:
                return False
    return True


async def test_each_node_has_on_disk_what_it_acknowledges(nodes: list[Node]) -> None:
    await until(lambda: _healthy(nodes))
    async with httpx.AsyncClient(trust_env=False) as client:
        for node in nodes:
            store = (await client.get(f"{node.monitor}/jsz?config=true")).json()
            assert store["config"]["sync_always"], "a loss of power would take acknowledged events"


@pytest.fixture
def measured(nodes: list[Node]) -> Iterator[str]:
    """Yield the address of the first node's metrics. The exporter starts as it does in its pod, on its own port."""
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [sys.executable, "-m", EXPORTER, nodes[0].monitor, str(port)], stderr=subprocess.DEVNULL
    )
    yield f"http://{LOOPBACK}:{port}/metrics"
    process.terminate()
    process.wait()


async def test_prometheus_has_what_a_node_says_and_has_it_as_down_when_it_is_lost(
    nodes: list[Node], measured: str
) -> None:
    async def answers(status: int, said: str = "") -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(measured)
            except httpx.TransportError:
                return False
        return answer.status_code == status and said in answer.text

    await until(lambda: answers(200, f"ruta_broker_peers {NODES - 1}.0"))
    assert await answers(200, "ruta_broker_store_limit_bytes")
    assert await answers(200, 'ruta_certificate_seconds_left{certificate="own"} 3.14')
    nodes[0].lose()
    await until(lambda: answers(500))


async def test_nobody_is_one_of_the_three_by_its_password_alone(nodes: list[Node]) -> None:
    """A node with another authority's certificate gets no route in either direction. With the right certificate, it
    gets one."""
    await until(lambda: _routed(nodes))
    alone = nodes[0]
    alone.lose()
    another = new_authority()
    alone.give(_shown(another), another.certificate)
    alone.start()
    log = nodes[1].folder / "nats.log"

    async def refused() -> bool:
        return "TLS route handshake error" in await asyncio.to_thread(log.read_text)

    await until(refused)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        for node in nodes[1:]:
            routes = (await client.get(f"{node.monitor}/routez")).json()["routes"]
            assert alone.name not in {route["remote_name"] for route in routes}


@pytest.fixture
async def operator(
    nodes: list[Node], secret: dict[str, str], authority: Authority
) -> AsyncIterator[Client]:
    await until(lambda: _routed(nodes))
    client = await nats.connect(
        [node.url for node in nodes],
        user=OPERATOR,
        password=secret["NATS_OPERATOR_PASSWORD"],
        max_reconnect_attempts=-1,
        tls=ssl.create_default_context(cadata=authority.certificate),
        tls_handshake_first=True,
    )
    yield client
    await client.close()


@pytest.mark.slow
async def test_the_loss_of_each_node_loses_no_event(
    nodes: list[Node],
    operator: Client,
    secret: dict[str, str],
    settings: sample.Settings,
    database: Database,
) -> None:
    ours = settings.model_copy(
        update={
            "trust_file": nodes[0].folder / "etc/ruta/trust/ca.crt",
            "nats_url": ",".join(node.url for node in nodes),
            "nats_password": SecretStr(secret["NATS_DIRECTORY_PASSWORD"]),
        }
    )
    reader = Reader()
    written: list[CapacityChanged] = []
    credentials = {"referrals": secret["NATS_REFERRALS_PASSWORD"]}

    async def read_all() -> bool:
        return len(set(reader.seen)) == len(written)

    # These settings are the same as in the Job, which waits until the nodes have found each other.
    told: dict[str, Any] = {
        "nats_url": ours.nats_url,
        "nats_password": secret["NATS_OPERATOR_PASSWORD"],
    }
    wanted = Settings(**told, trust_file=ours.trust_file, stream_replicas=NODES)
    await arranged(wanted, PATIENCE)
    async with running(ours, database, reader, credentials=credentials):
        written += [event() for _ in range(20)]
        await write(database, *written)
        await until(read_all)
        for lost in nodes:
            lost.lose()
            more = [event() for _ in range(20)]
            written += more
            await write(database, *more)
            await until(read_all)
            lost.start()
            await until(lambda: _healthy(nodes))
    info = await operator.jetstream().stream_info(stream("directory"))
    assert info.config.num_replicas == NODES
    assert info.state.messages == len(written)
    assert sorted(reader.seen) == sorted(e.service_id for e in written)
