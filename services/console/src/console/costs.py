"""For developers: counts the API calls of each page and the rounds they need. A round begins when no other call is
running, so a second round means that a call waited for another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram

MOST_AT_ONCE, MOST_ROUNDS = 4, 2


@dataclass
class Cost:
    """The cost of one page."""

    calls: int = 0
    rounds: int = 0
    at_once: int = 0
    _waiting: int = 0

    @contextmanager
    def call(self) -> Iterator[None]:
        self.calls += 1
        self.rounds += self._waiting == 0
        self._waiting += 1
        self.at_once = max(self.at_once, self._waiting)
        try:
            yield
        finally:
            self._waiting -= 1


class Costs:
    """The costs of all pages, by route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._at_once = Histogram(
            "ruta_console_page_calls_at_once",
            "Calls of the API that a page waited for at the same time.",
            ("page",),
            buckets=(0, 1, 2, 3, 4, 6),
            registry=registry,
        )
        self._rounds = Histogram(
            "ruta_console_page_rounds",
            "Rounds of calls of the API, one after the other, that a page was made in.",
            ("page",),
            buckets=(0, 1, 2, 3, 4),
            registry=registry,
        )

    def count(self, page: str, cost: Cost) -> None:
        self._at_once.labels(page).observe(cost.at_once)
        self._rounds.labels(page).observe(cost.rounds)
