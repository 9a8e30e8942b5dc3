"""Recomputes a report's counts from the record's own history instead of from events. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Final state (and outcome) → the report's count that it increases.
_COUNT_OF = {
    ("completed", "delivered"): "delivered",
    ("completed", "partly_delivered"): "partly_delivered",
    ("declined", None): "declined",
    ("not_delivered", None): "not_delivered",
    ("expired", None): "expired",
    ("recalled", None): "recalled",
    ("withdrawn", None): "withdrawn",
}
COUNTS = tuple(_COUNT_OF.values())


@dataclass(frozen=True, slots=True)
class Ended:
    """A sent referral's current state."""

    aor: str
    state: str
    outcome: str | None


def counts_by_aor(referrals: Iterable[Ended]) -> Counter[tuple[str, str]]:
    """Return the number of referrals by (AoR, count), only for counts that a final state determines."""
    counted: Counter[tuple[str, str]] = Counter()
    for referral in referrals:
        outcome = referral.outcome if referral.state == "completed" else None
        name = _COUNT_OF.get((referral.state, outcome))
        if name is not None:
            counted[(referral.aor, name)] += 1
        if name == "partly_delivered":  # A partly delivered referral also counts as delivered.
            counted[(referral.aor, "delivered")] += 1
    return counted
