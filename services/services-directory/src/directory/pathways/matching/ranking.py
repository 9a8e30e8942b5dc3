"""Ranks fitting services by points for this person, each with its reason. Every factor is monotonic: more capacity, a
better status, a shorter distance or a more recent verification never costs points. Ties are broken by distance, then by
id, so that the order is always the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from common.words.places import Places

from directory.ground.hsds.preference import CAPACITY, MERITS, NOTHING, STATUS
from directory.ground.hsds.reachability import RESPONSE_HOURS, Deadline, Way
from directory.pathways.definition.profile import Moment, Profile
from directory.pathways.matching.candidates import Candidate
from directory.pathways.matching.eligibility import OTHER_AREA, eligibility, excluding
from directory.pathways.matching.proximity import Proximity, proximity
from directory.pathways.matching.reach import (
    INTERPRETATION,
    Demand,
    language_obstacle,
    obstacles,
)
from directory.pathways.texts.reasons import Reason, Weight

_FRESH_DAYS = ((30, 8), (90, 4))
_SPANISH = "spa"
_SHARED = "MULTI"  # categories of other sectors, which no AoR's pathway contains


@dataclass(frozen=True, slots=True)
class Ranked:
    """A fitting service; `points` is the sum of the points in `reasons`."""

    candidate: Candidate
    points: int
    proximity: Proximity
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """A service that does not fit, with the reasons that excluded it."""

    candidate: Candidate
    proximity: Proximity
    excluded_by: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """The best fitting services, the number that fit, and the number that do not. `missed` is filled only if nothing
    fits."""

    best: tuple[Ranked, ...]
    fitting: int
    excluded: int
    at_once: bool
    """Whether a fitting service has no waiting list."""
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts outside the service that ranking needs: the person, the step, the day."""

    profile: Profile
    aors: frozenset[str]
    wanted: Demand
    places: Places
    today: date


def rank(
    candidates: Iterable[Candidate], situation: Situation
) -> tuple[tuple[Ranked, ...], tuple[Missed, ...]]:
    """Return the fitting services, best first, and the others, ordered by fewest exclusions, then by distance."""
    fitting: list[Ranked] = []
    missed: list[Missed] = []
    for candidate in candidates:
        near = proximity(candidate, situation.profile.area, situation.places)
        conditions = _conditions(candidate, near, situation)
        against = excluding(conditions)
        if against:
            missed.append(Missed(candidate, near, against))
        else:
            reasons = (*conditions, *merits(candidate, near, situation))
            points = sum([reason.points for reason in reasons])
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


def judged(candidates: Iterable[Candidate], situation: Situation, best: int) -> Judged:
    fitting, missed = rank(candidates, situation)
    at_once = any(each.candidate.capacity_state != "waitlist" for each in fitting)
    return Judged(fitting[:best], len(fitting), len(missed), at_once, () if fitting else missed)


def exclusions(candidate: Candidate, situation: Situation) -> tuple[Reason, ...]:
    """Return the reasons why the service cannot help this person at this urgency."""
    near = proximity(candidate, situation.profile.area, situation.places)
    return excluding(_conditions(candidate, near, situation))


def _conditions(candidate: Candidate, near: Proximity, situation: Situation) -> list[Reason]:
    profile, wanted = situation.profile, situation.wanted
    found = eligibility(candidate, profile, situation.places, situation.today)
    # If a service does not serve the area, no other obstacle matters.
    if OTHER_AREA not in found:
        found += obstacles(
            candidate, near, wanted, profile.area, situation.places, profile.moment, situation.today
        )
    if wanted.need == INTERPRETATION:
        spoken = language_obstacle(candidate, profile.languages)
        found += [spoken] if spoken else []
    return found


def merits(candidate: Candidate, near: Proximity, situation: Situation) -> list[Reason]:
    """Return the reasons that give points."""
    profile = situation.profile
    found = [
        _way(near.kind, near.kilometres, near.points),
        _capacity(
            candidate.capacity_state, CAPACITY.get(candidate.capacity_state or "", NOTHING).plan
        ),
        _status(candidate.functional_status, STATUS.get(candidate.functional_status, NOTHING).plan),
    ]
    if profile.languages:
        found.append(_language(candidate.languages, profile.languages, MERITS["language_met"]))
    if situation.wanted.deadline.hours is not None:
        delay = candidate.referral.response_delay
        found += _in_time(candidate.ways, delay, situation.wanted.deadline)
    if profile.moment is not None and (hours := _hours(candidate, profile.moment, situation.today)):
        found.append(hours)
    found.append(_freshness(candidate.verified_on, situation.today))
    found.append(_endorsement(candidate.endorsed_by, situation.aors))
    return found


# Cached, because every plan uses the same few codes and numbers.
@lru_cache(maxsize=10_000)
def _way(kind: str, kilometres: int | None, points: int) -> Reason:
    facts = () if kilometres is None else (("kilometres", kilometres),)
    weight = Weight.FOR if points >= 10 else Weight.AGAINST
    return Reason(f"way_{kind}", weight, points, facts)


@lru_cache(maxsize=100)
def _capacity(state: str | None, points: int) -> Reason:
    return Reason(
        f"capacity_{state or 'unknown'}", Weight.FOR if points > 10 else Weight.AGAINST, points
    )


@lru_cache(maxsize=100)
def _status(functional_status: str, points: int) -> Reason:
    weight = Weight.FOR if points > 5 else Weight.AGAINST
    return Reason(f"status_{functional_status}", weight, points)


@lru_cache(maxsize=10_000)
def _language(spoken: frozenset[str], wanted: frozenset[str], points: int) -> Reason:
    shared = sorted(spoken & wanted)
    if shared:
        return Reason("language_met", Weight.FOR, points, (("languages", ", ".join(shared)),))
    if not spoken and _SPANISH in wanted:
        return Reason("language_unstated", Weight.CHECK)
    return Reason(
        "language_missing", Weight.AGAINST, 0, (("languages", ", ".join(sorted(wanted))),)
    )


def _in_time(ways: tuple[Way, ...], delay: str | None, deadline: Deadline) -> tuple[Reason, ...]:
    """Return the reasons for being in time. A service that is open to calls or visits, and also responds to referrals
    in time, has two reasons."""
    found = [
        Reason(f"by_{way}", Weight.FOR, MERITS[f"by_{way}"])
        for way in ways[:1]
        if way is not Way.REFERRAL
    ]
    if delay in deadline.delays:
        facts = (("delay", delay),)
        found.append(Reason("answers_in_time", Weight.FOR, MERITS["answers_in_time"], facts))
    elif not found and delay not in RESPONSE_HOURS:
        found.append(Reason("delay_unknown", Weight.CHECK))
    return tuple(found)


def _hours(candidate: Candidate, moment: Moment, today: date) -> Reason | None:
    """Return the reason about the opening hours, or None if the service states no hours."""
    minute = moment.minute_of_week
    if any(opens <= minute < closes for opens, closes in candidate.open_in(today)):
        return Reason("open_now", Weight.FOR, MERITS["open_now"])
    if candidate.hours_unread:
        return _HOURS_UNREAD
    return _CLOSED if candidate.open_minutes or candidate.seasons else None


_HOURS_UNREAD = Reason("hours_unread", Weight.CHECK)
_CLOSED = Reason("closed_now", Weight.AGAINST, 0)


@lru_cache(maxsize=10_000)
def _freshness(verified_on: date | None, today: date) -> Reason:
    if verified_on is None:
        return Reason("verified_unknown", Weight.AGAINST, 0)
    days = max(0, (today - verified_on).days)
    points = next((points for limit, points in _FRESH_DAYS if days <= limit), 0)
    weight = Weight.FOR if points else Weight.AGAINST
    return Reason("verified_days_ago", weight, points, (("days", days),))


@lru_cache(maxsize=1_000)
def _endorsement(endorsed_by: frozenset[str], aors: frozenset[str]) -> Reason:
    by = ", ".join(sorted(endorsed_by - {_SHARED}))
    if endorsed_by & aors:
        return Reason("endorsed_here", Weight.FOR, 10, (("aors", by),))
    return Reason("endorsed_elsewhere", Weight.AGAINST, 4, (("aors", by),))
