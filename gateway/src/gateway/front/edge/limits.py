"""Limits per caller and for the whole front: rates, open requests, memory. It also defines how anonymous callers are
identified.

Each process counts separately, so several replicas together allow at most the limit times their number
(docs/decisions/0023).
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

from common.errors import TOO_MANY_REQUESTS, UNAVAILABLE
from common.process.loops import pause

from gateway.front.edge.heads import Header
from gateway.front.settings import read_rate


@dataclass(slots=True)
class Allowance:
    """The state of a rate limit after this request, as shown in the `RateLimit` headers."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int

    def headers(self) -> list[Header]:
        """Return `RateLimit-Policy` and `RateLimit` (IETF draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = f'"{self.name}";q={self.quota};w={self.window_seconds}'
        state = f'"{self.name}";r={self.remaining};t={self.reset_seconds}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class Rate:
    """A sliding window over two fixed windows. The previous count is weighted by the part of it that is within the last
    `window_seconds`. Older counts are dropped."""

    def __init__(self, rate: str) -> None:
        """Set the rate, in the format of `read_rate`."""
        self.quota, self.window_seconds = read_rate(rate)
        self._window = 0
        self._before: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def spent(self, who: str, now: float) -> int:
        """Return the number of requests of `who` that count at `now` (seconds since 1970), rounded down."""
        window = int(now // self.window_seconds)
        if window != self._window:
            self._before = self._counts if window == self._window + 1 else {}
            self._counts = {}
            self._window = window
        before = self._before.get(who, 0)
        weight = 1 - now % self.window_seconds / self.window_seconds
        return int(before * weight) + self._counts.get(who, 0)

    def count(self, who: str, now: float) -> tuple[bool, int]:
        """Count one request unless the quota is used up. Return whether it may pass, and how many requests remain."""
        left = self.quota - self.spent(who, now)
        if left < 1:
            return False, 0
        self._counts[who] = self._counts.get(who, 0) + 1
        return True, left - 1

    def reset_seconds(self, who: str, now: float) -> int:
        """Return the seconds until another request is allowed, rounded up."""
        rest = self.window_seconds - now % self.window_seconds
        before = self._before.get(who, 0)
        if before:
            rest = min(rest, rest % (self.window_seconds / before))
        return int(rest) + 1


class Rates:
    """The rates of all limits. `limits` maps a name to a rate such as `600/minute`."""

    def __init__(self, limits: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self._rates = {name: Rate(rate) for name, rate in limits.items()}
        self._clock = clock

    def spend(self, name: str, who: str) -> Allowance:
        """Count one request of `who`. Raise 429 with Retry-After if no request remains."""
        rate, now = self._rates[name], self._clock()
        allowed, left = rate.count(who, now)
        seconds = rate.reset_seconds(who, now)
        allowance = Allowance(name, rate.quota, rate.window_seconds, left, seconds)
        if not allowed:
            raise TOO_MANY_REQUESTS.because(
                "at_most_requests_in_seconds",
                rate.quota,
                rate.window_seconds,
                headers={
                    "Retry-After": str(seconds),
                    **{k.decode(): v.decode() for k, v in allowance.headers()},
                },
            )
        return allowance

    def count(self, name: str, who: str) -> None:
        """Count one request that already has a response."""
        self._rates[name].count(who, self._clock())

    def refuse_if_spent(self, name: str, who: str) -> None:
        """Raise 429 like `spend` if no request remains, but do not count one."""
        rate = self._rates[name]
        if rate.spent(who, self._clock()) >= rate.quota:
            self.spend(name, who)


class Open:
    """Counts open requests per caller. `of_nobody` is the number of requests without a token or session."""

    def __init__(self, per_caller: int) -> None:
        self._per_caller = per_caller
        self._open: Counter[str] = Counter()
        self.total = self.of_nobody = 0

    def enter(self, who: str, *, known: bool) -> None:
        """Count a request. Raise 429 if the caller has too many open requests. Each `enter` needs a `leave`."""
        if self._open[who] >= self._per_caller:
            raise TOO_MANY_REQUESTS.because(
                "at_most_requests_at_same_time",
                self._per_caller,
                headers={"Retry-After": "1"},
            )
        self._open[who] += 1
        self.total += 1
        self.of_nobody += not known

    def leave(self, who: str, *, known: bool) -> None:
        self.total -= 1
        self.of_nobody -= not known
        self._open[who] -= 1
        if self._open[who] <= 0:
            del self._open[who]


_STATM = Path("/proc/self/statm")
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_OF_THE_CONTAINER = 0.8
"""The share of the container's memory that the front may use: at its limit the kernel kills the process with all
requests."""
_LOOK_SECONDS = 0.5


def resident_bytes() -> int:
    """Return this process's resident memory, or 0 if the system does not report it."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def guarded_bytes(setting: int, cgroup_limits: Iterable[Path] = _CGROUP_LIMITS) -> int:
    """Return the memory above which new requests are refused: the setting, or less in a small container."""
    for file in cgroup_limits:
        try:
            return min(setting, int(int(file.read_text()) * _OF_THE_CONTAINER))
        except (OSError, ValueError):  # no such cgroup file, or "max"
            continue
    return setting


class Shedding:
    def __init__(self, *, open_limit: int, memory_limit_bytes: int) -> None:
        self._open_limit = open_limit
        self._memory_limit_bytes = memory_limit_bytes
        self.memory_bytes = 0

    def check(self, open_now: Open, *, known: bool) -> None:
        """Raise 503 with Retry-After if the front is overloaded. Anonymous requests may use at most half of the slots,
        because they can come from anywhere."""
        full = open_now.total >= self._open_limit or (
            not known and open_now.of_nobody >= -(-self._open_limit // 2)
        )
        if full or self.memory_bytes > self._memory_limit_bytes:
            raise UNAVAILABLE.because("ruta_is_overloaded_at_moment", headers={"Retry-After": "2"})

    async def watch(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.memory_bytes = resident_bytes()
            await pause(stop, _LOOK_SECONDS)


_KEPT = 16


class Sources:
    """Identifies anonymous callers by address. X-Forwarded-For counts only if it comes from a `trusted` proxy."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted)
        # The key changes with each process, so that services cannot turn a pseudonym back into an address.
        self._key = secrets.token_bytes(32)

    def address(self, peer: str, forwarded_for: bytes | None) -> str:
        """Return the nearest address that is not a trusted proxy. IPv6 addresses are counted per /64, which is usually
        one site."""
        address = peer
        if self._trusted and forwarded_for:
            hops = [hop.strip() for hop in forwarded_for.decode("latin-1").split(",")]
            while self._is_ours(address) and hops:
                address = hops.pop()
        return _network(address)

    def pseudonym(self, address: str) -> bytes:
        """Return a pseudonym for an address, stable for the lifetime of this process (`Ruta-Source` to the issuer)."""
        digest = hmac.new(self._key, address.encode(), hashlib.sha256).hexdigest()
        return digest[:_KEPT].encode()

    def _is_ours(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return ":".join(parsed.exploded.split(":")[:4])
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
