"""Whether a service answers in time and can be reached: both belong to "available".

Reach goes by mode. A hotline is reached from wherever it serves; a mobile team wherever its state or
municipality is served; to any other service the person goes, so it must be near, and a distance
that nobody knows counts as not near: it must not hide that there is nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from common.places import Places

from services_directory.pathways.definition.graph import Urgency
from services_directory.pathways.matching.candidates import Candidate
from services_directory.pathways.matching.proximity import Proximity
from services_directory.pathways.texts.reasons import Reason, Weight

# Hours until a first answer, codelists/referral_attributes.csv `response_delay`.
RESPONSE_HOURS = {"same_day": 12, "24h": 24, "72h": 72, "one_week": 168, "one_month": 720}
SOONEST = RESPONSE_HOURS["same_day"]
"""The shortest answer that the codes can say: in time for what is urgent at once."""
KILOMETRES = {
    Urgency.AT_ONCE: 60,
    Urgency.WITHIN_24_HOURS: 60,
    Urgency.WITHIN_72_HOURS: 120,
    Urgency.WITHIN_A_WEEK: 250,
    Urgency.ROUTINE: 250,
}
"""How far a person can be sent: an hour, two hours, a day of travel and back."""
_MARGIN_KM = 60
"""Between a municipality's label point and a site in it: the query takes rather too many."""
INTERPRETATION = "INT"
OUT_OF_REACH = "out_of_reach"
REACH_UNKNOWN = "reach_unknown"


@dataclass(frozen=True, slots=True)
class Demand:
    """One need, with the hours within which somebody must answer (None: no limit) and the
    kilometres that a person in this urgency can be sent."""

    need: str
    hours: int | None
    kilometres: int

    @property
    def delays(self) -> tuple[str, ...]:
        """Codes of answers that come in time."""
        return _delays(self.hours)


@lru_cache(maxsize=1_000)
def _delays(limit: int | None) -> tuple[str, ...]:
    return tuple(code for code, hours in RESPONSE_HOURS.items() if limit is None or hours <= limit)


def demand(need: str, urgency: Urgency, remaining_hours: int | None = None) -> Demand:
    """`remaining_hours`: what is left of a clinical window, which may be less than the urgency."""
    limits = [each for each in (urgency.hours, remaining_hours) if each is not None]
    hours = max(SOONEST, min(limits)) if limits else None
    return Demand(need, hours, KILOMETRES[urgency])


def obstacles(
    candidate: Candidate, near: Proximity, wanted: Demand, area: str, places: Places
) -> list[Reason]:
    """What keeps a service that would take the person from helping this time."""
    found = []
    delay = candidate.referral.response_delay
    if delay is not None and not _in_time(delay, wanted.hours):
        found.append(Reason("answers_late", Weight.EXCLUDES, facts=(("delay", delay),)))
    if far := _distance(candidate, near, wanted, area, places):
        found.append(far)
    return found


def _in_time(delay: str, limit: int | None) -> bool:
    """Unless the code says otherwise."""
    return limit is None or RESPONSE_HOURS.get(delay, 0) <= limit


def language_obstacle(candidate: Candidate, languages: frozenset[str]) -> Reason | None:
    """An interpreter of other languages is none. Languages that are not told exclude nobody."""
    if not languages or not candidate.languages or candidate.languages & languages:
        return None
    said = ", ".join(sorted(languages))
    return Reason("language_missing", Weight.EXCLUDES, facts=(("languages", said),))


def _distance(
    candidate: Candidate, near: Proximity, wanted: Demand, area: str, places: Places
) -> Reason | None:
    if candidate.by_phone or _inside(candidate.area, area, places):
        return None
    if candidate.mobile and _served(candidate.areas, area, 1, places):
        return None
    if near.kilometres is not None:
        if near.approximate or near.kilometres > wanted.kilometres:
            facts = (("kilometres", near.kilometres),)
            return Reason(OUT_OF_REACH, Weight.EXCLUDES, facts=facts)
    elif candidate.area is not None or not _served(candidate.areas, area, 2, places):
        return Reason(REACH_UNKNOWN, Weight.EXCLUDES)
    return None


@lru_cache(maxsize=200_000)
def _inside(site: str | None, area: str, places: Places) -> bool:
    """In the person's area or municipality; a site that is shown by its state only, in the state."""
    if site is None or not places.is_known(site) or not places.is_known(area):
        return False
    if places.within(site, area):
        return True
    level = places.require(site).level
    return level > 0 and places.at_most(site, 2) == places.at_most(area, min(level, 2))


def _served(served: Iterable[str], area: str, level: int, places: Places) -> bool:
    """Whether a served area of at least this level (1 a state, 2 a municipality) touches it."""
    return any(
        places.is_known(each)
        and places.require(each).level >= level
        and (places.within(area, each) or places.within(each, area))
        for each in served
    )


@lru_cache(maxsize=10_000)
def neighbourhood(area: str, kilometres: int) -> tuple[str, ...]:
    """Areas in which a service may be near enough, generously; and all around the area itself but
    its country, for sites that are shown by their state only."""
    places = Places.load()
    around = [each for each in places.ancestors(area) if places.require(each).level > 0]
    country = places.require(area).country
    near = [
        place.pcode
        for place in places.at_level(2, country)
        if (apart := places.distance(area, place.pcode)) is not None
        and apart <= kilometres + _MARGIN_KM
    ]
    return tuple(dict.fromkeys([area, *around, *near]))
