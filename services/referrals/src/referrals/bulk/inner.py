"""Calls one of this app's own routes, so that a command of a batch is exactly that command."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import ASGIApp, Message


async def call(
    app: ASGIApp,
    scope: dict[str, Any],
    path: str,
    body: bytes,
    headers: dict[str, str],
    beside: Mapping[str, Any],
) -> tuple[int, Any]:
    """POST `body` to `path` as the caller of `scope`, with what the new scope holds `beside`; returns status
    and decoded JSON."""
    kept = [(k, v) for k, v in scope["headers"] if k in (b"authorization", b"traceparent")]
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    inner = {
        **beside,
        **{
            key: scope[key]
            for key in ("type", "asgi", "http_version", "scheme", "server", "client")
        },
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": kept
        + [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        + [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(inner, receive, send)
    content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return sent[0]["status"], orjson.loads(content) if content else None
