"""How much one caller may ask: requests in a time, and requests at once.

Rates are counted in this process. With several replicas each counts its own share, so a client
gets at most the limit times the replicas (docs/decisions/0022).
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from common.errors import TOO_MANY_REQUESTS
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway.front.wire.heads import Header


@dataclass(frozen=True)
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


class Rates:
    """`limits`: name of the limit → rate such as `600/minute`."""

    def __init__(self, limits: Mapping[str, str]) -> None:
        self._items: dict[str, RateLimitItem] = {name: parse(rate) for name, rate in limits.items()}
        # The asyncio storage: the other one starts a thread for every hundredth of a second.
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def spend(self, name: str, who: str) -> Allowance:
        """Count one request of `who`; 429 with Retry-After when nothing is left."""
        item = self._items[name]
        allowed = await self._limiter.hit(item, name, who)
        reset, remaining = await self._limiter.get_window_stats(item, name, who)
        seconds = max(1, int(reset - time.time()) + 1)
        allowance = Allowance(name, item.amount, item.get_expiry(), max(0, remaining), seconds)
        if not allowed:
            raise TOO_MANY_REQUESTS.because(
                f"At most {item.amount} requests in {item.get_expiry()} seconds.",
                headers={
                    "Retry-After": str(seconds),
                    **{k.decode(): v.decode() for k, v in allowance.headers()},
                },
            )
        return allowance

    async def count(self, name: str, who: str) -> None:
        """Count one request that was answered already."""
        await self._limiter.hit(self._items[name], name, who)

    async def refuse_if_spent(self, name: str, who: str) -> None:
        """429 as `spend`, if the next one were refused; counts nothing."""
        if not await self._limiter.test(self._items[name], name, who):
            await self.spend(name, who)


class Open:
    """Requests that are open now, per caller."""

    def __init__(self, per_caller: int) -> None:
        self._per_caller = per_caller
        self._open: Counter[str] = Counter()
        self.total = 0

    def enter(self, who: str) -> None:
        """429 if the caller has too many open already. Every `enter` needs its `leave`."""
        if self._open[who] >= self._per_caller:
            raise TOO_MANY_REQUESTS.because(
                f"At most {self._per_caller} requests at the same time.",
                headers={"Retry-After": "1"},
            )
        self._open[who] += 1
        self.total += 1

    def leave(self, who: str) -> None:
        self.total -= 1
        self._open[who] -= 1
        if self._open[who] <= 0:
            del self._open[who]
