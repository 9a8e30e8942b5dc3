"""Sends a request to a replica of its service and streams the response. It skips unreachable replicas."""

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum

import aiohttp
from aiohttp.connector import Connection
from common import clocks
from common.errors import UNAVAILABLE
from common.process.certificates import remedy, trusting
from common.process.logs import get_logger
from common.process.loops import pause
from yarl import URL

from gateway.front.edge.bodies import Body
from gateway.front.edge.heads import Header
from gateway.front.errors import UPSTREAM_TIMEOUT
from gateway.front.routes import Upstream
from gateway.front.settings import FrontSettings

_log = get_logger(__name__)
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_ATTEMPTS = 3
_AWAY = UNAVAILABLE.saying
FAILURES_TO_OPEN = 5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
# A process that is stopped or whose event loop hangs still accepts connections. With this limit and two probes of a
# second each, its callers wait less than five seconds.
SILENT_SECONDS = 2.0
_SILENT_PROBES = 2
# Shorter than the 75 seconds for which services keep a connection open, so that the front never writes to a closing
# one.
_KEPT_SECONDS = 60.0
# A redirect may contain a query of 8,192 bytes, and the console stores typed text in a cookie.
_MOST_LINE_BYTES = 32 * 1024
# aiohttp must not add these, because services would attribute them to the client.
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"


@dataclass
class Circuit:
    """Opens after repeated connection failures and closes when a probe of `/healthz` succeeds. Client requests never
    serve as probes."""

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    next_probe: float = 0.0
    _pause: float = field(default=FIRST_PAUSE_SECONDS, repr=False)

    def succeeded(self) -> None:
        self.state = CircuitState.CLOSED
        self.failures = 0
        self._pause = FIRST_PAUSE_SECONDS

    def failed(self) -> None:
        """Count one failed connection of a request or a probe."""
        self.failures += 1
        if self.failures >= FAILURES_TO_OPEN:
            self.open()

    def open(self) -> None:
        self.state = CircuitState.OPEN
        self.next_probe = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    @property
    def probe_due(self) -> bool:
        return self.state is CircuitState.OPEN and time.monotonic() >= self.next_probe


@dataclass(eq=False)
class Replica:
    """One process of a service. `busy` counts open requests; `waiting` contains those without a response yet. `heard`
    is the time of its last response or of the first waiting request. `clock` is the difference from the front's clock
    at the last probe (`common.clocks`)."""

    url: str
    circuit: Circuit = field(default_factory=Circuit)
    clock: str = clocks.OK
    busy: int = 0
    waiting: set[asyncio.Timeout] = field(default_factory=set, repr=False)
    heard: float = 0.0
    silent_probes: int = 0

    @property
    def is_silent(self) -> bool:
        return bool(self.waiting) and time.monotonic() - self.heard > SILENT_SECONDS

    def give_up(self) -> None:
        """End the wait of all requests, because the process hangs."""
        self.circuit.open()
        for limit in self.waiting:
            limit.reschedule(0.0)


class Hangs(aiohttp.ClientConnectionError):
    """The process accepted the request, but then responded neither to it nor to any probe."""


class Upstreams:
    """The services behind the front, each with one or more replicas. `session` is the client for Ruta's own processes;
    `issuing` is the client for the token issuer, internal or external."""

    def __init__(self, settings: FrontSettings) -> None:
        self._settings = settings
        self._tls = trusting(settings)
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=settings.connect_seconds, sock_read=settings.answer_seconds
        )
        self.replicas: dict[Upstream, tuple[Replica, ...]] = {
            upstream: tuple(map(Replica, urls))
            for upstream in Upstream
            if (urls := settings.upstream_urls(upstream))
        }
        self._turn = 0
        self._session: aiohttp.ClientSession | None = None
        self._outside: aiohttp.ClientSession | None = None
        self._said: dict[Upstream, str] = {}

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the front has not started")
        return self._session

    @property
    def issuing(self) -> aiohttp.ClientSession:
        return self._outside or self.session

    async def start(self) -> None:
        self._session = _session(self._tls)
        if Upstream.ISSUER not in self.replicas:
            self._outside = _session(None)

    async def close(self) -> None:
        for session in (self._session, self._outside):
            if session is not None:
                await session.close()

    def url(self, upstream: Upstream) -> str | None:
        """Return the address of a replica that probably responds, or None if the service is not deployed."""
        replicas = self.replicas.get(upstream)
        return (self._answering(replicas) or replicas)[0].url if replicas else None

    def state(self, upstream: Upstream) -> CircuitState:
        """Return OPEN if no replica is known to respond."""
        answering = self._answering(self.replicas[upstream])
        return CircuitState.CLOSED if answering else CircuitState.OPEN

    @asynccontextmanager
    async def answer(
        self,
        upstream: Upstream,
        method: str,
        target: bytes,
        headers: list[Header],
        body: Body | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the request and yield the response once its headers have arrived.

        Raise 503 if the service is unavailable, and 504 if it does not respond. Reading the body raises
        aiohttp.ClientError if the connection breaks. A request is repeated, preferably to another replica, only if that
        is safe. The body must be complete. In addition, nothing was sent yet, or the method or an Idempotency-Key
        allows a repeat.
        """
        tried: list[Replica] = []
        for attempt in range(1, _ATTEMPTS + 1):
            replica = self._choose(upstream, tried)
            if replica is None:
                raise _AWAY(f"The {upstream} service is away.", headers={"Retry-After": "2"})
            replica.busy += 1
            try:
                answer = await self._send(replica, method, target, headers, body)
            except aiohttp.ClientError as error:
                if body is not None and body.failure is not None:
                    raise body.failure from None
                if isinstance(error, aiohttp.SocketTimeoutError):
                    raise UPSTREAM_TIMEOUT.because("service_did_not_answer_in_time") from None
                unsent = isinstance(
                    error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
                )
                if unsent:
                    self._say(upstream, error)
            else:
                replica.circuit.succeeded()
                replica.heard = time.monotonic()
                self._said.pop(upstream, None)
                try:
                    yield answer
                finally:
                    # Closes the connection unless the response was read completely.
                    answer.release()
                return
            finally:
                replica.busy -= 1
            replica.circuit.failed()
            tried.append(replica)
            in_hand = body is None or body.complete
            if not (in_hand and (unsent or _is_repeatable(method, headers))):
                break
            if attempt < _ATTEMPTS and self._choose(upstream, tried) in tried:
                await asyncio.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - jitter
        raise _AWAY(f"The {upstream} service cannot be reached.", headers={"Retry-After": "2"})

    async def _send(
        self,
        replica: Replica,
        method: str,
        target: bytes,
        headers: list[Header],
        body: Body | None,
    ) -> aiohttp.ClientResponse:
        data: bytes | AsyncIterator[bytes] | None = None
        if body is not None:
            data = body.first if body.complete else body.stream()
        if not replica.waiting:
            replica.heard = time.monotonic()
        try:
            async with asyncio.timeout(None) as limit:
                replica.waiting.add(limit)
                return await self.session.request(
                    method,
                    URL(replica.url + target.decode("ascii"), encoded=True),
                    headers=[(name.decode("ascii"), _text(value)) for name, value in headers],
                    data=data,
                    timeout=self._timeout,
                    skip_auto_headers=_NOT_ADDED,
                    allow_redirects=False,
                    auto_decompress=False,
                )
        except TimeoutError as error:
            if isinstance(error, aiohttp.ClientError):
                raise
            raise Hangs from None
        finally:
            replica.waiting.discard(limit)

    def _say(self, upstream: Upstream, error: BaseException) -> None:
        """Log an untrusted certificate once. Log it again only after the service has responded or the reason has
        changed."""
        said = remedy(error.__cause__ or error, self._settings)
        if said and self._said.get(upstream) != said["remedy"]:
            self._said[upstream] = said["remedy"]
            _log.warning("upstream_not_trusted", upstream=upstream, **said)

    @staticmethod
    def _answering(replicas: tuple[Replica, ...]) -> list[Replica]:
        return [replica for replica in replicas if replica.circuit.state is CircuitState.CLOSED]

    def _choose(self, upstream: Upstream, tried: list[Replica]) -> Replica | None:
        """Return the replica with the fewest open requests. Alternate between equal replicas and prefer untried ones.
        Return None if no replica responds."""
        replicas = self.replicas[upstream]
        self._turn += 1
        turned = [
            (replica in tried, replica.busy, (number + self._turn) % len(replicas), replica)
            for number, replica in enumerate(replicas)
            if replica.circuit.state is CircuitState.CLOSED
        ]
        return min(turned, key=lambda choice: choice[:3])[3] if turned else None

    async def probe(self, stop: asyncio.Event) -> None:
        """Probe `/healthz` of replicas with an open circuit until they respond again. Also probe replicas that keep
        requests waiting. If such a replica does not respond to the probe either, end the wait of its requests."""
        while not stop.is_set():
            due = [
                self._probe(upstream, replica)
                for upstream, replicas in self.replicas.items()
                for replica in replicas
                if replica.circuit.probe_due or replica.is_silent
            ]
            await asyncio.gather(*due)
            await pause(stop, 0.25)

    async def _probe(self, upstream: Upstream, replica: Replica) -> None:
        closed = replica.circuit.state is CircuitState.CLOSED
        if await self._answers(upstream, replica):
            replica.heard, replica.silent_probes = time.monotonic(), 0
            if not closed:
                _log.info("circuit_closed", upstream=upstream)
                replica.circuit.succeeded()
        elif not closed:
            replica.circuit.failed()
        elif replica.silent_probes + 1 < _SILENT_PROBES:
            replica.silent_probes += 1
        else:
            replica.silent_probes = 0
            _log.warning("upstream_hangs", upstream=upstream)
            replica.give_up()

    async def alive(self, upstream: Upstream) -> bool:
        answering = self._answering(self.replicas[upstream])
        return any(
            await asyncio.gather(*(self._answers(upstream, replica) for replica in answering))
        )

    def clock(self, upstream: Upstream) -> str:
        """Return the first clock difference that `alive` found, or `ok`."""
        found = (replica.clock for replica in self.replicas[upstream])
        return next((each for each in found if each != clocks.OK), clocks.OK)

    async def _answers(self, upstream: Upstream, replica: Replica) -> bool:
        url = replica.url + "/healthz"
        try:
            async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=1)) as answer:
                replica.clock = _clock_beside(answer.headers.get("Date"))
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._say(upstream, error)
            return False


class _Connector(aiohttp.TCPConnector):
    """Closes a pooled connection on which the service has sent unrequested data. aiohttp would treat this data as the
    next response (`test_what_a_service_says_unasked_is_no_answer_to_the_next`)."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        if connection.protocol is None or connection.protocol.should_close:
            connection.close()
            raise aiohttp.ClientConnectorError(req.connection_key, OSError("it spoke unasked"))
        return connection


def _session(tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    """Return a client that trusts `tls`, or public authorities if `tls` is None. The limit on open requests also limits
    its connections."""
    connector = _Connector(ssl=tls or True, limit=0, keepalive_timeout=_KEPT_SECONDS)
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=connector,
        max_line_size=_MOST_LINE_BYTES,
        max_field_size=_MOST_LINE_BYTES,
    )


def _text(value: bytes) -> str:
    """Decode a header value as UTF-8, or else as Latin-1, because aiohttp encodes headers as UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _is_repeatable(method: str, headers: list[Header]) -> bool:
    return method in _IDEMPOTENT or any(name == b"idempotency-key" for name, _ in headers)


def _clock_beside(date: str | None) -> str:
    """Compare the front's clock with a response's `Date`. A missing or malformed date counts as ok."""
    try:
        said = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return clocks.OK
    return clocks.compared(time.time(), said, "it")
