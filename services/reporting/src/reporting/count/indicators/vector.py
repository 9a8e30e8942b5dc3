"""The vector that one referral adds to the operational counters, and figures computed from summed counters.

Counters are integer vectors with a fixed layout: counts, coded reasons, and a histogram of hours for each milestone.
Vectors can be added, so a query sums only a few rows however many referrals there are.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from common import clock
from common.words import choices
from common.words.referral_states import DELIVERED, TERMINAL, UNMET, ReferralState, progress

from reporting.count.facts.progress import ReferralFact

COUNTS = (
    "sent",
    "acknowledged",
    "accepted",
    "delivered",
    "partly_delivered",
    "confirmed",
    "declined",
    "not_delivered",
    "expired",
    "recalled",
    "withdrawn",
    "open",
    "overdue",
    "late",
)
if lacking := {state for state in ReferralState if progress(state) == "undelivered"} - {*COUNTS}:
    raise LookupError(f"no place in the counters for {', '.join(sorted(lacking))}")
_DECLINE_PLACES, _NOT_DELIVERED_PLACES = 12, 8
"""More places than reasons: a new reason takes a free one, and nothing that is stored moves."""
DECLINE_REASONS = choices.counted("decline", _DECLINE_PLACES)
NOT_DELIVERED_REASONS = choices.counted("report-not-delivered", _NOT_DELIVERED_PLACES)
MILESTONES = ("acknowledged", "accepted", "delivered", "confirmed")

HOUR_EDGES = (
    0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 60, 72, 96, 120, 144, 168, 240, 336, 504,
    720, 1080, 1440, 2160, 4320,
)  # fmt: skip
"""Upper edges of the histogram's bins in hours; a last bin contains everything beyond."""
BINS = len(HOUR_EDGES) + 1

_POSITION = {name: position for position, name in enumerate(COUNTS)}
_REASONS_AT = len(COUNTS)
_NOT_DELIVERED_AT = _REASONS_AT + _DECLINE_PLACES
COUNT_LENGTH = _NOT_DELIVERED_AT + _NOT_DELIVERED_PLACES
LENGTH = COUNT_LENGTH + BINS * len(MILESTONES)

ALL = ""
"""In a counter's key: not split by this dimension."""
UNKNOWN = "unknown"
Place = tuple[date, str, str, str, str, str]
"""Month of sending, area, category, AoR, sender and recipient: they determine a referral's counters."""
Increments = dict[Place, Counter[int]]
"""Place → position in the vectors of its counters → amount to add."""


class CounterKey(NamedTuple):
    """A counter: its owner (an AoR, or an organisation as sender or recipient), its month and its split. `month` is the
    first day of the month of sending."""

    scope: str
    scope_id: str
    month: date
    area: str = ALL
    category: str = ALL

    @property
    def length(self) -> int:
        """Return the vector's length. Area × category has no histogram, because it would need too many counters with
        too few referrals each."""
        return LENGTH if ALL in {self.area, self.category} else COUNT_LENGTH


def collect(increments: Increments, before: ReferralFact, after: ReferralFact) -> None:
    """Add to `increments` the changes in the counters when a fact changes."""
    old_place, new_place = place(before), place(after)
    old = positions(before) if old_place else frozenset()
    new = positions(after) if new_place else frozenset()
    if old_place == new_place:
        old, new = old - new, new - old
    for where, which, by in ((old_place, old, -1), (new_place, new, 1)):
        if where is not None:
            counter = increments.setdefault(where, Counter())
            for position in which:
                counter[position] += by


def by_counter(increments: Increments) -> dict[CounterKey, Counter[int]]:
    """Group the increments by counter; each place has nine counters."""
    found: dict[CounterKey, Counter[int]] = {}
    for where, counted in increments.items():
        for key in keys(where):
            counter = found.setdefault(key, Counter())
            length = key.length
            for position, by in counted.items():
                if position < length:
                    counter[position] += by
    return found


def dense(key: CounterKey, counter: Mapping[int, int]) -> list[int]:
    """Return the increment vector in its stored layout."""
    vector = [0] * key.length
    for position, by in counter.items():
        vector[position] = by
    return vector


def place(fact: ReferralFact) -> Place | None:
    """Return where a referral counts. Return None before sending, if entered in error, or for internal work."""
    if fact.sent_at is None or fact.state_version == 0 or fact.state == "entered_in_error":
        return None
    if fact.from_organisation == fact.to_organisation:
        return None
    return (
        clock.utc_day(fact.sent_at).replace(day=1),
        fact.area or UNKNOWN,
        fact.category or UNKNOWN,
        fact.aor or UNKNOWN,
        str(fact.from_organisation),
        str(fact.to_organisation),
    )


def keys(where: Place) -> tuple[CounterKey, ...]:
    """Return a place's counters."""
    month, area, category, aor, sender, recipient = where
    return tuple(
        CounterKey(scope, scope_id, month, *split)
        for scope, scope_id in (("aor", aor), ("sender", sender), ("recipient", recipient))
        for split in ((area, ALL), (ALL, category), (area, category))
    )


def positions(fact: ReferralFact) -> frozenset[int]:
    """Return the positions that one referral increments by 1 in its counters' vectors."""
    counted = _counted(
        fact.state,
        fact.reason,
        fact.outcome,
        acknowledged=fact.acknowledged_at is not None,
        accepted=fact.accepted_at is not None,
        confirmed=fact.confirmed_at is not None,
        overdue=fact.overdue,
        late=fact.late,
    )
    return counted | _timed(fact)


@lru_cache(maxsize=4096)
def _counted(state: str, reason: str | None, outcome: str | None, **is_so: bool) -> frozenset[int]:
    """Return the positions that do not depend on times. Cached, because a country's referrals have only a few dozen
    combinations."""
    done, closed = state in DELIVERED, state in TERMINAL
    counted = {
        "sent": True,
        "acknowledged": is_so["acknowledged"],
        "accepted": is_so["accepted"],
        "delivered": done,
        "partly_delivered": done and outcome == "partly_delivered",
        "confirmed": done and is_so["confirmed"],
        "open": not closed,
        "overdue": is_so["overdue"] and not closed,
        "late": is_so["late"],
        state: True,
    }
    found = {_POSITION[name] for name, applies in counted.items() if applies and name in _POSITION}
    if state == ReferralState.DECLINED:
        found.add(_REASONS_AT + _reason(reason, DECLINE_REASONS))
    if state == ReferralState.NOT_DELIVERED:
        found.add(_NOT_DELIVERED_AT + _reason(reason or outcome, NOT_DELIVERED_REASONS))
    return frozenset(found)


def _timed(fact: ReferralFact) -> set[int]:
    reached = (fact.acknowledged_at, fact.accepted_at, fact.delivered_at, fact.confirmed_at)
    sent = fact.sent_at
    if sent is None:
        return set()
    return {
        COUNT_LENGTH + milestone * BINS + _bin(sent, at)
        for milestone, at in enumerate(reached)
        if at is not None
    }


def _bin(start: datetime, end: datetime) -> int:
    # An offline step may have a time before the sending to which it responds; count it as immediate.
    hours = max(end - start, timedelta(0)) / timedelta(hours=1)
    return bisect_right(HOUR_EDGES, hours)


def _reason(reason: str | None, known: Mapping[str, int]) -> int:
    return known.get(reason or "other", known["other"])


@dataclass(frozen=True)
class Timing:
    """Hours from sending to a milestone: median and 90th percentile, interpolated within a bin. They are `None` beyond
    the last bin (180 days), or if no referral reached the milestone."""

    reached: int
    median_hours: float | None
    p90_hours: float | None


def timing(vector: Sequence[int], milestone: str) -> Timing | None:
    """Return a milestone's timing; None if the counters have no histogram (area × category)."""
    if len(vector) < LENGTH:
        return None
    start = COUNT_LENGTH + MILESTONES.index(milestone) * BINS
    bins = vector[start : start + BINS]
    return Timing(sum(bins), percentile(bins, 0.5), percentile(bins, 0.9))


def percentile(bins: Sequence[int], share: float) -> float | None:
    """Return the number of hours within which `share` of the referrals reached the milestone, interpolated linearly
    within a bin."""
    wanted = share * sum(bins)
    below = 0.0
    for position, count in enumerate(bins):
        if count and below + count >= wanted:
            if position == len(HOUR_EDGES):
                return None
            low = HOUR_EDGES[position - 1] if position else 0.0
            return round(low + (HOUR_EDGES[position] - low) * (wanted - below) / count, 2)
        below += count
    return None


def named_counts(vector: Sequence[int]) -> dict[str, int]:
    return dict(zip(COUNTS, vector, strict=False))


def decline_reasons(vector: Sequence[int]) -> dict[str, int]:
    return {reason: vector[_REASONS_AT + at] for reason, at in DECLINE_REASONS.items()}


def not_delivered_reasons(vector: Sequence[int]) -> dict[str, int]:
    return {reason: vector[_NOT_DELIVERED_AT + at] for reason, at in NOT_DELIVERED_REASONS.items()}


def unmet(vector: Sequence[int]) -> int:
    """Return the number of referrals that ended without a service for a reason that does not lie with the person."""
    counts = named_counts(vector)
    return sum(counts[state] for state in UNMET)
