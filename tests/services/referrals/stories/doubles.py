"""Possible duplicates. Two organisations know the same person, and each learns of the other once both persons
consent."""

from typing import Any

from common import clock
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import Case
from tests.services.referrals.stories.records import Records
from tests.services.referrals.stories.world import NGOS


class Doubles(Records):
    def __init__(self) -> None:
        super().__init__()
        self.agreed: set[tuple[str, int]] = set()
        """The case and the move of it at which its person agreed that the other learns of it."""

    def double_of(self, case: Case) -> Case | None:
        same = [each for each in self.cases if each is not case and _name(each) == _name(case)]
        return same[0] if same else None

    @precondition(lambda self: len(self.cases) < 3)
    @rule(data=st.data())
    def register_a_double(self, data: Any) -> None:
        """Register the same adult at another organisation."""
        adults = [each for each in self.living() if each.adult_at is None and "name" in each.facts]
        others = sorted(NGOS)
        if not adults or any(self.double_of(each) for each in adults):
            return
        case = data.draw(st.sampled_from(adults))
        others.remove(case.holder)
        self.registered("/cases", data.draw(st.sampled_from(others)), False, name=_name(case))

    @precondition(lambda self: any(self.double_of(each) for each in self.cases))
    @rule(data=st.data(), give=st.booleans())
    def compare(self, data: Any, give: bool) -> None:
        pair = [each for each in self.cases if self.double_of(each)]
        case = data.draw(st.sampled_from(pair))
        body = {"decided_by": "person", "method": "verbal"} if give else {}
        path, method = f"/cases/{case.id}/matching", "PUT" if give else "DELETE"
        claims = self.claims(self.staff(case.holder))
        who = NGOS[case.holder]
        answer = self.run(self.story.call(who, method, path, body, **claims))
        assert answer.status_code < 500, answer.text
        if give:
            # A child's own consent is not enough for a comparison, and no supervisor decides it.
            child = case.is_child(clock.now())
            may = not (case.erased or case.closed or child)
            assert (answer.status_code == 200) == may, answer.text
        elif answer.status_code == 204:
            self.agreed.clear()

    @precondition(lambda self: any(self.double_of(each) for each in self.cases))
    @rule(who=st.sampled_from(sorted(NGOS)), yes=st.booleans())
    def answer_a_match(self, who: Any, yes: bool) -> None:
        caller = self.staff(who)
        for match in self.get(caller, "/matches").json()["items"]:
            (case,) = [each for each in self.cases if each.id == match["case_id"]]
            path = f"/matches/{match['id']}/{'agree' if yes else 'refuse'}"
            if self.post(caller, path, {})[0] != 200:
                continue
            if yes:
                self.agreed.add((case.id, case.moves))
            else:
                self.agreed.clear()
        self.nobody_learns_of_a_double_before()

    def nobody_learns_of_a_double_before(self) -> None:
        for who in NGOS:
            for match in self.get(self.staff(who), "/matches").json()["items"]:
                told = match["other_organisation"], match["other_reference"]
                if told != (None, None):
                    self.may_be_told(match["case_id"], who, told)

    def may_be_told(self, case_id: str, who: Any, told: tuple[str, str]) -> None:
        (case,) = [each for each in self.cases if each.id == case_id]
        other = self.double_of(case)
        assert other is not None
        assert {(case.id, case.moves), (other.id, other.moves)} <= self.agreed
        assert case.holder == who
        assert told == (str(other.holder), other.reference)
        assert {case.erased, other.erased} == {False}
        assert who not in other.implicated
        assert other.holder not in case.implicated

    def teardown(self) -> None:
        try:
            self.nobody_learns_of_a_double_before()
        finally:
            super().teardown()


def _name(case: Case) -> str:
    return case.facts.get("name", case.id)
