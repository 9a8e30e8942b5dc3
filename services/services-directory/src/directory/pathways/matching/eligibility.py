"""Decides by hard conditions, each with its own reason, whether a service can accept this person at all."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from common.words.places import Places

from directory.ground.hsds.opening_hours import out_of_season
from directory.ground.hsds.referability import REFERABLE_STATUSES, is_fresh
from directory.pathways.definition.profile import Profile
from directory.pathways.matching.candidates import Candidate
from directory.pathways.texts.reasons import Reason, Weight

AREA = "other_area"


def eligibility(
    candidate: Candidate, profile: Profile, places: Places, today: date
) -> list[Reason]:
    """Return the reasons that exclude the person, the reasons that need a check, and the conditions that are met. A
    service fits if no reason excludes the person. An unknown fact never excludes anybody."""
    found: list[Reason] = []
    if candidate.minimum_age is not None or candidate.maximum_age is not None:
        found.append(_age(candidate.minimum_age, candidate.maximum_age, profile.age))
    if candidate.sexes:
        found.append(_sex(candidate, profile))
    if candidate.populations:
        found.append(_population(candidate.populations, profile.populations))
    if candidate.nationalities and profile.nationality not in candidate.nationalities:
        found.append(_NATION_UNKNOWN if profile.nationality is None else _NATION_OUTSIDE)
    if candidate.documents:
        if not profile.has_documents:
            found.append(_PAPERS_UNKNOWN if profile.has_documents is None else _PAPERS_REQUIRED)
    elif profile.has_documents is False:
        found.append(_NO_PAPERS)
    found.append(_area(candidate, profile, places))
    found += _standing(
        candidate.functional_status,
        candidate.capacity_state,
        candidate.valid_until,
        bool(candidate.endorsed_by),
        today,
    )
    if candidate.seasons and out_of_season(
        candidate.open_minutes, candidate.seasons, today, unread=candidate.hours_unread
    ):
        found.append(_OUT_OF_SEASON)
    return found


def excluding(reasons: list[Reason]) -> tuple[Reason, ...]:
    """Return the reasons why the service does not fit."""
    return tuple([reason for reason in reasons if reason.weight is Weight.EXCLUDES])


_SEX_UNKNOWN = Reason("sex_unknown", Weight.CHECK)
_SEX_MET = Reason("sex_met", Weight.FOR)
_SEX_OUTSIDE = Reason("sex_outside", Weight.EXCLUDES)
_NATION_UNKNOWN = Reason("nationality_unknown", Weight.CHECK)
_NATION_OUTSIDE = Reason("nationality_outside", Weight.EXCLUDES)
_PAPERS_UNKNOWN = Reason("documents_unknown", Weight.CHECK)
_PAPERS_REQUIRED = Reason("documents_required", Weight.EXCLUDES)
_NO_PAPERS = Reason("no_documents_needed", Weight.FOR)
_AREA_UNKNOWN = Reason("area_unknown", Weight.CHECK)
_AREA_SERVED = Reason("area_served", Weight.FOR)
_OUT_OF_SEASON = Reason("out_of_season", Weight.EXCLUDES)
OTHER_AREA = Reason(AREA, Weight.EXCLUDES)


# Cached, because every plan uses the same few limits and groups.
@lru_cache(maxsize=20_000)
def _age(low: float | None, high: float | None, age: int | None) -> Reason:
    facts: tuple[tuple[str, str | int], ...] = (
        ("minimum", 0 if low is None else int(low)),
        ("maximum", 120 if high is None else int(high)),
    )
    if age is None:
        return Reason("age_unknown", Weight.CHECK, facts=facts)
    if (low is not None and age < low) or (high is not None and age > high):
        return Reason("age_outside", Weight.EXCLUDES, facts=facts)
    return Reason("age_met", Weight.FOR, facts=facts)


def _sex(candidate: Candidate, profile: Profile) -> Reason:
    if profile.sex is None:
        return _SEX_UNKNOWN
    return _SEX_MET if candidate.admits(profile.sex) else _SEX_OUTSIDE


@lru_cache(maxsize=20_000)
def _population(served: frozenset[str], of_person: frozenset[str]) -> Reason:
    facts = (("populations", ", ".join(sorted(served))),)
    if not of_person:
        return Reason("population_unknown", Weight.CHECK, facts=facts)
    if served & of_person:
        return Reason("population_met", Weight.FOR, facts=facts)
    return Reason("population_outside", Weight.EXCLUDES, facts=facts)


def _area(candidate: Candidate, profile: Profile, places: Places) -> Reason:
    """Judge the area. A service without stated service areas serves the municipality or state of its site."""
    served = candidate.areas or ((candidate.area,) if candidate.area else ())
    if not served:
        return _AREA_UNKNOWN
    for area in served:
        if _overlap(area, profile.area, places):
            return _AREA_SERVED
    return OTHER_AREA


def serves(served: str, wanted: str, places: Places) -> bool:
    """Return whether the service serves the area. A wider area includes its parts, and a query for a state includes its
    municipalities."""
    return _overlap(served, wanted, places)


@lru_cache(maxsize=200_000)
def _overlap(served: str, wanted: str, places: Places) -> bool:
    return places.within(wanted, served) or places.within(served, wanted)


def standing(
    functional_status: str, capacity_state: str | None, valid_until: date | None, today: date
) -> Iterator[Reason]:
    """Yield the reasons why a service cannot accept anybody now, apart from a missing endorsement."""
    fresh = is_fresh(valid_until, today)
    # A stale entry's status also becomes unknown, so report one obstacle, not two.
    if functional_status not in REFERABLE_STATUSES and (fresh or functional_status != "unknown"):
        yield Reason(f"status_{functional_status}", Weight.EXCLUDES)
    if capacity_state == "full":
        yield _FULL
    if not fresh:
        yield _STALE


_FULL = Reason("capacity_full", Weight.EXCLUDES)
_STALE = Reason("stale", Weight.EXCLUDES)
_NOT_ENDORSED = Reason("not_endorsed", Weight.EXCLUDES)


@lru_cache(maxsize=20_000)
def _standing(
    functional_status: str,
    capacity_state: str | None,
    valid_until: date | None,
    endorsed: bool,
    today: date,
) -> tuple[Reason, ...]:
    found = list(standing(functional_status, capacity_state, valid_until, today))
    if not endorsed:
        found.append(_NOT_ENDORSED)
    return tuple(found)
