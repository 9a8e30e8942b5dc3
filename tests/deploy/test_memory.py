"""No server reserves more memory than its container's limit. Otherwise it would be killed once its cache is full."""

import re
from typing import Any

import pytest
from stack.embedded import memory

from tests.support.rendered_world import Documents, documents_of

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "kB": 2**10, "MB": 2**20, "GB": 2**30}
# At most half of the limit; the rest is for connections, sorting and other processes.
_MOST = 0.5
_CLEANING = 3
_WITH_DATABASE = ("directory", "referrals", "reporting", "issuer")
_RELAYS = 3
# Measured in the node drill under load: the largest backend, and the process that started PostgreSQL.
_CONNECTION, _SUPERVISOR = 11 * memory.MEBIBYTE, 40 * memory.MEBIBYTE


def _bytes(size: str) -> int:
    found = re.fullmatch(r"(\d+)(\w\w)", size)
    assert found, size
    return int(found[1]) * _UNITS[found[2]]


def _limit(resources: dict[str, Any]) -> int:
    return _bytes(resources["limits"]["memory"])


def _set_aside(document: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the reserved memory and the limit of each server in a document."""
    spec = document.get("spec", {})
    if document["kind"] == "Cluster":  # The manifest of PostgreSQL's operator.
        held = spec["postgresql"]["parameters"]
        limit = _limit(spec["resources"])
        return [
            (
                _bytes(held.get("shared_buffers", "128MB"))
                + _CLEANING * _bytes(held.get("maintenance_work_mem", "64MB")),
                limit,
            )
        ]
    found = []
    for container in spec.get("template", {}).get("spec", {}).get("containers", []):
        arguments = container.get("args", [])
        limit = _limit(container["resources"])
        if "postgres" in arguments:
            sizes = memory.postgres(limit)
            held = sizes["shared_buffers"] + _CLEANING * sizes["maintenance_work_mem"]
            found.append((held * memory.MEBIBYTE, limit))
        elif "nats" in arguments:
            found.append((memory.broker(limit), limit))
        elif container["name"] == "nats":
            found.append((_UNITS["Mi"] * 64, limit))  # nats.conf, checked below.
    return found


def test_what_a_server_sets_aside_is_half_of_its_limit_at_most(documents: Documents) -> None:
    servers = [pair for document in documents for pair in _set_aside(document)]
    assert len(servers) >= 2, "PostgreSQL and NATS"
    assert all(held <= _MOST * limit for held, limit in servers), servers


@pytest.mark.parametrize("overlay", ["dev", "small"])
def test_all_connections_fit_into_the_limit_of_the_database(overlay: str) -> None:
    """Under load every process opens twice its pool. Otherwise the kernel kills the database."""
    documents = documents_of(overlay)
    (settings,) = [d["data"] for d in documents if d["metadata"]["name"] == "ruta" and "data" in d]
    pool = int(settings.get("RUTA_DATABASE_POOL_SIZE", "8"))
    keys = max(1, pool // 2)
    connections = 2 * (pool * len(_WITH_DATABASE) + keys) + _RELAYS
    (pod,) = [
        d["spec"]["template"]["spec"]
        for d in documents
        if (d["kind"], d["metadata"]["name"]) == ("Deployment", "postgres")
    ]
    limit = _limit(pod["containers"][0]["resources"])
    held = memory.postgres(limit)["shared_buffers"] * memory.MEBIBYTE + _SUPERVISOR
    assert held + connections * _CONNECTION <= limit


def test_the_brokers_of_a_cluster_set_aside_what_their_configuration_says(
    documents: Documents,
) -> None:
    for document in documents:
        if "nats.conf" in document.get("data", {}):
            assert "max_memory_store: 64MB" in document["data"]["nats.conf"]


def test_a_server_without_a_limit_takes_what_a_country_needs() -> None:
    assert memory.postgres(None)["shared_buffers"] == memory.postgres(4 * 2**30)["shared_buffers"]
    assert memory.postgres(416 * memory.MEBIBYTE) == {
        "shared_buffers": 104,
        "maintenance_work_mem": 26,
    }
