"""Who holds a case: handing over, and an emergency."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from common import clock
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import (
    OPEN,
    Access,
    Word,
    is_open,
    may_decide,
)
from tests.services.referrals.stories.world import (
    ORGANISATIONS,
    ROADS,
    World,
)


class Custody(World):
    @precondition(lambda self: self.living())
    @rule(data=st.data(), to=ORGANISATIONS, road=ROADS)
    def hand_over(self, data: Any, to: UUID, road: str) -> None:
        """Access changes with the acceptance and with nothing else."""
        case, now = self.case(data), clock.now()
        if to == case.holder or case.closed or to in case.implicated:
            return
        by = "caregiver" if case.is_child(now) else "person"
        if not may_decide(by, case, now):
            return
        who, body = self.staff(case.holder), {"case_id": case.id, "kind": "transfer"}
        body |= {"recipient_organisation_id": str(to), "method": "signed", "decided_by": by}
        body |= {"child_assent": "agrees"} if by == "caregiver" else {}
        status, grant = self.post(who, "/consents", body)
        assert status == 201, grant
        offer = {"case_id": case.id, "to_organisation": str(to), "grant_id": grant["id"]}
        status, transfer = self.post(who, "/transfers", offer)
        assert status == 201, transfer
        path = f"/transfers/{transfer['id']}"
        answer = data.draw(st.sampled_from(["accept", "decline", "recall"]))
        reason = {"decline": {"reason": "capacity"}, "recall": {"reason": "mistake"}}
        answering = who if answer == "recall" else self.staff(to)
        status, found = self.post(answering, f"{path}/{answer}", reason.get(answer, {}), road)
        assert status == 200, found
        word = Word(grant["id"], case, to, "", frozenset(), by, grant["withdrawal_code"])
        word.used = word.hands_over = True
        self.words.append(word)
        if answer != "accept":
            return
        case.holder = to
        case.moves += 1
        for access in self.accesses:
            access.ended |= access.case is case
        for word in self.words:
            if word.case is case and word.is_exception and not word.used:
                word.stands = False
        for each in self.sharings:  # its own work from now on, delivered by nobody
            if each.case is case and each.word.to == to and each.state in OPEN:
                each.state, each.ended = "recalled", True
                self.versions[each.id] += 1

    @precondition(lambda self: self.living())
    @rule(data=st.data(), approve=st.booleans())
    def break_glass(self, data: Any, approve: bool) -> None:
        case = self.case(data)
        (asker,) = [each for each in self.callers() if each.person == "cp-coordinator"]
        body = {
            "case_reference": case.reference,
            "reason": "child missing, the police asks tonight",
        }
        status, made = self.post(asker, "/break-glass", body)
        if status != 201:
            return
        path = f"/break-glass/{made['id']}/decision"
        status, answer = self.post(self.chief(case.holder), path, {"approve": approve})
        assert status == 200, answer
        until = clock.now() + timedelta(hours=1)
        self.accesses.append(Access(made["id"], case, asker, until, approve))

    @precondition(lambda self: self.accesses)
    @rule(data=st.data())
    def read_in_an_emergency(self, data: Any) -> None:
        """For one person: neither a colleague, nor the person after the hour."""
        access = data.draw(st.sampled_from(self.accesses))
        caller = data.draw(st.sampled_from(self.callers()))
        answer = self.get(caller, f"/break-glass/{access.id}/case")
        may = caller == access.caller and is_open(access, clock.now())
        assert (answer.status_code == 200) == may, answer.text
