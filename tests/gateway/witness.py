"""A stand-in service that returns the requests it received, to show what the front lets through.

It runs as its own uvicorn process, verifies the internal token as services do, and counts requests without a valid one.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from common.auth import InvalidToken, JwksFile, verify_token

Message = MutableMapping[str, Any]
_KEYS = JwksFile(Path(os.environ["RUTA_INTERNAL_JWKS_FILE"]))
_AUDIENCE = os.environ["WITNESS_AUDIENCE"]
_COUNTS = {"seen": 0, "unauthenticated": 0}
_TRIES: dict[str, int] = {}
_TOLD: dict[str, Any] = {}
_PEOPLE: dict[str, Any] = {}
_CHUNK = b"x" * 65536


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/counts":
        await _json(send, 200, _COUNTS)
    elif path == "/told":
        await _json(send, 200, _TOLD)
    elif path == "/internal/ended-rights":
        await _heard(scope, receive, send, _TOLD)
    elif path == "/internal/people":
        await _heard(scope, receive, send, _PEOPLE)
    elif path in {"/healthz", "/readyz"}:
        await _json(send, 200, {"status": "ok"})
    elif path == "/openapi.json":
        await _json(send, 200, {"openapi": "3.1.0", "info": {}, "paths": {}})
    else:
        await _asked(scope, receive, send)


async def _heard(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
    told: dict[str, Any],
) -> None:
    """Return the list of ended rights that the front sent; this call does not count as a request."""
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    claims = _claims(headers.get("authorization", "")) or {}
    if "internal" not in claims.get("scope", ""):
        await _json(send, 403, {})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    told.clear()
    told.update(json.loads(body))
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _asked(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    _COUNTS["seen"] += 1
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
    claims = _claims(dict(headers).get("authorization", ""))
    if claims is None:
        _COUNTS["unauthenticated"] += 1
    last = scope["path"].rsplit("/", 1)[-1]
    if last.startswith("stream-"):
        await _stream(send, int(last.removeprefix("stream-")))
    elif last.startswith("lines-"):
        await _stream(
            send, int(last.removeprefix("lines-")), (b"content-type", b"application/x-ndjson")
        )
    elif last.startswith("slow-"):
        await asyncio.sleep(float(last.removeprefix("slow-")))
        await _json(send, 200, {"slow": True})
    elif last == "problem" or dict(headers).get("x-form-secret") == "wrong":
        problem = {"title": "Not here", "status": 404, "code": "not_found", "detail": "No such id."}
        await _json(send, 404, problem, b"application/problem+json")
    elif dict(headers).get("x-form-secret") == "for another form":
        await _json(send, 422, {})
    elif last.startswith("leads-"):
        where = bytes.fromhex(last.removeprefix("leads-"))
        await send(
            {"type": "http.response.start", "status": 307, "headers": [(b"location", where)]}
        )
        await send({"type": "http.response.body", "body": b""})
    elif last == "early":
        await _json(send, 413, {"early": True})
    else:
        await _json(send, 200, await _seen(scope, receive, headers, claims))


async def _seen(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    headers: list[tuple[str, str]],
    claims: dict[str, Any] | None,
) -> dict[str, Any]:
    digest, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        digest.update(message.get("body", b""))
        size += len(message.get("body", b""))
        more = message.get("more_body", False) and message["type"] != "http.disconnect"
    return {
        "method": scope["method"],
        "path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": headers,
        "claims": claims,
        "size": size,
        "sha256": digest.hexdigest(),
    }


async def _stream(
    send: Callable[[Message], Awaitable[None]], mebibytes: int, *kind: tuple[bytes, bytes]
) -> None:
    head = [*_talkative(), *kind]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    for _ in range(mebibytes * 16):
        await send({"type": "http.response.body", "body": _CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _json(
    send: Callable[[Message], Awaitable[None]],
    status: int,
    body: Any,
    kind: bytes = b"application/json",
) -> None:
    content = json.dumps(body).encode()
    headers = [*_talkative(), (b"content-length", str(len(content)).encode())]
    headers.append((b"content-type", kind))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _talkative() -> list[tuple[bytes, bytes]]:
    """Return headers that a client must not see, and one header that it should see."""
    return [
        (b"x-internal-host", b"directory-7f9c"),
        (b"x-powered-by", b"witness"),
        (b"set-cookie", b"internal=1"),
        (b"etag", b'"7"'),
    ]


def _claims(authorization: str) -> dict[str, Any] | None:
    try:
        return verify_token(
            authorization.removeprefix("Bearer "),
            _KEYS.current(),
            issuer="ruta-gateway",
            audience=_AUDIENCE,
            typ="ruta-int+jwt",
        )
    except InvalidToken:
        return None
