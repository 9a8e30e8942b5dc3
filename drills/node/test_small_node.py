"""`small` as a kubelet runs it. It becomes ready, each pod is killed, deleted and rolled under load, and the demo
runs."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from directory.ground.demo_data import demo_services
from stack.demo.clients import CLIENTS, prepare_clients
from stack.demo.data import load_demo_data
from stack.embedded.layout import Layout
from stack.operate.cluster import restore as cluster_restore
from stack.operate.cluster import secrets as cluster_secrets
from stack.private_files import read_private_map

from drills.faults.checker import (
    check_commands,
    check_layer,
    check_proofs,
    check_waiting,
    faults_of,
)
from drills.faults.client import Sender
from drills.faults.directory_load import DirectoryLoad
from drills.faults.history import History, Outcome
from drills.faults.load import Load
from drills.faults.record import UNREACHABLE, Databases, baseline, read_record
from drills.faults.seeds import referable_services
from drills.node.node import Container, Node, until
from tests.support.rendered_world import documents_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    # After a kill, libraries leave connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
_READY_SECONDS = 90
_MOST_MEMORY = 1.5 * 2**30
_PER_SECOND = 10
_ANSWERED_SECONDS = 5
_REST_SECONDS = 300
_UP_SECONDS = 240
_ROLLED = ("gateway", "referrals")
"""One whose successor starts before it ends, and one that leaves its volume first."""


class SmallNode:
    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder / "data")
        secret_of = prepare_clients(self.layout)
        clients = [client.record(secret_of[client.client_id]) for client in CLIENTS]
        made = cluster_secrets.documents(cluster_secrets.target("small"), clients=clients)
        self.node = Node(folder, [*documents_of("small"), *made])
        (held,) = [d for d in made if d["metadata"]["name"] == "ruta-postgres"]
        server = f"{self.node.addresses['postgres']}:5432"
        dsn = f"postgresql://postgres:{held['stringData']['superuser']}@{server}/postgres"
        self.databases = Databases(SimpleNamespace(admin_dsn=dsn))  # type: ignore[arg-type]
        self.url = f"http://{self.node.addresses['gateway']}:8000"
        # With other load on the machine, the time says nothing about Ruta.
        self.was_quiet = os.getloadavg()[0] < (os.cpu_count() or 1) / 2
        began = time.monotonic()
        self.node.apply()
        until(lambda: self.is_ready, 3 * _READY_SECONDS, "all pods are ready")
        self.ready_after = time.monotonic() - began

    @property
    def is_ready(self) -> bool:
        return all(pod.ready for pod in self.node.pods.values())

    @property
    def served(self) -> list[str]:
        return [name for name, pod in self.node.pods.items() if not pod.once]

    @property
    def containers(self) -> list[Container]:
        return [c for pod in self.node.pods.values() if not pod.once for c in pod.containers]


@pytest.fixture(scope="module")
def small() -> Iterator[SmallNode]:
    with tempfile.TemporaryDirectory(prefix="ruta-node-") as folder:
        Path(folder).chmod(0o755)
        started = SmallNode(Path(folder))
        try:
            yield started
        finally:
            started.node.close()


def test_it_is_ready_in_time(small: SmallNode) -> None:
    sys.stdout.write(f"ready after {small.ready_after:.0f} s\n")
    if small.was_quiet:
        assert small.ready_after <= _READY_SECONDS


async def test_each_pod_may_be_killed_deleted_and_rolled_under_load(small: SmallNode) -> None:
    node, history = small.node, History()
    # Load the demo first, so that its cases count as existing, because no client here requested them.
    await load_demo_data(small.layout, small.url)
    before = await baseline(small.databases)
    sender = Sender(small.url, read_private_map(small.layout.clients_file), history, seed=1)
    sender.per_second = _PER_SECOND
    services = await referable_services(small)  # type: ignore[arg-type]
    load = Load(sender, services, seed=1, workers=1)
    load.directory = DirectoryLoad(
        small.url, sender.tokens, history, services, demo_services(), seed=1
    )
    try:
        async with load.running():
            for name in small.served:
                load.label = f"{name} killed"
                for container in node.pods[name].containers:
                    restarts = container.restarts
                    container.kill()
                    await _until(lambda c=container, n=restarts: c.restarts > n, "a restart")
                await _answers_again(small, sender)
                for verb in (node.delete, *((node.roll,) if name in _ROLLED else ())):
                    load.label = f"{name}: {verb.__name__}"
                    former = node.pods[name]
                    await asyncio.to_thread(verb, name)
                    assert [c for c in former.containers if c.killed_for] == []
                    await _answers_again(small, sender)
            load.label = "drained"
            await asyncio.to_thread(node.drain)
            await _answers_again(small, sender)
        assert [c for pod in node.all_pods for c in pod.containers if c.killed_for] == []
        sender.per_second = None
        await load.resolve(history)
    finally:
        await sender.close()
    assert history.count(Outcome.ACKNOWLEDGED) > 0
    findings: list[Any] = []
    until_then = time.monotonic() + _REST_SECONDS
    while time.monotonic() < until_then:
        try:
            record = await read_record(small.databases, before)
        except UNREACHABLE:
            continue
        findings = check_commands(history, record.changes) + check_waiting(record.waiting)
        findings += check_proofs(history)
        for layer in record.layers:
            findings += check_layer(layer, faults_of(history))
        if not findings:
            break
        await asyncio.sleep(2)
    counts = {outcome.value: history.count(outcome) for outcome in Outcome}
    sys.stdout.write(f"{len(history.commands)} commands {counts}\n")
    assert findings == []


def test_the_demo_is_played_within_its_memory(small: SmallNode) -> None:
    demo = ("demo", "--load", "--url", small.url, "--data", str(small.layout.root))
    played = subprocess.run(
        [sys.executable, "-m", "stack", *demo], capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout + played.stderr
    used = {container.name: container.used() for container in small.containers}
    sys.stdout.write(f"{sum(used.values()) >> 20} MiB\n")
    assert sum(used.values()) <= _MOST_MEMORY, used


@pytest.mark.parametrize(
    ("pod", "program"), [("directory", "python"), ("postgres", "postgres"), ("nats", "nats-server")]
)
def test_a_frozen_process_is_replaced(small: SmallNode, pod: str, program: str) -> None:
    """A frozen process is replaced, although the kernel still accepts connections to it."""
    (container,) = small.node.pods[pod].containers
    restarts, began = container.restarts, time.monotonic()
    container.freeze(program)
    if pod == "directory":
        answer = httpx.get(f"{small.url}/directory/v1/services", timeout=_UP_SECONDS)
        assert answer.status_code == 503
        assert time.monotonic() - began <= _ANSWERED_SECONDS
    until(lambda: container.restarts > restarts, _UP_SECONDS, f"{pod} starts again")
    sys.stdout.write(f"{pod} starts again after {time.monotonic() - began:.0f} s\n")
    until(lambda: small.is_ready, _UP_SECONDS, "all pods are ready")


async def test_a_backup_is_restored_into_the_cluster_by_the_commands_of_the_guide(
    small: SmallNode,
) -> None:
    node, count = small.node, "SELECT count(*) FROM cases"
    for cron in [d for d in node.documents if d["kind"] == "CronJob"]:
        node.start({**cron, "kind": "Job", "spec": cron["spec"]["jobTemplate"]["spec"]})
        name = cron["metadata"]["name"]
        await _until(lambda name=name: node.pods[name].ready, f"{name} ends well")
    before = await small.databases.number("referrals", count)
    await small.databases.fetch("referrals", "CREATE TABLE made_after_the_backup ()")
    await asyncio.to_thread(node.scale_to_none)
    arguments = ("last", "--without-lists=a drill: nothing was erased since this backup")
    config, job = cluster_restore.documents(documents_of("small"), "ruta", arguments)
    node.documents.append(config)
    node.start(job)
    await _until(lambda: node.pods["restore"].ready, "the restore")
    for document in node.documents:
        if document["kind"] == "Deployment":
            node.start(document)
    await _until(lambda: small.is_ready, "all pods are ready")
    assert await small.databases.number("referrals", count) == before > 0
    left = "SELECT count(to_regclass('made_after_the_backup'))"
    assert await small.databases.number("referrals", left) == 0


async def _answers_again(small: SmallNode, sender: Sender) -> None:
    await _until(lambda: small.is_ready, "all pods are ready")
    mark = sender.acknowledged
    await _until(lambda: sender.acknowledged > mark + 5, "commands are acknowledged")


async def _until(holds: Any, what: str) -> None:
    await asyncio.to_thread(until, holds, _UP_SECONDS, what)
