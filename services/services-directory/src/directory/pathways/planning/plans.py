"""A resolved profile: the query, the pathway versions used, and the resulting steps."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from directory.pathways.definition.layers import InForce
from directory.pathways.definition.profile import Profile
from directory.pathways.planning.resolution import Course, Coverage, ResolvedStep


@dataclass(frozen=True, slots=True)
class Plan:
    """A resolved profile. `directory_version` is the digest of exactly the documents that were read, so it reveals
    nothing about entries that the caller may not see. `sensitive` contains the ids of the restricted services in the
    plan."""

    profile: Profile
    as_of: date
    directory_version: str
    in_force: dict[str, InForce]
    course: Course
    steps: tuple[ResolvedStep, ...]
    sensitive: frozenset[str] = frozenset()


def directory_version(etags: frozenset[tuple[str, str]]) -> str:
    """Return a digest of (service id, ETag) pairs. Two digests are equal if the same documents were read."""
    lines = [f"{service_id}={etag}\n" for service_id, etag in sorted(etags)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def gaps_of(steps: Iterable[ResolvedStep], *, with_mediation: bool = True) -> list[str]:
    """Return needs for which neither the step nor any of its fallbacks has a service. With `with_mediation`, also
    return confidential needs without an available mediator. This reveals nothing about the services themselves."""
    covered = {Coverage.AVAILABLE, Coverage.WAITLIST}
    gaps = {Coverage.GAP, Coverage.GAP_IN_TIME}
    if with_mediation:
        gaps.add(Coverage.INTERMEDIARY_GAP)
    return sorted(
        step.ordered.step.need
        for step in steps
        if step.coverage in gaps
        and not any(fallback.coverage in covered for fallback in step.fallbacks)
    )


def shortened(plan: Plan, services: int) -> Plan:
    """Return the plan with only the `services` best services of each step."""
    steps = tuple(_shortened(step, services) for step in plan.steps)
    return replace(plan, steps=steps, sensitive=plan.sensitive & set(shown(steps)))


def _shortened(step: ResolvedStep, services: int) -> ResolvedStep:
    return replace(
        step,
        services=step.services[:services],
        fallbacks=tuple(_shortened(each, services) for each in step.fallbacks),
    )


def shown(steps: Iterable[ResolvedStep]) -> Iterator[str]:
    """Return the ids of all services in the response, including near misses and alternatives."""
    for step in steps:
        yield from (ranked.candidate.service_id for ranked in step.services)
        if step.shortfall is not None:
            yield from (missed.candidate.service_id for missed in step.shortfall.near_misses)
            if step.shortfall.nearest is not None:
                yield step.shortfall.nearest.candidate.service_id
        yield from shown(step.fallbacks)
