"""Passes one request on to a service and gives its answer back as a stream.

aiohttp's client under plain ASGI: connections are kept, nothing is decompressed, no cookie is
stored, no redirect is followed.
"""

import asyncio
import random
from collections.abc import AsyncIterator

import aiohttp
from common.errors import UNAVAILABLE
from common.logs import get_logger
from yarl import URL

from gateway.front.bodies import Body
from gateway.front.circuits import Circuit, State
from gateway.front.errors import UPSTREAM_TIMEOUT
from gateway.front.heads import Header
from gateway.front.routes import Upstream
from gateway.front.settings import FrontSettings

_log = get_logger(__name__)
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_ATTEMPTS = 3
# Below uvicorn's own keep-alive of five seconds, so that we never write to a closing connection.
_KEEP_ALIVE_SECONDS = 4
_CHUNK_BYTES = 64 * 1024
_AWAY = UNAVAILABLE.because


class UpstreamBroke(Exception):
    """The service stopped in the middle of its answer."""


class Upstreams:
    def __init__(self, settings: FrontSettings) -> None:
        self._settings = settings
        self._urls = {u: url for u in Upstream if (url := settings.upstream_url(u))}
        self.circuits = {upstream: Circuit() for upstream in self._urls}
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the front has not started")
        return self._session

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=512, keepalive_timeout=_KEEP_ALIVE_SECONDS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_CHUNK_BYTES,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self._settings.connect_seconds,
                sock_read=self._settings.answer_seconds,
            ),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def url(self, upstream: Upstream) -> str | None:
        return self._urls.get(upstream)

    async def request(
        self,
        upstream: Upstream,
        method: str,
        target: str,
        headers: list[Header],
        body: Body | None,
        *,
        keyed: bool,
    ) -> aiohttp.ClientResponse:
        """Send it; 503 if the service is away, 504 if it is silent.

        Sent again only where that cannot do harm: nothing was sent yet, or the method or an
        Idempotency-Key (`keyed`) makes it safe, and the body is in hand.
        """
        circuit = self.circuits[upstream]
        if circuit.state is State.OPEN:
            raise _AWAY(f"The {upstream} service is away.", headers={"Retry-After": "2"})
        url = URL(self._urls[upstream] + target, encoded=True)
        repeatable = keyed or method in _IDEMPOTENT
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = await self._once(method, url, headers, body)
            except (aiohttp.ClientConnectionError, ConnectionError) as error:
                unsent = _nothing_sent(error, body)
            else:
                circuit.succeeded()
                return answer
            circuit.failed()
            in_hand = body is None or body.complete
            if not (in_hand and (unsent or repeatable)):
                break
            if attempt < _ATTEMPTS:
                await asyncio.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - jitter
        raise _AWAY(f"The {upstream} service cannot be reached.", headers={"Retry-After": "2"})

    async def _once(
        self, method: str, url: URL, headers: list[Header], body: Body | None
    ) -> aiohttp.ClientResponse:
        data: bytes | AsyncIterator[bytes] | None = None
        if body is not None:
            data = body.first if body.complete else body.stream()
        return await self.session.request(
            method,
            url,
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
            data=data,
            allow_redirects=False,
        )

    async def probe(self, stop: asyncio.Event) -> None:
        """Ask services with an open circuit for `/healthz` until they answer again."""
        while not stop.is_set():
            for upstream, circuit in self.circuits.items():
                if circuit.probe_due:
                    await self._probe_one(upstream, circuit)
            try:
                await asyncio.wait_for(stop.wait(), 0.25)
            except TimeoutError:
                continue

    async def _probe_one(self, upstream: Upstream, circuit: Circuit) -> None:
        if await self.alive(upstream):
            _log.info("circuit_closed", upstream=upstream)
            circuit.succeeded()
        else:
            circuit.failed()

    async def alive(self, upstream: Upstream) -> bool:
        """Whether the service answers `/healthz` within a second."""
        url = self._urls[upstream] + "/healthz"
        try:
            async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=1)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


def _nothing_sent(error: Exception, body: Body | None) -> bool:
    """Whether the service cannot have seen the request. Raises what is not a broken connection."""
    if body is not None and body.failure is not None:
        raise body.failure from None
    if isinstance(error, aiohttp.ConnectionTimeoutError | aiohttp.ClientConnectorError):
        return True
    if isinstance(error, aiohttp.ServerTimeoutError):
        raise UPSTREAM_TIMEOUT.because("A service did not answer in time.") from None
    return False


async def chunks(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body as it arrives; UpstreamBroke if it ends too early."""
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise UpstreamBroke from error
