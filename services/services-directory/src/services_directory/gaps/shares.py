"""What one service adds to coverage: in which areas, for which groups, and in which state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from common.places import Places

from services_directory.pathways.referability import REFERABLE_STATUSES, is_fresh

GROUPS = ("child", "woman", "man", "other")
STATES = (
    "referable", "waitlist", "full", "stale", "unendorsed", "suspended", "planned", "lost", "closed",
)  # fmt: skip
ADULT = 18


@dataclass(frozen=True, slots=True)
class Shared:
    """The facts of a stored service document that coverage is counted from."""

    areas: Sequence[str]
    categories: Sequence[str]
    minimum_age: float | None
    maximum_age: float | None
    sexes: Sequence[str]
    functional_status: str
    capacity_state: str | None
    valid_until: date | None
    endorsed: bool
    pre_crisis: bool | None


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """One cell that the service counts in."""

    area: str
    need: str
    group: str
    state: str


def shares(facts: Shared, today: date, places: Places) -> Iterator[Share]:
    """Each cell once; an area inside another served one does not count again."""
    state = state_of(facts, today)
    for area in _widest(facts.areas, places):
        for need in sorted(set(facts.categories)):
            for group in _groups(facts):
                yield Share(area, need, group, state)


def state_of(facts: Shared, today: date) -> str:
    """One state per service, the strongest obstacle first."""
    if facts.functional_status == "closed":
        return "lost" if facts.pre_crisis else "closed"
    if facts.functional_status in {"suspended", "planned"}:
        return facts.functional_status
    if facts.functional_status not in REFERABLE_STATUSES or not is_fresh(facts.valid_until, today):
        return "stale"
    if not facts.endorsed:
        return "unendorsed"
    if facts.capacity_state == "full":
        return "full"
    return "waitlist" if facts.capacity_state == "waitlist" else "referable"


def _widest(areas: Sequence[str], places: Places) -> list[str]:
    """At most municipalities, without those inside another area of the list."""
    known = {places.at_most(area, 2) for area in areas if places.is_known(area)}
    return sorted(area for area in known if not known & set(places.ancestors(area)))


def _groups(facts: Shared) -> list[str]:
    low = facts.minimum_age or 0
    high = 120 if facts.maximum_age is None else facts.maximum_age
    found = ["child"] if low < ADULT else []
    if high >= ADULT:
        every = not facts.sexes
        found += ["woman"] if every or "female" in facts.sexes else []
        found += ["man"] if every or "male" in facts.sexes else []
        found += ["other"] if every or "other" in facts.sexes else []
    return found
