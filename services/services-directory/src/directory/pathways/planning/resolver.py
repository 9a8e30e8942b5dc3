"""Resolves a profile: reads the pathways in force and the services that the caller may see, then applies the rules."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from common import clock
from common.auth import Principal
from common.errors import FieldError
from common.sight import Audience, audience_of
from common.words import codelists
from common.words.details import Detail
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.definition.layers import InForce
from directory.pathways.definition.profile import Profile, disagreements, moment_of
from directory.pathways.definition.proposals import (
    confidential_needs,
    intermediary_for,
    situations,
)
from directory.pathways.matching import candidate_queries
from directory.pathways.matching.candidates import Candidate
from directory.pathways.matching.ranking import judged
from directory.pathways.planning.composition import PlannedStep
from directory.pathways.planning.plans import Plan, directory_version, shown
from directory.pathways.planning.resolution import (
    SERVICES_SHOWN,
    Confidential,
    ResolvedStep,
    chart,
    planned,
)
from directory.pathways.texts.problems import PROFILE_CONTRADICTORY, UNKNOWN_CODE
from directory.pathways.versions.effective import in_force
from directory.pathways.versions.service import covers


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller's rights: what the caller may read, and whether the caller may see services for confidential needs."""

    caller: Principal
    audience: Audience

    @classmethod
    def of(cls, caller: Principal) -> "Caller":
        return cls(caller, audience_of(caller))

    def cleared_for(self, step: PlannedStep, area: str) -> bool:
        """Return whether the caller coordinates an AoR that contains the step, within the caller's areas."""
        aors = {source.aor for source in step.sources} or {need_aors().get(step.need, "")}
        return covers(self.caller, area) and any(self.caller.coordinates(aor) for aor in aors)


def need_aors() -> dict[str, str]:
    """Return a map from each category to its AoR."""
    return {code: entry.pathway for code, entry in codelists.categories().items()}


def check_profile(profile: Profile, pointer: str = "") -> None:
    """Raise 422 for unknown codes and for contradictory facts."""
    unknown = [
        FieldError.of(f"{pointer}/{field}", Detail("this_code_is_not_known"), "unknown_code")
        for field in _fields_with_unknown_codes(profile)
    ]
    if unknown:
        raise UNKNOWN_CODE.because("profile_holds_code_that_is_not_known", errors=unknown)
    contradictory = [
        FieldError.of(
            f"{pointer}/{field}",
            Detail.of("this_contradicts", f"/{other}"),
            "profile_contradictory",
        )
        for field, other in disagreements(profile)
    ]
    if contradictory:
        raise PROFILE_CONTRADICTORY.because(
            "these_facts_contradict_each_other", errors=contradictory
        )


def _fields_with_unknown_codes(profile: Profile) -> Iterable[str]:
    if not Places.load().is_known(profile.area):
        yield "area"
    for field, known in (
        ("needs", codelists.categories()),
        ("populations", codelists.populations()),
        ("situations", situations()),
        ("languages", codelists.languages()),
    ):
        if any(code not in known for code in getattr(profile, field)):
            yield field


async def plan(
    session: AsyncSession,
    caller: Caller,
    profile: Profile,
    *,
    instead: InForce | None = None,
) -> Plan:
    """Resolve one checked profile. `instead` replaces the pathway of its AoR, to simulate a draft. Hours count from the
    profile's moment, or from the current local time if it has none."""
    today = clock.today()
    if profile.moment is None:
        profile = profile.model_copy(update={"moment": moment_of(clock.at_home())})
    force = await in_force(session, profile.area)
    if instead is not None:
        force[instead.pathway.aor] = instead
    course = chart(
        [each.pathway for each in force.values()],
        profile,
        need_aors(),
        Confidential(confidential_needs(), intermediary_for),
    )
    demands, places = course.demands, Places.load()
    found = await candidate_queries.fitting(session, caller.audience, profile, demands, today)
    situations = {each.need: course.situation(profile, each, places, today) for each in demands}
    by_need = {
        need: judged(found.candidates.get(need, ()), situation, SERVICES_SHOWN)
        for need, situation in situations.items()
    }
    # The rules may have rejected every service that the query accepted.
    excluded = {need: each.excluded for need, each in by_need.items()}
    bare = [each for each in demands if not by_need[each.need].best]
    others = await candidate_queries.others(session, caller.audience, profile, bare, today)
    for need, more in others.candidates.items():
        both = _without_doubles([*found.candidates.get(need, ()), *more])
        by_need[need] = judged(both, situations[need], SERVICES_SHOWN)
    steps = planned(course, by_need, lambda step: caller.cleared_for(step, profile.area))
    counted = tuple(_with_count(step, found.fitting, excluded) for step in steps)
    version = directory_version(found.etags | others.etags)
    restricted = (found.sensitive | others.sensitive) & set(shown(counted))
    return Plan(profile, today, version, force, course, counted, frozenset(restricted))


def _without_doubles(candidates: Iterable[Candidate]) -> list[Candidate]:
    return list({each.service_id: each for each in candidates}.values())


def _with_count(
    step: ResolvedStep, fitting: dict[str, int], excluded: dict[str, int]
) -> ResolvedStep:
    """Return the step with its count. Only the most promising services were read. The count is therefore the query's
    count of all services that fit, minus those that the rules then excluded."""
    need = step.ordered.step.need
    return replace(
        step,
        fitting=max(step.fitting, fitting.get(need, 0) - excluded.get(need, 0)),
        fallbacks=tuple(_with_count(each, fitting, excluded) for each in step.fallbacks),
    )
