"""Referrals sent under a consent or an exception, from a draft or all in one batch."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from common import clock
from common.ids import new_id
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import OPEN, Sharing, Word, may_send
from tests.services.referrals.stories.world import ORGANISATIONS, SUBSETS, World, command, said

_ANOTHER = {"in_addition": True}


class Sending(World):
    @precondition(lambda self: any(not each.used for each in self.words))
    @rule(data=st.data(), wanted=SUBSETS, road=st.sampled_from(["alone", "batch", "twice", "fhir"]))
    def send(self, data: Any, wanted: set[str], road: str) -> None:
        word = data.draw(st.sampled_from([each for each in self.words if not each.used]))
        case = word.case
        if word.to == case.holder or not wanted <= case.facts.keys() or case.erased:
            return
        if data.draw(st.booleans()):
            wanted = (wanted & word.items) or {min(word.items & case.facts.keys(), default="name")}
        who = self.staff(case.holder)
        status, made = self.post(who, "/referrals", self.draft(word, wanted))
        may = may_send(word, frozenset(wanted), clock.now())
        if status != 201:
            assert not may, made
            return
        self.versions[made["id"]] = 1
        if road == "fhir" and not (word.is_exception or self.waits_already(word)):
            coded = {"coding": [{"system": "urn:ruta:codes", "code": "consent"}]}
            reference = {"type": coded, "valueReference": {"reference": f"Consent/{word.id}"}}
            read = self.get(who, f"/fhir/Task/{made['id']}").json()
            task = {**read, "status": "requested", "input": [reference]}
            status, answer = self.post(who, f"/fhir/Task/{made['id']}", task, method="PUT")
        else:
            body = {"exception_id" if word.is_exception else "grant_id": word.id, **_ANOTHER}
            status, answer = self.post(who, f"/referrals/{made['id']}/send", body, road)
        assert (status == 200) == may, (status, answer, word, wanted)
        if may:
            word.used = True
            self.versions[made["id"]] = 2
            self.sharings.append(Sharing(made["id"], word, frozenset(wanted)))

    @precondition(lambda self: self.living())
    @rule(
        data=st.data(),
        to=ORGANISATIONS,
        wanted=SUBSETS,
        together=st.booleans(),
        short=st.booleans(),
    )
    def refer_at_once(
        self, data: Any, to: UUID, wanted: set[str], together: bool, short: bool
    ) -> None:
        """Send the consent, the draft and the referral in one batch, as a page of the console does."""
        case, now = self.case(data), clock.now()
        if to == case.holder or not wanted <= case.facts.keys():
            return
        by = "caregiver" if case.is_child(now) else "person"
        word = Word("", case, to, self.services[to], frozenset(wanted), by)
        word.until = now + timedelta(days=5) if short else None
        consent = {
            "case_id": case.id,
            "service_id": word.service,
            "purpose": "HLT",
            "items": sorted(wanted),
            "method": "verbal",
            **said(word),
        }
        given, made = f"g{new_id()}", f"r{new_id()}"
        sending, path = (
            {"grant_id": f"${{{given}.id}}", **_ANOTHER},
            f"/referrals/${{{made}.id}}/send",
        )
        commands = [
            command(given, "/consents", consent),
            command(made, "/referrals", self.draft(word, wanted)),
            command(f"s{new_id()}", path, sending),
        ]
        may = may_send(word, word.items, now)
        batch = {"commands": commands, "together": together}
        status, answer = self.post(self.staff(case.holder), "/bulk", batch)
        assert status == 200, answer
        consented, drafted, sent = answer["results"]
        assert (sent["status"] == 200) == may, answer
        if consented["status"] == 201:
            word.id, word.code = consented["body"]["id"], consented["body"]["withdrawal_code"]
            self.words.append(word)
        if may:
            word.used = True
            self.versions[drafted["body"]["id"]] = 2
            self.sharings.append(Sharing(drafted["body"]["id"], word, word.items))

    def waits_already(self, word: Word) -> bool:
        """Return whether a referral to the same service is open. A FHIR client cannot mark a second one as intended."""
        same = [e for e in self.sharings if e.case is word.case and e.word.service == word.service]
        return any(each.state in OPEN for each in same)

    def draft(self, word: Word, wanted: set[str]) -> dict[str, Any]:
        case = word.case
        return {
            "case_id": case.id,
            "service_id": word.service,
            "category": "HLT",
            "urgency": "urgent",
            "payload": {"situation": case.facts["situation"]} if "situation" in wanted else {},
            "from_case": sorted(wanted - {"situation"}),
            "safe_contact": {"rule": "person_comes"},
        }
