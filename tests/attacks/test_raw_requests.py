"""The front refuses HTTP that two parsers could read differently, and closes the connection. The tests use raw
sockets."""

import socket

import pytest

from tests.attacks.conftest import read_all, send, status_of
from tests.gateway.whole_gateway import Gateway
from tests.support.patience import PATIENCE

HOST = b"Host: ruta.example\r\n"


def refused(answer: bytes, *statuses: int) -> None:
    """Check that the response is exactly one problem detail with one of these statuses."""
    assert status_of(answer) in statuses, answer[:300]
    assert answer.count(b"HTTP/1.1 ") == 1, answer[:600]
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "target",
    [
        b"http://evil.example/directory/v1/services",
        b"http://169.254.169.254/latest/meta-data",
        b"//evil.example/directory/v1/services",
        b"evil.example:443",
        b"directory/v1/services",
        b"*",
        b"/directory/v1/services#fragment",
    ],
)
def test_a_target_that_is_no_path(gateway: Gateway, target: bytes) -> None:
    before = gateway.counts()["seen"]
    refused(send(gateway, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n"), 400)
    assert gateway.counts()["seen"] == before


@pytest.mark.parametrize(
    "path",
    [
        b"/directory/v1/../internal",
        b"/directory/v1/./services",
        b"/directory/v1/%2e%2e/internal",
        b"/directory/v1/%2E./x",
        b"/directory/v1/a%2Fb",
        b"/directory/v1/a%2fb",
        b"/directory/v1/a%5cb",
        b"/directory/v1/a\\b",
        b"/directory/v1//services",
        b"/directory//v1/services",
        b"/directory/v1/services%00",
        b"/directory/v1/services%0d%0aX: y",
        b"/directory/v1/services%252e%252e",
        b"/directory/v1/services;jsessionid=1",
        b"/directory/v1/services%3bx",
        b"/directory/v1/%zz",
        b"/directory/v1/%c0%ae%c0%ae",
        b"/directory/v1/%ff",
        b"/directory/v1/<script>",
        b"/directory/v1/..",
        b"/..",
        b"/directory/v1/\xc3\xb1",
        b"/" + b"a" * 3000,
    ],
)
def test_a_path_with_two_readings(gateway: Gateway, path: bytes) -> None:
    before = gateway.counts()["seen"]
    refused(send(gateway, b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"), 400, 431)
    assert gateway.counts()["seen"] == before


@pytest.mark.parametrize(
    "head",
    [
        HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n",
        HOST + b"Content-Length: 5, 5\r\n",
        HOST + b"Content-Length: +5\r\n",
        HOST + b"Content-Length: 0x5\r\n",
        HOST + b"Content-Length: -1\r\n",
        HOST + b"Content-Length: 99999999999999999999999\r\n",
        HOST + b"Transfer-Encoding: identity\r\n",
        HOST + b"Transfer-Encoding: gzip, chunked\r\n",
        HOST + b"Transfer-Encoding: chunked, identity\r\n",
        HOST + b"Transfer-Encoding:\x0bchunked\r\n",
        HOST + b"Transfer-Encoding : chunked\r\n",
        HOST + b"X: a\r\n b\r\n",
        HOST + b"X: a\x00b\r\n",
        HOST + b"X\x00: a\r\n",
        HOST + b": a\r\n",
        HOST + b"X a\r\n",
        HOST.replace(b"\r", b"") + b"X: a\n",
        b"",
        HOST + HOST,
        HOST + b"Host: other.example\r\n",
        b"Host: a b\r\n",
        b"Host: a/../b\r\n",
        b"Host: user@evil.example\r\n",
        b"Host:\r\n",
        HOST + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
        HOST + b"Content-Type: a/b\r\nContent-Type: c/d\r\n",
        HOST + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n",
    ],
)
def test_a_head_with_two_readings(gateway: Gateway, head: bytes) -> None:
    before = gateway.counts()["seen"]
    request = b"POST /directory/v1/services HTTP/1.1\r\n" + head + b"\r\n"
    smuggled = b"0\r\n\r\nGET /directory/v1/smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    refused(send(gateway, request + smuggled), 400)
    assert gateway.counts()["seen"] == before


@pytest.mark.parametrize(
    "body",
    [
        b"5\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\nhello",
        b"zz\r\n",
    ],
)
def test_chunks_that_are_malformed(gateway: Gateway, body: bytes) -> None:
    head = (
        b"POST /directory/v1/services HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    )
    answer = send(gateway, head + body + b"GET /directory/v1/smuggled HTTP/1.1\r\n\r\n")
    assert status_of(answer) in {0, 400}
    assert answer.count(b"HTTP/1.1 2") == 0
    assert b"smuggled" not in answer


@pytest.mark.parametrize(
    "line",
    [
        b"GET /directory/v1/services\r\n",
        b"GET /directory/v1/services HTTP/9.9\r\n",
        b"GET /directory/v1/services HTTP/1.1 x\r\n",
        b"get /directory/v1/services HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /directory/v1/serv ices HTTP/1.1\r\n",
    ],
)
def test_a_request_line_that_is_none(gateway: Gateway, line: bytes) -> None:
    for half_close in (True, False):
        answer = send(gateway, line + HOST + b"\r\n", seconds=1, half_close=half_close)
        assert status_of(answer) in {0, 400}


def test_two_spaces_in_a_request_line_are_read_as_one(gateway: Gateway) -> None:
    # RFC 9112 §3 allows a recipient to split at any run of spaces; the service sees one plain path.
    line = b"GET  /directory/v1/services HTTP/1.1\r\n"
    answer = send(gateway, line + HOST + b"Connection: close\r\n\r\n")
    assert status_of(answer) == 200
    assert b'"path": "/directory/v1/services"' in answer


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"PROPFIND", b"LOCK", b"PURGE"])
def test_a_method_that_is_not_offered(gateway: Gateway, method: bytes) -> None:
    target = b"evil.example:443" if method == b"CONNECT" else b"/directory/v1/services"
    refused(send(gateway, method + b" " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n"), 400, 405)


def test_a_head_of_300_kilobytes(gateway: Gateway) -> None:
    for header in (b"X: " + b"a" * 300_000, b"\r\n".join(b"X%d: y" % i for i in range(30_000))):
        answer = send(gateway, b"GET / HTTP/1.1\r\n" + HOST + header + b"\r\n\r\n")
        assert status_of(answer) in {431, 0}, answer[:200]
    refused(send(gateway, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 30_000 + b"\r\n\r\n"), 431)
    many = b"".join(b"X%d: y\r\n" % i for i in range(100))
    refused(send(gateway, b"GET / HTTP/1.1\r\n" + HOST + many + b"\r\n"), 431)


def test_an_upgrade_is_ignored_and_hides_no_second_request(gateway: Gateway) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    hidden = b"GET /directory/v1/hidden HTTP/1.1\r\n" + HOST + b"\r\n"
    before = gateway.counts()["seen"]
    get = b"GET /directory/v1/services HTTP/1.1\r\n" + HOST + upgrade + b"\r\n"
    answer = send(gateway, get + hidden, seconds=2)
    assert status_of(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer
    assert gateway.counts()["seen"] == before + 1
    post = b"POST /directory/v1/services HTTP/1.1\r\n" + HOST + upgrade
    refused(send(gateway, post + b"Content-Length: 60\r\n\r\n" + hidden), 400)
    assert gateway.counts()["seen"] == before + 1


def test_a_get_with_a_body_is_refused(gateway: Gateway) -> None:
    request = b"GET /directory/v1/services HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"
    refused(send(gateway, request), 400)


@pytest.mark.parametrize("in_one_piece", [True, False])
def test_what_stands_behind_the_body_is_no_header(gateway: Gateway, in_one_piece: bool) -> None:
    """The front ignores trailers. A proxy that checks only headers would let a trailer with a token, a key or a source
    address pass."""
    head = b"POST /directory/v1/services HTTP/1.1\r\n" + HOST
    head += b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n"
    trailers = (
        b"0\r\nAuthorization: Bearer x\r\nIdempotency-Key: k\r\nX-Request-Id: behind-the-body\r\n"
        b"X-Forwarded-For: 198.51.100.1\r\nHost: b\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE) as connection:
        connection.sendall(head + (trailers if in_one_piece else b""))
        if not in_one_piece:
            connection.sendall(trailers)
        answer = read_all(connection, PATIENCE)
    assert status_of(answer) == 200, answer
    assert b"behind-the-body" not in answer
    assert b"idempotency-key" not in answer
