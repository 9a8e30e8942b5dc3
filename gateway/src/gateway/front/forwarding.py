"""Passes a request on to its service: a measured body, the headers that are allowed, who calls."""

from dataclasses import dataclass

from common.errors import BAD_REQUEST, TOO_LARGE

from gateway.front import compression
from gateway.front.bodies import Body
from gateway.front.exchange import Exchange
from gateway.front.heads import Header
from gateway.front.internal_tokens import InternalTokens
from gateway.front.relaying import relay
from gateway.front.routes import Route
from gateway.front.settings import FrontSettings
from gateway.front.sources import Sources
from gateway.front.traces import Traces
from gateway.front.upstreams import Upstreams

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Forwarding:
    settings: FrontSettings
    upstreams: Upstreams
    internal: InternalTokens
    sources: Sources
    traces: Traces

    async def pass_on(self, exchange: Exchange, route: Route) -> None:
        body = await self._body(exchange, route)
        answer = await self.upstreams.request(
            route.upstream,
            exchange.method,
            exchange.target,
            self._outgoing(exchange, route, body),
            body,
            keyed=any(name == b"idempotency-key" for name, _ in exchange.head.passed),
        )
        try:
            await relay(exchange, answer, route, write_seconds=self.settings.write_seconds)
        finally:
            answer.release()

    async def _body(self, exchange: Exchange, route: Route) -> Body | None:
        head = exchange.head
        if not head.has_body:
            return None
        if exchange.method in _BODILESS:
            raise BAD_REQUEST.because(f"A {exchange.method} request has no body here.")
        if (head.content_length or 0) > route.upload_bytes:
            raise TOO_LARGE.because(
                f"At most {route.upload_bytes} bytes are accepted here.", pointer=""
            )
        body = Body(
            exchange.receive,
            limit=route.upload_bytes,
            idle_seconds=self.settings.body_idle_seconds,
            total_seconds=self.settings.body_seconds,
        )
        await body.start()
        return body

    def _outgoing(self, exchange: Exchange, route: Route, body: Body | None) -> list[Header]:
        """What the service gets: allowed headers, who calls, which request, which trace."""
        head = exchange.head
        headers = [
            *compression.as_the_service_says_it(head.passed),
            (b"authorization", self.internal.authorization(exchange.caller, route.audience)),
            (b"x-request-id", exchange.name_request()),
            *self.traces.outgoing(head),
        ]
        if body is not None and not body.complete and head.content_length is not None:
            headers.append((b"content-length", head.own[b"content-length"]))
        if exchange.csrf is not None:
            headers.append((b"ruta-csrf", exchange.csrf.encode()))
        if route.client_secrets or route.personal:
            headers.append((b"ruta-source", self.sources.pseudonym(exchange.source)))
            authorization = head.own.get(b"authorization", b"")
            if authorization[:6].lower() == b"basic ":
                headers.append((b"ruta-client-authorization", authorization))
        if route.cookies and b"cookie" in head.own:
            headers.append((b"cookie", head.own[b"cookie"]))
        return headers
