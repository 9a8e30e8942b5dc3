"""Secrets that a response shows only once.

Responses to commands with an Idempotency-Key are stored for repeats. A secret in such a response would be stored and
shown to anybody who repeats the command. The stored response therefore contains `null` instead. The documentation of
each such field explains how to get a new secret.
"""

from typing import Annotated, Any

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response


class _Marker:
    """Marks a response field as a secret that is shown once."""


ShownOnce = Annotated[str | None, _Marker()]
"""A top-level field of an answer. Declare it with the default None and a description."""


def names_shown_once(answer: Any) -> frozenset[str]:
    """Return the marked fields of a response model."""
    if not (isinstance(answer, type) and issubclass(answer, BaseModel)):
        return frozenset()
    return frozenset(
        name
        for name, field in answer.model_fields.items()
        if any(isinstance(part, _Marker) for part in field.metadata)
    )


def store_instead(request: Request, response: Response) -> None:
    """Set the response that is stored for repeats, if the real response is not one of our models."""
    request.state.stored_answer = response


def as_stored(request: Request, response: Response, secrets: frozenset[str]) -> Response:
    """Return the response without its secrets."""
    instead: Response | None = getattr(request.state, "stored_answer", None)
    if instead is not None:
        return instead
    if not secrets or response.status_code >= 300:
        return response
    content = orjson.loads(bytes(response.body))
    without = {name: None if name in secrets else value for name, value in content.items()}
    kept = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(orjson.dumps(without), response.status_code, kept)
