"""A profile, the published pathways and the services that the caller may see, made into a plan.

Pure and deterministic: the same profile, pathways, services and day give the same plan.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from common.places import Places

from services_directory.pathways.candidates import Candidate
from services_directory.pathways.composition import PlannedStep, compose
from services_directory.pathways.entry import Doubt, Entry, enter
from services_directory.pathways.graph import Bilingual, Pathway, Urgency
from services_directory.pathways.ordering import OrderedStep, in_order
from services_directory.pathways.profile import Profile
from services_directory.pathways.ranking import Ranked, Situation, rank
from services_directory.pathways.shortfall import Shortfall, explain

SERVICES_SHOWN = 10
_LAST = 1000


class Coverage(StrEnum):
    """What a step comes to for this caller."""

    AVAILABLE = "available"
    WAITLIST = "waitlist"
    THROUGH_INTERMEDIARY = "through_intermediary"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class ResolvedStep:
    """`services` are the best ten, `fitting` counts all that fit."""

    ordered: OrderedStep
    coverage: Coverage
    services: tuple[Ranked, ...]
    fitting: int
    shortfall: Shortfall | None
    fallbacks: tuple["ResolvedStep", ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """What a profile asks for, before any service is looked at."""

    entries: tuple[Entry, ...]
    doubts: tuple[Doubt, ...]
    steps: tuple[OrderedStep, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """Every need whose services are wanted, fallbacks included, sorted."""
        own = {ordered.step.need for ordered in self.steps}
        fallbacks = {each.step.need for ordered in self.steps for each in ordered.fallbacks}
        return tuple(sorted(own | fallbacks))


@dataclass(frozen=True, slots=True)
class Confidential:
    """Needs whose services are never shown to everybody, and through whom they are reached."""

    needs: frozenset[str] = frozenset()
    intermediary: Callable[[str], Bilingual | None] = lambda need: None


def chart(
    pathways: Iterable[Pathway],
    profile: Profile,
    need_aors: Mapping[str, str],
    confidential: Confidential | None = None,
) -> Course:
    """`pathways`: the effective one of each AoR for the profile's area."""
    entries, doubts = enter(pathways, profile, need_aors)
    steps = compose([entry.pathway for entry in entries], profile)
    for need in sorted(profile.needs - set(steps)):
        steps[need] = _requested(need, confidential or Confidential())
    return Course(entries, doubts, in_order(steps, profile))


def _requested(need: str, confidential: Confidential) -> PlannedStep:
    """A need that the person asks for and no pathway holds is looked up all the same."""
    intermediary = confidential.intermediary(need)
    return PlannedStep(
        need=need,
        sources=(),
        urgency=Urgency.ROUTINE,
        window_hours=None,
        safety=False,
        confidential=need in confidential.needs,
        intermediaries=(intermediary,) if intermediary else (),
        after=frozenset(),
        fallback_of=frozenset(),
        place=_LAST,
    )


def resolve(
    course: Course,
    profile: Profile,
    candidates: Mapping[str, Sequence[Candidate]],
    *,
    cleared: Callable[[PlannedStep], bool],
    places: Places,
    today: date,
) -> tuple[ResolvedStep, ...]:
    """`candidates` by need; `cleared` says whether the caller may see confidential services of a
    step. It must depend on the caller alone, never on which services exist.
    """
    aors = frozenset(entry.pathway.aor for entry in course.entries)
    return tuple(
        _resolved(
            ordered,
            Situation(profile, aors, ordered.step.urgency, places, today),
            candidates,
            cleared,
        )
        for ordered in course.steps
    )


def _resolved(
    ordered: OrderedStep,
    situation: Situation,
    candidates: Mapping[str, Sequence[Candidate]],
    cleared: Callable[[PlannedStep], bool],
) -> ResolvedStep:
    fitting, missed = rank(candidates.get(ordered.step.need, ()), situation)
    coverage = _coverage(ordered, fitting, cleared)
    return ResolvedStep(
        ordered=ordered,
        coverage=coverage,
        services=fitting[:SERVICES_SHOWN],
        fitting=len(fitting),
        shortfall=None if fitting else explain(missed),
        fallbacks=tuple(
            _resolved(fallback, situation, candidates, cleared) for fallback in ordered.fallbacks
        ),
    )


def _coverage(
    ordered: OrderedStep, fitting: Sequence[Ranked], cleared: Callable[[PlannedStep], bool]
) -> Coverage:
    if any(each.candidate.capacity_state != "waitlist" for each in fitting):
        return Coverage.AVAILABLE
    if fitting:
        return Coverage.WAITLIST
    if ordered.step.confidential and not cleared(ordered.step):
        return Coverage.THROUGH_INTERMEDIARY
    return Coverage.GAP
