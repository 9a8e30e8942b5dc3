"""Steps that change who may read a case: transfers and emergency access."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from common import clock
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import (
    OPEN,
    Access,
    Case,
    Offer,
    Word,
    answer_to_offer,
    is_open,
    may_decide,
    may_take_over,
    sides_of_offer,
)
from tests.services.referrals.stories.world import (
    ORGANISATIONS,
    ROADS,
    World,
    said,
)

_ANSWERS: dict[str, tuple[dict[str, str], str]] = {
    "accept": ({}, "accepted"),
    "decline": ({"reason": "capacity"}, "declined"),
    "recall": ({"reason": "mistake"}, "recalled"),
}


class Custody(World):
    @precondition(lambda self: self.living())
    @rule(data=st.data(), to=ORGANISATIONS, short=st.booleans())
    def offer(self, data: Any, to: UUID, short: bool) -> None:
        """Offer a case under a consent to exactly this transfer. A case has at most one offer, which stays open until
        somebody responds."""
        case, now = self.case(data), clock.now()
        if to == case.holder or case.closed or to in case.implicated:
            return
        by = "caregiver" if case.is_child(now) else "person"
        if not may_decide(by, case, now):
            return
        word = Word("", case, to, "", frozenset(), by, used=True, hands_over=True)
        word.until = now + timedelta(days=5) if short else None
        who, body = self.staff(case.holder), {"case_id": case.id, "kind": "transfer"}
        body |= {"recipient_organisation_id": str(to), "method": "signed", **said(word)}
        status, grant = self.post(who, "/consents", body)
        assert status == 201, grant
        word.id, word.code = grant["id"], grant["withdrawal_code"]
        self.words.append(word)
        body = {"case_id": case.id, "to_organisation": str(to), "grant_id": word.id}
        status, made = self.post(who, "/transfers", body)
        assert status == (409 if self.offered(case) else 201), made
        if status == 201:
            self.offers.append(Offer(made["id"], word, case.holder))

    @precondition(lambda self: self.offers)
    @rule(data=st.data(), act=st.sampled_from(sorted(_ANSWERS)), right=st.booleans(), road=ROADS)
    def answer_an_offer(self, data: Any, act: str, right: bool, road: str) -> None:
        """Respond to an offer; only acceptance changes access. With `right`, the side that may decide responds."""
        offer, now = data.draw(st.sampled_from(self.offers)), clock.now()
        word, case = offer.word, offer.word.case
        side = self.staff(offer.giver if act == "recall" else word.to)
        caller = side if right else data.draw(st.sampled_from(self.callers()))
        wanted = answer_to_offer(act, caller, offer, now)
        body, after = _ANSWERS[act]
        status, found = self.post(caller, f"/transfers/{offer.id}/{act}", body, road)
        assert status == wanted if wanted else status >= 400, (status, found)
        if wanted != 200:
            return
        offer.state = after
        if act == "accept":
            self.handed_over(case, word)

    def handed_over(self, case: Case, word: Word) -> None:
        case.holder = word.to
        case.moves += 1
        word.accepted = case.moves
        for access in self.accesses:
            access.ended |= access.case is case
        for each in self.words:
            if each.case is case and each.is_exception and not each.used:
                each.stands = False
        for sharing in self.sharings:  # The referral becomes internal work, so it is not delivered.
            if sharing.case is case and sharing.word.to == word.to and sharing.state in OPEN:
                sharing.state, sharing.ended = "recalled", True
                self.versions[sharing.id] += 1

    @precondition(lambda self: self.offers)
    @rule(data=st.data())
    def read_an_offer(self, data: Any) -> None:
        """Check that both sides can read the offer, and its facts while the transfer is possible."""
        offer = data.draw(st.sampled_from(self.offers))
        caller = data.draw(st.sampled_from(self.callers()))
        answer = self.get(caller, f"/transfers/{offer.id}")
        assert (answer.status_code == 200) == bool(sides_of_offer(caller, offer)), answer.text
        if answer.status_code == 200:
            told = answer.json()
            assert told["state"] == offer.state
            assert (told["offer"] is not None) == may_take_over(offer, clock.now())

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
        """Check that only one person has emergency access: no colleague, and nobody after the hour."""
        access = data.draw(st.sampled_from(self.accesses))
        caller = data.draw(st.sampled_from(self.callers()))
        answer = self.get(caller, f"/break-glass/{access.id}/case")
        may = caller == access.caller and is_open(access, clock.now())
        assert (answer.status_code == 200) == may, answer.text
