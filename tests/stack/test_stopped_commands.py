"""Commands of services on a stopped stack. Each prints its own message, and no server outlives the command."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from stack.embedded.layout import Layout
from stack.embedded.postgres import PostgresServer
from stack.errors import StackError
from stack.operate.offline_commands import StoppedCommands

pytestmark = [pytest.mark.slow, pytest.mark.laborious]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """Start a separate server, because a shared one would lack other tests' keys."""
    server = PostgresServer(Layout(tmp_path).postgres, durable=False)
    server.start()
    yield server
    server.stop(immediate=True)


def test_each_is_its_service_and_tells_why_it_failed_by_its_errors(
    server: PostgresServer, tmp_path: Path
) -> None:
    before = set(psutil.Process().children(recursive=True))
    with StoppedCommands(Layout(tmp_path), server) as commands:
        for service, package in (("referrals", "referrals"), ("directory", "directory")):
            with pytest.raises(
                StackError, match=f"^nonsense: ruta: choose a command: python -m {package} "
            ):
                commands.run("nonsense", service=service)
        here = set(psutil.Process().children(recursive=True)) - before
        assert len(here) == (sys.platform == "linux"), (
            "one process is prepared, its copies have ended"
        )
    assert set(psutil.Process().children(recursive=True)) == before
