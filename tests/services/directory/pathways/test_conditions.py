"""Conditions have three values, and an unknown value never removes a step."""

import pytest
from directory.pathways.definition.conditions import Condition, Verdict, contradict, judge
from directory.pathways.definition.profile import Profile, Sex, disagreements, group_of

CASES: list[tuple[dict[str, object], dict[str, object], Verdict]] = [
    ({}, {}, Verdict.MET),
    ({"maximum_age": 17}, {"age": 17}, Verdict.MET),
    ({"maximum_age": 17}, {"age": 18}, Verdict.NOT_MET),
    ({"maximum_age": 17}, {}, Verdict.UNKNOWN),
    ({"incident_within_hours": 72}, {"hours_since_incident": 72}, Verdict.MET),
    ({"incident_within_hours": 72}, {"hours_since_incident": 73}, Verdict.NOT_MET),
    ({"incident_after_hours": 72}, {"hours_since_incident": 72}, Verdict.NOT_MET),
    ({"incident_after_hours": 72}, {"hours_since_incident": 73}, Verdict.MET),
    ({"immediate_danger": True}, {"immediate_danger": False}, Verdict.NOT_MET),
    ({"immediate_danger": True}, {}, Verdict.UNKNOWN),
    ({"speaks_none_of": ["spa"]}, {"languages": ["guc"]}, Verdict.MET),
    ({"speaks_none_of": ["spa"]}, {"languages": ["guc", "spa"]}, Verdict.NOT_MET),
    ({"populations": ["IND"]}, {"populations": ["MIG"]}, Verdict.NOT_MET),
    ({"excluded_populations": ["IND"]}, {"populations": ["MIG"]}, Verdict.MET),
    ({"has_documents": False}, {"has_documents": False}, Verdict.MET),
    ({"maximum_age": 17, "sexes": ["female"]}, {"age": 30}, Verdict.NOT_MET),
]


@pytest.mark.parametrize(("condition", "facts", "verdict"), CASES)
def test_a_condition_is_judged(
    condition: dict[str, object], facts: dict[str, object], verdict: Verdict
) -> None:
    profile = Profile.model_validate({"area": "VE23", **facts})
    assert judge(Condition.model_validate(condition), profile)[0] is verdict


def test_the_unknown_facts_are_named_for_the_worker() -> None:
    condition = Condition(minimum_age=12, immediate_danger=True)
    assert judge(condition, Profile(area="VE23", age=20)) == (
        Verdict.UNKNOWN,
        ("immediate_danger",),
    )


def test_populations_never_contradict_because_people_belong_to_several() -> None:
    assert contradict(Condition(populations={"IND"}), Condition(populations={"MIG"})) == ()
    assert contradict(Condition(maximum_age=17), Condition(minimum_age=18)) == ("age",)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"age": 12, "populations": ["WOM"]}, "populations"),
        ({"age": 30, "populations": ["UASC"]}, "populations"),
        ({"sex": "male", "populations": ["GIR"]}, "populations"),
        ({"populations": ["GIR", "OLD"]}, "populations"),
        ({"age": 20, "situations": ["child_separated"]}, "situations"),
    ],
)
def test_facts_that_cannot_be_true_of_one_person_are_named(
    facts: dict[str, object], field: str
) -> None:
    found = disagreements(Profile.model_validate({"area": "VE23", **facts}))
    assert [name for name, _ in found] == [field]


@pytest.mark.parametrize(
    ("age", "sex", "group"),
    [(12, None, "child"), (30, Sex.FEMALE, "woman"), (30, Sex.MALE, "man"), (None, None, "other")],
)
def test_the_group_of_a_gap_is_coarse(age: int | None, sex: Sex | None, group: str) -> None:
    assert group_of(Profile(area="VE23", age=age, sex=sex)) == group
