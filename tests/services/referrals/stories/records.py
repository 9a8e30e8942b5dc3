"""Steps that register, accuse, close, erase and work on cases."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from common import clock
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from referrals.screening.screenings.shipped import SHIPPED_ID

from tests.services.referrals.oracle import (
    OPEN,
    Case,
)
from tests.services.referrals.screening_words import AGREED
from tests.services.referrals.stories.world import (
    FAR,
    NGOS,
    ORGANISATIONS,
    PLACES,
    World,
)


def of_age(child: bool) -> tuple[str, datetime | None]:
    """Return a birth date and the time at which this child will soon come of age, or None for an adult."""
    if not child:
        return "1997-03-01", None
    today = clock.today()
    birth = today.replace(year=today.year - 18, day=1) + timedelta(days=35)
    return birth.isoformat(), clock.begins(birth.replace(year=birth.year + 18))


class Records(World):
    @precondition(lambda self: len(self.cases) < 3)
    @rule(who=ORGANISATIONS, child=st.booleans())
    def register(self, who: UUID, child: bool) -> None:
        self.registered("/cases", who, child)

    def registered(
        self, path: str, who: UUID, child: bool, *, name: str = "", may: bool = True
    ) -> Case | None:
        """Register a person with a name, phone number, situation and municipality that occur nowhere else."""
        number = len(self.cases)
        facts = {
            "name": name or f"Yolimar Canaria {'ABC'[number] * 4}",
            "contact": f"+58 412 555019{number}",
            "situation": f"needs what is told of {number}{number}{number}",
            "area": PLACES[number],
        }
        identity: dict[str, Any] = {"name": facts["name"], "contact": {"phone": facts["contact"]}}
        identity["birth_date"], adult_at = of_age(child)
        if child:
            facts["caregiver_contact"] = f"+58 414 555028{number}"
            identity["caregiver"] = {
                "name": "Luis",
                "contact": {"phone": facts["caregiver_contact"]},
            }
        body = {"identity": identity, "area": facts["area"], "caregiver": "available"}
        status, made = self.post(self.staff(who), path, body)
        assert (status == 201) == may, made
        if not may:
            return None
        case = Case(made["id"], made["reference"], who, facts, adult_at)
        self.cases.append(case)
        return case

    @precondition(lambda self: self.living())
    @rule(data=st.data(), standing=st.sampled_from(["implicated", "absent", "available"]))
    def caregiver(self, data: Any, standing: str) -> None:
        case = self.case(data)
        path, body = f"/cases/{case.id}", {"caregiver": standing}
        status, answer = self.post(self.staff(case.holder), path, body, method="PATCH")
        assert (status == 200) == (not case.closed), answer
        if status == 200:
            case.caregiver = standing

    @precondition(lambda self: self.living())
    @rule(data=st.data(), child=st.booleans())
    def correct_the_age(self, data: Any, child: bool) -> None:
        case = self.case(data)
        path, who = f"/cases/{case.id}", self.staff(case.holder)
        identity = self.get(who, path).json()["identity"]
        birth, adult_at = of_age(child)
        body = {"identity": {**identity, "birth_date": birth}}
        status, answer = self.post(who, path, body, method="PATCH")
        assert (status == 200) == (not case.closed), answer
        if status == 200:
            case.adult_at = adult_at

    @precondition(lambda self: self.living())
    @rule(data=st.data(), who=ORGANISATIONS)
    def implicate(self, data: Any, who: UUID) -> None:
        """Mark an organisation as implicated. From now on no path shows it anything about the case."""
        case = self.case(data)
        if who == case.holder or case.closed:
            return
        path = f"/cases/{case.id}/implicated-organisations"
        body = {"organisation_ids": [str(who)]}
        status, answer = self.post(self.staff(case.holder), path, body, method="PUT")
        assert status == 200, answer
        case.implicated = {who}
        case.accused_at = {who: clock.now()}
        for offer in self.offered(case):
            offer.state = "recalled" if offer.word.to == who else offer.state
        for each in self.sharings:
            if each.case is case and each.word.to == who:
                self.versions[each.id] += each.state in OPEN
                each.state = "recalled" if each.state in OPEN else each.state
                each.ended = True

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def close(self, data: Any) -> None:
        """Close a case, which works once no sent referral is open. Nothing new can begin afterwards."""
        case = self.case(data)
        going = any(each.case is case and each.state in OPEN for each in self.sharings)
        path = f"/cases/{case.id}/close"
        status, answer = self.post(self.staff(case.holder), path, {"reason": "needs_met"})
        assert (status == 200) == (not going and not case.closed), answer
        if status == 200:
            case.closed = True
            for word in self.words:
                used = word.used if not word.hands_over else word.accepted is not None
                word.stands &= word.case is not case or used
            self.end_offers(case)

    @precondition(lambda self: len(self.living()) > 1)
    @rule(data=st.data())
    def erase(self, data: Any) -> None:
        case = self.case(data)
        body = {"confirm": case.reference, "basis": "person_request"}
        status, answer = self.post(self.chief(case.holder), f"/cases/{case.id}/erase", body)
        assert status == 200, answer
        case.erased = True
        self.end_offers(case)
        self.end([each for each in self.sharings if each.case is case])

    def end_offers(self, case: Case) -> None:
        for each in self.offered(case):
            each.state = "recalled"

    @rule(who=ORGANISATIONS, outside=st.sampled_from([None, True, False]))
    def form_a_team(self, who: UUID, outside: bool | None) -> None:
        """Form a team of the usual person, of a person outside it, or (with None) of everybody."""
        named = {None: set(), True: {"outside"}, False: {NGOS[who]}}[outside]
        path = f"/services/{self.services[who]}/team"
        status, answer = self.post(self.chief(who), path, {"clients": sorted(named)}, method="PUT")
        assert status == 200, answer
        self.teams[who] = named

    @rule(by=st.sampled_from([timedelta(hours=2), FAR]))
    def time_passes(self, by: timedelta) -> None:
        self.clock.enter_context(clock.shifted(by))

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def work_on_it(self, data: Any) -> None:
        """Add a screening, a plan and assistance, which are erased with the case."""
        case = self.case(data)
        words = self.new_words()
        who = data.draw(st.sampled_from([self.staff(case.holder), *self.callers()]))
        may = who.reads_cases and who.organisation == case.holder
        screening = {"instrument_id": str(SHIPPED_ID), "case_id": case.id, "answers": AGREED}
        for path, body in (
            ("/screenings", screening),
            (f"/cases/{case.id}/plan", {"need": "HLT", "objective": words}),
            (
                f"/cases/{case.id}/assistance",
                {"support_type": "Health", "given_on": str(clock.today()), "note": words},
            ),
            (f"/cases/{case.id}/reviews", {"due_on": str(clock.today() + FAR)}),
        ):
            status, answer = self.post(who, path, body)
            assert status in ((201, 409) if may else (403, 404)), answer
            kind = path.rsplit("/", 1)[-1]
            if status == 201 and words in body.values():
                self.add_entry(answer["id"], case, kind, words, who)
