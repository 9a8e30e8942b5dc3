"""Decides whether a service is in time (hsds/reachability.py) and near enough. "Available" requires both.

A hotline reaches all areas that it serves. A mobile team reaches areas whose state or municipality it serves. Any other
service must be near, because the person travels. An unknown distance does not count as near, since it could hide a gap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from common.words.places import Places

from directory.ground.hsds.reachability import (
    SOONEST,
    Deadline,
    Late,
    Reached,
    Way,
    reached,
)
from directory.pathways.definition.graph import Urgency
from directory.pathways.definition.profile import Moment
from directory.pathways.matching.candidates import Candidate
from directory.pathways.matching.proximity import Proximity
from directory.pathways.texts.reasons import Reason, Weight

KILOMETRES = {
    Urgency.AT_ONCE: 60,
    Urgency.WITHIN_24_HOURS: 60,
    Urgency.WITHIN_72_HOURS: 120,
    Urgency.WITHIN_A_WEEK: 250,
    Urgency.ROUTINE: 250,
}
"""How far a person can travel and return: an hour, two hours, a day."""
_MARGIN_KM = 60
"""The distance between a municipality's label point and a site in it; the query may read too many."""
INTERPRETATION = "INT"
OUT_OF_REACH = "out_of_reach"
REACH_UNKNOWN = "reach_unknown"


@dataclass(frozen=True, slots=True)
class Demand:
    """One need, the time within which it must be met, and the kilometres that a person with this urgency can travel."""

    need: str
    deadline: Deadline
    kilometres: int


def demand(
    need: str,
    urgency: Urgency,
    remaining_hours: int | None = None,
    *,
    safety: bool = False,
) -> Demand:
    """Return the demand of a step. `remaining_hours` is the remainder of a clinical window, which may be shorter than
    the urgency. A closed window sets no limit. `safety` is for a person in danger: "at once" then means open now."""
    limits = [] if urgency.hours is None else [max(SOONEST, urgency.hours)]
    limits += [remaining_hours] if remaining_hours else []
    hours = min(limits, default=None)
    at_once = safety and urgency is Urgency.AT_ONCE
    return Demand(need, Deadline(hours, 0 if at_once else hours), KILOMETRES[urgency])


def obstacles(
    candidate: Candidate,
    near: Proximity,
    wanted: Demand,
    area: str,
    places: Places,
    moment: Moment | None,
    today: date,
) -> list[Reason]:
    """Return the reasons why a service that would accept the person cannot help this time."""
    delay = candidate.referral.response_delay
    best = reached(
        candidate.ways,
        candidate.hours_in(today),
        delay,
        wanted.deadline,
        None if moment is None else moment.minute_of_week,
        near.kilometres,
    )
    found = []
    if best is None:
        found.append(_NO_WAY)
    elif best.late is not None:
        found.append(_late(best, delay, near.kilometres))
    if far := _distance(candidate, near, wanted, area, places):
        found.append(far)
    return found


_NO_WAY = Reason("referrals_not_accepted", Weight.EXCLUDES)
TIMES = frozenset({*Late, "closed_this_week"})
"""Codes of reasons that concern only time."""


def _late(best: Reached, delay: str | None, kilometres: int | None) -> Reason:
    if best.late is Late.ANSWERS:
        return Reason(Late.ANSWERS, Weight.EXCLUDES, facts=(("delay", delay or ""),))
    if best.late is Late.ARRIVES:
        return Reason(Late.ARRIVES, Weight.EXCLUDES, facts=(("kilometres", kilometres or 0),))
    if best.opens is None:
        return _NOT_THIS_WEEK
    return Reason(Late.OPENS, Weight.EXCLUDES, facts=(("opens", best.opens),))


_NOT_THIS_WEEK = Reason("closed_this_week", Weight.EXCLUDES)


def language_obstacle(candidate: Candidate, languages: frozenset[str]) -> Reason | None:
    """Return the reason why an interpreter cannot help: the interpreter speaks none of the person's languages. If the
    languages of the person or the interpreter are unknown, nobody is excluded."""
    if not languages or not candidate.languages or candidate.languages & languages:
        return None
    said = ", ".join(sorted(languages))
    return Reason("language_missing", Weight.EXCLUDES, facts=(("languages", said),))


def _distance(
    candidate: Candidate, near: Proximity, wanted: Demand, area: str, places: Places
) -> Reason | None:
    if Way.CALL in candidate.ways or _inside(candidate.area, area, places):
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
    """Return whether the site is in the person's area or municipality, or in the same state if only the state is
    shown."""
    if site is None or not places.is_known(site) or not places.is_known(area):
        return False
    if places.within(site, area):
        return True
    level = places.require(site).level
    return level > 0 and places.at_most(site, 2) == places.at_most(area, min(level, 2))


def _served(served: Iterable[str], area: str, level: int, places: Places) -> bool:
    """Return whether a served area of at least this level (1 a state, 2 a municipality) contains the area or is part of
    it."""
    return any(
        places.is_known(each)
        and places.require(each).level >= level
        and (places.within(area, each) or places.within(each, area))
        for each in served
    )


@lru_cache(maxsize=10_000)
def neighbourhood(area: str, kilometres: int) -> tuple[str, ...]:
    """Return areas in which a service may be near enough, with a margin. Include the areas that contain them, except
    the country, for sites that show only their state."""
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
