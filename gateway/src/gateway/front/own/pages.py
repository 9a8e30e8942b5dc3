"""What the front answers itself: health, metrics, the API description and its page."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import aiohttp
import orjson
from common import clocks
from common.errors import UNAVAILABLE
from common.process.logs import get_logger
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]  # ships no types

from gateway.front.describing import endpoints
from gateway.front.describing.description import combined
from gateway.front.describing.description_parts import SCOPES
from gateway.front.describing.endpoints import Endpoints, smart_configuration
from gateway.front.metrics import FrontMetrics
from gateway.front.replicas.circuits import CircuitState
from gateway.front.replicas.upstreams import Upstreams
from gateway.front.routes import RouteTable, Upstream
from gateway.front.wire.heads import Header
from gateway.front.wire.security_headers import DOCS_POLICY

_log = get_logger(__name__)
_FRESH_SECONDS = 30.0
# While a service is away: soon again, but not for each who asks, as that keeps the front from everything else.
_AGAIN_SECONDS = 5.0
_ASSETS = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_SCRIPT = b"text/javascript; charset=utf-8"
_VENDORED = {"redoc.standalone.js": files("gateway.front.own") / "vendored/redoc.standalone.js"}
_START = b"""window.addEventListener("load", function () {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json", dom_id: "#docs", deepLinking: true, tryItOutEnabled: true,
    displayRequestDuration: true, filter: true, docExpansion: "none", validatorUrl: null,
    persistAuthorization: false
  });
});
"""
# Its search wants a worker made of a blob, which the page's policy refuses; the browser's own finds, too.
_READ = b"""window.addEventListener("load", function () {
  Redoc.init("/openapi.json", {
    disableSearch: true, hideDownloadButton: false, nativeScrollbars: true, sortTagsAlphabetically: true,
    pathInMiddlePanel: true, requiredPropsFirst: true
  }, document.getElementById("docs"));
});
"""
_REFERENCE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ruta API: reference</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="docs"></div>
<script src="/docs/redoc.standalone.js"></script>
<script src="/docs/read.js"></script>
</body>
</html>
"""
_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ruta API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

# Short enough to be printed, spoken and typed on a small phone.
_SHORT = {
    "/line": b"/referrals/v1/line",
    "/help": b"/directory/v1/help",
    "/withdraw": b"/referrals/v1/withdraw",
    "/posters": b"/directory/v1/posters",
    "/gaps": b"/directory/v1/gaps/page",
    "/bulletins": b"/reports/v1/bulletins/page",
    "/figures": b"/reports/v1/exports/page",
}

Page = tuple[int, list[Header], bytes]


class Description:
    """The combined document, made anew when it is older than half a minute; sooner while a part is away."""

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
        self._made, self._tag = b"", b""
        self._lacking: list[str] = []
        self._fresh_until = float("-inf")
        self._lock = asyncio.Lock()

    async def document(self) -> tuple[bytes, bytes]:
        """The document and its entity tag. 503 while a part is missing: nobody makes a client of half a description."""
        async with self._lock:
            if time.monotonic() > self._fresh_until:
                await self._make()
        if self._lacking:
            parts = ", ".join(self._lacking)
            raise UNAVAILABLE.because(
                "description_needs_parts_that_are_away",
                parts,
                headers={"Retry-After": str(int(_AGAIN_SECONDS))},
            )
        return self._made, self._tag

    async def _make(self) -> None:
        described = {route.upstream for route in self._table.routes if not route.for_people}
        present = [u for u in Upstream if u in described and self._upstreams.url(u)]
        found = await asyncio.gather(*(self._part(upstream) for upstream in present))
        # A service that is away keeps the part that it had.
        self._parts |= {u: part for u, part in zip(present, found, strict=True) if part}
        document = combined(
            {u: self._parts[u] for u in present if u in self._parts},
            self._table.routes,
            public_url=self._public_url,
            version=version("ruta-gateway"),
            endpoints=self._endpoints(),
        )
        self._lacking = [str(u) for u in present if u not in self._parts]
        self._made = orjson.dumps(document)
        self._tag = b'"%b"' % hashlib.sha256(self._made).hexdigest()[:32].encode()
        seconds = _FRESH_SECONDS if all(found) else _AGAIN_SECONDS
        self._fresh_until = time.monotonic() + seconds

    async def _part(self, upstream: Upstream) -> Mapping[str, Any] | None:
        url = f"{self._upstreams.url(upstream)}/openapi.json"
        try:
            # A service makes its description once, which takes a busy machine seconds.
            timeout = aiohttp.ClientTimeout(total=15)
            async with self._upstreams.session.get(url, timeout=timeout) as answer:
                if answer.status != 200:
                    raise ValueError(f"status {answer.status}")
                part: Mapping[str, Any] = orjson.loads(await answer.read())
                return part
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _log.warning("description_missing", upstream=upstream, reason=type(error).__name__)
            return None


class Pages:
    def __init__(
        self,
        *,
        description: Description,
        upstreams: Upstreams,
        verifying: Callable[[], dict[str, bool]],
        metrics: FrontMetrics,
        issued_at: Callable[[], Endpoints],
    ) -> None:
        self._endpoints = issued_at
        self._description = description
        self._upstreams = upstreams
        self._verifying = verifying
        self._metrics = metrics
        contents = {name: (swagger_ui_path / name).read_bytes() for name in _ASSETS}
        contents |= {name: script.read_bytes() for name, script in _VENDORED.items()}
        contents |= {"start.js": _START, "read.js": _READ}
        # What is at an address never changes: another content has another address.
        self._digest = hashlib.sha256(b"".join(contents.values())).hexdigest()[:12]
        self._assets = {
            f"/docs/{self._digest}/{name}": (_ASSETS.get(name, _SCRIPT), content)
            for name, content in contents.items()
        }
        own = f'"/docs/{self._digest}/'.encode()
        self._docs, self._reference = (p.replace(b'"/docs/', own) for p in (_PAGE, _REFERENCE))

    async def page(self, path: str) -> Page | None:
        """The page at `path`; None if the front has none there."""
        if path in self._assets:
            kind, content = self._assets[path]
            return 200, _head(kind, b"public, max-age=31536000, immutable"), content
        match path:
            case "/healthz":
                return 200, _head(b"application/json"), b'{"status":"ok"}'
            case "/readyz":
                return await self._ready()
            case "/openapi.json":
                return await self._described()
            case endpoints.SMART_PATH:
                document = smart_configuration(self._endpoints(), SCOPES)
                head = _head(b"application/json", b"public, max-age=300")
                return 200, head, orjson.dumps(document)
            case "/docs" | "/docs/" | "/docs/reference":
                policy = (b"content-security-policy", DOCS_POLICY)
                page = self._reference if path == "/docs/reference" else self._docs
                return 200, [*_head(b"text/html; charset=utf-8"), policy], page
            case "/":
                return 307, [(b"location", b"/docs")], b""
        short = _SHORT.get(path)
        return (307, [(b"location", short)], b"") if short else None

    async def _ready(self) -> Page:
        """503 while nothing can be authenticated; else each part's state."""
        verifying = self._verifying()
        parts = {name: "ok" if there else "unavailable" for name, there in verifying.items()}
        for upstream in self._upstreams.replicas:
            answers = await self._upstreams.alive(upstream)
            parts[upstream.value] = "ok" if answers else "unavailable"
            apart = self._upstreams.clock(upstream)
            if answers and apart != clocks.OK:
                parts |= {upstream.value: f"the front's clock is {apart}", "remedy": clocks.REMEDY}
        status = "ok" if set(parts.values()) == {"ok"} else "degraded"
        if not all(verifying.values()):
            status = "unavailable"
        body = orjson.dumps({"status": status, "parts": parts, "circuits": self._circuits()})
        return 200 if status in {"ok", "degraded"} else 503, _head(b"application/json"), body

    def _circuits(self) -> dict[str, str]:
        return {
            upstream.value: self._upstreams.state(upstream).value
            for upstream in self._upstreams.replicas
        }

    def measured(self) -> Page:
        """What Prometheus reads. Counters of answered requests are exact totals in real time (of
        created cases too): not for everybody."""
        for upstream in self._upstreams.replicas:
            is_open = self._upstreams.state(upstream) is CircuitState.OPEN
            self._metrics.circuit_open.labels(upstream).set(1 if is_open else 0)
        return 200, _head(b"text/plain; version=0.0.4; charset=utf-8"), self._metrics.text()

    async def _described(self) -> Page:
        document, tag = await self._description.document()
        head = [*_head(b"application/json", b"public, max-age=30"), (b"etag", tag)]
        return 200, head, document


def _head(kind: bytes, caching: bytes = b"no-store") -> list[Header]:
    return [(b"content-type", kind), (b"cache-control", caching)]
