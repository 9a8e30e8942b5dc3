"""Fixtures for attacks: a gateway of real processes, and raw sockets."""

import socket
from collections.abc import Iterator

import pytest
from stack.embedded.postgres import PostgresServer

from tests.gateway.whole_gateway import Gateway, running_gateway


@pytest.fixture(scope="package")
def gateway(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("attacked")
    with running_gateway(
        postgres,
        folder,
        database="issuer_under_attack",
        head_seconds="1.5",
        idle_seconds="6",
        body_idle_seconds="2",
        write_seconds="3",
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def no_service_was_fooled(gateway: Gateway) -> Iterator[None]:
    """Check after every attack that no service received a request without a valid internal token, and that the front is
    still running."""
    yield
    for service in gateway.witnesses:
        assert gateway.counts(service)["unauthenticated"] == 0
    front = gateway.processes["front"].running
    assert front is not None
    assert front.poll() is None


def send(gateway: Gateway, data: bytes, *, seconds: float = 5, half_close: bool = False) -> bytes:
    """Write bytes to the front, then read until it closes the connection or stops sending."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=seconds) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_all(connection, seconds)


def read_all(connection: socket.socket, seconds: float) -> bytes:
    connection.settimeout(seconds)
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return received


def status_of(answer: bytes) -> int:
    """Return the status of the first response in these bytes, or 0 if there is none."""
    parts = answer.split(b" ", 2)
    return int(parts[1]) if answer.startswith(b"HTTP/1.1 ") and len(parts) == 3 else 0
