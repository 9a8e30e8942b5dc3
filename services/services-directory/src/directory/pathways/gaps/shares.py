"""Computes what one service adds to coverage: its areas, its groups and its state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from common.words.places import Places

from directory.ground.hsds.reachability import Hours, reached, ways_of
from directory.ground.hsds.referability import REFERABLE_STATUSES, is_fresh
from directory.pathways.definition.graph import Urgency
from directory.pathways.definition.proposals import urgencies
from directory.pathways.matching.reach import demand

GROUPS = ("child", "woman", "man", "other")
# States from best to worst. A cell shows the best state of its services.
STATES = (
    "referable", "waitlist", "late", "full", "stale", "unendorsed", "suspended", "planned", "lost", "closed",
)  # fmt: skip
OUT_OF_SEASON = "suspended"
"""A service out of season will open again, like a suspended one, so nobody is referred to it now."""
_TAKES = ("referable", "waitlist")
ADULT = 18


@dataclass(frozen=True, slots=True)
class Shared:
    """The facts of a stored service document that coverage uses."""

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
    in_season: bool
    """False if all its known hours hold on other days."""
    modes: Sequence[str] = ()
    method: str | None = None
    response_delay: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """One count of a service in `area`, for each of `groups`. With `whole`, it serves the whole area, so it also counts
    in every part. Otherwise it serves only a part."""

    area: str
    whole: bool
    need: str
    state: str
    groups: tuple[str, ...]


def shares(facts: Shared, today: date, places: Places) -> Iterator[Share]:
    """Yield one share per need and area, for the areas that the service serves and every area that contains them."""
    state, groups = state_of(facts, today), groups_of(facts)
    served = _widest(facts.areas, places)
    touched = {around for area in served for around in places.ancestors(area)} - set(served)
    for need in sorted(set(facts.categories)):
        counted = "late" if state in _TAKES and is_late(facts, need) else state
        for area in served:
            yield Share(area, True, need, counted, groups)
        for area in sorted(touched):
            yield Share(area, False, need, counted, groups)


def is_late(facts: Shared, need: str) -> bool:
    """Return whether every call, visit or referral comes too late for the need's shortest urgency. This assumes that
    the service is open, because a cell has no time of day."""
    urgency = urgencies().get(need, Urgency.ROUTINE)
    best = reached(
        ways_of(tuple(facts.modes), facts.method),
        Hours(),
        facts.response_delay,
        demand(need, urgency).deadline,
        minute=None,
    )
    return best is None or best.late is not None


def state_of(facts: Shared, today: date) -> str:
    """Return the state of a service according to its strongest obstacle."""
    if facts.functional_status == "closed":
        return "lost" if facts.pre_crisis else "closed"
    if facts.functional_status in {"suspended", "planned"}:
        return facts.functional_status
    if not facts.in_season:
        return OUT_OF_SEASON
    if facts.functional_status not in REFERABLE_STATUSES or not is_fresh(facts.valid_until, today):
        return "stale"
    if not facts.endorsed:
        return "unendorsed"
    if facts.capacity_state == "full":
        return "full"
    return "waitlist" if facts.capacity_state == "waitlist" else "referable"


def groups_of(facts: Shared) -> tuple[str, ...]:
    """Return the coarse groups of the people whom the service accepts."""
    low = facts.minimum_age or 0
    high = 120 if facts.maximum_age is None else facts.maximum_age
    found = ["child"] if low < ADULT else []
    if high >= ADULT:
        every = not facts.sexes
        found += ["woman"] if every or "female" in facts.sexes else []
        found += ["man"] if every or "male" in facts.sexes else []
        found += ["other"] if every or "other" in facts.sexes else []
    return tuple(found)


def _widest(areas: Sequence[str], places: Places) -> list[str]:
    """Return the municipalities or wider areas in the list, except those inside another listed area."""
    known = {places.at_most(area, 2) for area in areas if places.is_known(area)}
    return sorted(area for area in known if not known & set(places.ancestors(area)))
