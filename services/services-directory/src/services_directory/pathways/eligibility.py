"""Whether a service can take this person at all: hard conditions, each with its own reason."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from common.places import Places

from services_directory.pathways.candidates import Candidate
from services_directory.pathways.profile import Profile
from services_directory.pathways.reasons import Reason, Weight
from services_directory.pathways.referability import REFERABLE_STATUSES, is_fresh

AREA = "other_area"


def eligibility(
    candidate: Candidate, profile: Profile, places: Places, today: date
) -> list[Reason]:
    """Reasons that exclude, that need checking, and the conditions that are met.

    A service fits when none of them excludes. An unknown fact never excludes.
    """
    return [
        *_age(candidate, profile),
        *_sex(candidate, profile),
        *_groups(candidate, profile),
        *_documents(candidate, profile),
        *_area(candidate, profile, places),
        *_standing(candidate, today),
    ]


def excluding(reasons: list[Reason]) -> tuple[Reason, ...]:
    """Those that keep the service from fitting."""
    return tuple(reason for reason in reasons if reason.weight is Weight.EXCLUDES)


def _age(candidate: Candidate, profile: Profile) -> Iterator[Reason]:
    low, high = candidate.minimum_age, candidate.maximum_age
    if low is None and high is None:
        return
    facts: tuple[tuple[str, str | int], ...] = (
        ("minimum", 0 if low is None else int(low)),
        ("maximum", 120 if high is None else int(high)),
    )
    if profile.age is None:
        yield Reason("age_unknown", Weight.CHECK, facts=facts)
    elif (low is not None and profile.age < low) or (high is not None and profile.age > high):
        yield Reason("age_outside", Weight.EXCLUDES, facts=facts)
    else:
        yield Reason("age_met", Weight.FOR, facts=facts)


def _sex(candidate: Candidate, profile: Profile) -> Iterator[Reason]:
    if not candidate.sexes:
        return
    if profile.sex is None:
        yield Reason("sex_unknown", Weight.CHECK)
    elif candidate.admits(profile.sex):
        yield Reason("sex_met", Weight.FOR)
    else:
        yield Reason("sex_outside", Weight.EXCLUDES)


def _groups(candidate: Candidate, profile: Profile) -> Iterator[Reason]:
    if candidate.populations:
        codes = ", ".join(sorted(candidate.populations))
        facts = (("populations", codes),)
        if not profile.populations:
            yield Reason("population_unknown", Weight.CHECK, facts=facts)
        elif candidate.populations & profile.populations:
            yield Reason("population_met", Weight.FOR, facts=facts)
        else:
            yield Reason("population_outside", Weight.EXCLUDES, facts=facts)
    if candidate.nationalities:
        if profile.nationality is None:
            yield Reason("nationality_unknown", Weight.CHECK)
        elif profile.nationality not in candidate.nationalities:
            yield Reason("nationality_outside", Weight.EXCLUDES)


def _documents(candidate: Candidate, profile: Profile) -> Iterator[Reason]:
    if not candidate.documents:
        if profile.has_documents is False:
            yield Reason("no_documents_needed", Weight.FOR)
    elif profile.has_documents is None:
        yield Reason("documents_unknown", Weight.CHECK)
    elif not profile.has_documents:
        yield Reason("documents_required", Weight.EXCLUDES)


def _area(candidate: Candidate, profile: Profile, places: Places) -> Iterator[Reason]:
    """Served areas count; a service that states none serves the municipality or state of its site."""
    served = candidate.areas or frozenset({candidate.area} if candidate.area else ())
    if not served:
        yield Reason("area_unknown", Weight.CHECK)
    elif any(serves(area, profile.area, places) for area in served):
        yield Reason("area_served", Weight.FOR)
    else:
        yield Reason(AREA, Weight.EXCLUDES)


def serves(served: str, wanted: str, places: Places) -> bool:
    """A wider area includes its parts; a question about a state is answered by its municipalities."""
    return _overlap(served, wanted, places)


@lru_cache(maxsize=200_000)
def _overlap(served: str, wanted: str, places: Places) -> bool:
    return places.within(wanted, served) or places.within(served, wanted)


def standing(
    functional_status: str, capacity_state: str | None, valid_until: date | None, today: date
) -> Iterator[Reason]:
    """What keeps a service from taking anybody at all now, endorsement left aside."""
    fresh = is_fresh(valid_until, today)
    # A stale entry's status turns unknown by itself: that is one obstacle, not two.
    if functional_status not in REFERABLE_STATUSES and (fresh or functional_status != "unknown"):
        yield Reason(f"status_{functional_status}", Weight.EXCLUDES)
    if capacity_state == "full":
        yield Reason("capacity_full", Weight.EXCLUDES)
    if not fresh:
        yield Reason("stale", Weight.EXCLUDES)


def _standing(candidate: Candidate, today: date) -> Iterator[Reason]:
    yield from standing(
        candidate.functional_status, candidate.capacity_state, candidate.valid_until, today
    )
    if not candidate.endorsed_by:
        yield Reason("not_endorsed", Weight.EXCLUDES)
    if candidate.referral.method == "not_accepted":
        yield Reason("referrals_not_accepted", Weight.EXCLUDES)
