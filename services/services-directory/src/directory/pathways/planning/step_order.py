"""Orders the steps of a plan. The order is an offer: the person may begin with any step."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from directory.pathways.definition.profile import Profile
from directory.pathways.planning.composition import PlannedStep

_NO_DEADLINE = 10**9
_Pressure = tuple[int, int, int, int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class OrderedStep:
    """A step with its position. Steps in `stage` 0 may begin now; steps of one stage may run in parallel. Hours count
    from now. `remaining_hours` is the remainder of a clinical window; None if there is no window or the time since the
    incident is unknown."""

    step: PlannedStep
    stage: int
    after: tuple[str, ...]
    remaining_hours: int | None
    fallbacks: tuple["OrderedStep", ...] = ()


def in_order(steps: Mapping[str, PlannedStep], profile: Profile) -> tuple[OrderedStep, ...]:
    """Return the primary steps, most urgent first, each with its fallbacks. In danger, safety comes first. Then come
    open clinical windows, then the needs that the person asks for. Any other step is as urgent as the most urgent step
    that waits for it."""
    primary = {need: step for need, step in steps.items() if not step.fallback_of}
    before = {need: _waits_for(step, primary) for need, step in primary.items()}
    pressing = _pressing(primary, before, profile)
    stages = _stages(before)
    ordered = []
    for need in _by_pressure(before, pressing):
        fallbacks = [
            _placed(step, stages[need], frozenset(), profile)
            for step in steps.values()
            if need in step.fallback_of
        ]
        ordered.append(
            _placed(primary[need], stages[need], before[need], profile, tuple(fallbacks))
        )
    return tuple(ordered)


def remaining_hours(step: PlannedStep, profile: Profile) -> int | None:
    """Return the remaining hours of the step's clinical window, or 0 once it has passed."""
    if step.window_hours is None or profile.hours_since_incident is None:
        return None
    return max(0, step.window_hours - profile.hours_since_incident)


def _placed(
    step: PlannedStep,
    stage: int,
    after: frozenset[str],
    profile: Profile,
    fallbacks: tuple[OrderedStep, ...] = (),
) -> OrderedStep:
    return OrderedStep(step, stage, tuple(sorted(after)), remaining_hours(step, profile), fallbacks)


def _waits_for(step: PlannedStep, primary: Mapping[str, PlannedStep]) -> frozenset[str]:
    """Return the needs that a step waits for. A safety step waits only for other safety steps."""
    known = step.after & set(primary)
    return frozenset(need for need in known if primary[need].safety) if step.safety else known


def _pressing(
    primary: Mapping[str, PlannedStep], before: Mapping[str, frozenset[str]], profile: Profile
) -> dict[str, _Pressure]:
    own = {need: _pressure(step, profile) for need, step in primary.items()}
    inherited = dict(own)
    for need in reversed(_any_topological(before)):
        for other in before[need]:
            if inherited[need][:4] < inherited[other][:4]:
                inherited[other] = (*inherited[need][:4], *own[other][4:])
    return inherited


def _pressure(step: PlannedStep, profile: Profile) -> _Pressure:
    # A person whose languages or groups are unknown probably has no special need, so do not ask about them first.
    hours = None if step.only_if_told else step.urgency.hours
    requested = step.need in profile.needs
    if requested:
        hours = 0
    left = remaining_hours(step, profile)
    return (
        0 if profile.immediate_danger and step.safety else 1,
        _NO_DEADLINE if hours is None else hours,
        _NO_DEADLINE if left is None else left,
        0 if requested else 1,
        0 if step.safety else 1,
        # services that people can contact directly come before those reached through an intermediary
        1 if step.confidential else 0,
        step.place,
        step.need,
    )


def _any_topological(before: Mapping[str, frozenset[str]]) -> list[str]:
    return _by_pressure(before, {need: (0, 0, 0, 0, 0, 0, 0, need) for need in before})


def _by_pressure(
    before: Mapping[str, frozenset[str]],
    pressing: Mapping[str, _Pressure],
) -> list[str]:
    """Return the order by Kahn's algorithm. Each round takes the most urgent step whose predecessors are already
    placed."""
    waiting = {need: set(others) for need, others in before.items()}
    ready = [(pressing[need], need) for need, others in waiting.items() if not others]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, need = heapq.heappop(ready)
        ordered.append(need)
        for other, others in waiting.items():
            if need in others:
                others.discard(need)
                if not others:
                    heapq.heappush(ready, (pressing[other], other))
    return ordered


def _stages(before: Mapping[str, frozenset[str]]) -> dict[str, int]:
    stages: dict[str, int] = {}
    for need in _any_topological(before):
        stages[need] = max((stages[other] + 1 for other in before[need]), default=0)
    return stages
