"""The pods that can reach each other in each overlay. The test evaluates every pair from the rendered NetworkPolicies
and compares it with the declared pairs."""

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from stack.embedded.ports import LOOPBACK
from stack.operate.cluster.policies import Arrow, design

from tests.support.leaving_out import left_out
from tests.support.rendered_world import (
    NAMESPACE,
    Asked,
    Dispatcher,
    Documents,
    World,
)

pytestmark = pytest.mark.laborious

_CLUSTERS = ("postgres", "postgres-keys")
_FAR = ("outside", "private network", "the cloud's metadata")


def declared(overlay: str) -> frozenset[Arrow]:
    """Return the design's arrows, and in production also the connections of PostgreSQL's operator. Its instances
    connect to each other, to the API server and to a bucket, which means anything that listens on 443."""
    if overlay != "production":
        return design(overlay)
    operators = {
        *((one, one, port) for one in _CLUSTERS for port in (5432, 8000)),
        *(("namespace cnpg-system", one, port) for one in _CLUSTERS for port in (5432, 8000)),
        *(("namespace monitoring", one, 9187) for one in _CLUSTERS),
        *((one, "namespace cnpg-system", 9443) for one in _CLUSTERS),
        *((one, far, 443) for one in _CLUSTERS for far in _FAR),
        *((one, f"namespace {n}", 443) for one in _CLUSTERS for n in ("default", "kube-system")),
    }
    return design(overlay) | operators


def wanted(world: World, arrows: frozenset[Arrow]) -> set[Asked]:
    """Return every declared pair.

    `*` means any pod outside our namespace. Outside pods may reach each other, and every pod may resolve names. Workers
    count as their service, but receive nothing from the gateway.
    """
    found = set()
    for source, target, port in _pairs(world):
        of, to = world.service(source), world.service(target)
        if world.ends[source].namespace == NAMESPACE:
            may = (of, to, port) in arrows or (to, port) == ("namespace kube-system", 53)
        elif world.ends[target].namespace == NAMESPACE:
            may = not {(of, to, port), ("*", to, port)}.isdisjoint(arrows)
        else:
            may = True
        if may and not (of == "gateway" and target.endswith("-worker")):
            found.add((source, target, port))
    return found


def _pairs(world: World) -> Iterator[Asked]:
    for source in world.ends:
        for target, end in world.ends.items():
            for port in set(end.ports.values()):
                yield source, target, port


def let_through(world: World, policies: Documents) -> set[Asked]:
    dispatcher = Dispatcher(world, policies)
    try:
        return {asked for asked in _pairs(world) if dispatcher.allows(*asked)}
    finally:
        dispatcher.close()


def test_a_vault_is_reached_by_referrals_alone(tmp_path: Path) -> None:
    """The component works on top of `production`, as in an operation's own overlay."""
    deploy = Path(__file__).parents[2] / "deploy" / "k8s"
    own = {
        "resources": [os.path.relpath(deploy / "overlays/production", tmp_path)],
        "components": [os.path.relpath(deploy / "components/vault-transit", tmp_path)],
        "namespace": NAMESPACE,
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    kustomize = shutil.which("kustomize")
    if kustomize is None:
        left_out("no kustomize here (Debian package kustomize)")
    done = subprocess.run(
        [kustomize, "build", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    documents = [d for d in yaml.load_all(done.stdout, yaml.CSafeLoader) if d]
    world = World.of(documents)
    arrows = declared("production") | {("referrals", "namespace vault", 8200)}
    assert let_through(world, documents) == wanted(world, arrows)
    with_token = {
        d["metadata"]["name"]
        for d in documents
        if d["kind"] == "Deployment" and "RUTA_VAULT_TOKEN_FILE" in json.dumps(d)
    }
    assert with_token == {"referrals", "referrals-worker"}


class _Greeters:
    """Servers at every endpoint, each of which sends its own name."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._servers: list[socket.socket] = []
        for name, end in dispatcher.world.ends.items():
            for port in set(end.ports.values()):
                server = socket.create_server((LOOPBACK, 0))
                self._servers.append(server)
                dispatcher.processes[name, port] = server.getsockname()[1]
                threading.Thread(
                    target=_greet, args=(server, f"{name}:{port}"), daemon=True
                ).start()

    def close(self) -> None:
        for server in self._servers:
            server.close()


def _greet(server: socket.socket, words: str) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(words.encode())


def _said(port: int) -> str:
    """Return the text received until the connection closes, or an empty text after a reset."""
    try:
        with socket.create_connection((LOOPBACK, port)) as connection:
            return connection.makefile().read()
    except ConnectionError:
        return ""


def test_connections_of_every_pair_arrive_where_they_may_and_are_reset_elsewhere(
    overlay: str, documents: Documents
) -> None:
    world = World.of(documents)
    dispatcher = Dispatcher(world, [d for d in documents if d["kind"] == "NetworkPolicy"])
    greeters = _Greeters(dispatcher)
    try:
        expected = wanted(world, declared(overlay))
        for source, target, port in _pairs(world):
            said = _said(dispatcher.port(source, target, port))
            may = (source, target, port) in expected
            assert said == (f"{target}:{port}" if may else ""), (source, target, port)
        assert dispatcher.let_through == expected
        assert dispatcher.refused == set(_pairs(world)) - expected
    finally:
        dispatcher.close()
        greeters.close()
