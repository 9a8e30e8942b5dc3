"""Validation refuses a pathway that cannot work, and the finding names the step."""

import pytest
from directory.pathways.definition.graph import Step
from directory.pathways.definition.inheritance import inherit, inheritance_findings
from directory.pathways.definition.proposals import (
    AORS,
    confidential_needs,
    intermediary_for,
    proposal,
)
from directory.pathways.planning.composition import MEDIATORS
from directory.pathways.texts.sentences import say_finding

from tests.services.directory.pathways.profiles import findings, pathway, step, words


def codes(*steps: Step, **fields: object) -> set[tuple[str, str | None]]:
    return {(found.code, found.step) for found in findings(pathway(*steps, **fields))}


@pytest.mark.parametrize("aor", AORS)
def test_shipped_proposals_have_no_finding(aor: str) -> None:
    assert findings(proposal(aor, "VE")) == []


@pytest.mark.parametrize("aor", AORS)
def test_no_proposal_forces_a_single_entry_point(aor: str) -> None:
    steps = proposal(aor, "VE").steps
    assert sum(not each.after and not each.fallback_of for each in steps) > 3


def test_a_cycle_is_refused_and_told_from_its_first_step() -> None:
    found = findings(
        pathway(
            step("c", after=("b",)), step("a", "HOT", after=("c",)), step("b", "SHL", after=("a",))
        )
    )
    cycle = next(each for each in found if each.code == "cycle")
    assert (cycle.step, cycle.pointer) == ("a", "/steps/1/after")
    assert dict(cycle.facts)["cycle"] == "a → b → c → a"
    assert "a → b → c → a" in say_finding(cycle)["es"]


def test_a_step_after_a_missing_step_is_unreachable() -> None:
    assert ("unreachable_step", "a") in codes(step("a", after=("nowhere",)))


def test_a_fallback_of_a_fallback_is_unreachable() -> None:
    steps = (step("a"), step("b", fallback_of="a"), step("c", fallback_of="b"))
    assert ("unreachable_step", "c") in codes(*steps)


@pytest.mark.parametrize(
    ("need", "code"), [("", "need_missing"), ("  ", "need_missing"), ("NO-SUCH", "need_unknown")]
)
def test_a_need_without_a_category_is_refused(need: str, code: str) -> None:
    assert (code, "a") in codes(step("a", need))


def test_a_condition_that_nobody_meets_is_refused() -> None:
    assert ("contradictory_conditions", "a") in codes(
        step("a", condition={"minimum_age": 18, "maximum_age": 17})
    )
    assert ("contradictory_conditions", "a") in codes(
        step("a", condition={"incident_after_hours": 72, "incident_within_hours": 72})
    )


def test_a_condition_against_the_pathways_entry_is_refused() -> None:
    children = step("only-children", condition={"maximum_age": 17}).condition
    adults = step("adults", condition={"minimum_age": 18})
    assert ("contradictory_conditions", "adults") in codes(adults, entry=(children,))


def test_a_step_that_waits_for_one_that_its_person_never_has_is_refused() -> None:
    first = step("first", condition={"sexes": ["female"]})
    second = step("second", after=("first",), condition={"sexes": ["male"]})
    assert ("contradictory_conditions", "second") in codes(first, second)


@pytest.mark.parametrize("condition", [{"immediate_danger": False}, {"incident_after_hours": 72}])
def test_a_safety_step_cannot_depend_on_being_less_urgent(condition: dict[str, object]) -> None:
    assert ("safety_step_switched_off", "a") in codes(step("a", safety=True, condition=condition))


def test_a_confidential_step_needs_an_intermediary() -> None:
    assert ("intermediary_missing", "a") in codes(step("a", confidential=True))
    assert ("intermediary_missing", "a") not in codes(
        step("a", confidential=True, intermediary=words())
    )


_CALLED = {
    "CP-AUTH": ("Consejo de Protección", "statutory authority"),
    "CP-CM": ("gestión de casos de protección de NNA", "child protection case management"),
    "GBV-CM": ("gestión de casos de VBG", "GBV case management"),
    "TIP-ASSIST": ("asistencia directa", "direct assistance"),
    "HOT": ("línea de atención", "hotline"),
}


@pytest.mark.parametrize("aor", AORS)
def test_whoever_is_sent_to_an_intermediary_is_told_of_each_who_counts_as_one(aor: str) -> None:
    """Authority and case management are gaps and the hotline mediates, so the text names the hotline."""
    of_steps = [
        (each.intermediary, each.intermediary_needs or MEDIATORS[aor])
        for each in proposal(aor, "VE").steps
    ]
    of_codes = [
        (intermediary_for(need), MEDIATORS[aor])
        for need in confidential_needs()
        if need.partition("-")[0] == aor
    ]
    for words_of, needs in (*of_steps, *of_codes):
        if words_of is None:
            continue
        for need in needs:
            es, en = _CALLED[need]
            assert es in words_of.es
            assert en in words_of.en


def test_unknown_populations_and_situations_are_named() -> None:
    found = codes(step("a", condition={"populations": ["XYZ"], "situations": ["nonsense"]}))
    assert {("population_unknown", "a"), ("situation_unknown", "a")} <= found


def test_one_single_entry_point_is_a_warning_not_an_error() -> None:
    found = findings(pathway(step("a", safety=True), step("b", "HOT", after=("a",))))
    assert [(each.code, each.severity.value) for each in found] == [
        ("single_entry_point", "warning")
    ]


def test_a_municipality_replaces_adds_and_omits_steps_of_its_state() -> None:
    state = pathway(step("a"), step("b", "HOT", after=("a",)), step("c", "SHL", fallback_of="a"))
    town = pathway(step("b", "TIP-ASSIST"), step("d", "CVA"), omits=("a",)).model_copy(
        update={"area": "VE2313"}
    )
    effective = inherit([state, town])
    assert [each.key for each in effective.steps] == ["b", "c", "d"]
    assert effective.area == "VE2313"
    replaced, inherited = effective.step("b"), effective.step("c")
    assert replaced is not None
    assert replaced.need == "TIP-ASSIST"
    assert inherited is not None
    assert inherited.fallback_of is None


def test_what_is_omitted_must_be_inherited_and_safety_needs_a_substitute() -> None:
    state = pathway(step("safe", safety=True), step("b", "HOT"))
    found = inheritance_findings(state, pathway(omits=("safe", "other")))
    assert {(each.code, each.step) for each in found} == {
        ("safety_step_omitted", "safe"),
        ("omits_unknown_step", "other"),
    }
    instead = pathway(step("new", "HOT", safety=True), omits=("safe",))
    assert inheritance_findings(state, instead) == []


@pytest.mark.parametrize("code", ["cycle", "unreachable_step", "contradictory_conditions"])
def test_findings_speak_both_languages(code: str) -> None:
    found = [
        *findings(pathway(step("a", after=("b",)), step("b", "HOT", after=("a",)))),
        *findings(pathway(step("a", after=("x",)))),
        *findings(pathway(step("a", condition={"minimum_age": 18, "maximum_age": 2}))),
    ]
    said = [say_finding(each) for each in found if each.code == code]
    assert said
    assert all(each["es"] != each["en"] and "a" in each["es"] for each in said)


def test_the_shipped_pathways_and_the_list_of_confidential_needs_say_the_same() -> None:
    shipped = {
        (step.need, step.intermediary)
        for aor in AORS
        for step in proposal(aor, "VE").steps
        if step.confidential
    }
    assert shipped == {(need, intermediary_for(need)) for need in confidential_needs()}
