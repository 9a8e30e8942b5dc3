"""The decision on consent. For each clause, the test refuses one case by that clause only."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from common.ids import new_id
from hypothesis import given
from hypothesis import strategies as st
from referrals.case.consents import decision
from referrals.case.consents.decision import (
    CLAUSES,
    Asked,
    Kind,
    Move,
    Person,
    Refused,
    Road,
    Why,
    Word,
    allowed,
    texts_granted,
)
from referrals.ground.vocabulary.ages import Caregiver
from referrals.ground.vocabulary.disclosure import Item

NOW = datetime(2026, 11, 26, tzinfo=UTC)
CASE, SERVICE, RECIPIENT = new_id(), new_id(), new_id()
WORD = Word(
    Kind.REFERRAL,
    "active",
    CASE,
    items=("name", "contact", "caregiver_contact"),
    service_id=SERVICE,
    organisation_id=RECIPIENT,
    purpose="HLT",
    decided_by="person",
)
MOVE = Move(Road.SEND, CASE, SERVICE, RECIPIENT, "HLT", ("name",))
ADULT = Person(29, Caregiver.UNKNOWN)
ASKED = Asked(MOVE, WORD, ADULT, now=NOW)
INSTRUCTIONS = "safe_contact.instructions"


def of(**parts: Any) -> Asked:
    """Return the allowed request with these changes."""
    found = ASKED
    for part in ("move", "word", "person"):
        if part in parts:
            found = replace(found, **{part: replace(getattr(found, part), **parts.pop(part))})
    return replace(found, **parts)


ONLY_THIS: dict[str, tuple[Asked, Why]] = {
    "sharing_goes_on": (of(move={"shared": False, "road": Road.READ}), Why.SHARING_ENDED),
    "person_is_known": (of(person={"erased": True}), Why.ERASED),
    "kind_opens_the_road": (of(move={"road": Road.TRANSFER}), Why.WRONG_KIND),
    "word_is_decided": (of(word={"status": "pending"}), Why.PENDING),
    "word_stands": (of(word={"status": "withdrawn"}), Why.ENDED),
    "word_has_not_expired": (of(word={"valid_until": NOW}), Why.EXPIRED),
    "recipient_is_not_implicated": (of(implicated={RECIPIENT}), Why.IMPLICATED),
    "recipient_is_the_same": (of(move={"service_id": new_id()}), Why.OTHER_RECIPIENT),
    "purpose_is_the_same": (of(move={"purpose": "LEG"}), Why.OTHER_PURPOSE),
    "case_is_the_same": (of(move={"case_id": new_id()}), Why.OTHER_CASE),
    "decider_may_still_decide": (of(word={"decided_by": "caregiver"}), Why.WRONG_DECIDER),
    "items_are_granted": (of(move={"items": ("name", "document")}), Why.NOT_GRANTED),
    "texts_belong_to_granted_items": (
        of(word={"items": ("name",)}, move={"texts": (INSTRUCTIONS,)}),
        Why.TEXT_NOT_GRANTED,
    ),
}


def test_what_is_granted_may_go() -> None:
    assert allowed(ASKED) == {"name"}
    assert allowed(of(move={"items": None})) == {"name", "contact", "caregiver_contact"}
    assert allowed(of(move={"texts": (INSTRUCTIONS,)})) == {"name"}


def test_every_clause_has_its_case() -> None:
    assert [clause.__name__ for clause in CLAUSES] == list(ONLY_THIS)


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
def test_each_clause_refuses_what_no_other_does(
    clause: Callable[[Asked], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, why = ONLY_THIS[clause.__name__]
    with pytest.raises(Refused) as refused:
        allowed(asked)
    assert refused.value.why is why
    monkeypatch.setattr(decision, "CLAUSES", tuple(each for each in CLAUSES if each is not clause))
    allowed(asked)  # Without this clause, nothing refuses the case.


@pytest.mark.parametrize(
    ("word", "person", "code"),
    [
        ({"decided_by": "caregiver", "assent": "agrees"}, Person(10, Caregiver.AVAILABLE), None),
        (
            {"decided_by": "caregiver", "assent": "agrees"},
            Person(10, Caregiver.IMPLICATED),
            "caregiver_implicated",
        ),
        (
            {"decided_by": "caregiver", "assent": "agrees"},
            Person(10, Caregiver.ABSENT),
            "caregiver_absent",
        ),
        (
            {"decided_by": "caregiver", "assent": "agrees"},
            Person(18, Caregiver.AVAILABLE),
            "adult_decides",
        ),
        (
            {"decided_by": "best_interest", "confirmed": True},
            Person(18, Caregiver.ABSENT),
            "adult_decides",
        ),
        ({"decided_by": "best_interest", "confirmed": True}, Person(17, Caregiver.ABSENT), None),
        ({"decided_by": "person"}, Person(9, Caregiver.ABSENT), "child_cannot_decide_alone"),
        ({"decided_by": "person"}, Person(16, Caregiver.ABSENT), "supervisor_missing"),
        ({"decided_by": "person", "confirmed": True}, Person(16, Caregiver.ABSENT), None),
        (
            {"decided_by": "caregiver", "assent": "not_asked"},
            Person(12, Caregiver.AVAILABLE),
            "assent_missing",
        ),
        ({"decided_by": None}, Person(10, Caregiver.IMPLICATED), None),  # an exception
    ],
)
def test_a_word_is_judged_as_the_person_is_known_now(
    word: dict[str, Any], person: Person, code: str | None
) -> None:
    asked = of(word=word, person={"age": person.age, "caregiver": person.caregiver})
    if code is None:
        allowed(asked)
        return
    with pytest.raises(Refused) as refused:
        allowed(asked)
    assert (refused.value.why, refused.value.code) == (Why.WRONG_DECIDER, code)
    allowed(of(move={"road": Road.READ}, word=word, person={"age": person.age}))


@given(
    road=st.sampled_from(list(Road)),
    granted=st.sets(st.sampled_from(list(Item))),
    wanted=st.none() | st.sets(st.sampled_from(list(Item))),
    caregiver=st.sampled_from(list(Caregiver)),
    age=st.none() | st.integers(0, 90),
    until=st.none() | st.integers(-5, 5),
    status=st.sampled_from(sorted(decision.STANDINGS)),
)
def test_whatever_is_asked_no_more_goes_than_was_granted(
    *,
    road: Road,
    granted: set[Item],
    wanted: set[Item] | None,
    caregiver: Caregiver,
    age: int | None,
    until: int | None,
    status: str,
) -> None:
    end = None if until is None else NOW + timedelta(days=until)
    asked = of(
        move={"road": road, "items": wanted},
        word={"items": granted, "status": status, "valid_until": end},
        person={"age": age, "caregiver": caregiver},
    )
    try:
        found = allowed(asked)
    except Refused:
        return
    assert status in ("active", "approved")
    assert end is None or end > NOW
    assert found <= granted
    assert wanted is None or found == wanted
    if caregiver in (Caregiver.IMPLICATED, Caregiver.ABSENT):
        assert Item.CAREGIVER_CONTACT not in found


def test_the_documented_clauses_and_roads_are_the_ones_in_force() -> None:
    page = (Path(__file__).parents[3] / "docs" / "referral-lifecycle.md").read_text("utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert documented == [clause.__name__ for clause in CLAUSES] + [road.value for road in Road]


def test_texts_follow_their_items() -> None:
    assert texts_granted(frozenset({"safety"})) == {INSTRUCTIONS}
    assert texts_granted(frozenset({"contact"})) == {INSTRUCTIONS}
    assert texts_granted(frozenset({"name", "situation"})) == frozenset()
