"""`small` as a kubelet runs it: ready in time, played through within its memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack.demo.clients import CLIENTS, prepare_clients
from stack.embedded.layout import Layout
from stack.operate.cluster import secrets as cluster_secrets

from drills.node.machine import need_tools
from drills.node.node import Container, Node, until
from tests.support.rendered_world import documents_of

pytestmark = [pytest.mark.system, pytest.mark.slow]
_READY_SECONDS = 90
_MOST_MEMORY = 1.5 * 2**30


class SmallNode:
    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder / "data")
        secret_of = prepare_clients(self.layout)
        clients = [client.record(secret_of[client.client_id]) for client in CLIENTS]
        made = cluster_secrets.documents(clients=clients)
        self.node = Node(folder, [*documents_of("small"), *made])
        self.url = f"http://{self.node.addresses['gateway']}:8000"
        # Beside other work, the time says nothing about Ruta.
        self.was_quiet = os.getloadavg()[0] < (os.cpu_count() or 1) / 2
        began = time.monotonic()
        self.node.apply()
        until(lambda: self.is_ready, 3 * _READY_SECONDS, "all pods are ready")
        self.ready_after = time.monotonic() - began

    @property
    def is_ready(self) -> bool:
        return all(pod.ready for pod in self.node.pods.values())

    @property
    def containers(self) -> list[Container]:
        return [c for pod in self.node.pods.values() if not pod.once for c in pod.containers]


@pytest.fixture(scope="module")
def small() -> Iterator[SmallNode]:
    need_tools()
    with tempfile.TemporaryDirectory(prefix="ruta-node-") as folder:
        Path(folder).chmod(0o755)
        started = SmallNode(Path(folder))
        try:
            yield started
        finally:
            started.node.close()


def test_it_is_ready_in_time_and_plays_the_demo_within_its_memory(small: SmallNode) -> None:
    demo = ("demo", "--load", "--url", small.url, "--data", str(small.layout.root))
    played = subprocess.run(
        [sys.executable, "-m", "stack", *demo], capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout + played.stderr
    used = {container.name: container.used() for container in small.containers}
    sys.stdout.write(f"ready after {small.ready_after:.0f} s, {sum(used.values()) >> 20} MiB\n")
    assert sum(used.values()) <= _MOST_MEMORY, used
    if small.was_quiet:
        assert small.ready_after <= _READY_SECONDS
