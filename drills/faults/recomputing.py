"""Counts of a report, recomputed from the record's own history instead of from events. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# final state (and outcome) → the count of a report that it adds to
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
    """How a referral that was sent stands now."""

    aor: str
    state: str
    outcome: str | None


def counts_by_aor(referrals: Iterable[Ended]) -> Counter[tuple[str, str]]:
    """(AoR, count) → how many referrals; only the counts that a final state decides."""
    counted: Counter[tuple[str, str]] = Counter()
    for referral in referrals:
        outcome = referral.outcome if referral.state == "completed" else None
        name = _COUNT_OF.get((referral.state, outcome))
        if name is not None:
            counted[(referral.aor, name)] += 1
        if name == "partly_delivered":  # it is a delivery, too
            counted[(referral.aor, "delivered")] += 1
    return counted
