"""How fitting services are ranked: points for what helps this person now, each with its reason.

Every factor is monotone: more capacity, a better status, a shorter way, a fresher check never
costs points. Ties are broken by distance, then by id, so that the order is always the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from common.places import Places

from services_directory.pathways.candidates import Candidate
from services_directory.pathways.eligibility import eligibility, excluding
from services_directory.pathways.graph import Urgency
from services_directory.pathways.profile import Profile
from services_directory.pathways.proximity import Proximity, proximity
from services_directory.pathways.reasons import Reason, Weight

# Hours until a first answer, codelists/referral_attributes.csv `response_delay`.
RESPONSE_HOURS = {"same_day": 12, "24h": 24, "72h": 72, "one_week": 168, "one_month": 720}
_CAPACITY_POINTS = {"accepting": 30, "waitlist": 10}
_STATUS_POINTS = {"fully_functional": 15, "partially_functional": 5, "at_capacity": 0}
_FRESH_DAYS = ((30, 8), (90, 4))
_SPANISH = "spa"
_SHARED = "MULTI"  # categories of other sectors, which no AoR's pathway owns


@dataclass(frozen=True, slots=True)
class Ranked:
    """A fitting service; `points` is the sum over `reasons`."""

    candidate: Candidate
    points: int
    proximity: Proximity
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """A service that does not fit, with what excluded it."""

    candidate: Candidate
    proximity: Proximity
    excluded_by: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """What ranking needs to know besides the service: the person, the step, the day."""

    profile: Profile
    aors: frozenset[str]
    urgency: Urgency
    places: Places
    today: date


def rank(
    candidates: Iterable[Candidate], situation: Situation
) -> tuple[tuple[Ranked, ...], tuple[Missed, ...]]:
    """Fitting services, best first, and the others, fewest exclusions and nearest first."""
    fitting: list[Ranked] = []
    missed: list[Missed] = []
    for candidate in candidates:
        conditions = eligibility(candidate, situation.profile, situation.places, situation.today)
        near = proximity(candidate, situation.profile.area, situation.places)
        against = excluding(conditions)
        if against:
            missed.append(Missed(candidate, near, against))
        else:
            reasons = (*conditions, *merits(candidate, near, situation))
            points = sum(reason.points for reason in reasons)
            fitting.append(Ranked(candidate, points, near, reasons))
    fitting.sort(key=lambda each: (-each.points, each.proximity.order, each.candidate.service_id))
    missed.sort(
        key=lambda each: (
            len(each.excluded_by),
            each.proximity.order,
            each.candidate.service_id,
        )
    )
    return tuple(fitting), tuple(missed)


def merits(candidate: Candidate, near: Proximity, situation: Situation) -> Iterator[Reason]:
    """The reasons that carry points."""
    yield _way(near)
    yield _capacity(candidate)
    yield _status(candidate)
    yield from _language(candidate, situation.profile)
    yield from _response(candidate, situation.urgency)
    yield from _hours(candidate, situation.profile)
    yield _freshness(candidate, situation.today)
    yield _endorsement(candidate, situation.aors)


def _way(near: Proximity) -> Reason:
    facts = () if near.kilometres is None else (("kilometres", near.kilometres),)
    weight = Weight.FOR if near.points >= 10 else Weight.AGAINST
    return Reason(f"way_{near.kind}", weight, near.points, facts)


def _capacity(candidate: Candidate) -> Reason:
    state = candidate.capacity_state or "unknown"
    points = _CAPACITY_POINTS.get(state, 0)
    return Reason(f"capacity_{state}", Weight.FOR if points > 10 else Weight.AGAINST, points)


def _status(candidate: Candidate) -> Reason:
    points = _STATUS_POINTS.get(candidate.functional_status, 0)
    weight = Weight.FOR if points > 5 else Weight.AGAINST
    return Reason(f"status_{candidate.functional_status}", weight, points)


def _language(candidate: Candidate, profile: Profile) -> Iterator[Reason]:
    if not profile.languages:
        return
    shared = sorted(candidate.languages & profile.languages)
    if shared:
        yield Reason("language_met", Weight.FOR, 15, (("languages", ", ".join(shared)),))
    elif not candidate.languages and _SPANISH in profile.languages:
        yield Reason("language_unstated", Weight.CHECK)
    else:
        wanted = ", ".join(sorted(profile.languages))
        yield Reason("language_missing", Weight.AGAINST, 0, (("languages", wanted),))


def _response(candidate: Candidate, urgency: Urgency) -> Iterator[Reason]:
    hours = RESPONSE_HOURS.get(candidate.referral.response_delay or "")
    if hours is None or urgency.hours is None:
        return
    facts = (("delay", candidate.referral.response_delay or ""),)
    if hours <= max(12, urgency.hours):
        yield Reason("answers_in_time", Weight.FOR, 15, facts)
    else:
        yield Reason("answers_late", Weight.AGAINST, 0, facts)


def _hours(candidate: Candidate, profile: Profile) -> Iterator[Reason]:
    if profile.moment is None or not candidate.open_minutes:
        return
    minute = profile.moment.minute_of_week
    if any(opens <= minute < closes for opens, closes in candidate.open_minutes):
        yield Reason("open_now", Weight.FOR, 20)
    else:
        yield Reason("closed_now", Weight.AGAINST, 0)


def _freshness(candidate: Candidate, today: date) -> Reason:
    if candidate.verified_on is None:
        return Reason("verified_unknown", Weight.AGAINST, 0)
    days = max(0, (today - candidate.verified_on).days)
    points = next((points for limit, points in _FRESH_DAYS if days <= limit), 0)
    weight = Weight.FOR if points else Weight.AGAINST
    return Reason("verified_days_ago", weight, points, (("days", days),))


@lru_cache(maxsize=1000)
def _joined(aors: frozenset[str]) -> str:
    return ", ".join(sorted(aors - {_SHARED}))


def _endorsement(candidate: Candidate, aors: frozenset[str]) -> Reason:
    by = _joined(candidate.endorsed_by)
    if candidate.endorsed_by & aors:
        return Reason("endorsed_here", Weight.FOR, 10, (("aors", by),))
    return Reason("endorsed_elsewhere", Weight.AGAINST, 4, (("aors", by),))
