"""Hypothesis plays random stories of several people, organisations and their staff on every road, and `oracle` says
what each may do and be told.

After every story: nobody was told what they may not know, the person is told the truth about who had read, and no
accepted step is without its history, its audit entry and its event. `RUTA_STORIES=2000` plays so many long stories,
new ones each time.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from common import clock
from common.db.session import Database
from common.ids import new_id
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from referrals.app import create_app
from referrals.ground.keys.store import CaseKeys
from referrals.screening.screenings.shipped import SHIPPED_ID
from referrals.settings import Settings
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.oracle import (
    OPEN,
    READ_ON,
    STEPS,
    Access,
    Caller,
    Case,
    Sharing,
    Word,
    is_open,
    may_answer,
    may_decide,
    may_know,
    may_send,
    side_of,
)
from tests.services.referrals.screening_words import AGREED
from tests.services.referrals.story import BODIES, LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_bridges import PRIMERO, PRIMERO_MAPPING, case_form
from tests.services.referrals.test_bridges import changed as changed_record
from tests.services.referrals.test_every_list import asked
from tests.services.referrals.test_intake import send as send_form
from tests.services.referrals.test_scenarios import exception_body
from tests.services.referrals.walking import walk
from tests.support.databases import close_engines, rolled_back
from tests.support.principals import organisation
from tests.support.rights import told

STORIES = int(os.environ.get("RUTA_STORIES", "0"))
NGOS = {REFUGIO: "ngo-refugio", SALUD: "ngo-salud", LEGAL: "ngo-legal"}
PLACES = ("VE2301", "VE2302", "VE2002", "VE0503")
ITEMS = ("name", "contact", "situation", "area", "caregiver_contact")
FAR = timedelta(days=9)
ALL_ROLES = ["partner", "caseworker", "supervisor"]
ORGANISATIONS = st.sampled_from(sorted(NGOS))
ROADS = st.sampled_from(["alone", "batch", "twice"])
SUBSETS = st.sets(st.sampled_from(ITEMS), min_size=1)


class Stories(RuleBasedStateMachine):
    """What we know by our own bookkeeping, beside what the service answers."""

    enter: Callable[[], tuple[asyncio.AbstractEventLoop, Story, Callable[[], None]]]
    described: FastAPI
    """Of which all roads are read."""

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.story, self.leave = type(self).enter()
        self.clock = ExitStack()
        self.cases: list[Case] = []
        self.words: list[Word] = []
        self.sharings: list[Sharing] = []
        self.accesses: list[Access] = []
        self.done: list[tuple[Caller, str, Any, str]] = []
        self.versions: dict[str, int] = {}
        self.record: tuple[dict[str, Any], Case] | None = None

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    # Who asks, on which road

    def chief(self, organisation_id: UUID) -> Caller:
        return Caller(NGOS[organisation_id], organisation_id, f"{NGOS[organisation_id]}-chief")

    def staff(self, organisation_id: UUID) -> Caller:
        queues = frozenset({UUID(self.services[organisation_id])})
        return Caller(NGOS[organisation_id], organisation_id, NGOS[organisation_id], queues)

    def callers(self) -> list[Caller]:
        """People and teams: somebody outside a team, and one who has moved to another organisation."""
        outside = Caller("ngo-salud", SALUD, "outside", frozenset())
        moved = replace(self.staff(LEGAL), client="ngo-refugio", person="ngo-refugio")
        asker = Caller("cp-coordinator", organisation(6), "cp-coordinator", reads_cases=False)
        colleague = Caller("cp-coordinator", organisation(6), "another", reads_cases=False)
        found = [outside, moved, asker, colleague]
        for each in NGOS:
            found += [self.chief(each), self.staff(each)]
        return found

    def claims(self, caller: Caller) -> dict[str, Any]:
        roles = ALL_ROLES if caller.works is None else ["partner", "caseworker"]
        return {
            "sub": caller.person,
            "client_id": caller.person,
            "org": str(caller.organisation),
            "roles": roles if caller.reads_cases else ["coordinator"],
        }

    def get(self, caller: Caller, path: str) -> Any:
        answer = self.run(self.story.get(caller.client, path, **self.claims(caller)))
        self.hears(caller, path, answer)
        return answer

    def post(
        self, caller: Caller, path: str, body: Any, road: str = "alone", method: str = "POST"
    ) -> tuple[int, Any]:
        """Alone, in a batch, or twice as after a line that broke."""
        key, claims = str(new_id()), self.claims(caller)
        if road == "batch" and method == "POST":
            command = {"key": "c", "path": f"/referrals/v1{path}", "body": body}
            batch = {"commands": [command]}
            answer = self.run(self.story.post(caller.client, "/bulk", batch, **claims))
            self.hears(caller, path, answer)
            (done,) = answer.json()["results"]
            return done["status"], done["body"]
        for _ in range(2 if road == "twice" else 1):
            answer = self.run(self.story.call(caller.client, method, path, body, key=key, **claims))
            self.hears(caller, path, answer)
        if method == "POST":
            self.done.append((caller, path, body, key))
        return answer.status_code, answer.json()

    def knows(self, caller: Caller) -> set[str]:
        return may_know(caller, self.cases, self.sharings, self.accesses, clock.now())

    def hears(self, caller: Caller, path: str, answer: Any) -> None:
        assert answer.status_code < 500, (caller, path, answer.text)
        # What somebody sends may be said back to them; what they read is asked for after it has happened.
        if answer.request.method == "GET":
            self.judge(caller, path, answer.text)

    def judge(self, caller: Caller, path: str, text: str) -> None:
        facts = {fact for case in self.cases for fact in case.facts.values()}
        told = {fact for fact in facts - self.knows(caller) if fact in text}
        assert not told, (caller, path, told)

    # People and their words

    @initialize(last=st.integers(0, 9), part=st.integers(0, 4))
    def begin(self, last: int, part: int) -> None:
        """`last`: who looks at the end of the story, at which `part` of all roads."""
        self.last, self.part, self.lists = last, (part, 5), sorted(asked(self.described))
        self.services = {each: self.run(self.story.service(each, areas=("VE01",))) for each in NGOS}
        chief = self.chief(SALUD)
        team = f"/services/{self.services[SALUD]}/team"
        assert self.post(chief, team, {"clients": ["ngo-salud"]}, method="PUT")[0] == 200
        self.register(REFUGIO, False)

    @precondition(lambda self: len(self.cases) < 3)
    @rule(who=ORGANISATIONS, child=st.booleans())
    def register(self, who: UUID, child: bool) -> None:
        number = len(self.cases)
        facts = {
            "name": f"Yolimar Canaria {'ABC'[number] * 4}",
            "contact": f"+58 412 555019{number}",
            "situation": f"needs what is told of {number}{number}{number}",
            "area": PLACES[number],
        }
        identity: dict[str, Any] = {"name": facts["name"], "contact": {"phone": facts["contact"]}}
        adult_at = None
        if child:
            facts["caregiver_contact"] = f"+58 414 555028{number}"
            identity["caregiver"] = {
                "name": "Luis",
                "contact": {"phone": facts["caregiver_contact"]},
            }
            today = clock.today()
            birth = today.replace(year=today.year - 18, day=1) + timedelta(days=35)
            identity["birth_date"] = birth.isoformat()
            coming = birth.replace(year=birth.year + 18)
            adult_at = clock.begins(coming)
        else:
            identity["age"] = 29
        body = {"identity": identity, "area": facts["area"], "caregiver": "available"}
        status, made = self.post(self.staff(who), "/cases", body)
        assert status == 201, made
        self.cases.append(Case(made["id"], made["reference"], who, facts, adult_at))

    def case(self, data: Any) -> Case:
        drawn: Case = data.draw(st.sampled_from(self.living()))
        return drawn

    @precondition(lambda self: self.living())
    @rule(data=st.data(), to=ORGANISATIONS, items=SUBSETS, short=st.booleans())
    def consent(self, data: Any, to: UUID, items: set[str], short: bool) -> None:
        case, now = self.case(data), clock.now()
        if to == case.holder:
            return
        by = data.draw(st.sampled_from(["person", "caregiver"]))
        until = now + timedelta(days=5) if short else None
        body = {
            "case_id": case.id,
            "service_id": self.services[to],
            "purpose": "HLT",
            "items": sorted(items),
            "method": "verbal",
            "decided_by": by,
            **({"child_assent": "agrees"} if by == "caregiver" else {}),
            **({"valid_until": until.isoformat()} if until else {}),
        }
        status, made = self.post(self.staff(case.holder), "/consents", body)
        may = (
            not case.closed
            and to not in case.implicated
            and not items & case.hidden
            and (may_decide(by, case, now) or (by == "person" and case.is_child(now)))
        )
        assert (status == 201) == may, (status, made)
        if may:  # a child's own word waits for a supervisor, who is not asked here
            word = Word(made["id"], case, to, self.services[to], frozenset(items), by)
            word.code, word.until = made["withdrawal_code"], until
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

    # What is sent under them, at whatever later moment

    @precondition(lambda self: any(not each.used for each in self.words))
    @rule(data=st.data(), wanted=SUBSETS, road=st.sampled_from(["alone", "batch", "twice", "fhir"]))
    def send(self, data: Any, wanted: set[str], road: str) -> None:
        word = data.draw(st.sampled_from([each for each in self.words if not each.used]))
        case = word.case
        if word.to == case.holder or not wanted <= case.facts.keys() or case.erased:
            return
        if data.draw(st.booleans()):
            wanted = (wanted & word.items) or {min(word.items & case.facts.keys(), default="name")}
        draft = {
            "case_id": case.id,
            "service_id": word.service,
            "category": "HLT",
            "urgency": "urgent",
            "payload": {"situation": case.facts["situation"]} if "situation" in wanted else {},
            "from_case": sorted(wanted - {"situation"}),
            "safe_contact": {"rule": "person_comes"},
        }
        who = self.staff(case.holder)
        status, made = self.post(who, "/referrals", draft)
        may = may_send(word, frozenset(wanted), clock.now())
        if status != 201:
            assert not may, made
            return
        self.versions[made["id"]] = 1
        if road == "fhir" and not word.is_exception:
            coded = {"coding": [{"system": "urn:ruta:codes", "code": "consent"}]}
            reference = {"type": coded, "valueReference": {"reference": f"Consent/{word.id}"}}
            read = self.get(who, f"/fhir/Task/{made['id']}").json()
            task = {**read, "status": "requested", "input": [reference]}
            status, answer = self.post(who, f"/fhir/Task/{made['id']}", task, method="PUT")
        else:
            body = {"exception_id" if word.is_exception else "grant_id": word.id}
            status, answer = self.post(who, f"/referrals/{made['id']}/send", body, road)
        assert (status == 200) == may, (status, answer, word, wanted)
        if may:
            word.used = True
            self.versions[made["id"]] = 2
            self.sharings.append(Sharing(made["id"], word, frozenset(wanted)))

    def sharing(self, data: Any) -> Sharing:
        drawn: Sharing = data.draw(st.sampled_from(self.sharings))
        return drawn

    @precondition(lambda self: self.sharings)
    @rule(data=st.data(), step=st.sampled_from(sorted(STEPS)), road=ROADS)
    def step(self, data: Any, step: str, road: str) -> None:
        """By anybody: what may be is done, everything else is refused and changes nothing."""
        sharing, caller = self.sharing(data), data.draw(st.sampled_from(self.callers()))
        body = BODIES[step]
        if step == "answer-information":
            body = {"payload": {"situation": sharing.case.facts["situation"]}}
        status, answer = self.post(caller, f"/referrals/{sharing.id}/{step}", body, road)
        sources, side, after = STEPS[step]
        sides = side_of(caller, sharing)
        if sharing.case.erased or not caller.reads_cases:
            assert status >= 400
        elif not sides:
            assert status == 404, answer
        elif side not in sides:
            assert status == 403, answer
        elif sharing.state not in sources:
            assert status == 409, answer
        elif step == "answer-information" and not may_answer(sharing, clock.now()):
            assert status >= 400, answer
        else:
            assert status == 200, answer
            if after == "on_hold":
                sharing.before_hold = sharing.state
            sharing.state = sharing.before_hold if after == "as before" else after
            sharing.ended |= sharing.state not in READ_ON
            self.versions[sharing.id] += 1
            if step == "answer-information":
                sharing.items |= {"situation"}

    @precondition(lambda self: self.sharings)
    @rule(data=st.data())
    def answer_by_link(self, data: Any) -> None:
        """A recipient without an account; while it is suspended the link leads nowhere."""
        sharing, suspended = self.sharing(data), data.draw(st.booleans())
        case = sharing.case
        path = f"/referrals/{sharing.id}/answer-links"
        status, made = self.post(self.staff(case.holder), path, {})
        if status != 201:
            return
        page = "/answer/" + made["url"].rsplit("/", 1)[-1]
        nobody = Caller("anonymous", new_id(), "anonymous", reads_cases=False)
        assert self.run(self.story.get("anonymous", page)).status_code == 200
        if suspended:
            off = {"organisation": [str(sharing.word.to)]}
            self.run(told(self.story.client, "referrals", suspended=off))
        answer = self.run(self.story.form(page, {"answer": "accept", "focal_point": "x"}))
        if suspended:
            self.run(told(self.story.client, "referrals"))
        self.judge(nobody, page, answer.text)
        may = not suspended and sharing.state in STEPS["accept"][0]
        assert (answer.status_code == 200) == may, answer.text
        if may:
            sharing.state = "accepted"
            self.versions[sharing.id] += 1

    @precondition(lambda self: self.sharings)
    @rule(data=st.data())
    def read(self, data: Any) -> None:
        """Exactly what is granted now, or that it has ended."""
        sharing, caller = self.sharing(data), data.draw(st.sampled_from(self.callers()))
        answer = self.get(caller, f"/referrals/{sharing.id}/disclosure")
        sides = side_of(caller, sharing)
        if not sides:
            assert answer.status_code in (403, 404)
        elif sharing.case.erased:
            assert answer.status_code == 410
        elif "referrer" not in sides:
            assert answer.status_code == (200 if sharing.is_read(clock.now()) else 410)
        if answer.status_code == 200:
            if "referrer" not in sides:
                assert set(answer.json()["items"]) == sharing.items - sharing.case.hidden
            self.was_read(sharing, caller)

    def was_read(self, sharing: Sharing, caller: Caller) -> None:
        if caller.organisation == sharing.word.to:
            sharing.readers.add(caller.organisation)

    # What ends it

    @precondition(lambda self: any(not each.is_exception for each in self.words))
    @rule(data=st.data(), road=st.sampled_from(["holder", "code", "page"]))
    def withdraw(self, data: Any, road: str) -> None:
        """Never refused, and the person is told the truth."""
        words = [each for each in self.words if not each.is_exception]
        word = data.draw(st.sampled_from(words))
        case, under = word.case, [each for each in self.sharings if each.word is word]
        if case.erased:
            return
        had_read = {(each.id, str(reader)) for each in under for reader in each.readers}
        emergencies = {str(each) for each in case.emergency_readers}
        if road == "page":
            answer = self.run(self.story.form("/withdraw?language=en", {"code": word.code}))
            assert answer.status_code == 200, answer.text
            assert ("Nobody had" in answer.text) == (not had_read and not emergencies), answer.text
        elif road == "code":
            answer = self.run(self.story.post("anonymous", "/withdrawals", {"code": word.code}))
            self.is_true(answer.json(), had_read, emergencies)
        else:
            path = f"/consents/{word.id}/withdraw"
            status, told_her = self.post(self.staff(case.holder), path, {})
            assert status == 200, told_her
            self.is_true(told_her, had_read, emergencies)
            received = {each.word.to for each in under}
            goes_on = str(case.holder) if case.holder in received else None
            assert told_her["goes_on_reading"] == goes_on
        word.stands = False
        self.end(under)

    def is_true(self, told_her: Any, had_read: set[Any], emergencies: set[str]) -> None:
        read = {(each["referral_id"], each["organisation_id"]) for each in told_her["already_read"]}
        assert read == had_read
        roads = [each for each in told_her["record_read"] if each["road"] == "break_glass"]
        assert {each["organisation_id"] for each in roads} == emergencies

    def end(self, sharings: list[Sharing]) -> None:
        """By the person's wish."""
        for each in sharings:
            self.versions[each.id] += each.state in OPEN
            each.state = "withdrawn" if each.state in OPEN else each.state
            each.ended = True

    @precondition(lambda self: self.sharings)
    @rule(data=st.data(), road=ROADS)
    def withdraw_one(self, data: Any, road: str) -> None:
        """Either side records the wish about one referral; what it was sent under ends with it."""
        sharing, caller = self.sharing(data), data.draw(st.sampled_from(self.callers()))
        sides = side_of(caller, sharing)
        if sharing.case.erased:
            return
        status, answer = self.post(caller, f"/referrals/{sharing.id}/withdraw", {}, road)
        assert (status == 200) == bool(sides), answer
        if sides:
            sharing.word.stands = False
            self.end([sharing])

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
    @rule(data=st.data(), who=ORGANISATIONS)
    def implicate(self, data: Any, who: UUID) -> None:
        """Nothing of the case goes to it, on any road."""
        case = self.case(data)
        if who == case.holder or case.closed:
            return
        path = f"/cases/{case.id}/implicated-organisations"
        body = {"organisation_ids": [str(who)]}
        status, answer = self.post(self.staff(case.holder), path, body, method="PUT")
        assert status == 200, answer
        case.implicated = {who}
        for each in self.sharings:
            if each.case is case and each.word.to == who:
                self.versions[each.id] += each.state in OPEN
                each.state = "recalled" if each.state in OPEN else each.state
                each.ended = True

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
        if answer != "accept":
            return
        case.holder = to
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
        if may:
            access.case.emergency_readers.add(caller.organisation)

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def close(self, data: Any) -> None:
        """It ends when nothing that was sent is open, and then nothing new begins."""
        case = self.case(data)
        going = any(each.case is case and each.state in OPEN for each in self.sharings)
        path = f"/cases/{case.id}/close"
        status, answer = self.post(self.staff(case.holder), path, {"reason": "needs_met"})
        assert (status == 200) == (not going and not case.closed), answer
        if status == 200:
            case.closed = True
            for word in self.words:
                word.stands &= word.case is not case or word.used

    @precondition(lambda self: len(self.living()) > 1)
    @rule(data=st.data())
    def erase(self, data: Any) -> None:
        case = self.case(data)
        body = {"confirm": case.reference, "basis": "person_request"}
        status, answer = self.post(self.chief(case.holder), f"/cases/{case.id}/erase", body)
        assert status == 200, answer
        case.erased = True
        self.end([each for each in self.sharings if each.case is case])

    @rule(by=st.sampled_from([timedelta(hours=2), FAR]))
    def time_passes(self, by: timedelta) -> None:
        self.clock.enter_context(clock.shifted(by))

    # Everything else in which a person may be named

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def work_on_it(self, data: Any) -> None:
        """A screening, a plan, what was given: all of it goes with the case."""
        case = self.case(data)
        who, name = self.staff(case.holder), case.facts["name"]
        screening = {"instrument_id": str(SHIPPED_ID), "case_id": case.id, "answers": AGREED}
        for path, body in (
            ("/screenings", screening),
            (f"/cases/{case.id}/plan", {"need": "HLT", "objective": name}),
            (
                f"/cases/{case.id}/assistance",
                {"support_type": "Health", "given_on": str(clock.today()), "note": name},
            ),
            (f"/cases/{case.id}/reviews", {"due_on": str(clock.today() + FAR)}),
        ):
            status, answer = self.post(who, path, body)
            assert status in (201, 409), answer

    @precondition(lambda self: self.record is not None or len(self.cases) < 3)
    @rule(touched=st.booleans())
    def arrive_from_another_system(self, touched: bool) -> None:
        """A form of Refugio's makes one case, and learns nothing of it once somebody else has it."""
        if self.record is None:
            self.form = self.run(case_form(self.story, "primero", PRIMERO_MAPPING))
            number = len(self.cases)
            facts = {"name": f"Nina Canaria {'ABC'[number] * 4}"}
            sent = changed_record(PRIMERO, name=facts["name"], age=29, date_of_birth="1997-03-01")
            answer = self.run(send_form(self.story, self.form, sent))
            assert answer.json()["status"] == "taken", answer.text
            rows = self.run(self.story.rows("SELECT id, reference FROM cases ORDER BY id"))
            known = {case.id for case in self.cases}
            (row,) = [each for each in rows if str(each.id) not in known]
            case = Case(str(row.id), row.reference, REFUGIO, facts, caregiver="unknown")
            self.cases.append(case)
            self.record = sent, case
            return
        sent, case = self.record
        needs = [{"service_type": "health_medical_service"}] if touched else []
        later = changed_record(sent, services_section=needs, touched=str(new_id()))
        answer = self.run(send_form(self.story, self.form, later)).json()
        if not answer["repeated"] and (case.erased or case.holder != REFUGIO):
            assert answer["status"] == "not_kept"

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def repeat_an_old_command(self, data: Any) -> None:
        """Whoever sent it is told no more than they may know now."""
        caller, path, body, key = data.draw(st.sampled_from(self.done))
        answer = self.run(
            self.story.post(caller.client, path, body, key=key, **self.claims(caller))
        )
        assert answer.status_code < 500, answer.text
        self.judge(caller, path, answer.text)

    def look_everywhere(self, caller: Caller, case: Case) -> None:
        """On the roads that read, a fifth of them in each story."""
        ids = {"case_id": case.id}
        for name, found in (
            ("referral_id", [each.id for each in self.sharings if each.case is case]),
            ("grant_id", [e.id for e in self.words if e.case is case and not e.is_exception]),
            ("exception_id", [e.id for e in self.words if e.case is case and e.is_exception]),
            ("access_id", [each.id for each in self.accesses if each.case is case]),
        ):
            if found:
                ids[name] = found[-1]
        who = (self.story, self.described, caller.client)
        seen = self.run(walk(*who, ids, part=self.part, **self.claims(caller)))
        for path, (_, text) in seen.items():
            self.judge(caller, path, text)
        for each in self.sharings:
            if each.id == ids.get("referral_id") and self.shown(seen, "disclosure"):
                self.was_read(each, caller)
        if self.shown(seen, "/break-glass/{access_id}/case"):
            case.emergency_readers.add(caller.organisation)

    @precondition(lambda self: STORIES > 0)
    @rule(data=st.data())
    def look_meanwhile(self, data: Any) -> None:
        caller = data.draw(st.sampled_from(self.callers()))
        self.look_everywhere(caller, data.draw(st.sampled_from(self.cases)))

    @rule(data=st.data())
    def look_at_a_list(self, data: Any) -> None:
        """With one of the values of its parameters."""
        path = data.draw(st.sampled_from(self.lists))
        self.get(data.draw(st.sampled_from(self.callers())), path)

    @staticmethod
    def shown(seen: dict[str, tuple[int, str]], ending: str) -> bool:
        return any(s == 200 for path, (s, _) in seen.items() if path.endswith(ending))

    def living(self) -> list[Case]:
        return [each for each in self.cases if not each.erased]

    # What holds after every step

    @invariant()
    def only_the_holder_reads_the_case(self) -> None:
        for case in self.cases[-1:]:
            for each in NGOS:
                status = self.get(self.staff(each), f"/cases/{case.id}").status_code
                here = 410 if case.erased else 200
                assert status == (here if each == case.holder else 404)

    def end_well(self) -> None:
        """Somebody looks everywhere; each accepted step left its traces; what leaves the service names nobody."""
        callers = self.callers()
        self.look_everywhere(
            callers[self.last % len(callers)], self.cases[self.last % len(self.cases)]
        )
        for referral_id, version in self.versions.items():
            (found,) = self.run(
                self.story.rows(
                    """
                    SELECT r.version, r.sent_at,
                        (SELECT count(*) FROM referral_steps s WHERE s.referral_id = r.id) AS steps,
                        (SELECT count(*) FROM outbox o WHERE o.aggregateid = r.id::text) AS events,
                        (SELECT count(*) FROM audit_entries a WHERE a.target_id = r.id
                            AND a.action LIKE 'referral.%') AS audited
                    FROM referrals r WHERE r.id = :id
                    """,
                    id=referral_id,
                )
            )
            if found.sent_at is None:
                continue  # drafts end with their case, or with the wish that they were for
            assert found.steps == found.audited == found.version == version, referral_id
            assert found.events == found.version - 1  # a draft is told to nobody
        texts = [str(row) for row in self.run(self.story.rows("SELECT o.*::text FROM outbox o"))]
        facts = {
            fact
            for case in self.cases
            for item, fact in case.facts.items()
            if item != "area"  # events carry the municipality, for numbers
        }
        assert not [fact for fact in facts for text in texts if fact in text]

    def teardown(self) -> None:
        try:
            self.end_well()
        finally:
            self.clock.close()
            self.leave()


@pytest.mark.laborious
def test_no_story_shows_what_is_not_granted_or_leaves_no_trace(
    settings: Settings, referrals_database: ServiceDatabase, app: FastAPI
) -> None:
    """Each story has a loop, a rolled-back connection and a key store client of its own."""

    def enter() -> tuple[asyncio.AbstractEventLoop, Story, Callable[[], None]]:
        loop = asyncio.new_event_loop()
        holder = rolled_back(referrals_database)
        database = loop.run_until_complete(holder.__aenter__())
        keys = CaseKeys(
            Database.at(settings.key_store_url.get_secret_value(), pool_size=1),
            settings.key_encryption_keys_file,
        )
        played = create_app(settings, database=database, keys=keys)
        client = AsyncClient(
            transport=ASGITransport(played, raise_app_exceptions=False), base_url="http://ruta"
        )

        def leave() -> None:
            loop.run_until_complete(client.aclose())
            loop.run_until_complete(keys.close())
            loop.run_until_complete(holder.__aexit__(None, None, None))
            loop.run_until_complete(close_engines())
            loop.close()

        return loop, Story(client, database), leave

    machine = type("Played", (Stories,), {"enter": staticmethod(enter), "described": app})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=STORIES or 100,
            stateful_step_count=25 if STORIES else 12,
            deadline=None,
            derandomize=not STORIES,
            suppress_health_check=list(HealthCheck),
            # A long search says at once what it found.
            phases=[Phase.generate] if STORIES else [Phase.generate, Phase.shrink],
        ),
    )
