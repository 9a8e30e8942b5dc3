"""Runs a service's command (`python -m referrals audit-verify`) as the running stack would."""

import subprocess
import sys
from pathlib import Path
from typing import IO

from stack.embedded.connection import running_state
from stack.embedded.layout import Layout, StackState
from stack.embedded.nats import NatsServer, stored_credentials
from stack.embedded.plan import SERVICES, Choices, Planner
from stack.embedded.postgres import PostgresServer
from stack.embedded.small import SmallDeployment
from stack.errors import StackError
from stack.operate.cluster.commands import ClusterCommands


class ServiceCommands:
    """Runs commands of a running stack, which use its PostgreSQL and its event bus."""

    def __init__(self, layout: Layout) -> None:
        state = running_state(layout)
        if state is None:
            raise StackError(
                "no stack is running on {root}; start one with ./ruta up", root=layout.root
            )
        self.layout = layout
        self.state = state
        self.postgres = attached_postgres(layout, state)
        self.broker = attached_broker(layout, state)
        self._deployed = SmallDeployment.of(layout) or Planner(
            layout, Choices(port=state.port), self.postgres, self.broker
        )

    def ask(self, name: str, *verb: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", SERVICES[name], *verb],
            env=self._deployed.environment(name),
            check=False,
            capture_output=True,
            text=True,
        )

    def run(
        self,
        name: str,
        *verb: str,
        owner: bool = False,
        operator: bool = False,
        output: IO[bytes] | None = None,
    ) -> int:
        """Run a command in this terminal and return its exit code. `output` redirects its output."""
        package = "gateway" if name == "issuer" else SERVICES[name]
        return subprocess.run(
            [sys.executable, "-m", package, *verb],
            env=self._deployed.environment(name, owner=owner, operator=operator),
            check=False,
            stdout=output,
        ).returncode


def commands_of(data: Path | None, kube: str | None) -> ServiceCommands | ClusterCommands:
    """Return the commands for the stack in a data directory, or for a cluster namespace."""
    return ServiceCommands(Layout.of(data)) if kube is None else ClusterCommands(kube)


def attached_postgres(layout: Layout, state: StackState) -> PostgresServer:
    """Return the supervisor's server. This object must not start or stop it."""
    return PostgresServer(layout.postgres, port=state.ports["postgres"])


def attached_broker(layout: Layout, state: StackState) -> NatsServer:
    small = SmallDeployment.of(layout)
    credentials = (
        small.broker_credentials()
        if small is not None
        else stored_credentials(layout.broker_credentials_file)
    )
    return NatsServer(layout.nats, credentials, port=state.ports["nats"])
