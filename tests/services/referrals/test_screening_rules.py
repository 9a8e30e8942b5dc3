"""The screening rules without a database: conditions, skip logic, summary and suggestions."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

import pytest
from common.words.choices import words
from common.words.codelists import categories
from hypothesis import given, settings
from hypothesis import strategies as st
from referrals.screening.screenings import answers as rules
from referrals.screening.screenings.expressions import MAX_LENGTH, TODAY, NotUnderstood, parse
from referrals.screening.screenings.instrument import Instrument, Kind, Question, check_fit
from referrals.screening.screenings.shipped import exploitation_types, rows, shipped
from referrals.screening.screenings.suggestions import profile, suggest
from referrals.screening.screenings.summary import Summary, summarise

DAY = date(2026, 11, 25)
AGREED = {"safe_to_talk": "yes", "consent": "yes"}


def summary(**answers: Any) -> Summary:
    given_answers = {name.replace("__", "."): value for name, value in answers.items()}
    return summarise(shipped(), {**AGREED, **given_answers}, DAY)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("${a} = 'yes'", {"a": "yes"}, True),
        ("${a} = 'yes'", {}, False),
        ("${a} != 'adult'", {}, True),
        ("${age} < 18 and ${age} >= 0", {"age": 17.0}, True),
        ("${age} < 18", {}, False),
        ("${age} = 18", {"age": 18.0}, True),
        ("selected(${m}, 'b')", {"m": "a b"}, True),
        ("selected(${m}, 'b')", {"m": "ab"}, False),
        ("count-selected(${m}) > 1", {"m": "a b"}, True),
        ("not(selected(${m}, 'a')) or ${x} = ''", {"m": "a"}, True),
        ("${a} = 'x' or ${b} = 'y' and ${c} = 'z'", {"a": "x"}, True),
        ("(${a} = 'x' or ${b} = 'y') and ${c} = 'z'", {"a": "x"}, False),
        ("if(${a} = 'x', 1, 0) + 1 = 2", {"a": "x"}, True),
        (". <= today()", {".": "2026-11-25", TODAY: "2026-11-25"}, True),
        (". <= today()", {".": "2026-11-26", TODAY: "2026-11-25"}, False),
        ("coalesce(${a}, 'no') = 'no'", {}, True),
        ("-${n} * 2 div 4 mod 3 = -1", {"n": 2.0}, True),
    ],
)
def test_a_condition_means_what_xlsform_says(
    text: str, values: Mapping[str, Any], expected: bool
) -> None:
    assert parse(text).holds(values) is expected


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "${a} =",
            "${a",
            "pulldata('x','y')",
            "${a} = 'x",
            "${a} ! 'x'",
            "regex(., '(a+)+$')",
        ],
        *["not(1, 2)", "((((" * 30, "'a' 'b'", "1" * (MAX_LENGTH + 1), "__import__('os')"],
    ],
)
def test_what_is_not_understood_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(text)


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader_of_conditions(text: str) -> None:
    try:
        expression = parse(text)
    except NotUnderstood:
        return
    expression.holds({})


def test_the_shipped_instrument_is_fit_and_bilingual() -> None:
    check_fit(shipped())
    assert [each.id for each in shipped().questions[:2]] == ["safe_to_talk", "consent"]
    assert all(each.label.es and each.label.en for each in shipped().questions)
    assert all(q.needs_review for q in shipped().questions if q.grade)
    assert {row["need"] for row in rows("needs")} <= set(categories())
    assert {row["urgency"] for row in rows("needs")} <= words("urgencies").keys()
    known = {*shipped().by_id, *(row["id"] for row in rows("elements")), "indications"}
    for row in (*rows("needs"), *rows("situations")):
        assert parse(row["when"]).names <= known, row


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("maps_to_element", "means.coersion", "no element 'means.coersion'"),
        ("applies_to", "chld", "not 'chld'"),
        ("id", "exp.hours", "two questions have the id exp.hours"),
    ],
)
def test_a_slip_in_the_row_of_a_question_is_named(
    monkeypatch: pytest.MonkeyPatch, column: str, value: str, says: str
) -> None:
    def read(name: str) -> tuple[Mapping[str, str], ...]:
        found = rows(name)
        return (
            (*found, {**found[-1], "id": "own", column: value}) if name == "indicators" else found
        )

    monkeypatch.setattr("referrals.screening.screenings.shipped.rows", read)
    with pytest.raises(ValueError, match=says):
        check_fit(shipped.__wrapped__())


def test_a_question_for_children_is_not_asked_of_an_adult_and_is_where_the_age_is_unknown() -> None:
    def asked(**about: str) -> set[str]:
        return {each.id for each in rules.relevant(shipped(), {**AGREED, **about}, DAY)}

    assert "ch.begging" not in asked(age_group="adult")
    assert "ch.begging" in asked(age_group="child")
    assert {"ch.begging", "exp.contract"} <= asked()
    assert "exp.contract" not in asked(age_group="child")


def test_an_answer_that_is_not_asked_any_more_is_forgotten() -> None:
    before = {**AGREED, "age_group": "child", "ch.begging": "yes", "dec.job": "yes"}
    assert rules.irrelevant(shipped(), before, before, DAY) == []
    after = {**before, "age_group": "adult"}
    assert rules.kept(shipped(), after, DAY) == {**AGREED, "age_group": "adult", "dec.job": "yes"}


@pytest.mark.parametrize(
    ("given_answers", "code"),
    [
        ({"dec.job": "perhaps"}, "unknown_code"),
        ({"dec.job": ["yes"]}, "wrong_type"),
        ({"nobody.asked": "yes"}, "unknown_question"),
        ({"age": 121}, "out_of_range"),
        ({"age": "17"}, "wrong_type"),
        ({"age": True}, "wrong_type"),
        ({"dec.job": {"deep": [1]}}, "wrong_type"),
    ],
)
def test_wrong_answers_are_named_and_never_repeated(
    given_answers: dict[str, Any], code: str
) -> None:
    (flaw,) = rules.checked(shipped(), given_answers, DAY)
    assert flaw.code == code
    assert "perhaps" not in flaw.detail
    assert "121" not in flaw.detail.replace("0 and 120", "")


def _of_one(kind: Kind) -> Instrument:
    label = shipped().title
    question = Question(id="q", kind=kind, label=label)
    return Instrument(code="one", version="1", title=label, questions=(question,))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-02-30", "bad_date"),
        ("25/11/2026", "bad_date"),
        ("1066-10-14", "impossible_date"),
        ("2999-01-01", "impossible_date"),
        ("2026-11-25", None),
    ],
)
def test_impossible_dates_are_refused(value: str, code: str | None) -> None:
    found = rules.checked(_of_one(Kind.DATE), {"q": value}, DAY)
    assert [flaw.code for flaw in found] == ([code] if code else [])


def test_a_text_of_a_megabyte_is_refused() -> None:
    (flaw,) = rules.checked(_of_one(Kind.TEXT), {"q": "x" * 1_000_000}, DAY)
    assert flaw.code == "too_long"


def test_a_child_needs_no_means_and_an_adult_does() -> None:
    said = {"gen__transport": "yes", "exp__hours": "yes"}
    child, adult = summary(age_group="child", **said), summary(age_group="adult", **said)
    assert child.missing == ()
    assert adult.missing == ("means",)
    assert [e.needed for e in child.elements] == [True, False, True]
    assert {"child_two", "consent"} <= {rule.id for rule in child.rules}
    assert "adult_three" not in {rule.id for rule in child.rules}
    assert {"child_two", "adult_three"} <= {rule.id for rule in summary(**said).rules}


def test_an_age_in_years_outweighs_the_group() -> None:
    assert summary(age_group="adult", age=17).age_group == "child"
    assert summary(age_group="child", age=18).age_group == "adult"


def test_strength_is_the_strongest_grade_and_never_a_sum() -> None:
    weak = summary(
        age_group="adult",
        **{
            q.id.replace(".", "__"): "yes"
            for q in shipped().questions
            if q.element and q.element.startswith("means.") and q.grade in ("weak", "medium")
        },
    )
    assert weak.strength("means") == "some"
    assert summary(age_group="adult", dec__job="yes").strength("means") == "strong"
    assert summary(age_group="adult", dec__job="no").strength("means") == "none"


def test_not_knowing_is_not_an_indication_and_leaves_the_question_open() -> None:
    found = summary(age_group="adult", dec__job="unknown", cd__debt="skipped")
    means = found.elements[1]
    assert means.strength == "none"
    assert {"dec.job", "cd.debt"} <= set(means.unanswered)


VERDICTS = ("score", "verdict", "likel", "probab", "threshold", "risk_level", "total", "points")


def test_a_summary_has_no_place_for_a_verdict() -> None:
    names = {each.name for each in fields(Summary)}
    assert not [name for name in names for word in VERDICTS if word in name]
    assert "indicator_limits" in {rule.id for rule in summary().rules}


_answers = st.fixed_dictionaries(
    {"age_group": st.sampled_from(["child", "adult", "unknown"])},
    optional={
        q.id: st.sampled_from(["yes", "no", "unknown", "skipped"])
        for q in shipped().questions
        if q.kind is Kind.ONE_OF and q.element
    },
)


@settings(max_examples=20, deadline=None)
@given(_answers, st.data())
def test_more_indications_never_weaken_a_summary(answers: dict[str, Any], data: Any) -> None:
    """One more yes can only add: the strength never decreases, and the number of missing questions never grows."""
    asked = [
        q.id
        for q in rules.relevant(shipped(), {**AGREED, **answers}, DAY)
        if q.element and q.kind is Kind.ONE_OF
    ]
    one_more = data.draw(st.sampled_from(asked))
    order = ("none", "some", "strong")
    before = summarise(shipped(), {**AGREED, **answers}, DAY)
    after = summarise(shipped(), {**AGREED, **answers, one_more: "yes"}, DAY)
    for element in ("act", "means", "purpose"):
        assert order.index(after.strength(element)) >= order.index(before.strength(element))
    assert set(after.missing) <= set(before.missing)


@settings(max_examples=20, deadline=None)
@given(_answers)
def test_what_is_kept_is_asked_and_keeping_twice_changes_nothing(answers: dict[str, Any]) -> None:
    once = rules.kept(shipped(), {**AGREED, **answers}, DAY)
    assert rules.kept(shipped(), once, DAY) == once
    assert rules.irrelevant(shipped(), once, once, DAY) == []
    assert not set(rules.standing(shipped(), once, DAY).open) & set(once)


def test_needs_follow_from_what_was_said() -> None:
    def needs(**answers: str) -> set[str]:
        found = summary(**answers)
        said = {**AGREED, **{k.replace("__", "."): v for k, v in answers.items()}}
        return {each.need for each in suggest(shipped(), said, found)}

    assert needs(age_group="adult") == set()
    assert needs(age_group="adult", immediate_danger="yes") == {"HOT"}
    assert {"TIP-ASSIST", "TIP-SAFE"} <= needs(immediate_danger="yes", dec__job="yes")
    assert {"CP-CM", "CP-AUTH"} <= needs(age_group="child", ch__begging="yes")
    assert "CP-CM" not in needs(age_group="adult", exp__hours="yes")
    assert "GP-DOC" in needs(age_group="adult", cd__documents="yes")


def test_a_profile_holds_codes_only_and_nothing_without_a_place() -> None:
    said: dict[str, Any] = {
        **AGREED,
        "age": 15,
        "sex": "female",
        "ch.older": "yes",
        "immediate_danger": "no",
    }
    found = summarise(shipped(), said, DAY)
    assert profile(shipped(), said, found, None) is None
    assert profile(shipped(), said, found, "VE23") == {
        "area": "VE23",
        "age": 15,
        "sex": "female",
        "situations": ["trafficking", "sexual_exploitation"],
        "needs": ["CP-AUTH", "CP-CM", "TIP-ASSIST", "TIP-ID", "GBV-CMR", "CP-MHPSS"],
        "immediate_danger": False,
    }


def test_every_purpose_is_a_known_exploitation_type() -> None:
    purposes = {q.element for q in shipped().questions if q.element and "purpose." in q.element}
    assert purposes <= set(exploitation_types())
