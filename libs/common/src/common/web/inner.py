"""Runs one of this app's own commands for a request that is being answered: a command of a batch is
exactly that command, judged by its route as if it had come alone.

What was done for the request is not done again for each of them: who calls was verified, no object of
its body names a member twice, and the keys of the data are there.
"""

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from common.middleware import template_of
from common.web.bodies import too_large
from common.web.context import RunsCommands, context_of
from common.web.problems import problem_response

_OF_THE_CONNECTION = ("type", "asgi", "http_version", "scheme", "server", "client")


async def post(
    request: Request, path: str, body: bytes, key: str, beside: Mapping[str, Any]
) -> tuple[int, bytes]:
    """POST JSON to `path` as the caller of `request`, under the Idempotency-Key `key`, with what the scope
    holds `beside`; status and body of the answer."""
    context = context_of(request)
    if len(body) > context.settings.body_limit_bytes:  # its references made it longer
        refused = problem_response(too_large(context.settings.body_limit_bytes))
        return refused.status_code, bytes(refused.body)
    commands = context.commands
    if commands is None:
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
    started = time.perf_counter()
    answered = await commands.answer(scope, body)
    if answered is None:
        answered = await _routed(commands, scope, body)
    response, template = answered
    context.metrics.answered("POST", template, response.status_code, time.perf_counter() - started)
    return response.status_code, bytes(response.body)


async def _routed(
    commands: RunsCommands, scope: dict[str, Any], body: bytes
) -> tuple[Response, str]:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await commands(scope, receive, send)
    written = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return Response(written, sent[0]["status"]), template_of(scope)
