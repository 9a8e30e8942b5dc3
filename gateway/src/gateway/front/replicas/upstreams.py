"""Passes one request on to a replica of a service and gives its answer back as a stream."""

import asyncio
import random
import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import aiohttp
from common import clocks
from common.errors import UNAVAILABLE
from common.process.certificates import remedy, trusting
from common.process.logs import get_logger
from common.process.repeating import pause

from gateway.front.errors import UPSTREAM_TIMEOUT
from gateway.front.replicas.circuits import Circuit, CircuitState
from gateway.front.routes import Upstream
from gateway.front.settings import FrontSettings
from gateway.front.wire.bodies import Body
from gateway.front.wire.connections import Answer, Broken, Connections, Silent, Unreachable
from gateway.front.wire.heads import Header

_log = get_logger(__name__)
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_ATTEMPTS = 3
_AWAY = UNAVAILABLE.saying


@dataclass(eq=False)
class Replica:
    """One process of a service."""

    url: str
    connections: Connections
    circuit: Circuit = field(default_factory=Circuit)
    clock: str = clocks.OK
    """How far the front's clock was from this process's when it was last asked (`common.clocks`)."""


class Upstreams:
    """The services behind the front, each with one or several replicas.

    `session`: aiohttp's client for what the front asks on its own behalf (probes, API descriptions); `issuing`: the one
    that asks whoever issues tokens, outside or inside. Requests of clients go over `Connections`.
    """

    def __init__(self, settings: FrontSettings) -> None:
        self._settings = settings
        self._tls = trusting(settings)
        self.replicas: dict[Upstream, tuple[Replica, ...]] = {
            upstream: tuple(
                Replica(
                    url,
                    Connections(
                        url,
                        tls=self._tls,
                        connect_seconds=settings.connect_seconds,
                        answer_seconds=settings.answer_seconds,
                    ),
                )
                for url in urls
            )
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
        for replicas in self.replicas.values():
            for replica in replicas:
                replica.connections.close()
        for session in (self._session, self._outside):
            if session is not None:
                await session.close()

    def url(self, upstream: Upstream) -> str | None:
        """A replica that answers, as far as known; None if the service is not deployed."""
        replicas = self.replicas.get(upstream)
        return (self._answering(replicas) or replicas)[0].url if replicas else None

    def state(self, upstream: Upstream) -> CircuitState:
        """Open when no replica is believed to answer."""
        return (
            CircuitState.CLOSED if self._answering(self.replicas[upstream]) else CircuitState.OPEN
        )

    async def request(
        self,
        upstream: Upstream,
        method: str,
        target: bytes,
        headers: list[Header],
        body: Body | None,
    ) -> Answer:
        """Send it; 503 if the service is away, 504 if it is silent.

        Sent again, to another replica where there is one, only where that cannot do harm: nothing
        was sent yet, or the method or an Idempotency-Key makes it safe, and the body is in hand.
        """
        tried: list[Replica] = []
        for attempt in range(1, _ATTEMPTS + 1):
            replica = self._choose(upstream, tried)
            if replica is None:
                raise _AWAY(f"The {upstream} service is away.", headers={"Retry-After": "2"})
            try:
                answer = await replica.connections.request(method, target, headers, body)
            except Unreachable as error:
                self._say(upstream, error)
                unsent = True
            except Broken:
                unsent = False
            except Silent:
                raise UPSTREAM_TIMEOUT.because("service_did_not_answer_in_time") from None
            else:
                replica.circuit.succeeded()
                self._said.pop(upstream, None)
                return answer
            replica.circuit.failed()
            tried.append(replica)
            in_hand = body is None or body.complete
            if not (in_hand and (unsent or _is_repeatable(method, headers))):
                break
            if attempt < _ATTEMPTS and self._choose(upstream, tried) in tried:
                await asyncio.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - jitter
        raise _AWAY(f"The {upstream} service cannot be reached.", headers={"Retry-After": "2"})

    def _say(self, upstream: Upstream, error: BaseException) -> None:
        """Once, until it answers again or something else is wrong: a certificate that is not taken is no network that
        is slow."""
        said = remedy(error, self._settings)
        if said and self._said.get(upstream) != said["remedy"]:
            self._said[upstream] = said["remedy"]
            _log.warning("upstream_not_trusted", upstream=upstream, **said)

    @staticmethod
    def _answering(replicas: tuple[Replica, ...]) -> list[Replica]:
        return [replica for replica in replicas if replica.circuit.state is CircuitState.CLOSED]

    def _choose(self, upstream: Upstream, tried: list[Replica]) -> Replica | None:
        """The replica with the fewest requests under way, in turn among equals; an untried one
        first; None if none answers."""
        replicas = self.replicas[upstream]
        if len(replicas) == 1:
            return replicas[0] if replicas[0].circuit.state is CircuitState.CLOSED else None
        self._turn += 1
        turned = [
            (
                replica in tried,
                replica.connections.busy,
                (number + self._turn) % len(replicas),
                replica,
            )
            for number, replica in enumerate(replicas)
            if replica.circuit.state is CircuitState.CLOSED
        ]
        return min(turned, key=lambda choice: choice[:3])[3] if turned else None

    async def probe(self, stop: asyncio.Event) -> None:
        """Ask replicas with an open circuit for `/healthz` until they answer again."""
        while not stop.is_set():
            for upstream, replicas in self.replicas.items():
                for replica in replicas:
                    if replica.circuit.probe_due:
                        await self._probe_one(upstream, replica)
            await pause(stop, 0.25)

    async def _probe_one(self, upstream: Upstream, replica: Replica) -> None:
        if await self._answers(upstream, replica):
            _log.info("circuit_closed", upstream=upstream)
            replica.circuit.succeeded()
        else:
            replica.circuit.failed()

    async def alive(self, upstream: Upstream) -> bool:
        """Whether a replica answers `/healthz` within a second."""
        answering = self._answering(self.replicas[upstream])
        return any(
            await asyncio.gather(*(self._answers(upstream, replica) for replica in answering))
        )

    def clock(self, upstream: Upstream) -> str:
        """What `alive` found of the clocks: the first that is apart, else ok."""
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


def _session(tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(ssl=tls or True)
    )


def _is_repeatable(method: str, headers: list[Header]) -> bool:
    return method in _IDEMPOTENT or any(name == b"idempotency-key" for name, _ in headers)


def _clock_beside(date: str | None) -> str:
    """Ours beside the one in an answer's `Date`. Whoever says none, or nonsense, answers all the same."""
    try:
        said = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return clocks.OK
    return clocks.compared(time.time(), said, "it")
