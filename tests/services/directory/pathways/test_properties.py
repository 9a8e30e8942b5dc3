"""Rules for every pathway, profile and service that Hypothesis can generate."""

from dataclasses import replace
from typing import Any

import pytest
from common.words import codelists
from directory.pathways.definition.graph import Pathway
from directory.pathways.definition.profile import Profile
from directory.pathways.matching.candidates import Candidate
from directory.pathways.matching.eligibility import eligibility, excluding
from directory.pathways.planning.composition import compose
from directory.pathways.planning.resolution import Coverage, ResolvedStep, chart, resolve
from directory.pathways.planning.step_order import in_order
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.directory.pathways.profiles import (
    PLACES,
    TODAY,
    findings,
    pathways,
    profiles,
    services,
)

NEED_AORS = {code: entry.pathway for code, entry in codelists.categories().items()}
CAPACITY = (None, "full", "waitlist", "accepting")


def plan(
    of: list[Pathway], profile: Profile, candidates: list[Candidate], cleared: bool = True
) -> tuple[ResolvedStep, ...]:
    by_need: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_need.setdefault(candidate.need, []).append(candidate)
    return resolve(
        chart(of, profile, NEED_AORS),
        profile,
        by_need,
        cleared=lambda step: cleared,
        places=PLACES,
        today=TODAY,
    )


def every_step(steps: tuple[ResolvedStep, ...]) -> list[ResolvedStep]:
    return [each for step in steps for each in (step, *step.fallbacks)]


trios = st.tuples(pathways("CP"), pathways("GBV"), pathways("TIP"))


@given(trios, profiles, st.lists(services, max_size=12))
def test_a_service_that_fails_eligibility_is_never_ranked_as_fitting(
    of: tuple[Pathway, ...], profile: Profile, candidates: list[Candidate]
) -> None:
    for step in every_step(plan(list(of), profile, candidates)):
        for ranked in step.services:
            reasons = eligibility(ranked.candidate, profile, PLACES, TODAY)
            assert not excluding(reasons)
            _assert_the_person_fits(ranked.candidate, profile)


def _assert_the_person_fits(candidate: Candidate, profile: Profile) -> None:
    """Check the rules of eligibility.py again with plain comparisons, in order to find mistakes there."""
    if profile.age is not None:
        assert (candidate.minimum_age or 0) <= profile.age
        assert profile.age <= (121 if candidate.maximum_age is None else candidate.maximum_age)
    if profile.sex is not None and candidate.sexes:
        assert profile.sex.value in candidate.sexes
    if profile.populations and candidate.populations:
        assert profile.populations & candidate.populations
    if profile.has_documents is False:
        assert not candidate.documents
    assert candidate.functional_status not in {"suspended", "closed", "planned", "unknown"}
    assert candidate.capacity_state != "full"
    assert candidate.endorsed_by
    assert candidate.valid_until is not None
    assert candidate.valid_until >= TODAY


@given(trios, profiles, st.lists(services, min_size=1, max_size=12), st.data())
def test_adding_capacity_never_lowers_a_services_rank(
    of: tuple[Pathway, ...], profile: Profile, candidates: list[Candidate], data: Any
) -> None:
    at = data.draw(st.integers(0, len(candidates) - 1))
    state = candidates[at].capacity_state
    # An unknown capacity may become a waiting list or free places; "full" is worse than unknown.
    more = data.draw(st.sampled_from([s for s in CAPACITY if _rooms(s) >= _rooms(state)]))
    richer = [*candidates]
    richer[at] = replace(candidates[at], capacity_state=more)
    before = _places_of(candidates[at].service_id, plan(list(of), profile, candidates))
    after = _places_of(candidates[at].service_id, plan(list(of), profile, richer))
    for need, place in before.items():
        assert after[need] <= place


def _rooms(state: str | None) -> int:
    return {"full": 0, None: 1, "waitlist": 2, "accepting": 3}[state]


def _places_of(service_id: str, steps: tuple[ResolvedStep, ...]) -> dict[str, int]:
    """Return the service's rank for each need, or a last rank where it does not fit."""
    return {
        step.ordered.step.need: next(
            (
                at
                for at, ranked in enumerate(step.services)
                if ranked.candidate.service_id == service_id
            ),
            1000,
        )
        for step in every_step(steps)
    }


@given(trios, profiles, st.lists(services, min_size=1, max_size=12), st.data())
def test_removing_a_service_never_creates_coverage(
    of: tuple[Pathway, ...], profile: Profile, candidates: list[Candidate], data: Any
) -> None:
    at = data.draw(st.integers(0, len(candidates) - 1))
    fewer = candidates[:at] + candidates[at + 1 :]
    before = {s.ordered.step.need: s for s in every_step(plan(list(of), profile, candidates))}
    order = [
        Coverage.GAP,
        Coverage.TO_CHECK,
        Coverage.INTERMEDIARY_GAP,
        Coverage.THROUGH_INTERMEDIARY,
        Coverage.WAITLIST,
        Coverage.AVAILABLE,
    ]
    for step in every_step(plan(list(of), profile, fewer)):
        known = before[step.ordered.step.need]
        assert step.fitting <= known.fitting
        assert order.index(step.coverage) <= order.index(known.coverage)


@given(trios, profiles, st.permutations([0, 1, 2]))
def test_composition_is_commutative(
    of: tuple[Pathway, ...], profile: Profile, order: list[int]
) -> None:
    one = compose(of, profile)
    other = compose([of[at] for at in order], profile)
    assert one == other
    assert in_order(one, profile) == in_order(other, profile)


@given(pathways(), profiles)
def test_composing_a_pathway_with_itself_changes_nothing(of: Pathway, profile: Profile) -> None:
    assert compose([of, of], profile) == compose([of], profile)


@given(trios, profiles)
def test_every_planned_step_is_ordered_once_after_what_it_waits_for(
    of: tuple[Pathway, ...], profile: Profile
) -> None:
    steps = compose(of, profile)
    ordered = in_order(steps, profile)
    seen: set[str] = set()
    for each in ordered:
        assert set(each.after) <= seen
        seen.add(each.step.need)
    fallbacks = {fallback.step.need for each in ordered for fallback in each.fallbacks}
    assert seen | fallbacks == set(steps)


@given(trios, profiles, st.booleans(), st.integers(0, 300))
def test_a_more_urgent_profile_never_drops_a_safety_step(
    of: tuple[Pathway, ...], profile: Profile, danger: bool, earlier: int
) -> None:
    hours = profile.hours_since_incident
    urgent = profile.model_copy(
        update={
            "immediate_danger": True if danger else profile.immediate_danger,
            "hours_since_incident": None if hours is None else min(hours, earlier),
        }
    )
    assert _safety_needs(of, profile) <= _safety_needs(of, urgent)


def _safety_needs(of: tuple[Pathway, ...], profile: Profile) -> set[str]:
    steps = chart(of, profile, NEED_AORS).steps
    return {each.step.need for each in steps if each.step.safety}


@given(trios, profiles)
def test_in_danger_safety_comes_before_everything_else(
    of: tuple[Pathway, ...], profile: Profile
) -> None:
    urgent = profile.model_copy(update={"immediate_danger": True})
    safety = [each.step.safety for each in chart(of, urgent, NEED_AORS).steps]
    assert safety == sorted(safety, reverse=True)


@given(trios, profiles, st.lists(services, max_size=12), st.randoms(use_true_random=False))
def test_the_same_facts_in_another_order_give_the_same_plan(
    of: tuple[Pathway, ...], profile: Profile, candidates: list[Candidate], random: Any
) -> None:
    shuffled, turned = [*candidates], list(of)
    random.shuffle(shuffled)
    random.shuffle(turned)
    assert plan(list(of), profile, candidates) == plan(turned, profile, shuffled)


@given(trios, profiles, st.lists(services, max_size=12))
def test_an_answer_to_someone_without_clearance_differs_only_in_the_word_gap(
    of: tuple[Pathway, ...], profile: Profile, candidates: list[Candidate]
) -> None:
    cleared = every_step(plan(list(of), profile, candidates))
    others = every_step(plan(list(of), profile, candidates, cleared=False))
    for one, other in zip(cleared, others, strict=True):
        assert one.services == other.services
        if one.coverage is not other.coverage:
            assert one.ordered.step.confidential
            assert one.coverage in (Coverage.GAP, Coverage.TO_CHECK)
            assert other.coverage in (Coverage.THROUGH_INTERMEDIARY, Coverage.INTERMEDIARY_GAP)


@settings(max_examples=30)
@given(pathways())
def test_drawn_pathways_pass_validation(of: Pathway) -> None:
    assert [found for found in findings(of) if found.severity == "error"] == []


@pytest.mark.parametrize("state", CAPACITY)
def test_every_capacity_state_has_its_place_in_the_order(state: str | None) -> None:
    assert _rooms(state) in range(4)
