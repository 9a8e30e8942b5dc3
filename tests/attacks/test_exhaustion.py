"""Attempts to exhaust the front with slow, endless, numerous or large requests."""

import json
import re
import resource
import socket
import time
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.attacks.conftest import send, status_of
from tests.gateway.whole_gateway import Gateway, another_front
from tests.support.patience import PATIENCE

TRICKLES = 100
"""Bytes of a head, one each 0.3 s: twenty times as long as the attacked front waits for it (conftest.py)."""


def connect(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE)


def resident(gateway: Gateway) -> int:
    """Return the front's resident memory in bytes."""
    pid = gateway.processes["front"].pid
    with open(f"/proc/{pid}/statm") as statm:  # noqa: PTH123 - a pseudo file
        return int(statm.read().split()[1]) * 4096


def test_a_head_that_trickles_in_is_cut_off(gateway: Gateway) -> None:
    with connect(gateway) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        answer = b""
        connection.settimeout(0.3)
        for _ in range(TRICKLES):
            try:
                connection.sendall(b"a")
                chunk = connection.recv(65536)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
            if not chunk:
                break
            answer += chunk
    assert status_of(answer) == 408


@pytest.mark.slow
def test_a_connection_that_says_nothing_is_closed(gateway: Gateway) -> None:
    with connect(gateway) as connection:
        assert connection.recv(1) == b"", "closed by the front"


def test_a_body_that_stops_is_cut_off(gateway: Gateway) -> None:
    request = (
        b"POST /directory/v1/services HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc"
    )
    assert status_of(send(gateway, request, seconds=PATIENCE)) == 408


def test_requests_without_reading_the_answers_are_bounded(gateway: Gateway) -> None:
    one = b"GET /directory/v1/services HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = send(gateway, one * 2000, seconds=5)
    # The front responds to the queued requests or closes the connection. It never queues 2,000 of them.
    assert answer.count(b"HTTP/1.1 200") <= 20


def test_a_zip_bomb_stays_a_zip_bomb(gateway: Gateway) -> None:
    """The front never decompresses a body, so a small body stays small."""
    import gzip

    bomb = gzip.compress(b"0" * 50_000_000)
    answer = httpx.post(
        f"{gateway.url}/directory/v1/imports",
        content=bomb,
        headers={"Content-Encoding": "gzip", **gateway.bearer()},
    )
    assert answer.json()["size"] == len(bomb)


def test_a_hundred_megabytes_stream_in_constant_memory(gateway: Gateway) -> None:
    httpx.get(f"{gateway.url}/reports/v1/stream-1")
    before = resident(gateway)
    highest = before
    received = 0
    with httpx.stream("GET", f"{gateway.url}/reports/v1/stream-100", timeout=60) as answer:
        for number, chunk in enumerate(answer.iter_raw()):
            received += len(chunk)
            if number % 200 == 0:
                highest = max(highest, resident(gateway))
    assert received == 100 * 1024 * 1024
    assert highest - before < 16 * 1024 * 1024


def test_a_client_that_does_not_read_stops_the_service_and_not_the_memory(
    gateway: Gateway,
) -> None:
    before = resident(gateway)
    with connect(gateway) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /reports/v1/stream-200 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(2)
        assert resident(gateway) - before < 16 * 1024 * 1024


def test_answers_that_nobody_takes_are_neither_in_memory_for_each_of_them_nor_kept_for_ever(
    gateway: Gateway,
) -> None:
    """The front's own complete responses to one machine that sends no token are limited in memory and time."""
    page = httpx.get(f"{gateway.url}/docs/reference").text
    script = re.findall(r'src="(/docs/[0-9a-f]+/redoc[^"]*)"', page)[0]
    asked = f"GET {script} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    one = len(httpx.get(f"{gateway.url}{script}").content)
    before = resident(gateway)
    with ExitStack() as all_of_them:
        connections = [all_of_them.enter_context(socket.socket()) for _ in range(60)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", gateway.port))
            connection.sendall(asked * 8)  # Send more than the kernel can buffer.
        assert httpx.get(f"{gateway.url}/healthz", timeout=PATIENCE).status_code == 200
        assert resident(gateway) - before < 60 * one / 3
        for _ in range(4):  # Wait longer than any timeout for a client that reads nothing.
            with connect(gateway) as silent:
                assert silent.recv(1) == b"", "closed by the front"
        front = psutil.Process(gateway.processes["front"].pid)
        held = {each.raddr.port for each in front.net_connections() if each.raddr}
        assert not held & {connection.getsockname()[1] for connection in connections}


def answers(gateway: Gateway) -> bool:
    try:
        return httpx.get(f"{gateway.url}/healthz", timeout=20).status_code == 200
    except httpx.TransportError:
        return False


def test_connections_that_say_nothing_do_not_shut_the_door(gateway: Gateway) -> None:
    """Silent connections do not block other clients, even with few file descriptors, as under systemd and
    containerd."""
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most >= 1024, "this machine gives no process more"
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
    try:
        with another_front(gateway) as front:
            resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
            with ExitStack() as silent:
                for _ in range(400):
                    silent.enter_context(connect(front))
                assert answers(front), "the door is shut"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))


def test_an_answer_that_nobody_reads_any_more_is_not_read_from_the_service(
    gateway: Gateway,
) -> None:
    request_id = b"left-" + str(time.monotonic_ns()).encode()
    with connect(gateway) as connection:
        connection.sendall(
            b"GET /reports/v1/stream-2000 HTTP/1.1\r\nHost: a\r\nX-Request-Id: "
            + request_id
            + b"\r\n\r\n"
        )
        received = 0
        while received < 8 * 1024 * 1024:
            received += len(connection.recv(65536))
    deadline = time.monotonic() + PATIENCE
    while True:
        lines = [
            line for line in gateway.log_of("front").splitlines() if request_id.decode() in line
        ]
        if lines:
            break
        assert time.monotonic() < deadline, "the front must notice that the client has left"
        time.sleep(0.2)
    assert json.loads(lines[0])["answer_bytes"] < 1000 * 1024 * 1024
