"""Simulates the network of a rendered overlay on loopback. The overlay's NetworkPolicies decide which pods reach which.

Each pair of a pod and its target has its own port, which tells the dispatcher who calls. For each connection it
evaluates the rendered policies, then forwards to the target's process or resets. It does not simulate UDP, name
resolution or the kubelet's probes, which policies never block.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Coroutine, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, TypeVar

from stack.embedded.ports import LOOPBACK
from stack.operate.cluster.check import Skipped, built

from tests.support.leaving_out import left_out
from tests.support.network_policies import Document, Endpoint, may_connect

T = TypeVar("T")
Asked = tuple[str, str, int]
"""Who dials, what stands at the other end, its port."""

Documents = list[dict[str, Any]]
NAMESPACE = "ruta"
_CHUNK = 65536
_DIALLED = re.compile(
    r"(?P<scheme>[a-z+]+)://(?P<user>[^/@\s]*@)?(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>\d+))?"
)
_OF_SCHEME = {"http": 80, "https": 443, "nats": 4222, "tls": 4222}
_BEYOND = {"http": 80, "https": 443, "smtps": 465, "submission": 587, "postgresql": 5432}
# The PostgreSQL operator's other ports: an instance's status and metrics, and PgBouncer's metrics.
_INSTANCE = {"postgresql": 5432, "status": 8000, "metrics": 9187}
_POOLER = {"pgbouncer": 5432, "metrics": 9127}
_FOREIGN = "kubernetes.io/metadata.name"


def documents_of(overlay: str) -> Documents:
    """Return a copy of the rendered documents, which are rendered only once."""
    try:
        return deepcopy(_rendered(overlay))
    except Skipped as reason:
        left_out(str(reason))


@cache
def _rendered(overlay: str) -> Documents:
    return built(overlay)


def _elsewhere(namespace: str, address: str, ports: Iterable[int], **labels: str) -> Endpoint:
    return Endpoint(
        f"namespace {namespace}",
        address,
        labels,
        namespace,
        {_FOREIGN: namespace},
        {str(port): port for port in ports},
    )


BEYOND = (
    _elsewhere("monitoring", "10.42.9.1", [9090]),
    _elsewhere("observability", "10.42.9.2", [4318]),
    _elsewhere("vault", "10.42.9.6", [8200]),
    _elsewhere("cnpg-system", "10.42.9.3", [9443]),
    _elsewhere("kube-system", "10.42.9.4", [53, 443], **{"k8s-app": "kube-dns"}),
    _elsewhere("default", "10.42.9.5", [80, 443]),
    Endpoint("outside", "203.0.113.10", ports=_BEYOND),
    Endpoint("private network", "192.168.7.7", ports=_BEYOND),
    Endpoint("the cloud's metadata", "169.254.169.254", ports={"http": 80, "https": 443}),
)


@dataclass(frozen=True)
class World:
    """An overlay's workloads as connection endpoints; `hosts` maps a host name to its target."""

    ends: Mapping[str, Endpoint]
    hosts: Mapping[str, str]

    @classmethod
    def of(cls, documents: Iterable[Document], outside: Iterable[str] = ()) -> Self:
        """Return the world of these documents. `outside` names servers outside the cluster to which processes
        connect."""
        known = list(documents)
        made = [end for number, d in enumerate(known) for end in _ends(d, f"10.42.0.{number}")]
        hosts = {host: name for d in known for host, name in _hosts(d, made)}
        return cls(
            {end.name: end for end in (*made, *BEYOND)},
            hosts | dict.fromkeys(outside, "outside"),
        )

    def service(self, name: str) -> str:
        """Return the name that policies use: the pod's label, or its own name."""
        return self.ends[name].labels.get("ruta.service", name)


def _ends(document: Document, address: str) -> list[Endpoint]:
    name, spec = document["metadata"]["name"], document.get("spec", {})
    match document["kind"]:
        case "Deployment" | "Job" | "StatefulSet":
            template = spec["template"]
            labels = template["metadata"]["labels"]
            ports = {
                port["name"]: int(port["containerPort"])
                for container in template["spec"]["containers"]
                for port in container.get("ports", [])
            }
        case "Cluster":
            labels, ports = spec["inheritedMetadata"]["labels"], _INSTANCE
        case "Pooler":
            labels, ports = spec["template"]["metadata"]["labels"], _POOLER
        case _:
            return []
    # None of our policies uses the namespace name label.
    return [Endpoint(name, address, labels, document["metadata"]["namespace"], {}, ports)]


def _hosts(document: Document, ends: list[Endpoint]) -> Iterable[tuple[str, str]]:
    name = document["metadata"]["name"]
    match document["kind"]:
        case "Cluster":
            yield f"{name}-rw", name
        case "Pooler":
            yield name, name
        case "Service":
            wanted = document["spec"]["selector"].items()
            for end in ends:
                if all(end.labels.get(key) == value for key, value in wanted):
                    yield name, end.name


class Dispatcher:
    """Forwards connections by the policies. Put each process's loopback port into `processes`; `port` returns where a
    pod reaches its target."""

    def __init__(self, world: World, policies: Iterable[Document]) -> None:
        self.world = world
        self.policies = list(policies)
        self.processes: dict[tuple[str, int], int] = {}
        self.let_through: set[Asked] = set()
        self.refused: set[Asked] = set()
        self._ports: dict[Asked, int] = {}
        self._open: dict[asyncio.StreamWriter, Asked] = {}
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def port(self, source: str, target: str, port: int) -> int:
        """Return the loopback port where `source` reaches `target`."""
        asked = (source, target, port)
        if asked not in self._ports:
            self._ports[asked] = self._call(self._listen(asked))
        return self._ports[asked]

    def rendered(self, source: str, environment: Mapping[str, str]) -> dict[str, str]:
        """Return a pod's environment with each target's name replaced by its loopback address."""

        def place(found: re.Match[str]) -> str:
            target = self.world.hosts.get(found["host"])
            if target is None:
                return found[0]
            scheme = found["scheme"]
            port = int(found["port"] or _OF_SCHEME[scheme])
            # The stand-in for an external server has no TLS.
            way = "http" if (scheme, target) == ("https", "outside") else scheme
            return f"{way}://{found['user'] or ''}{LOOPBACK}:{self.port(source, target, port)}"

        changed = {}
        for key, value in environment.items():
            put = _DIALLED.sub(place, value)
            changed[key] = put
        return changed

    def enforce(self, policies: Iterable[Document]) -> None:
        """Enforce these policies from now on, and reset connections that they deny."""
        self.policies = list(policies)
        self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def allows(self, source: str, target: str, port: int) -> bool:
        ends = self.world.ends
        return may_connect(self.policies, ends[source], ends[target], port)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _listen(self, asked: Asked) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(asked, reader, writer)

        server = await asyncio.start_server(serve, LOOPBACK, 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self.allows(*asked):
            self.refused.add(asked)
            writer.transport.abort()
            return
        _, target, port = asked
        try:
            up_reader, up = await asyncio.open_connection(LOOPBACK, self.processes[target, port])
        except (OSError, KeyError):
            writer.transport.abort()
            return
        self.let_through.add(asked)
        for end in (writer, up):
            self._open[end] = asked
        try:
            await asyncio.gather(_pass_on(reader, up), _pass_on(up_reader, writer))
        finally:
            for end in (writer, up):
                self._open.pop(end, None)
                end.transport.abort()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for writer in list(self._open):
            writer.transport.abort()
        mine = asyncio.current_task()
        await asyncio.gather(
            *(task for task in asyncio.all_tasks() if task is not mine), return_exceptions=True
        )

    def _cut(self) -> None:
        for writer, asked in list(self._open.items()):
            if not self.allows(*asked):
                writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
