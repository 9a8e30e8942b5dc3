"""The front's own paths: the start page, health, the API description and its pages, and metrics."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import aiohttp
import orjson
from common import clocks
from common.errors import METHOD_NOT_ALLOWED, NOT_FOUND, UNAUTHENTICATED, UNAVAILABLE
from common.process.logs import get_logger
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]  # ships no types

from gateway.front.description import endpoints
from gateway.front.description.document import combined
from gateway.front.description.endpoints import Endpoints, smart_configuration
from gateway.front.description.parts import SCOPES
from gateway.front.edge import compression
from gateway.front.edge.headers import DOCS_POLICY
from gateway.front.edge.heads import Header
from gateway.front.exchange import Exchange
from gateway.front.public_pages import PublicPages
from gateway.front.routes import RouteTable, Upstream
from gateway.front.telemetry import FrontMetrics
from gateway.front.upstreams import CircuitState, Upstreams

_log = get_logger(__name__)
_FRESH_SECONDS = 30.0
# While a service is unavailable, retry soon. Do not retry on every request, which would overload the front.
_AGAIN_SECONDS = 5.0
_SCRIPT = b"text/javascript; charset=utf-8"
_OWN = files("gateway.front") / "assets"
# the files for the API description pages, with their media types
_ASSETS: dict[str, tuple[bytes, Traversable]] = {
    "swagger-ui.css": (b"text/css; charset=utf-8", swagger_ui_path / "swagger-ui.css"),
    "swagger-ui-bundle.js": (_SCRIPT, swagger_ui_path / "swagger-ui-bundle.js"),
    "favicon-32x32.png": (b"image/png", swagger_ui_path / "favicon-32x32.png"),
    "redoc.standalone.js": (_SCRIPT, files("gateway.front") / "vendored/redoc.standalone.js"),
    "start.js": (_SCRIPT, _OWN / "start.js"),
    "read.js": (_SCRIPT, _OWN / "read.js"),
}
# Short enough to print, to dictate, and to type on a small phone.
_SHORT = {
    "/line": b"/referrals/v1/line",
    "/help": b"/directory/v1/help",
    "/withdraw": b"/referrals/v1/withdraw",
    "/posters": b"/directory/v1/posters",
    "/gaps": b"/directory/v1/gaps/page",
    "/bulletins": b"/reports/v1/bulletins/page",
    "/figures": b"/reports/v1/exports/page",
}

# The complete description, and one description per service for tools that cannot read a large one.
_DESCRIPTIONS: dict[str, Upstream | None] = {
    "/openapi.json": None,
    **{f"/openapi/{u}.json": u for u in Upstream if u is not Upstream.CONSOLE},
}

Page = tuple[int, list[Header], bytes]


class Description:
    """The combined document. It is rebuilt after half a minute, or sooner while a service is unavailable."""

    def __init__(
        self,
        table: RouteTable,
        upstreams: Upstreams,
        public_url: str,
        issued_at: Callable[[], Endpoints],
    ) -> None:
        self._table = table
        self._upstreams = upstreams
        self._public_url = public_url
        self._endpoints = issued_at
        self._parts: dict[Upstream, Mapping[str, Any]] = {}
        self._made: dict[Upstream | None, tuple[bytes, bytes]] = {}
        self._lacking: list[str] = []
        self._fresh_until = float("-inf")
        self._lock = asyncio.Lock()

    async def document(self, only: Upstream | None = None) -> tuple[bytes, bytes]:
        """Return the document, or the part for one service, and its ETag. Raise 503 while a part is missing, so that
        nobody generates a client from an incomplete description."""
        async with self._lock:
            if time.monotonic() > self._fresh_until:
                await self._make()
            if self._lacking:
                raise UNAVAILABLE.because(
                    "description_needs_parts_that_are_away",
                    ", ".join(self._lacking),
                    headers={"Retry-After": str(int(_AGAIN_SECONDS))},
                )
            if only not in self._made:
                parts = {u: p for u, p in self._parts.items() if only in (None, u)}
                self._made[only] = self._combined(parts)
            return self._made[only]

    async def _make(self) -> None:
        described = {route.upstream for route in self._table.routes if not route.for_people}
        present = [u for u in Upstream if u in described and self._upstreams.url(u)]
        found = await asyncio.gather(*(self._part(upstream) for upstream in present))
        # The part for an unavailable service stays as it was.
        self._parts |= {u: part for u, part in zip(present, found, strict=True) if part}
        self._lacking = [str(u) for u in present if u not in self._parts]
        self._made = {}
        seconds = _FRESH_SECONDS if all(found) else _AGAIN_SECONDS
        self._fresh_until = time.monotonic() + seconds

    def _combined(self, parts: Mapping[Upstream, Mapping[str, Any]]) -> tuple[bytes, bytes]:
        document = combined(
            parts,
            self._table.routes,
            public_url=self._public_url,
            version=version("ruta-gateway"),
            endpoints=self._endpoints(),
        )
        made = orjson.dumps(document)
        return made, b'"%b"' % hashlib.sha256(made).hexdigest()[:32].encode()

    async def _part(self, upstream: Upstream) -> Mapping[str, Any] | None:
        url = f"{self._upstreams.url(upstream)}/openapi.json"
        try:
            # A service builds its description once, which takes seconds on a busy machine.
            timeout = aiohttp.ClientTimeout(total=15)
            async with self._upstreams.session.get(url, timeout=timeout) as answer:
                if answer.status != 200:
                    raise ValueError(f"status {answer.status}")
                part: Mapping[str, Any] = orjson.loads(await answer.read())
                return part
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _log.warning("description_missing", upstream=upstream, reason=type(error).__name__)
            return None


class Site:
    """Serves the front's own paths. `verifying` returns the state of token verification. If `metrics_key` is None,
    `/metrics` does not exist."""

    def __init__(
        self,
        *,
        description: Description,
        upstreams: Upstreams,
        verifying: Callable[[], dict[str, str]],
        metrics: FrontMetrics,
        issued_at: Callable[[], Endpoints],
        public_pages: PublicPages,
        metrics_key: bytes | None,
    ) -> None:
        self._endpoints = issued_at
        self._description = description
        self._upstreams = upstreams
        self._verifying = verifying
        self._metrics = metrics
        self._public_pages = public_pages
        self._metrics_key = metrics_key
        contents = {name: file.read_bytes() for name, (_, file) in _ASSETS.items()}
        # The content at an address never changes; new content gets a new address.
        digest = hashlib.sha256(b"".join(contents.values())).hexdigest()[:12]
        self._assets = {
            f"/docs/{digest}/{name}": (_ASSETS[name][0], content)
            for name, content in contents.items()
        }
        own = f'"/docs/{digest}/'.encode()
        self._docs, self._reference = (
            (_OWN / name).read_bytes().replace(b'"/docs/', own)
            for name in ("docs.html", "reference.html")
        )

    async def serve(self, exchange: Exchange) -> None:
        page = await self._page(exchange)
        if page is None:
            raise NOT_FOUND.because("no_such_path_api_description")
        if exchange.method not in {"GET", "HEAD"}:
            raise METHOD_NOT_ALLOWED.because("only_get_is_offered", headers={"Allow": "GET, HEAD"})
        await exchange.answer(*await _compressed(exchange, *page))

    async def _page(self, exchange: Exchange) -> Page | None:
        """Return the page at the path, or None if the front has no page there."""
        path = exchange.path
        if path in self._assets:
            kind, content = self._assets[path]
            return 200, _head(kind, b"public, max-age=31536000, immutable"), content
        match path:
            case "/healthz":
                return 200, _head(b"application/json"), b'{"status":"ok"}'
            case "/readyz":
                return await self._ready()
            case "/metrics" if self._metrics_key is not None:
                return self._measured(exchange, self._metrics_key)
            case _ if path in _DESCRIPTIONS:
                document, tag = await self._description.document(_DESCRIPTIONS[path])
                head = _head(b"application/json", b"public, max-age=30")
                return 200, [*head, (b"etag", tag)], document
            case endpoints.SMART_PATH:
                smart = smart_configuration(self._endpoints(), SCOPES)
                head = _head(b"application/json", b"public, max-age=300")
                return 200, head, orjson.dumps(smart)
            case "/docs" | "/docs/" | "/docs/reference":
                policy = (b"content-security-policy", DOCS_POLICY)
                html = self._reference if path == "/docs/reference" else self._docs
                return 200, [*_head(b"text/html; charset=utf-8"), policy], html
            case "/" if exchange.takes_html:
                return self._public_pages.start(exchange.language)
        leads = b"/docs" if path == "/" else _SHORT.get(path)
        return (307, [(b"location", leads)], b"") if leads else None

    async def _ready(self) -> Page:
        """Return the state of each part, with status 503 while no token can be verified."""
        verifying = self._verifying()
        parts = dict(verifying)
        for upstream in self._upstreams.replicas:
            answers = await self._upstreams.alive(upstream)
            parts[upstream.value] = "ok" if answers else "unavailable"
            apart = self._upstreams.clock(upstream)
            if answers and apart != clocks.OK:
                parts |= {upstream.value: f"the front's clock is {apart}", "remedy": clocks.REMEDY}
        status = "ok" if set(parts.values()) == {"ok"} else "degraded"
        if "unavailable" in verifying.values():
            status = "unavailable"
        circuits = {u.value: self._upstreams.state(u).value for u in self._upstreams.replicas}
        body = orjson.dumps({"status": status, "parts": parts, "circuits": circuits})
        return 200 if status in {"ok", "degraded"} else 503, _head(b"application/json"), body

    def _measured(self, exchange: Exchange, key: bytes) -> Page:
        """Return metrics for Prometheus, only to callers with the key. The counters are exact real-time totals, for
        example of created cases."""
        given = exchange.head.own.get(b"authorization", b"")
        if not hmac.compare_digest(given, b"Bearer " + key):
            raise UNAUTHENTICATED.because("measurements_are_for_operators_prometheus")
        for upstream in self._upstreams.replicas:
            is_open = self._upstreams.state(upstream) is CircuitState.OPEN
            self._metrics.circuit_open.labels(upstream).set(1 if is_open else 0)
        return 200, _head(b"text/plain; version=0.0.4; charset=utf-8"), self._metrics.text()


def _head(kind: bytes, caching: bytes = b"no-store") -> list[Header]:
    return [(b"content-type", kind), (b"cache-control", caching)]


async def _compressed(exchange: Exchange, status: int, headers: list[Header], body: bytes) -> Page:
    if not compression.is_text(headers):
        return status, headers, body
    headers = compression.with_vary(headers)
    if len(body) < compression.LEAST_BYTES or not exchange.takes_gzip:
        return status, headers, body
    # Metrics change on every request, so caching them compressed is useless.
    changing = exchange.path == "/metrics"
    packed = await compression.compressed(body) if changing else compression.kept(body)
    return status, compression.as_compressed(headers), packed
