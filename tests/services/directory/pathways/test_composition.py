"""Combined pathways of the shipped proposals: the order of their steps, and the effect of urgency."""

from typing import Any

import pytest
from common.words import codelists
from directory.pathways.definition.differences import difference, plain
from directory.pathways.definition.graph import Pathway, Urgency
from directory.pathways.definition.profile import Profile
from directory.pathways.definition.proposals import AORS, proposal
from directory.pathways.planning.composition import compose
from directory.pathways.planning.resolution import Course, chart
from directory.pathways.planning.step_order import in_order

from tests.services.directory.pathways.profiles import pathway, step

NEED_AORS = {code: entry.pathway for code, entry in codelists.categories().items()}


def course(**facts: object) -> Course:
    profile = Profile.model_validate({"area": "VE2313", **facts})
    return chart([proposal(aor, "VE") for aor in AORS], profile, NEED_AORS)


def aors(found: Course) -> list[str]:
    return [entry.pathway.aor for entry in found.entries]


def test_a_trafficked_child_is_on_cp_and_tip_jointly() -> None:
    found = course(age=13, situations=["trafficking"])
    assert aors(found) == ["CP", "TIP"]
    shared = next(each.step for each in found.steps if each.step.need == "CP-AUTH")
    assert {source.aor for source in shared.sources} == {"CP", "TIP"}


def test_sexual_exploitation_is_on_gbv_and_tip_jointly() -> None:
    assert aors(course(age=30, situations=["sexual_exploitation"])) == ["GBV", "TIP"]


def test_who_is_on_no_specialised_pathway_gets_general_protection() -> None:
    found = course(age=40, situations=["displacement"], populations=["IDP"])
    assert [(entry.pathway.aor, entry.because) for entry in found.entries] == [("GP", "general")]


def test_a_need_brings_its_pathway_and_a_foreign_need_is_looked_up_all_the_same() -> None:
    found = course(
        age=30, needs=["TIP-SAFE", "WSH"], situations=["displacement"], populations=["IDP"]
    )
    assert "TIP" not in aors(found)  # A known fact about the person rules out the TIP pathway.
    needs = {each.step.need: each.step for each in found.steps}
    assert needs["WSH"].sources == ()
    found = course(age=30, needs=["TIP-SAFE"])
    assert [(entry.pathway.aor, entry.because) for entry in found.entries] == [("TIP", "need")]


def test_unknown_age_is_a_doubt_not_a_no() -> None:
    doubts = {doubt.aor: doubt.to_check for doubt in course(situations=["trafficking"]).doubts}
    assert "maximum_age" in doubts["CP"]


def test_sexual_violence_within_72_hours_puts_health_first() -> None:
    found = course(
        age=27, situations=["sexual_violence"], hours_since_incident=20, immediate_danger=False,
        languages=["spa"],
    )  # fmt: skip
    first = found.steps[0]
    assert (first.step.need, first.remaining_hours) == ("GBV-CMR", 52)
    assert first.step.urgency is Urgency.AT_ONCE


def test_the_clinical_windows_follow_the_hours() -> None:
    def sources(hours: int) -> list[str]:
        found = course(situations=["sexual_violence"], hours_since_incident=hours, aors=["GBV"])
        care = next(each.step for each in found.steps if each.step.need == "GBV-CMR")
        return [source.step for source in care.sources if source.aor == "GBV"]

    assert sources(72) == ["clinical-care-72h"]
    assert sources(73) == ["clinical-care-120h"]
    assert sources(120) == ["clinical-care-120h"]
    assert sources(121) == ["clinical-care-later"]


def test_immediate_danger_puts_safety_first() -> None:
    found = course(
        age=27, situations=["sexual_violence"], hours_since_incident=2, immediate_danger=True
    )
    assert found.steps[0].step.safety
    safety = [each.step.safety for each in found.steps]
    assert safety == sorted(safety, reverse=True)


def test_every_need_that_the_mission_names_is_an_option_for_trafficked_persons() -> None:
    adult = {each.step.need for each in course(age=30, situations=["trafficking"]).steps}
    child = {each.step.need for each in course(age=13, situations=["trafficking"]).steps}
    assert {
        "GP-PSS", "LIV", "TIP-JUSTICE", "CVA", "TIP-SAFE", "HLT", "GP-DOC", "TIP-RETURN",
    } <= adult  # fmt: skip
    assert {"CP-MHPSS", "CP-FTR", "CP-JUSTICE"} <= child


def test_orders_that_contradict_each_other_make_the_steps_parallel() -> None:
    one = pathway(step("a", "HLT"), step("b", "HOT", after=("a",)), aor="TIP")
    other = pathway(step("b", "HOT"), step("a", "HLT", after=("b",)), aor="GBV")
    nobody = Profile(area="VE")
    ordered = in_order(compose([one, other], nobody), nobody)
    assert [(each.step.need, each.stage, each.after) for each in ordered] == [
        ("HLT", 0, ()),
        ("HOT", 0, ()),
    ]


def test_a_fallback_of_one_pathway_is_a_step_where_another_asks_for_it() -> None:
    one = pathway(step("a", "TIP-SAFE"), step("b", "SHL", fallback_of="a"), aor="TIP")
    other = pathway(step("a", "SHL"), aor="GP")
    nobody = Profile(area="VE")
    assert [each.step.need for each in in_order(compose([one], nobody), nobody)] == ["TIP-SAFE"]
    both = in_order(compose([one, other], nobody), nobody)
    assert [each.step.need for each in both] == ["SHL", "TIP-SAFE"]


def test_a_step_that_does_not_apply_hands_its_place_to_its_own_predecessors() -> None:
    chain = pathway(
        step("a", "HLT"),
        step("b", "HOT", after=("a",), condition={"maximum_age": 17}),
        step("c", "SHL", after=("b",)),
    )
    adult = Profile(area="VE", age=40)
    found = {each.step.need: each.after for each in in_order(compose([chain], adult), adult)}
    assert found == {"HLT": (), "SHL": ("HLT",)}


def test_a_difference_names_steps_and_fields() -> None:
    old = pathway(step("a"), step("b", "HOT"))
    new = pathway(step("a", urgency=Urgency.AT_ONCE), step("c", "SHL"))
    found = difference(old, new)
    assert [(each["step"], each["kind"]) for each in found["steps"]] == [
        ("a", "changed"), ("b", "removed"), ("c", "added"),
    ]  # fmt: skip
    assert found["steps"][0]["changes"] == [{"field": "urgency", "old": None, "new": "at_once"}]
    assert difference(old, old) == {"pathway": [], "steps": [], "reordered": False}
    assert difference(old, pathway(step("b", "HOT"), step("a")))["reordered"]


def test_the_stored_form_of_a_pathway_round_trips() -> None:
    for aor in AORS:
        shipped = proposal(aor, "VE23")
        assert Pathway.model_validate(plain(shipped)) == shipped


@pytest.mark.parametrize(
    ("facts", "need", "most"),
    [
        (
            {"situations": ["partner_violence"]},
            "HLT-MH",
            2,
        ),  # Psychosocial support comes before mental health care.
        ({"situations": ["partner_violence"]}, "FSC", 1),
        (
            {"needs": ["HLT-MH"]},
            "HLT-MH",
            1,
        ),  # Mental health care is only a fallback for general protection.
        ({"situations": ["trafficking"]}, "FSC", 1),
        ({"situations": ["partner_violence", "suicide_risk"]}, "HLT-MH", 1),
        ({"situations": ["suicide_risk"]}, "HLT-MH", 1),
        ({"situations": ["sexual_violence"], "hours_since_incident": 20}, "FSC", 2),
        ({"situations": ["partner_violence"], "immediate_danger": True}, "FSC", 3),
    ],
)
def test_what_the_person_asks_for_is_a_step_and_early(
    facts: dict[str, Any], need: str, most: int
) -> None:
    """The need that the person asks for is an early step. Only a running clinical window, safety in danger, and the
    steps on which it depends come earlier."""
    found = course(age=30, sex="female", **{"immediate_danger": False, **facts, "needs": [need]})
    needs = [ordered.step.need for ordered in found.steps]
    assert needs.index(need) < most, needs


@pytest.mark.parametrize(
    "facts",
    [
        {"age": 30, "populations": ["SUR"]},
        {"age": 30, "situations": ["partner_violence"]},
        {"age": 15},
        {"age": 30, "situations": ["trafficking"]},
        {"age": 30},
    ],
)
@pytest.mark.parametrize("danger", [False, True])
def test_a_risk_of_suicide_is_answered_at_once_and_waits_for_no_other_service(
    facts: dict[str, Any], danger: bool
) -> None:
    told = {**facts, "situations": [*facts.get("situations", []), "suicide_risk"]}
    steps = {each.step.need: each for each in course(**told, immediate_danger=danger).steps}
    assert (steps["HLT-MH"].step.urgency, steps["HLT-MH"].after) == (Urgency.AT_ONCE, ())
    assert steps["HOT"].step.urgency is Urgency.AT_ONCE
    first = [each.step.need for each in course(**told, immediate_danger=danger).steps[:4]]
    assert {"HLT-MH", "HOT"} <= set(first)


def test_nobody_is_taken_for_suicidal_or_wed_who_told_nothing_of_it() -> None:
    for pathways in (["GBV"], ["CP"], ["TIP"], ["GP"]):
        for each in course(age=15, aors=pathways).steps:
            assert "suicide-risk" not in [source.step for source in each.step.sources]
            assert "reproductive-health" not in [source.step for source in each.step.sources]


def test_an_early_union_is_on_both_pathways_with_health_authority_and_justice() -> None:
    found = course(age=14, sex="female", situations=["early_union"])
    assert [entry.pathway.aor for entry in found.entries] == ["CP", "GBV"]
    assert {"CP-AUTH", "CP-CM", "CP-JUSTICE", "GBV-CM", "HLT-SRH"} <= {
        each.step.need for each in found.steps
    }


@pytest.mark.parametrize("population", ["DIS", "LGB"])
@pytest.mark.parametrize("age", [15, 30])
def test_specific_needs_have_a_step_beside_violence(population: str, age: int) -> None:
    told = {"situations": ["partner_violence"], "populations": [population]}
    steps = {each.step.need: each.step for each in course(age=age, **told).steps}
    assert steps["GP-PSN"].urgency is Urgency.WITHIN_72_HOURS
    others = {"situations": ["partner_violence"], "populations": ["IND"]}
    assert "GP-PSN" not in {each.step.need for each in course(age=age, **others).steps}
