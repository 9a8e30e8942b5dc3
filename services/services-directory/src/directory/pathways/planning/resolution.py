"""Makes a plan from a profile, the published pathways and the services that the caller may see. Pure and deterministic:
the same profile, pathways, services and day give the same plan."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from common.words.places import Places

from directory.pathways.definition.entry import Doubt, Entry, enter
from directory.pathways.definition.graph import Bilingual, Pathway, Urgency
from directory.pathways.definition.profile import Profile
from directory.pathways.matching.candidates import Candidate
from directory.pathways.matching.ranking import Judged, Ranked, Situation, judged
from directory.pathways.matching.reach import Demand, demand
from directory.pathways.matching.shortfall import Shortfall, explain
from directory.pathways.planning.composition import MEDIATORS, PlannedStep, compose
from directory.pathways.planning.step_order import OrderedStep, in_order

SERVICES_SHOWN = 10
FIRST_ACTIONS = 5
"""The number of steps that a person can take in during a conversation; the rest is folded."""
HOTLINE = "HOT"
_LAST = 1000


class Coverage(StrEnum):
    """The result of a step for this caller."""

    AVAILABLE = "available"
    WAITLIST = "waitlist"
    THROUGH_INTERMEDIARY = "through_intermediary"
    INTERMEDIARY_GAP = "intermediary_gap"
    """An intermediary is needed, and none is available."""
    TO_CHECK = "to_check"
    """Nothing fits, and the need depends on languages or groups that the profile does not name."""
    GAP_IN_TIME = "gap_in_time"
    """A service would fit, but it opens, answers or is reached too late."""
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class ResolvedStep:
    """A step with its services. `services` contains the best ten; `fitting` counts all services that fit."""

    ordered: OrderedStep
    coverage: Coverage
    services: tuple[Ranked, ...]
    fitting: int
    shortfall: Shortfall | None
    folded: bool = False
    """Not among the first actions: shown on request."""
    fallbacks: tuple["ResolvedStep", ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """The steps and needs of a profile, before any service is read."""

    entries: tuple[Entry, ...]
    doubts: tuple[Doubt, ...]
    steps: tuple[OrderedStep, ...]

    @property
    def demands(self) -> tuple[Demand, ...]:
        """Return the demand of each need of the steps, their fallbacks and the mediators of confidential steps. A
        mediator has the urgency of its step."""
        found: dict[str, Demand] = {}
        for ordered in self.steps:
            for each in (ordered, *ordered.fallbacks):
                found[each.step.need] = demand_of(each)
        for ordered in self.steps:
            for need in ordered.step.intermediary_needs:
                found.setdefault(need, replace(demand_of(ordered), need=need))
        return tuple(found[need] for need in sorted(found))

    def situation(self, profile: Profile, wanted: Demand, places: Places, today: date) -> Situation:
        """Return the facts for ranking the services of one need."""
        aors = frozenset(entry.pathway.aor for entry in self.entries)
        return Situation(profile, aors, wanted, places, today)


def demand_of(ordered: OrderedStep) -> Demand:
    step = ordered.step
    return demand(step.need, step.urgency, ordered.remaining_hours, safety=step.safety)


@dataclass(frozen=True, slots=True)
class Confidential:
    """Needs whose services are confidential, and the intermediary for each."""

    needs: frozenset[str] = frozenset()
    intermediary: Callable[[str], Bilingual | None] = lambda need: None


def chart(
    pathways: Iterable[Pathway],
    profile: Profile,
    need_aors: Mapping[str, str],
    confidential: Confidential | None = None,
) -> Course:
    """Return the course of steps. `pathways` contains the effective pathway of each AoR for the profile's area."""
    entries, doubts = enter(pathways, profile, need_aors)
    steps = compose([entry.pathway for entry in entries], profile)
    for need in sorted(profile.needs):
        known = steps.get(need)
        if known is None:
            steps[need] = _requested(need, confidential or Confidential())
        else:  # a need that the person asks for is a separate step, even if it is a fallback in a pathway
            steps[need] = replace(known, fallback_of=frozenset())
    return Course(entries, doubts, in_order(steps, profile))


def _requested(need: str, confidential: Confidential) -> PlannedStep:
    """Return a step for a need that the person asks for but that no pathway contains."""
    intermediary = confidential.intermediary(need)
    return PlannedStep(
        need=need,
        sources=(),
        urgency=Urgency.ROUTINE,
        window_hours=None,
        safety=False,
        confidential=need in confidential.needs,
        intermediaries=(intermediary,) if intermediary else (),
        intermediary_needs=MEDIATORS.get(need.partition("-")[0], (HOTLINE,))
        if intermediary
        else (),
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
    """Resolve a profile. `candidates` are grouped by need. For `cleared`, see `planned`."""
    by_need = {
        wanted.need: judged(
            candidates.get(wanted.need, ()),
            course.situation(profile, wanted, places, today),
            SERVICES_SHOWN,
        )
        for wanted in course.demands
    }
    return planned(course, by_need, cleared)


def planned(
    course: Course, by_need: Mapping[str, Judged], cleared: Callable[[PlannedStep], bool]
) -> tuple[ResolvedStep, ...]:
    """Return the steps with the judged services of each need. `cleared` returns whether the caller may see confidential
    services of a step. It must depend only on the caller, never on which services exist."""
    return tuple(
        replace(_resolved(ordered, by_need, cleared), folded=at >= FIRST_ACTIONS)
        for at, ordered in enumerate(course.steps)
    )


def _resolved(
    ordered: OrderedStep, by_need: Mapping[str, Judged], cleared: Callable[[PlannedStep], bool]
) -> ResolvedStep:
    found = by_need[ordered.step.need]
    shortfall = None if found.best else explain(found.missed)
    return ResolvedStep(
        ordered=ordered,
        coverage=_coverage(
            ordered, by_need, cleared, late=shortfall is not None and shortfall.late
        ),
        services=found.best,
        fitting=found.fitting,
        shortfall=shortfall,
        fallbacks=tuple(_resolved(fallback, by_need, cleared) for fallback in ordered.fallbacks),
    )


def _coverage(
    ordered: OrderedStep,
    by_need: Mapping[str, Judged],
    cleared: Callable[[PlannedStep], bool],
    *,
    late: bool,
) -> Coverage:
    step = ordered.step
    found = by_need[step.need]
    if found.at_once:
        return Coverage.AVAILABLE
    if found.best:
        return Coverage.WAITLIST
    if step.confidential and not cleared(step):
        # This counts mediators, not safe houses, so it reveals nothing about a hidden service (0042). A need without a step
        # in the plan has no ranking.
        mediated = any(need in by_need and by_need[need].best for need in step.intermediary_needs)
        if mediated or not step.intermediary_needs:
            return Coverage.THROUGH_INTERMEDIARY
        return Coverage.INTERMEDIARY_GAP
    if step.only_if_told:
        return Coverage.TO_CHECK
    return Coverage.GAP_IN_TIME if late else Coverage.GAP
