"""Raw HTTP requests of the attack table, and seeded ways to break them further."""

import random
from collections.abc import Callable

HOST = b"Host: ruta.example\r\n"
PATHS = (
    b"/directory/v1/services",
    b"/referrals/v1/cases",
    b"/reports/v1/releases?by=area",
    b"/identity/v1/clients",
    b"/oauth/token",
    b"/.well-known/jwks.json",
    b"/session",
    b"/docs",
    b"/",
    b"/healthz",
    b"/directory/v1/../internal",
    b"/directory/v1/%2e%2e/x",
    b"//evil.example/",
    b"http://evil.example/",
    b"*",
)
METHODS = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT")
HEADERS = (
    b"Authorization: Bearer aaaa.bbbb.cccc\r\n",
    b"Authorization: Basic YTpi\r\n",
    b"Authorization: Bearer %TOKEN%\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Host: other.example\r\n",
    b"X: a\r\n b\r\n",
    b"X_Tenant: forged\r\n",
    b"X-Forwarded-For: 203.0.113.9\r\n",
    b"Connection: close, X-Tenant\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    b"Expect: 100-continue\r\n",
    b"Cookie: ruta-session=AAAA; ruta-sign-in-state=BBBB\r\n",
    b"Content-Type: application/json\r\n",
    b"Content-Type: application/x-www-form-urlencoded\r\n",
    b"Idempotency-Key: a\r\n",
    b"Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
    b"traceparent: 00-00000000000000000000000000000000-0000000000000000-00\r\n",
    b"X-Request-Id: \xff\xfe\r\n",
    b"Range: bytes=0-0,1-1,2-2\r\n",
    b'If-Match: "\x01"\r\n',
)
BODIES = (
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5\nhello\n0\n\n",
    b"FFFFFFFFFFFFFFFF\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"grant_type=client_credentials&client_id=a&client_secret=b",
    b'{"a":' * 50,
    b"GET /directory/v1/smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
)
_TOKENS = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\x00",
    b" ",
    b":",
    b"\t",
    b"%00",
    b"..",
    b"/",
    b"\xff",
    b"HTTP/1.1",
    b"\r\n\r\n",
)


def request(chance: random.Random, token: bytes) -> bytes:
    """Return one request, sometimes valid but mostly malformed. `token` is a real access token."""
    head = b"%s %s HTTP/1.1\r\n" % (chance.choice(METHODS), chance.choice(PATHS))
    chosen = [chance.choice(HEADERS) for _ in range(chance.randrange(5))]
    if chance.random() < 0.9:
        chosen.insert(chance.randrange(len(chosen) + 1), HOST)
    data = head + b"".join(chosen) + b"\r\n" + chance.choice(BODIES)
    data = data.replace(b"%TOKEN%", token)
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        data = chance.choice(_SPOILERS)(chance, data)
    return data


def _flip(chance: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _insert(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(_TOKENS) * chance.choice((1, 1, 2, 40)) + data[at:]


def _remove(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randrange(1, 12) :]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    end = at + chance.randrange(1, 60)
    return data[:end] + data[at:end] * chance.choice((1, 3)) + data[end:]


def _swap_ends(_chance: random.Random, data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _pipeline(_chance: random.Random, data: bytes) -> bytes:
    return data + data


_SPOILERS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip,
    _flip,
    _insert,
    _insert,
    _remove,
    _repeat,
    _swap_ends,
    _cut,
    _pipeline,
)
