"""Acknowledged data is on disk. No test cuts the power, so these tests read each server's settings."""

import pytest
from common.db import durability
from httpx import AsyncClient
from stack.embedded.postgres import PostgresServer

ON = dict.fromkeys(durability.SETTINGS, "on")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (ON, "ok"),
        (ON | {"synchronous_commit": "remote_write"}, "ok"),
        (ON | {"fsync": "off"}, "fsync off"),
        (dict.fromkeys(durability.SETTINGS, "off"),
         "fsync off, synchronous_commit off, full_page_writes off"),
    ],
)  # fmt: skip
def test_what_a_server_promises(settings: dict[str, str], said: str) -> None:
    assert durability.promised(settings) == said


async def test_ready_names_a_database_that_forgets(
    api: AsyncClient, postgres: PostgresServer
) -> None:
    """The readiness check reports a server without durable writes. The tests' own server trades safety for speed."""
    told = (await api.get("/readyz")).json()
    assert told["parts"]["durability"].startswith("fsync off")
    assert told["parts"]["remedy"] == durability.REMEDY
    assert told["status"] == "degraded"
