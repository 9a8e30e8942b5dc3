"""Tokens, `Idempotency-Key`s and retries for partners' programs. The package `ruta-client` contains this file
unchanged. It needs only httpx."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx

_TRIES = 4
_READ_ONLY = frozenset({"GET", "HEAD", "OPTIONS"})
_Steps = Generator[httpx.Request | float, httpx.Response | None, None]


class RutaProblem(Exception):  # named after the event, like the API's errors
    """An error response (RFC 9457). Branch on `code`."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.body = _object(answer)
        self.code = str(self.body.get("code") or self.body.get("error") or "")
        self.pointer = self.body.get("pointer")
        super().__init__(f"{self.status} {self.code}: {self.body.get('detail')}")


class Session(httpx.Auth):
    """Adds a valid token to each request and safely repeats failed requests with the same key."""

    def __init__(self, token_url: str, client_id: str, client_secret: str) -> None:
        self._token_url = token_url
        self._credentials = (client_id, client_secret)
        self._token, self._until = "", 0.0

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        steps = self._steps(request)
        step = next(steps, None)
        while step is not None:
            answer = None
            if isinstance(step, httpx.Request):
                answer = yield step
                answer.read()
            else:
                time.sleep(step)
            step = _next(steps, answer)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        steps = self._steps(request)
        step = next(steps, None)
        while step is not None:
            answer = None
            if isinstance(step, httpx.Request):
                answer = yield step
                await answer.aread()
            else:
                await asyncio.sleep(step)
            step = _next(steps, answer)

    def _steps(self, request: httpx.Request) -> _Steps:
        """Yield requests to send, and seconds to wait. Raise `RutaProblem` if the API also refuses the last attempt."""
        if request.method not in _READ_ONLY:
            request.headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        for left in reversed(range(_TRIES)):
            yield from self._sign(request)
            answer = yield request
            assert answer is not None  # noqa: S101  # a request is answered, or httpx raises
            if answer.status_code == 401 and self._token and left:
                self._token = ""
            elif answer.status_code in {429, 503} and left:
                yield float(answer.headers.get("Retry-After", "1"))
            elif answer.is_error:
                raise RutaProblem(answer)
            else:
                return

    def _sign(self, request: httpx.Request) -> _Steps:
        if not self._credentials[0]:
            request.headers.pop("Authorization", None)
            return
        if not self._token or time.monotonic() > self._until:
            asked = httpx.Request(
                "POST", self._token_url, data={"grant_type": "client_credentials"}
            )
            answer = yield next(httpx.BasicAuth(*self._credentials).auth_flow(asked))
            assert answer is not None  # noqa: S101  # as above
            if answer.is_error:
                raise RutaProblem(answer)
            grant = answer.json()
            self._token = str(grant["access_token"])
            self._until = time.monotonic() + float(grant.get("expires_in", 60)) - 30
        request.headers["Authorization"] = f"Bearer {self._token}"


def _next(steps: _Steps, answer: httpx.Response | None) -> httpx.Request | float | None:
    try:
        return steps.send(answer)
    except StopIteration:
        return None


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}
