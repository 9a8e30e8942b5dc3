"""The person's decisions and withdrawals."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from common import clock
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import (
    Sharing,
    Word,
    may_decide,
    may_renew,
    side_of,
)
from tests.services.referrals.stories.world import (
    ORGANISATIONS,
    ROADS,
    SUBSETS,
    World,
    said,
)
from tests.services.referrals.test_scenarios import exception_body


@dataclass(frozen=True)
class Truth:
    """The facts that a withdrawal must report. `referrals` names the referrals that each organisation has read;
    `records` names the paths by which it has read the whole case."""

    referrals: set[tuple[str, str]]
    records: set[tuple[str, str]]
    goes_on: str | None
    restores: int
    """Times of which no record of readings is left."""


class Consents(World):
    @precondition(lambda self: self.living())
    @rule(data=st.data(), to=ORGANISATIONS, items=SUBSETS, short=st.booleans())
    def consent(self, data: Any, to: UUID, items: set[str], short: bool) -> None:
        case, now = self.case(data), clock.now()
        if to == case.holder:
            return
        by = data.draw(st.sampled_from(["person", "caregiver"]))
        word = Word("", case, to, self.services[to], frozenset(items), by)
        word.until = now + timedelta(days=5) if short else None
        body = {
            "case_id": case.id,
            "service_id": self.services[to],
            "purpose": "HLT",
            "items": sorted(items),
            "method": "verbal",
            **said(word),
        }
        status, made = self.post(self.staff(case.holder), "/consents", body)
        may = (
            not case.closed
            and to not in case.implicated
            and not items & case.hidden
            and (may_decide(by, case, now) or (by == "person" and case.is_child(now)))
        )
        assert (status == 201) == may, (status, made)
        if may:  # Skip a child's own decision, which waits for a supervisor.
            word.id, word.code = made["id"], made["withdrawal_code"]
            word.stands = made["status"] == "active"
            assert word.stands == may_decide(by, case, now)
            self.words.append(word)

    @precondition(lambda self: self.living())
    @rule(
        data=st.data(),
        to=ORGANISATIONS,
        items=SUBSETS,
        basis=st.sampled_from(["vital_interest", "best_interest"]),
        approve=st.booleans(),
    )
    def exception(self, data: Any, to: UUID, items: set[str], basis: str, approve: bool) -> None:
        case = self.case(data)
        if to == case.holder:
            return
        body = {**exception_body(case.id, self.services[to]), "items": sorted(items)}
        body["basis"] = basis
        status, made = self.post(self.staff(case.holder), "/exceptions", body)
        may = not (case.closed or to in case.implicated or items & case.hidden)
        assert (status == 201) == (may and may_decide(basis, case, clock.now())), (status, made)
        if status == 201:
            decision = f"/exceptions/{made['id']}/decision"
            assert self.post(self.chief(case.holder), decision, {"approve": approve})[0] == 200
            word = Word(made["id"], case, to, self.services[to], frozenset(items), basis)
            word.holder, word.stands = case.holder, approve
            self.words.append(word)

    @precondition(lambda self: any(not each.is_exception for each in self.words))
    @rule(data=st.data(), road=st.sampled_from(["holder", "code", "page"]))
    def withdraw(self, data: Any, road: str) -> None:
        """Withdraw a consent. Ruta never refuses it, and tells the person the truth."""
        word = self.a_consent(data)
        case, under = word.case, [each for each in self.sharings if each.is_under(word)]
        if case.erased:
            return
        truth = self.truth(word, under)
        if road == "page":
            answer = self.run(self.story.form("/withdraw?language=en", {"code": word.code}))
            assert answer.status_code == 200, answer.text
            nobody, keeps = "Nobody had" in answer.text, "keeps it" in answer.text
            # While an organisation goes on reading, the page does not say that nobody had read.
            assert nobody == (truth == Truth(set(), set(), None, 0)), answer.text
            assert keeps == (truth.goes_on is not None), answer.text
        elif road == "code":
            answer = self.run(self.story.post("anonymous", "/withdrawals", {"code": word.code}))
            self.is_true(answer.json(), truth)
        else:
            path = f"/consents/{word.id}/withdraw"
            status, told_her = self.post(self.staff(case.holder), path, {})
            assert status == 200, told_her
            self.is_true(told_her, truth)
        word.stands = False
        for each in self.offered(case):
            each.state = "recalled" if each.word is word else each.state
        self.end(under)
        self.who_read_is_to_delete(under)

    def who_read_is_to_delete(self, ended: list[Sharing]) -> None:
        for each in ended:
            asked = self.get(self.chief(each.word.to), "/tasks?limit=500").json()["items"]
            kinds = {task["kind"] for task in asked if task["referral_id"] == each.id}
            assert not each.readers or "delete_disclosed_data" in kinds, (each.id, asked)

    @precondition(lambda self: self.sharings and any(not each.used for each in self.words))
    @rule(data=st.data(), road=ROADS)
    def renew(self, data: Any, road: str) -> None:
        """Ask the person again while the referral is open; an attempt by any other caller changes nothing."""
        sharing = self.sharing(data)
        unused = [e for e in self.words if not (e.used or e.is_exception or e.hands_over)]
        if sharing.word.is_exception or not unused or sharing.case.erased:
            return
        fitting = [each for each in unused if each.case is sharing.case]
        word = data.draw(st.sampled_from(fitting or unused))
        caller = data.draw(st.sampled_from([self.staff(sharing.case.holder), *self.callers()]))
        path = f"/referrals/{sharing.id}/renew-consent"
        status, answer = self.post(caller, path, {"grant_id": word.id}, road)
        own = "referrer" in side_of(caller, sharing)
        may = own and may_renew(sharing, word, clock.now())
        assert (status == 200) == may, (status, answer, word, sharing)
        if may:
            word.used = True
            sharing.former.append(sharing.word)
            sharing.word = word
            self.versions[sharing.id] += 1

    def a_consent(self, data: Any) -> Word:
        words = [each for each in self.words if not each.is_exception]
        drawn: Word = data.draw(st.sampled_from(words))
        return drawn

    def truth(self, word: Word, under: list[Sharing]) -> Truth:
        """Return all paths by which organisations have read, and the organisation that may continue to read."""
        case = word.case
        records = {("break_glass", str(each)) for each in case.emergency_readers}
        received = {each.word.to for each in under}
        if word.accepted is not None:
            received = {word.to}
            if any(who == word.to and at >= word.accepted for who, at in case.holders_who_read):
                records.add(("transfer", str(word.to)))
        goes_on = str(case.holder) if case.holder in received else None
        read = {(each.id, str(reader)) for each in under for reader in each.readers}
        return Truth(read, records, goes_on, sum(each > word.given for each in self.restores))

    def is_true(self, told_her: Any, truth: Truth) -> None:
        read = {(each["referral_id"], each["organisation_id"]) for each in told_her["already_read"]}
        assert read == truth.referrals
        records = {(each["road"], each["organisation_id"]) for each in told_her["record_read"]}
        assert records == truth.records
        assert told_her["goes_on_reading"] == truth.goes_on
        assert len(told_her["readings_missing"]) == truth.restores

    @precondition(lambda self: any(not each.is_exception for each in self.words))
    @rule(data=st.data())
    def renew_the_code(self, data: Any) -> None:
        """Renew the code. The old code no longer opens anything."""
        word = self.a_consent(data)
        path = f"/consents/{word.id}/withdrawal-code"
        status, made = self.post(self.staff(word.case.holder), path, {})
        if status not in (200, 201):
            assert word.case.erased or not word.stands, made
            return
        former, word.code = word.code, made["withdrawal_code"]
        for code in (former, former[::-1]):
            answer = self.run(self.story.post("anonymous", "/withdrawals", {"code": code}))
            assert answer.status_code == 404, answer.text

    @precondition(lambda self: self.sharings)
    @rule(data=st.data(), road=ROADS)
    def withdraw_one(self, data: Any, road: str) -> None:
        """Record the person's wish about one referral, as either side may. The wish ends the referral's consent."""
        sharing, caller = self.sharing(data), data.draw(st.sampled_from(self.callers()))
        sides = side_of(caller, sharing)
        if sharing.case.erased:
            return
        # A recipient gets no stored response again after the referrer took the referral back (decision 0057).
        taken_back = sharing.state in ("recalled", "entered_in_error")
        gone = road == "twice" and sides == {"recipient"} and taken_back
        status, answer = self.post(caller, f"/referrals/{sharing.id}/withdraw", {}, road)
        assert status == (410 if gone else 200) if sides else status >= 400, answer
        if sides:
            self.end([sharing])
