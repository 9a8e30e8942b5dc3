"""Forwards a request to its service and returns the response: limited bodies, listed headers, the caller's identity."""

import asyncio
import base64
import binascii
import re
import time
from dataclasses import dataclass

import aiohttp
import orjson
from common.errors import BAD_REQUEST, INTERNAL, TOO_LARGE, UNAUTHENTICATED
from common.process.logs import get_logger

from gateway.front.callers.internal_tokens import InternalTokens
from gateway.front.edge import compression
from gateway.front.edge.bodies import Body, ClientLeft
from gateway.front.edge.heads import Head, Header, named_cookies, returned
from gateway.front.edge.limits import Sources
from gateway.front.exchange import BODILESS_STATUSES, PROBLEM, Exchange, Receive
from gateway.front.routes import Route
from gateway.front.settings import FrontSettings
from gateway.front.telemetry import Traces
from gateway.front.upstreams import Upstreams

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_log = get_logger(__name__)
_SHORT_ANSWER_BYTES = 64 * 1024
_LONG_ANSWER_BYTES = 1024 * 1024

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
        headers = self._outgoing(exchange, route, body)
        async with self.upstreams.answer(
            route.upstream, exchange.method, exchange.target, headers, body
        ) as answer:
            await relay(exchange, answer, route, self.settings.public_url)

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
        """Return the headers for the service: the allowed ones, those for the caller, the request id and the trace."""
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
    """Return the form's secret from the HTTP Basic password (RFC 7617). An X-Form-Secret header takes precedence."""
    scheme, _, credentials = head.own.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic" or any(name == b"x-form-secret" for name, _ in head.passed):
        return []
    try:
        _, _, secret = base64.b64decode(credentials.strip(), validate=True).partition(b":")
    except binascii.Error:
        return []
    # Ruta's own secrets contain no other characters.
    return [(b"x-form-secret", secret)] if _SECRET.fullmatch(secret) else []


def _person(exchange: Exchange) -> list[Header]:
    """Return the headers with which the console calls the API for the person, or no headers without a session. They are
    base64, because names may be in any script and headers may not."""
    person = exchange.signed_in
    if person is None:
        return []
    told = {
        "sign_in_name": person.name,
        "organisation_name": person.organisation_name,
        "language": person.language,
        "idle_until": person.idle_until,
        # Also send a duration, because the clock of the browser or the console may differ.
        "idle_in": max(0, int(person.idle_until - time.time())),
    }
    return [
        (b"ruta-person-token", person.token.encode("latin-1")),
        (b"ruta-person", base64.b64encode(orjson.dumps(told))),
    ]


async def relay(
    exchange: Exchange, answer: aiohttp.ClientResponse, route: Route, public_url: str
) -> None:
    """Forward the response: a short one at once, and a long one in chunks as fast as the client reads."""
    received = [(name.lower(), value) for name, value in answer.raw_headers]
    headers = returned(received, cookies=route.cookies, own_cookies=route.own_cookies)
    if not route.lets_in(exchange.method, exchange.path):
        headers = _locations_checked(headers, answer.status, public_url.rstrip("/").encode())
    length = _body_bytes(exchange.method, answer)
    told = answer.content_type.encode() == PROBLEM
    whole: bytes | None = None
    if told and (exchange.is_opened or exchange.reads_outcomes):
        headers, whole = await _problem_rewritten(exchange, answer, headers)
        length = len(whole)
    elif length is not None and length <= _SHORT_ANSWER_BYTES:
        whole = await answer.read()
    compresses = False
    if compression.is_text(headers) and not route.holds_secrets(exchange.method, exchange.path):
        headers = compression.with_vary(headers)
        compresses = (
            exchange.takes_gzip
            and exchange.method != "HEAD"
            and (length is None or length >= compression.LEAST_BYTES)
        )
    if answer.status == 304 and compression.asked_of_compressed(exchange.head.passed):
        headers = [(n, compression.marked(v) if n == b"etag" else v) for n, v in headers]
    if compresses:
        headers = compression.as_compressed(headers)
        if whole is not None:
            whole = await compression.compressed(whole)
            headers.append((b"content-length", str(len(whole)).encode()))
    await exchange.begin(answer.status, headers, whole)
    if whole is None:
        await _stream(exchange, answer, compression.Stream() if compresses else None)


def _locations_checked(headers: list[Header], status: int, public_url: bytes) -> list[Header]:
    """Remove a Location header that leads to another site, and raise 500 for such a redirect. A client that followed it
    would repeat its body and its secrets there."""
    kept = [
        (name, value)
        for name, value in headers
        if name != b"location" or re.match(b"/(?![/\\\\])|" + re.escape(public_url) + b"/", value)
    ]
    if len(kept) == len(headers):
        return headers
    _log.error("location_not_ours", status=status)
    if 300 <= status < 400:
        raise INTERNAL.because("error_was_logged")
    return kept


def _body_bytes(method: str, answer: aiohttp.ClientResponse) -> int | None:
    """Return the length of the body, or None if the service did not declare it."""
    if method == "HEAD" or answer.status in BODILESS_STATUSES:
        return 0
    return answer.content_length


async def _problem_rewritten(
    exchange: Exchange, answer: aiohttp.ClientResponse, headers: list[Header]
) -> tuple[list[Header], bytes]:
    """Rewrite a problem for a person or a FHIR client, with a different body but the same status and headers."""
    whole = await answer.read()
    without_body = exchange.method == "HEAD"
    problem = dict.fromkeys(("title", "code", "detail"), "") | {"status": answer.status}
    described, page = await exchange.as_problem(problem if without_body else orjson.loads(whole))
    dropped = {b"content-length", b"etag", *(name for name, _ in described)}
    kept = [header for header in headers if header[0] not in dropped]
    if without_body:
        return [*kept, *described], b""
    return [*kept, *described, (b"content-length", str(len(page)).encode())], page


async def _stream(
    exchange: Exchange, answer: aiohttp.ClientResponse, stream: compression.Stream | None
) -> None:
    expected, received = answer.content_length, 0
    listener: asyncio.Task[None] | None = None
    try:
        async for chunk in answer.content.iter_any():
            received += len(chunk)
            sent = chunk if stream is None else stream.go_on(chunk)
            if expected is not None and received >= expected:
                await exchange.go_on(sent if stream is None else sent + stream.end(), more=False)
                return
            if received > _LONG_ANSWER_BYTES and listener is None:
                listener = asyncio.create_task(_gone(exchange.receive))
            if listener is not None and listener.done():
                raise ClientLeft
            await exchange.go_on(sent, more=True)
        await exchange.go_on(b"" if stream is None else stream.end(), more=False)
    finally:
        if listener is not None:
            listener.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client disconnects, so that the rest of a long response is not read."""
    while (await receive())["type"] != "http.disconnect":
        pass
