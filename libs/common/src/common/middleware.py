"""ASGI middleware of every service: identifies the caller and records metrics. It is separate from `common.http`, so
that the console, which has no database, does not load the libraries of that package."""

import time
from collections import OrderedDict

import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.auth import InvalidToken, JwksFile, Principal, verify_token
from common.auth.keys import KeySet
from common.clocks import BETWEEN_PROCESSES_SECONDS
from common.ids import new_id
from common.process.logs import get_logger
from common.process.telemetry import Metrics, extract, tracer

_log = get_logger(__name__)
_VERIFIED_KEPT = 1_000
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


def header_of(scope: Scope, name: bytes) -> str:
    """Return the first header with this name (in lower case), or an empty value if it is absent. This is cheaper than
    parsing all headers."""
    for found, value in scope["headers"]:
        if found == name:
            text: str = value.decode("latin-1")
            return text
    return ""


class HeadMiddleware:
    """Handles HEAD as GET without the body (RFC 9110 §9.3.2), so that routes need not handle it. Access checks, logs
    and metrics see a GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, bodiless)


class CallerMiddleware:
    """Stores the principal of the gateway's internal token in `request.state.principal`.

    If the token is missing or invalid, the principal is None and the route's access rule responds with 401. A verified
    token is cached until it expires or the keys change. A client sends the same token for several seconds, and
    verifying a signature costs more than reading a stored document.
    """

    def __init__(self, app: ASGIApp, keys: JwksFile, issuer: str, audience: str) -> None:
        self._app = app
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._verified: OrderedDict[str, tuple[Principal, float, KeySet]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["principal"] = self._principal(
                header_of(scope, b"authorization")
            )
        await self._app(scope, receive, send)

    def _principal(self, authorization: str) -> Principal | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        keys = self._keys.current()
        known = self._verified.get(token)
        if known is not None and known[1] > time.time() and known[2] is keys:
            return known[0]
        try:
            claims = verify_token(
                token,
                keys,
                issuer=self._issuer,
                audience=self._audience,
                typ="ruta-int+jwt",
                leeway=BETWEEN_PROCESSES_SECONDS,
            )
            principal = Principal.from_claims(claims)
        except (InvalidToken, ValueError) as error:
            _log.warning("internal_token_refused", reason=str(error))
            return None
        until = float(claims["exp"]) + BETWEEN_PROCESSES_SECONDS
        self._verified[token] = (principal, until, keys)
        while len(self._verified) > _VERIFIED_KEPT:
            self._verified.popitem(last=False)
        return principal


def template_of(scope: Scope) -> str:
    """Return the whole path template of the request, with parameter names instead of values. Nested routers report only
    their own part of it."""
    own: str = getattr(scope.get("route"), "path", "unmatched")
    if own == "unmatched" or ":path}" in own:
        return own
    asked, said = scope["path"].split("/"), own.split("/")[1:]
    if said and said[0] == asked[1]:
        return own
    names = {str(value): f"{{{name}}}" for name, value in scope.get("path_params", {}).items()}
    before = asked[: len(asked) - len(said)]
    return "/".join([*(names.get(part, part) for part in before), *said])


class ObservationMiddleware:
    """Records one span, one metric and the request id for each request, by the route's template and never by its
    URL."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        request_id = header_of(scope, b"x-request-id") or str(new_id())
        sent_id = (b"x-request-id", request_id.encode("latin-1"))
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], sent_id]
            await send(message)

        carrier = {"traceparent": header_of(scope, b"traceparent")}
        with tracer.start_as_current_span(
            scope["method"],
            context=extract(carrier),
            kind=SpanKind.SERVER,
            # The error text may quote personal data.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, observed)
            finally:
                template = template_of(scope)
                span.update_name(f"{scope['method']} {template}")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.route", template)
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
                elapsed = time.perf_counter() - started
                self._metrics.answered(scope["method"], template, status, elapsed)
                structlog.contextvars.unbind_contextvars("request_id")
