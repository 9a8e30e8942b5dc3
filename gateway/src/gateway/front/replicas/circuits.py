"""Circuit state of one upstream: after repeated connection failures answer 503 at once."""

import time
from dataclasses import dataclass, field
from enum import StrEnum

FAILURES_TO_OPEN = 5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"


@dataclass
class Circuit:
    """Opens on failures to connect, closes when a probe of `/healthz` succeeds.

    Probes are ours, so no client's request is the guinea pig.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    next_probe: float = 0.0
    _pause: float = field(default=FIRST_PAUSE_SECONDS, repr=False)

    def succeeded(self) -> None:
        self.state = CircuitState.CLOSED
        self.failures = 0
        self._pause = FIRST_PAUSE_SECONDS

    def failed(self) -> None:
        """One connection failure, of a request or of a probe."""
        self.failures += 1
        if self.failures < FAILURES_TO_OPEN:
            return
        self.state = CircuitState.OPEN
        self.next_probe = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    @property
    def probe_due(self) -> bool:
        return self.state is CircuitState.OPEN and time.monotonic() >= self.next_probe
