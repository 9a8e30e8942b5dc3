"""The `small` overlay as deploy/run-small runs it, with processes instead of containers."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import yaml
from stack.demo.clients import CLIENTS, prepare_clients
from stack.embedded.layout import StackState
from stack.embedded.manifests import Pod
from stack.embedded.ports import answers, free_ports
from stack.embedded.small import SmallDeployment
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.check import Skipped, built
from stack.private_files import write_private

from tests.support.leaving_out import left_out
from tests.support.system import System, until

_PORTS = ("5432", "4222", "8080", "8101", "8102", "8103", "8104", "8105")
_SERVERS = ("postgres", "nats")


class Small(System):
    """A data directory with deploy/run-small's files; each instance has its own ports."""

    def __init__(self, data: Path, ports: Mapping[str, str] | None = None) -> None:
        super().__init__(data)
        self.ports = ports or dict(zip(_PORTS, map(str, free_ports(len(_PORTS))), strict=True))
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            overlay = built("podman")
        except Skipped as reason:
            left_out(str(reason))
        write_private(self.layout.overlay_file, self._with_own_ports(yaml.safe_dump_all(overlay)))

    def make_secrets(self) -> None:
        secret_of = prepare_clients(self.layout)
        made = cluster_secrets.documents(
            cluster_secrets.Target("127.0.0.1", "127.0.0.1"),
            clients=[client.record(secret_of[client.client_id]) for client in CLIENTS],
        )
        text = cluster_secrets.as_yaml(made).replace(
            "127.0.0.1:5432", f"127.0.0.1:{self.ports['5432']}"
        )
        write_private(self.layout.overlay_secrets_file, text)

    def start(self) -> None:
        small = SmallDeployment(self.layout)
        deployed = small.pods("Deployment")
        for name in _SERVERS:
            self._start(deployed[name], *self._as_mounted(name))
            port = deployed[name].port
            assert port is not None
            until(lambda port=port: answers(port), f"{name} answers")  # type: ignore[misc]
        for job in small.pods("Job").values():
            done = subprocess.run(
                [sys.executable, "-m", *job.arguments],
                env={**self._base(), **job.environment},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{job.name}: {done.stderr}"
        services = [pod for pod in deployed.values() if pod.name not in _SERVERS]
        for pod in services:
            self._start(pod)
        for pod in services:
            until(lambda pod=pod: _is_ready(pod), f"{pod.name} is ready")  # type: ignore[misc]

    def stop(self) -> None:
        self.close()
        for process in reversed(self._processes):
            process.terminate()
            process.wait()
        self._processes.clear()

    def _start(self, pod: Pod, *more: str) -> None:
        with (self.layout.root / f"{pod.name}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", *pod.arguments, *more],
                    env={**self._base(), **pod.environment},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )

    def _as_mounted(self, name: str) -> list[str]:
        """Return the environment with a container's mounted paths and the server's own port."""
        place = self.layout.postgres if name == "postgres" else self.layout.nats
        port = self.ports["5432" if name == "postgres" else "4222"]
        secrets = ["--secrets", str(self.layout.root / "mounted/postgres/passwords")]
        return ["--data", str(place), "--port", port, *(secrets if name == "postgres" else [])]

    def _base(self) -> dict[str, str]:
        return {key: self._environment[key] for key in ("PATH", "HOME") if key in self._environment}

    def _with_own_ports(self, text: str) -> str:
        return re.sub(rf"\b({'|'.join(_PORTS)})\b", lambda found: self.ports[found[1]], text)

    @property
    def state(self) -> StackState:
        state = SmallDeployment(self.layout).state()
        assert state is not None, "it does not run"
        return state


def _is_ready(pod: Pod) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{pod.port}/readyz", timeout=5, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == 200
