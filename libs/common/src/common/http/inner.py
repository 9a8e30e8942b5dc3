"""Runs a command of a batch as an inner request to this app, so that its own route checks it. The outer request has
already verified the caller."""

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.types import Message

from common.http.bodies import too_large
from common.http.context import context_of
from common.http.problems import problem_response
from common.middleware import template_of

_OF_THE_CONNECTION = ("type", "asgi", "http_version", "scheme", "server", "client")


async def post(
    request: Request, path: str, body: bytes, key: str, beside: Mapping[str, Any]
) -> tuple[int, bytes]:
    """POST JSON to `path` as the caller of `request`, with the Idempotency-Key `key`. `beside` is added to the scope.
    Return the status and the body of the response."""
    context = context_of(request)
    if len(body) > context.settings.body_limit_bytes:  # resolved references made the body longer
        refused = problem_response(too_large(context.settings.body_limit_bytes))
        return refused.status_code, bytes(refused.body)
    if context.inner is None:
        raise RuntimeError("commands are run while a request is answered")
    outer = request.scope
    scope: dict[str, Any] = {
        **beside,
        **{name: outer[name] for name in _OF_THE_CONNECTION},
        "app": request.app,
        "state": {"principal": request.state.principal},
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"idempotency-key", key.encode()),
        ],
    }
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    started = time.perf_counter()
    await context.inner(scope, receive, send)
    status: int = sent[0]["status"]
    context.metrics.answered("POST", template_of(scope), status, time.perf_counter() - started)
    return status, b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
