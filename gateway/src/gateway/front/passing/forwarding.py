"""Passes a request on to its service: a measured body, the headers that are allowed, who calls."""

import base64
import binascii
import re
import time
from dataclasses import dataclass

import orjson
from common.errors import BAD_REQUEST, TOO_LARGE, UNAUTHENTICATED

from gateway.front.limiting.sources import Sources
from gateway.front.passing.exchange import Exchange
from gateway.front.passing.relaying import relay
from gateway.front.replicas.upstreams import Upstreams
from gateway.front.routes import Route
from gateway.front.settings import FrontSettings
from gateway.front.trust.internal_tokens import InternalTokens
from gateway.front.wire import compression
from gateway.front.wire.bodies import Body
from gateway.front.wire.heads import Head, Header, named_cookies
from gateway.front.wire.traces import Traces

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})

_SECRET = re.compile(rb"[\x21-\x7e]{1,200}")


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
        )
        try:
            await relay(exchange, answer, route, self.settings.public_url)
        finally:
            answer.release()

    async def _body(self, exchange: Exchange, route: Route) -> Body | None:
        head = exchange.head
        if not head.has_body:
            return None
        if exchange.method in _BODILESS:
            raise BAD_REQUEST.because("request_has_no_body_here", exchange.method)
        known = exchange.caller is not None
        most = route.most_bytes(exchange.method, exchange.path, known=known, typed=exchange.is_form)
        if (head.content_length or 0) > most:
            if route.for_people and not known:
                raise UNAUTHENTICATED.because("your_session_has_ended_sign_in_again")
            raise TOO_LARGE.because("at_most_bytes_are_accepted_here", most, pointer="")
        body = Body(
            exchange.receive,
            limit=most,
            idle_seconds=self.settings.body_idle_seconds,
            total_seconds=self.settings.body_seconds,
        )
        if exchange.is_form and exchange.is_opened:
            body.keep()
        exchange.body = body
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
        if route.takes_forms(exchange.method, exchange.path):
            headers += _form_secret(head)
        if route.cookies and b"cookie" in head.own:
            headers.append((b"cookie", head.own[b"cookie"]))
        if route.for_people:
            headers += _person(exchange)
            headers += named_cookies(head, route.own_cookies)
        return headers


def _form_secret(head: Head) -> list[Header]:
    """The password of HTTP Basic (RFC 7617) is the form's secret; a secret of its own header goes first."""
    scheme, _, credentials = head.own.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic" or any(name == b"x-form-secret" for name, _ in head.passed):
        return []
    try:
        _, _, secret = base64.b64decode(credentials.strip(), validate=True).partition(b":")
    except binascii.Error:
        return []
    # What no header may hold is no secret of ours either.
    return [(b"x-form-secret", secret)] if _SECRET.fullmatch(secret) else []


def _person(exchange: Exchange) -> list[Header]:
    """What pages need that call the API as whoever looks; nothing if nobody is signed in by a cookie.
    Base64: names of people and organisations are in any script, headers are not."""
    person = exchange.signed_in
    if person is None:
        return []
    told = {
        "sign_in_name": person.name,
        "organisation_name": person.organisation_name,
        "language": person.language,
        "idle_until": person.idle_until,
        # Beside the moment: a browser's clock, or the console's, may be another one.
        "idle_in": max(0, int(person.idle_until - time.time())),
    }
    return [
        (b"ruta-person-token", person.token.encode("latin-1")),
        (b"ruta-person", base64.b64encode(orjson.dumps(told))),
    ]
