"""How much one caller may ask: requests in a time, and requests at once.

Rates are counted in this process. With several replicas each counts its own share, so a client
gets at most the limit times the replicas (docs/decisions/0023).
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from common.errors import TOO_MANY_REQUESTS

from gateway.front.rates import read_rate
from gateway.front.wire.heads import Header


@dataclass(slots=True)
class Allowance:
    """What is left of a rate after this request; becomes the `RateLimit` headers."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int

    def headers(self) -> list[Header]:
        """`RateLimit-Policy` and `RateLimit` (IETF draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = f'"{self.name}";q={self.quota};w={self.window_seconds}'
        state = f'"{self.name}";r={self.remaining};t={self.reset_seconds}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class Rate:
    """A sliding window over two fixed ones: what was counted in the window before this one weighs as much as
    of it is still within the last `window_seconds`. Whoever asks in neither is forgotten with it."""

    def __init__(self, rate: str) -> None:
        """`rate`: as `read_rate` reads it."""
        self.quota, self.window_seconds = read_rate(rate)
        self._window = 0
        self._before: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def spent(self, who: str, now: float) -> int:
        """Requests of `who` that count at `now` (seconds since 1970), rounded down."""
        window = int(now // self.window_seconds)
        if window != self._window:
            self._before = self._counts if window == self._window + 1 else {}
            self._counts = {}
            self._window = window
        before = self._before.get(who, 0)
        weight = 1 - now % self.window_seconds / self.window_seconds
        return int(before * weight) + self._counts.get(who, 0)

    def count(self, who: str, now: float) -> tuple[bool, int]:
        """Count one request unless there is one too many; whether it may pass, and how many are left."""
        left = self.quota - self.spent(who, now)
        if left < 1:
            return False, 0
        self._counts[who] = self._counts.get(who, 0) + 1
        return True, left - 1

    def reset_seconds(self, who: str, now: float) -> int:
        """In how many seconds more may be asked, rounded up."""
        rest = self.window_seconds - now % self.window_seconds
        before = self._before.get(who, 0)
        if before:
            rest = min(rest, rest % (self.window_seconds / before))
        return int(rest) + 1


class Rates:
    """`limits`: name of the limit → rate such as `600/minute`."""

    def __init__(self, limits: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self._rates = {name: Rate(rate) for name, rate in limits.items()}
        self._clock = clock

    def spend(self, name: str, who: str) -> Allowance:
        """Count one request of `who`; 429 with Retry-After when nothing is left."""
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
        """Count one request that was answered already."""
        self._rates[name].count(who, self._clock())

    def refuse_if_spent(self, name: str, who: str) -> None:
        """429 as `spend`, if the next one were refused; counts nothing."""
        rate = self._rates[name]
        if rate.spent(who, self._clock()) >= rate.quota:
            self.spend(name, who)


class Open:
    """Requests that are open now, per caller; `of_nobody`: those of callers without a token or a session."""

    def __init__(self, per_caller: int) -> None:
        self._per_caller = per_caller
        self._open: Counter[str] = Counter()
        self.total = self.of_nobody = 0

    def enter(self, who: str, *, known: bool) -> None:
        """429 if the caller has too many open already. Every `enter` needs its `leave`."""
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
