"""The front as a plain ASGI application, which checks, authenticates, limits, forwards and logs requests."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial

import aiohttp
from common import clock
from common.crypto import key_from_base64
from common.errors import (
    BAD_REQUEST,
    FORBIDDEN,
    METHOD_NOT_ALLOWED,
    UNAVAILABLE,
    Problem,
)
from common.key_ages import tell_key_ages
from common.process.certificates import tell_certificates
from common.process.logs import get_logger

from gateway.front.browsers.authentication import Authentication
from gateway.front.browsers.provider import Provider, Renewal
from gateway.front.browsers.session_pages import PREFIX, SessionPages
from gateway.front.browsers.sessions import Cookies
from gateway.front.callers.internal_tokens import InternalTokens
from gateway.front.callers.keys import KeySource
from gateway.front.callers.readers import Readers
from gateway.front.callers.revocations import (
    EndedRights,
    Revocations,
    RevocationSource,
    RightsOfNow,
)
from gateway.front.callers.tokens import Caller, Callers, Trust
from gateway.front.description.endpoints import SMART_PATH, Endpoints, outside, own
from gateway.front.edge.bodies import ClientLeft
from gateway.front.edge.headers import Cors, SecurityHeaders
from gateway.front.edge.heads import BadHead, LargeHead, read_head, refusal_of
from gateway.front.edge.limits import Open, Rates, Shedding, Sources, guarded_bytes
from gateway.front.errors import HEAD_TOO_LARGE
from gateway.front.exchange import Exchange, Receive, Scope, Send
from gateway.front.proxy import Forwarding
from gateway.front.public_pages import PublicPages
from gateway.front.routes import TOLD, Route, RouteTable, Upstream
from gateway.front.settings import FrontSettings
from gateway.front.site import Description, Site
from gateway.front.telemetry import FrontMetrics, Traces, capability, log_request
from gateway.front.upstreams import Upstreams

_log = get_logger(__name__)
_VERSIONS = frozenset({"1.0", "1.1"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LINE = "/referrals/v1/line"
# Probes are not counted. They always succeed quickly, so many probes would hide the failures of real requests from
# the service-level objectives.
_OF_MACHINES = frozenset({"/healthz", "/readyz", "/metrics"})


class Front:
    """The ASGI application of one front process. `table` is a parameter, so that tests can add routes."""

    def __init__(self, settings: FrontSettings, table: RouteTable | None = None) -> None:
        self.table = table or RouteTable()
        self._settings = settings
        own_issuer = next(iter(settings.upstream_urls(Upstream.ISSUER)), None)
        # an outside provider publishes no such list
        self._revocations = Revocations(known=own_issuer is None)
        self._callers = Callers(
            Trust(
                settings.token_issuer_url,
                settings.token_audience,
                tuple(settings.token_types),
                settings.token_claims,
                outside=own_issuer is None,
                longest_seconds=settings.token_longest_seconds,
            ),
            self._revocations,
        )
        self._internal = InternalTokens(
            settings.internal_signing_key_file, settings.internal_issuer
        )
        self._keys = KeySource(
            issuer=settings.token_issuer_url,
            jwks_url=f"{own_issuer}/.well-known/jwks.json" if own_issuer else None,
            refresh_seconds=settings.keys_refresh_seconds,
            throttle_seconds=settings.keys_throttle_seconds,
            stale_seconds=settings.keys_stale_seconds,
            changed=self._callers.forget_all,
            authorization=self._internal.of_the_front if own_issuer else None,
        )
        self._upstreams = Upstreams(settings)
        self._ended_rights = EndedRights(self._internal.of_the_front)
        self._revocation_source = RevocationSource(
            own_issuer,
            self._internal.of_the_front,
            self._revocations,
            settings.revocations_seconds,
            self._ended_rights.heard,
        )
        self._rights_of_now = RightsOfNow(
            own_issuer, self._internal.of_the_front, lambda: self._ended_rights.last_change
        )
        self._rates = Rates(
            {
                "client": settings.rate_per_client,
                "anonymous": settings.rate_anonymous,
                "sign-in": settings.rate_sign_in,
                "line": settings.rate_line,
                "form": settings.rate_form,
            }
        )
        cookies = _cookies(settings)
        provider = Provider(settings, self._upstreams, self._keys, self._internal.of_the_front)
        renewal = Renewal(provider, self._believed) if cookies else None
        self._sources = Sources(settings.trusted_proxies)
        issuer = partial(self._upstreams.url, Upstream.ISSUER)
        self._authentication = Authentication(
            callers=self._callers,
            keys=self._keys,
            revocations=self._revocations,
            upstreams=self._upstreams,
            rates=self._rates,
            cookies=cookies,
            renewal=renewal,
            readers=Readers(issuer, self._internal.of_the_front),
            sources=self._sources,
        )
        self._open = Open(settings.concurrency_per_client)
        self._shedding = Shedding(
            open_limit=settings.concurrency,
            memory_limit_bytes=guarded_bytes(settings.memory_limit_bytes),
        )
        self._security = SecurityHeaders(https=settings.public_url.startswith("https://"))
        self._public_pages = PublicPages(
            exit_url=settings.exit_url,
            emergency=settings.emergency_number,
            sign_in=cookies is not None,
        )
        self._cors = Cors(settings.cors_origins)
        self._traces = Traces(recording=settings.otlp_endpoint is not None)
        self._forwarding = Forwarding(
            settings, self._upstreams, self._internal, self._sources, self._traces
        )
        self._metrics = FrontMetrics()
        self._metrics.open.set_function(lambda: self._open.total)
        self._metrics.memory.set_function(lambda: self._shedding.memory_bytes)
        signing = settings.internal_signing_key_file
        tell_key_ages(self._metrics.registry, lambda: {"internal-signing": signing})
        tell_certificates(self._metrics.registry, settings)
        key = settings.metrics_key
        self._site = Site(
            description=Description(
                self.table, self._upstreams, settings.public_url, self._endpoints
            ),
            upstreams=self._upstreams,
            verifying=lambda: self._authentication.parts,
            metrics=self._metrics,
            issued_at=self._endpoints,
            public_pages=self._public_pages,
            metrics_key=key.get_secret_value().encode() if key else None,
        )
        self._session_pages = (
            SessionPages(cookies, provider, renewal, self._authentication.checked)
            if cookies and renewal
            else None
        )
        clock.follow(settings.clock_file)

    def _endpoints(self) -> Endpoints:
        """Return the endpoints of the issuer whose tokens the front accepts."""
        issuer = self._settings.token_issuer_url
        if self._settings.issuer_url is not None:
            return own(issuer, issuer)
        return outside(issuer, self._keys.discovered)

    async def _believed(self, token: str) -> Caller:
        return await self._authentication.checked(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(Exchange(scope, receive, send, self._security, self._public_pages))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep connections and background tasks open during the block."""
        await self._upstreams.start()
        stop = asyncio.Event()
        session = self._upstreams.session
        tasks = [
            asyncio.create_task(self._keys.follow(self._upstreams.issuing, stop), name="keys"),
            asyncio.create_task(self._revocation_source.follow(session, stop), name="revocations"),
            *(
                asyncio.create_task(
                    self._ended_rights.follow(
                        each, partial(self._upstreams.url, each), session, stop
                    ),
                    name=f"ended-rights-{each}",
                )
                for each in TOLD
            ),
            asyncio.create_task(
                self._rights_of_now.follow(
                    Upstream.REFERRALS,
                    partial(self._upstreams.url, Upstream.REFERRALS),
                    session,
                    stop,
                ),
                name="rights-of-now",
            ),
            asyncio.create_task(self._upstreams.probe(stop), name="probes"),
            asyncio.create_task(self._shedding.watch(stop), name="memory"),
        ]
        try:
            yield
        finally:
            stop.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._upstreams.close()

    async def _serve(self, exchange: Exchange) -> None:
        try:
            exchange.head = read_head(exchange.scope["headers"])
            if not self._traces.recording:
                await self._guarded(exchange)
                return
            with self._traces.span(exchange.head, exchange.method) as span:
                await self._guarded(exchange)
                self._traces.finish(
                    span, exchange.method, self._route_name(exchange), exchange.status
                )
        except BadHead as bad:
            await exchange.refuse(BAD_REQUEST.because(bad.said))
        except LargeHead as large:
            await exchange.refuse(HEAD_TOO_LARGE.because(large.said))
        finally:
            self._account(exchange)

    async def _guarded(self, exchange: Exchange) -> None:
        """Turn every failure into a problem detail or a closed connection."""
        try:
            await self._handle(exchange)
        except Problem as problem:
            await exchange.refuse(problem)
        except ClientLeft:
            exchange.status = exchange.status or 499
        except aiohttp.ClientError:
            # It is too late for a problem detail. If the function returns with the response unfinished, uvicorn
            # closes the connection. The client then notices that the response is incomplete.
            _log.warning("upstream_broke", upstream=exchange.route and exchange.route.upstream)
            if not exchange.status:
                await exchange.refuse(UNAVAILABLE.because("service_broke_off_its_answer"))
        except Exception as error:  # noqa: BLE001 - the front must keep running; the error goes to the log
            _log.error("front_failed", exc_info=error)
            await exchange.refuse(UNAVAILABLE.because("front_failed_this_was_logged"))

    async def _handle(self, exchange: Exchange) -> None:
        if exchange.scope["http_version"] not in _VERSIONS:
            # llhttp reads a request line without a version as HTTP/0.9, which has no headers.
            raise BAD_REQUEST.because("only_http_1_1_and_http_1")
        if exchange.method not in _METHODS:
            raise METHOD_NOT_ALLOWED.because("this_method_is_not_offered_anywhere_here")
        refusal = refusal_of(exchange.scope["raw_path"], exchange.scope["query_string"])
        if refusal is not None:
            raise BAD_REQUEST.because(refusal)
        route = self.table.find(exchange.path)
        if await self._preflight(exchange, route):
            return
        absent = route is None or self._upstreams.url(route.upstream) is None
        if route is None or absent or exchange.path == SMART_PATH:
            await self._local(exchange)
            return
        exchange.route = route
        exchange.source = self._source(exchange)
        exchange.caller = await self._authentication.caller(exchange, route)
        self._limit(exchange, route)
        who, known = exchange.limit_key, exchange.caller is not None
        self._shedding.check(self._open, known=known)
        self._open.enter(who, known=known)
        try:
            await self._forwarding.pass_on(exchange, route)
        finally:
            self._open.leave(who, known=known)

    async def _preflight(self, exchange: Exchange, route: Route | None) -> bool:
        """Respond to a CORS preflight. For any other request, prepare its CORS headers and return False."""
        own = exchange.head.own
        origin = own.get(b"origin")
        asked = own.get(b"access-control-request-method")
        if exchange.method != "OPTIONS" or asked is None:
            exchange.cors = self._cors.headers(origin, opened=_opened(exchange, route, None))
            return False
        opened = _opened(exchange, route, asked)
        if origin is None or not (self._cors.on or opened):
            return False
        exchange.cors = self._cors.headers(origin, opened=opened)
        allowed = self._cors.preflight(origin, opened=opened)
        if allowed is None:
            raise FORBIDDEN.because("pages_of_this_origin_may_not_call")
        await exchange.answer(204, allowed)
        return True

    async def _local(self, exchange: Exchange) -> None:
        if self._session_pages is None or not _is_session(exchange.path):
            await self._site.serve(exchange)
            return
        exchange.source = self._source(exchange)
        exchange.allowance = self._rates.spend("sign-in", exchange.source)
        await self._session_pages.serve(exchange)

    def _source(self, exchange: Exchange) -> str:
        client = exchange.scope.get("client")
        peer = client[0] if client else "unknown"
        return self._sources.address(peer, exchange.head.own.get(b"x-forwarded-for"))

    def _limit(self, exchange: Exchange, route: Route) -> None:
        if route.limit_class == "sign-in":
            exchange.allowance = self._rates.spend("sign-in", exchange.source)
        elif exchange.caller is None and _is_line_sending(exchange):
            exchange.allowance = self._rates.spend("line", exchange.source)
        elif exchange.caller is None and route.takes_forms(exchange.method, exchange.path):
            # Callers without the form's secret share the rate limit of anonymous callers.
            self._rates.refuse_if_spent("anonymous", exchange.source)
            form = f"{exchange.source} {exchange.path}"
            exchange.allowance = self._rates.spend("form", form)
        elif exchange.caller is None:
            exchange.allowance = self._rates.spend("anonymous", exchange.source)
        else:
            exchange.allowance = self._rates.spend("client", exchange.caller.key)

    def _count_refused(self, exchange: Exchange) -> None:
        """Count refused form requests as anonymous. Otherwise, each made-up address would get its own rate limit."""
        route = exchange.route
        if route is None or exchange.caller is not None or not 400 <= exchange.status < 500:
            return
        if route.takes_forms(exchange.method, exchange.path):
            self._rates.count("anonymous", exchange.source)

    def _route_name(self, exchange: Exchange) -> str:
        if exchange.route is None:
            return "front"
        return capability(exchange.path, exchange.route.prefix)

    def _account(self, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.started
        name = self._route_name(exchange)
        self._count_refused(exchange)
        if exchange.path not in _OF_MACHINES:
            self._metrics.observe(exchange.method, name, exchange.status, seconds)
        if exchange.route is not None or 400 <= exchange.status < 500:
            log_request(
                method=exchange.method,
                route=name,
                status=exchange.status,
                milliseconds=round(seconds * 1000, 2),
                answer_bytes=exchange.sent_bytes,
                client_id=exchange.caller.principal.client_id if exchange.caller else None,
                request_id=exchange.request_id.decode() or None,
            )


def _opened(exchange: Exchange, route: Route | None, method: bytes | None) -> bool:
    """Return whether the request is for the public view, without credentials. `method` is the method that a preflight
    names."""
    own = exchange.head.own
    if b"authorization" in own or b"cookie" in own:
        return False
    asked = exchange.method if method is None else method.decode("latin-1")
    if route is None:
        return asked in ("GET", "HEAD") and exchange.path.startswith("/openapi")
    return route.is_open(asked, exchange.path)


def _cookies(settings: FrontSettings) -> Cookies | None:
    """Return the cookies, or None if no session key is set, because people then cannot sign in here."""
    if settings.session_key is None:
        return None
    key = key_from_base64(settings.session_key.get_secret_value())
    idle_seconds = settings.session_idle_minutes * 60
    return Cookies(key, settings.public_url.rstrip("/"), idle_seconds)


def _is_line_sending(exchange: Exchange) -> bool:
    """Return whether the request sends something to the anonymous line. Only such requests can be used to guess
    receipts."""
    path = exchange.path
    return exchange.method == "POST" and (path == _LINE or path.startswith(f"{_LINE}/"))


def _is_session(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")
