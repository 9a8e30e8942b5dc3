"""What the front answers itself: the start page, the description, health, and measurements to who has the key."""

import hmac
from dataclasses import dataclass

from common.errors import METHOD_NOT_ALLOWED, NOT_FOUND, UNAUTHENTICATED

from gateway.front.own.pages import Page, Pages
from gateway.front.pages.public_pages import PublicPages
from gateway.front.passing.exchange import Exchange
from gateway.front.wire import compression
from gateway.front.wire.heads import Header


@dataclass(frozen=True)
class OwnPages:
    """Without `metrics_key` nobody reads measurements here."""

    pages: Pages
    public_pages: PublicPages
    metrics_key: bytes | None

    async def serve(self, exchange: Exchange) -> None:
        page = await self.pages.page(exchange.path)
        if exchange.path == "/" and exchange.takes_html:
            page = self.public_pages.start(exchange.language)
        if page is None and exchange.path == "/metrics":
            page = self._measured(exchange)
        if page is None:
            raise NOT_FOUND.because("no_such_path_api_description")
        if exchange.method not in {"GET", "HEAD"}:
            raise METHOD_NOT_ALLOWED.because("only_get_is_offered", headers={"Allow": "GET, HEAD"})
        await exchange.answer(*await _compressed(exchange, *page))

    def _measured(self, exchange: Exchange) -> Page | None:
        if self.metrics_key is None:
            return None
        given = exchange.head.own.get(b"authorization", b"")
        if not hmac.compare_digest(given, b"Bearer " + self.metrics_key):
            raise UNAUTHENTICATED.because("measurements_are_for_operators_prometheus")
        return self.pages.measured()


async def _compressed(exchange: Exchange, status: int, headers: list[Header], body: bytes) -> Page:
    if not compression.is_text(headers):
        return status, headers, body
    headers = compression.with_vary(headers)
    if len(body) < compression.LEAST_BYTES or not exchange.takes_gzip:
        return status, headers, body
    # Measurements are others with each question: not worth keeping.
    changing = exchange.path == "/metrics"
    packed = await compression.compressed(body) if changing else compression.kept(body)
    return status, compression.as_compressed(headers), packed
