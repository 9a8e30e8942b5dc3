"""Whatever any organisation was ever answered, against the rule as it is written, not as it is built.

Hypothesis leads one person's case through random stories: time passes, consents end and are
withdrawn, somebody is implicated, the person comes of age, the record is corrected, the case is
handed over, opened by break-glass, erased; old commands are repeated, and every road of the API is
asked by everybody. Each answer is searched for what was ever said of the person and for the ids of
what was done for them; `Rule` below, written from the reference and without the product's own
decision, says whether this organisation may be told that at this moment.

The CI plays sixty stories, always the same ones; `RUTA_STORIES=2000` plays so many new ones.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from common import clock
from common.db.session import Database
from common.ids import new_id
from httpx import ASGITransport, AsyncClient, Response
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
from referrals.app import ROUTERS, create_app
from referrals.case.cases.retention import ask_reconsent
from referrals.ground.keys.store import CaseKeys
from referrals.referral.escalations.due_timers import fire_due
from referrals.screening.screenings.shipped import SHIPPED_ID
from referrals.settings import Settings
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.screening_words import CHILD
from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.support.principals import organisation

STORIES = int(os.environ.get("RUTA_STORIES", "0"))
NGOS: dict[UUID, str] = {REFUGIO: "ngo-refugio", SALUD: "ngo-salud", LEGAL: "ngo-legal"}
CHIEFS = {org: f"{who}-chief" for org, who in NGOS.items()}
COORDINATOR = "cp-coordinator"
ORGANISATIONS = {
    **{who: org for org, who in NGOS.items()},
    **{who: org for org, who in CHIEFS.items()},
    COORDINATOR: organisation(6),
    "im-officer": organisation(8),
}
OPENED = timedelta(hours=1)
FACTS = ("name", "contact", "caregiver_contact", "address")
ENDED = {"declined", "recalled", "withdrawn", "expired", "entered_in_error"}
STEPS: dict[str, dict[str, Any]] = {
    "acknowledge": {},
    "accept": {"focal_point": "x"},
    "decline": {"reason": "capacity"},
    "start": {},
    "complete": {"outcome": "delivered"},
    "recall": {"reason": "other"},
    "enter-in-error": {"reason": "test"},
}


@dataclass
class Word:
    """A consent, or an exception (`decided_by` None), as we were told of it."""

    organisation: UUID
    service: str
    items: frozenset[str]
    decided_by: str | None
    until: datetime | None
    stands: bool = True


@dataclass
class Sent:
    """What was sent: which facts under which item, and the word that it went under."""

    to: UUID
    word: str | None = None
    told: dict[str, str] = field(default_factory=dict)
    """Fact → item."""
    asked: set[str] = field(default_factory=set)
    """Texts that the recipient itself wrote."""
    shared: bool = False
    was_sent: bool = False


@dataclass
class Access:
    by: UUID
    holder: UUID
    until: datetime | None = None


@dataclass
class Rule:
    """The reference's table of consent over time, in our own words."""

    holder: UUID
    born: date
    caregiver: str = "available"
    erased: bool = False
    counted_by: str | None = None
    """Who agreed to statistics for the person."""
    implicated: set[UUID] = field(default_factory=set)
    words: dict[str, Word] = field(default_factory=dict)
    referrals: dict[str, Sent] = field(default_factory=dict)
    accesses: dict[str, Access] = field(default_factory=dict)
    record: set[str] = field(default_factory=set)
    """Facts that the record holds now."""

    def adult(self) -> bool:
        today = clock.today()
        years = today.year - self.born.year
        return years - ((today.month, today.day) < (self.born.month, self.born.day)) >= 18

    def word_stands(self, word_id: str | None) -> bool:
        word = self.words.get(word_id or "")
        return word is not None and word.stands and (word.until is None or word.until > clock.now())

    def may_give_more(self, word_id: str, to: UUID, items: set[str]) -> bool:
        """New facts: sending, and answering a question."""
        if self.erased or to in self.implicated or not self.word_stands(word_id):
            return False
        word = self.words[word_id]
        if word.decided_by is not None and not self.may_still_decide(word.decided_by):
            return False
        return items <= word.items - self.hidden()

    def may_still_decide(self, decider: str) -> bool:
        """A caregiver's word ends when the person comes of age, or the caregiver is implicated."""
        if decider != ("person" if self.adult() else "caregiver"):
            return False
        return decider == "person" or self.caregiver not in ("implicated", "absent")

    def may_be_counted(self) -> bool:
        return (
            not self.erased
            and self.counted_by is not None
            and self.may_still_decide(self.counted_by)
        )

    def hidden(self) -> set[str]:
        return {"caregiver_contact"} if self.caregiver in ("implicated", "absent") else set()

    def may_know(self, org: UUID, fact: str) -> bool:
        """Whether this may be in an answer to this organisation at this moment."""
        if self.erased:
            return False
        if org == self.holder:
            return True
        for sent in self.referrals.values():
            if sent.to != org or org in self.implicated:
                continue
            if fact in sent.asked:
                return True
            item = sent.told.get(fact)
            if item is None or not sent.shared or not self.word_stands(sent.word):
                continue
            if item in self.words[sent.word or ""].items - self.hidden():
                return True
        return fact in self.record and any(
            access.by == org
            and access.by not in self.implicated
            and access.holder == self.holder
            and access.until is not None
            and access.until > clock.now()
            for access in self.accesses.values()
        )

    def may_call(self, org: UUID, caregiver: str) -> bool:
        """Nobody but the holder is told how to reach a caregiver who is implicated or gone: break-glass opens a
        record, not a danger."""
        if self.hidden():
            return org == self.holder and not self.erased
        return self.may_know(org, caregiver)

    def may_see_id(self, org: UUID, thing: str) -> bool:
        """Ids are for who holds the case and for whom it was sent to."""
        if org == self.holder:
            return True
        sent = self.referrals.get(thing)
        if sent is not None:
            return sent.was_sent and sent.to == org
        return any(s.word == thing and s.to == org for s in self.referrals.values())


Then = Callable[[dict[str, Any]], None] | None


class Leak(AssertionError):
    """An answer held what this organisation may not be told now."""


def phone_of(caregiver: str) -> str:
    return f"call-{caregiver.removeprefix('Zx')}"


def identity(born: date, made: dict[str, str]) -> dict[str, Any]:
    return {
        "name": made["name"],
        "birth_date": born.isoformat(),
        "contact": {"safe_way": made["contact"]},
        "caregiver": {
            "name": made["caregiver_contact"],
            "contact": {"phone": phone_of(made["caregiver_contact"])},
        },
        "address": made["address"],
    }


class EveryAnswer(RuleBasedStateMachine):
    enter: Callable[[], tuple[asyncio.AbstractEventLoop, Story, CaseKeys, Callable[[], None]]]

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.story, self.keys, self.leave = type(self).enter()
        self.time = ExitStack()
        self.number = 0
        self.facts: dict[str, str] = {}  # marker → item
        self.told_events: set[UUID] = set()
        self.ids: set[str] = set()
        self.said: list[tuple[str, str, str, Any, str, Then]] = []

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    # ---- saying and hearing ----

    def ask(
        self, who: str, method: str, path: str, body: Any = None, *, key: str | None = None,
        then: Then = None,
    ) -> Response:  # fmt: skip
        """One call; `then` is what we know once it has succeeded, before the answer is judged."""
        key = key or str(new_id())
        response = self.call(who, method, path, body, key)
        if method != "GET":
            self.said.append((who, method, path, body, key, then))
        if response.is_success and then is not None:
            then(response.json())
        self.judge(who, method, path, body, response)
        return response

    def call(self, who: str, method: str, path: str, body: Any, key: str) -> Response:
        claims: dict[str, Any] = {"exp": int(time.time()) + 6 * 3600}
        client = who.removesuffix("-chief")
        if client != who:
            claims |= {"roles": ["supervisor"], "sub": who}
        response: Response = self.run(
            self.story.call(client, method, path, body, key=key, **claims)
        )
        assert response.status_code < 500, (method, path, response.text)
        if method != "GET":  # what is malformed tells nothing of the rules
            assert '"code":"invalid"' not in response.text, (method, path, response.text)
        return response

    def judge(self, who: str, method: str, path: str, body: Any, response: Response) -> None:
        org, told = ORGANISATIONS[who], response.text + str(response.headers)
        said = f"{path} {body}"
        for fact, item in self.facts.items():
            if fact in told and fact not in said and not self.rule_.may_know(org, fact):
                raise Leak(f"{who} was told {item} by {method} {path}: {response.text[:400]}")
            phone = phone_of(fact)
            if phone in told and phone not in said and not self.rule_.may_call(org, fact):
                raise Leak(f"{who} was told whom to call by {method} {path}: {response.text[:400]}")
        if path == "/audit":  # an organisation's own log names what its own clients did
            return
        for thing in self.ids:
            if thing in told and thing not in said and not self.rule_.may_see_id(org, thing):
                raise Leak(f"{who} was told the id {thing} by {method} {path}: {told[:400]}")

    def fact(self, item: str) -> str:
        self.number += 1
        text = f"Zx{self.number:03d}{item.replace('_', '')}xZ"
        self.facts[text] = item
        return text

    @property
    def who(self) -> str:
        return NGOS[self.rule_.holder]

    # ---- the story ----

    @initialize(
        data=st.data(),
        months=st.sampled_from([-3, 1, 36]),
        items=st.sets(st.sampled_from(FACTS), min_size=1),
        days=st.sampled_from([None, 3, 40]),
        text=st.booleans(),
    )
    def tell(self, data: Any, months: int, items: set[str], days: int | None, text: bool) -> None:
        """Somebody has been told of her before anything else happens: left to chance, of a hundred
        stories hardly one came so far."""
        self.begin(months)
        self.consent(data, items | {"situation"}, days)
        self.refer(data, items, text)

    def begin(self, months: int) -> None:
        """A girl who comes of age in a month or in years, or a woman who just has."""
        born = clock.today() - timedelta(days=18 * 365 + 5) + timedelta(days=30 * months)
        self.rule_ = Rule(holder=REFUGIO, born=born)
        self.now_on_record = {item: self.fact(item) for item in FACTS}
        self.rule_.record = set(self.now_on_record.values())
        # The services first: nothing of them is said of the person.
        self.services = {
            self.run(self.story.service(SALUD)): SALUD,
            self.run(self.story.service(LEGAL)): LEGAL,
        }
        body = {
            "identity": identity(born, self.now_on_record),
            "attributes": {"sex": "female", "nationality": "VE"},
            "area": "VE2313",
            "caregiver": "available",
        }
        made = self.ask(self.who, "POST", "/cases", body).json()
        self.case_id, self.reference = made["id"], made["reference"]
        self.transfers: list[str] = []
        self.screenings: list[str] = []
        self.reporting: list[str] = []

    def decider(self) -> dict[str, Any]:
        if self.rule_.adult():
            return {"decided_by": "person"}
        return {"decided_by": "caregiver", "child_assent": "agrees"}

    @precondition(lambda self: not self.rule_.erased)
    @rule(
        data=st.data(),
        items=st.sets(st.sampled_from([*FACTS, "situation"]), min_size=1),
        days=st.sampled_from([None, 3, 40]),
    )
    def consent(self, data: Any, items: set[str], days: int | None) -> None:
        service = data.draw(st.sampled_from(sorted(self.services)))
        until = None if days is None else clock.now() + timedelta(days=days)
        decider = self.decider()
        word = Word(self.services[service], service, frozenset(items), decider["decided_by"], until)
        body = {
            "case_id": self.case_id,
            "service_id": service,
            "purpose": "HLT",
            "items": sorted(items),
            "method": "verbal",
            "valid_until": until.isoformat() if until else None,
            **decider,
        }

        def given(made: dict[str, Any]) -> None:
            self.rule_.words[made["id"]] = replace(word, stands=made["status"] == "active")
            self.ids.add(made["id"])

        self.ask(self.who, "POST", "/consents", body, then=given)

    @precondition(lambda self: not self.rule_.erased)
    @rule(
        data=st.data(),
        items=st.sets(st.sampled_from([*FACTS, "situation"]), min_size=1),
        approve=st.booleans(),
    )
    def exception(self, data: Any, items: set[str], approve: bool) -> None:
        service = data.draw(st.sampled_from(sorted(self.services)))
        body = {
            "case_id": self.case_id,
            "service_id": service,
            "purpose": "HLT",
            "basis": "vital_interest",
            "rationale": f"{self.fact('rationale')}: she is in danger tonight",
            "person_informed": False,
            "items": sorted(items),
        }
        word = Word(self.services[service], service, frozenset(items), None, None, stands=False)

        def requested(made: dict[str, Any]) -> None:
            self.rule_.words[made["id"]] = replace(word)
            self.ids.add(made["id"])

        made = self.ask(self.who, "POST", "/exceptions", body, then=requested)
        if not made.is_success:
            return
        asked = made.json()["id"]

        def decided(_made: dict[str, Any]) -> None:
            self.rule_.words[asked].stands = approve

        path = f"/exceptions/{asked}/decision"
        self.ask(CHIEFS[self.rule_.holder], "POST", path, {"approve": approve}, then=decided)

    @precondition(lambda self: self.rule_.words and not self.rule_.erased)
    @rule(data=st.data(), wanted=st.sets(st.sampled_from(FACTS)), text=st.booleans())
    def refer(self, data: Any, wanted: set[str], text: bool) -> None:
        """It is sent if, and only if, the rule says so; then the recipient has what was in it."""
        word_id = data.draw(st.sampled_from(sorted(self.rule_.words)))
        word = self.rule_.words[word_id]
        situation = self.fact("situation") if text or not wanted else None
        body = {
            "case_id": self.case_id,
            "service_id": word.service,
            "category": "HLT",
            "urgency": "urgent",
            "payload": {"situation": situation} if situation else {},
            "from_case": sorted(wanted),
            "safe_contact": {"rule": "person_comes"},
        }

        def drafted(made: dict[str, Any]) -> None:
            self.rule_.referrals[made["id"]] = Sent(word.organisation)
            self.ids.add(made["id"])

        made = self.ask(self.who, "POST", "/referrals", body, then=drafted)
        if not made.is_success:
            return
        told = {self.now_on_record[item]: item for item in wanted}
        if situation:
            told[situation] = "situation"
        used = any(each.word == word_id for each in self.rule_.referrals.values())
        allowed = not used and self.rule_.may_give_more(
            word_id, word.organisation, set(told.values())
        )

        sent = self.rule_.referrals[made.json()["id"]]

        def went(_made: dict[str, Any]) -> None:
            sent.word, sent.told, sent.shared, sent.was_sent = word_id, told, True, True

        name = "exception_id" if word.decided_by is None else "grant_id"
        path = f"/referrals/{made.json()['id']}/send"
        answer = self.ask(self.who, "POST", path, {name: word_id}, then=went)
        if answer.is_success and not allowed:
            raise Leak(f"sent under {word}: {sorted(told.values())}")

    def some_referral(self, data: Any) -> tuple[str, Sent] | None:
        sent = sorted(each for each, one in self.rule_.referrals.items() if one.was_sent)
        if not sent:
            return None
        chosen = data.draw(st.sampled_from(sent))
        return chosen, self.rule_.referrals[chosen]

    @rule(data=st.data(), step=st.sampled_from(sorted(STEPS)), who=st.sampled_from(sorted(NGOS)))
    def step(self, data: Any, step: str, who: UUID) -> None:
        found = self.some_referral(data)
        if found is None:
            return
        referral_id, sent = found

        def moved(made: dict[str, Any]) -> None:
            sent.shared = sent.shared and made["state"] not in ENDED

        self.ask(NGOS[who], "POST", f"/referrals/{referral_id}/{step}", STEPS[step], then=moved)

    @rule(data=st.data(), item=st.sampled_from(["situation", "address", "caregiver_contact"]))
    def question_and_answer(self, data: Any, item: str) -> None:
        found = self.some_referral(data)
        if found is None:
            return
        referral_id, sent = found
        path, recipient = f"/referrals/{referral_id}", NGOS[sent.to]
        question = self.fact("question")

        def asked(_made: dict[str, Any]) -> None:
            sent.asked.add(question)

        self.ask(recipient, "POST", f"{path}/acknowledge", {})
        self.ask(
            recipient, "POST", f"{path}/request-information", {"question": question}, then=asked
        )
        fact = self.fact(item)
        allowed = sent.shared and self.rule_.may_give_more(sent.word or "", sent.to, {item})

        def answered(_made: dict[str, Any]) -> None:
            sent.told[fact] = item

        payload = {item: {"name": fact} if item == "caregiver_contact" else fact}
        answer = self.ask(
            self.who, "POST", f"{path}/answer-information", {"payload": payload}, then=answered
        )
        if answer.is_success and not allowed:
            raise Leak(f"answered under {self.rule_.words.get(sent.word or '')}: {item}")

    @rule(data=st.data(), side=st.booleans())
    def withdraw_one(self, data: Any, side: bool) -> None:
        found = self.some_referral(data)
        if found is None:
            return
        referral_id, sent = found

        def withdrawn(_made: dict[str, Any]) -> None:
            self.ends(sent.word)

        who = self.who if side else NGOS[sent.to]
        answer = self.ask(who, "POST", f"/referrals/{referral_id}/withdraw", {}, then=withdrawn)
        assert answer.status_code in (200, 404), answer.text

    @precondition(lambda self: self.rule_.words)
    @rule(data=st.data())
    def withdraw_word(self, data: Any) -> None:
        word_id = data.draw(st.sampled_from(sorted(self.rule_.words)))
        if self.rule_.words[word_id].decided_by is None:
            return

        def withdrawn(_made: dict[str, Any]) -> None:
            self.ends(word_id)

        path = f"/consents/{word_id}/withdraw"
        answer = self.ask(self.who, "POST", path, {}, then=withdrawn)
        assert answer.status_code == 200, answer.text

    def ends(self, word_id: str | None) -> None:
        if word_id in self.rule_.words:
            self.rule_.words[word_id].stands = False
        for sent in self.rule_.referrals.values():
            if sent.word == word_id:
                sent.shared = False

    @rule(hours=st.sampled_from([2, 30, 24 * 35, 24 * 200]))
    def time_passes(self, hours: int) -> None:
        """The timers may expire a referral, the calendar asks again at eighteen."""
        self.time.enter_context(clock.shifted(timedelta(hours=hours)))
        now = clock.now()
        self.run(fire_due(self.story.database, self.keys, now))
        self.run(ask_reconsent(self.story.database, self.keys, clock.day_of(now)))

    @precondition(lambda self: not self.rule_.erased)
    @rule(organisations=st.sets(st.sampled_from(sorted(set(NGOS) - {REFUGIO}))))
    def implicate(self, organisations: set[UUID]) -> None:
        if self.rule_.holder in organisations:
            return

        def marked(_made: dict[str, Any]) -> None:
            self.rule_.implicated = organisations
            for sent in self.rule_.referrals.values():
                sent.shared = sent.shared and sent.to not in organisations
            for access in self.rule_.accesses.values():
                if access.by in organisations:
                    access.until = None

        path = f"/cases/{self.case_id}/implicated-organisations"
        self.ask(
            self.who, "PUT", path, {"organisation_ids": sorted(map(str, organisations))},
            then=marked,
        )  # fmt: skip

    @precondition(lambda self: not self.rule_.erased)
    @rule(
        caregiver=st.sampled_from([None, "available", "absent", "implicated"]),
        years=st.sampled_from([None, -3, 3]),
    )
    def correct(self, caregiver: str | None, years: int | None) -> None:
        """The record is corrected: who the caregiver is, when the person was born, all the rest."""
        body: dict[str, Any] = {}
        born, made = self.rule_.born, dict(self.now_on_record)
        if caregiver is not None:
            body["caregiver"] = caregiver
        if years is not None:
            born = clock.today() - timedelta(days=18 * 365 + 200 + 365 * years)
            made = {item: self.fact(item) for item in FACTS}
            body["identity"] = identity(born, made)
        known = caregiver or self.rule_.caregiver

        def corrected(_made: dict[str, Any]) -> None:
            self.rule_.caregiver, self.rule_.born = known, born
            self.rule_.record, self.now_on_record = set(made.values()), made

        if body:
            self.ask(self.who, "PATCH", f"/cases/{self.case_id}", body, then=corrected)

    @precondition(lambda self: not self.rule_.erased)
    @rule(to=st.sampled_from(sorted(NGOS)), accept=st.booleans())
    def hand_over(self, to: UUID, accept: bool) -> None:
        if to == self.rule_.holder:
            return
        body = {
            "case_id": self.case_id,
            "kind": "transfer",
            "recipient_organisation_id": str(to),
            "method": "signed",
            **self.decider(),
        }
        grant = self.ask(self.who, "POST", "/consents", body)
        if not grant.is_success:
            return
        offer = {
            "case_id": self.case_id,
            "to_organisation": str(to),
            "grant_id": grant.json()["id"],
        }
        made = self.ask(self.who, "POST", "/transfers", offer)
        if not made.is_success:
            return
        self.transfers.append(made.json()["id"])
        path = f"/transfers/{made.json()['id']}"
        if not accept:
            self.ask(NGOS[to], "POST", f"{path}/decline", {"reason": "capacity"})
            return

        def accepted(_made: dict[str, Any]) -> None:
            self.rule_.holder = to
            for access in self.rule_.accesses.values():
                access.until = None

        self.ask(NGOS[to], "POST", f"{path}/accept", {}, then=accepted)

    @precondition(lambda self: not self.rule_.erased)
    @rule(asker=st.sampled_from(sorted([*CHIEFS.values(), COORDINATOR])), decide=st.booleans())
    def break_glass(self, asker: str, decide: bool) -> None:
        body = {"case_reference": self.reference, "reason": "the child is missing since tonight"}
        made = self.ask(asker, "POST", "/break-glass", body)
        if not made.is_success:
            return
        access_id = made.json()["id"]
        access = Access(ORGANISATIONS[asker], self.rule_.holder)
        self.rule_.accesses[access_id] = access

        def opened(_made: dict[str, Any]) -> None:
            access.until = clock.now() + OPENED

        path = f"/break-glass/{access_id}"
        self.ask(
            CHIEFS[self.rule_.holder], "POST", f"{path}/decision", {"approve": decide}, then=opened
        )
        self.ask(asker, "GET", f"{path}/case")

    @precondition(lambda self: len(self.screenings) < 2 and not self.rule_.erased)
    @rule()
    def screen(self) -> None:
        """Screening answers are nobody's but the holder's."""
        body = {
            "instrument_id": str(SHIPPED_ID),
            "case_id": self.case_id,
            "area": "VE2313",
            "answers": {**CHILD, "consent_statistics": "no"},
        }

        def begun(made: dict[str, Any]) -> None:
            self.screenings.append(made["id"])
            self.ids.add(made["id"])

        self.ask(self.who, "POST", "/screenings", body, then=begun)

    @precondition(lambda self: not self.rule_.erased)
    @rule()
    def count(self) -> None:
        """The person agrees to be counted; or takes it back."""
        if self.reporting:
            path = f"/consents/{self.reporting.pop()}/withdraw"

            def stopped(_made: dict[str, Any]) -> None:
                self.rule_.counted_by = None

            self.ask(self.who, "POST", path, {}, then=stopped)
            return
        decider = self.decider()
        body = {"case_id": self.case_id, "kind": "reporting", "method": "verbal", **decider}

        def counted(made: dict[str, Any]) -> None:
            self.rule_.counted_by = decider["decided_by"]
            self.reporting.append(made["id"])

        self.ask(self.who, "POST", "/consents", body, then=counted)

    @rule(sure=st.integers(0, 3))
    def erase(self, sure: int) -> None:
        if sure or self.rule_.erased:
            return

        def erased(_made: dict[str, Any]) -> None:
            self.rule_.erased, self.rule_.counted_by = True, None

        body = {"confirm": self.reference, "basis": "person_request"}
        chief = CHIEFS[self.rule_.holder]
        self.ask(chief, "POST", f"/cases/{self.case_id}/erase", body, then=erased)

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def repeat(self, data: Any) -> None:
        """An old command, by whoever sent it then: its stored answer is given by today's rule."""
        who, method, path, body, key, then = data.draw(st.sampled_from(self.said))
        response = self.call(who, method, path, body, key)
        if "Idempotent-Replayed" in response.headers:
            body = None  # what the caller itself once said is no licence to be told it now
        elif response.is_success and then is not None:
            then(response.json())  # its answer had ended, or it was refused: so it was done now
        self.judge(who, method, path, body, response)

    @rule(data=st.data(), who=st.sampled_from(sorted(ORGANISATIONS)))
    def read(self, data: Any, who: str) -> None:
        for path in data.draw(st.lists(st.sampled_from(self.roads()), max_size=6)):
            self.ask(who, "GET", path)

    def roads(self) -> list[str]:
        """Every reading of the API, with every id that we know in place of its kind."""
        known = {
            "case_id": [self.case_id],
            "chain": [self.case_id],
            "referral_id": sorted(self.rule_.referrals),
            "grant_id": sorted(w for w, one in self.rule_.words.items() if one.decided_by),
            "exception_id": sorted(w for w, one in self.rule_.words.items() if not one.decided_by),
            "access_id": sorted(self.rule_.accesses),
            "screening_id": self.screenings,
            "transfer_id": self.transfers,
        }
        found = []
        for path in _READINGS:
            names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
            if not names:
                found.append(path)
            elif len(names) == 1 and names[0] in known:
                found += [path.replace(f"{{{names[0]}}}", each) for each in known[names[0]]]
            elif names == ["case_id", "referral_id"]:
                found += [
                    path.format(case_id=self.case_id, referral_id=each)
                    for each in known["referral_id"]
                ]
        return found

    def everybody_asks_everything(self) -> None:
        """Where the stories are given, everybody asks a third of the roads, each another one: which,
        follows from the story."""
        roads, begin, step = self.roads(), len(self.said), 1 if STORIES else 3
        for number, who in enumerate(sorted(ORGANISATIONS), begin):
            for path in roads[number % step :: step]:
                self.ask(who, "GET", path)

    @invariant()
    def events_say_no_more(self) -> None:
        """No word of the person, and their codes only while they agree to be counted."""
        if not hasattr(self, "case_id"):
            return
        rows = self.run(self.story.rows("SELECT id, type, payload::text AS said, payload ->> 'attributes' AS codes FROM outbox"))  # fmt: skip
        for row in rows:
            if row.id in self.told_events:
                continue
            self.told_events.add(row.id)
            for fact in self.facts:
                if fact in row.said:
                    raise Leak(f"{row.type} says {self.facts[fact]}")
            if row.codes is not None and not self.rule_.may_be_counted():
                raise Leak(f"{row.type} carries {row.codes}")

    def teardown(self) -> None:
        try:
            if hasattr(self, "rule_") and hasattr(self, "case_id"):
                self.everybody_asks_everything()
        finally:
            self.time.close()
            self.leave()


def _readings() -> list[str]:
    found = {
        getattr(route, "path", "").removeprefix("/referrals/v1")
        for router in ROUTERS
        for route in router.routes
        if "GET" in (getattr(route, "methods", None) or ())
    }
    return sorted(path for path in found if not path.startswith(("/line/pages", "/answer")))


_READINGS = _readings()
KNOWN = {
    *("{case_id}", "{referral_id}", "{grant_id}", "{exception_id}", "{access_id}"),
    *("{screening_id}", "{transfer_id}", "{chain}"),
}


def test_every_reading_of_the_api_is_asked() -> None:
    """A reading by an id that no story knows is about no case, or is of another kind's tests."""
    unknown = {
        path
        for path in _READINGS
        if any(part.startswith("{") and part not in KNOWN for part in path.split("/"))
    }
    assert unknown == {
        "/fhir/HealthcareService/{service_id}",
        "/fhir/Organization/{organisation_id}",
        "/instruments/{instrument_id}",
        "/intake/submissions/{submission_id}",
        "/line/handed-over/{report_id}",
        "/line/reports/{report_id}",
        "/services/{service_id}/team",
        "/webhooks/{webhook_id}/deliveries",
    }


Enter = Callable[[], tuple[asyncio.AbstractEventLoop, Story, CaseKeys, Callable[[], None]]]


@pytest.fixture
def enter(settings: Settings, referrals_database: ServiceDatabase) -> Iterator[Enter]:
    """Loop, app and connection are those of all stories; what a story wrote is rolled back."""
    loop = asyncio.new_event_loop()
    engine = create_async_engine(referrals_database.app_url, poolclass=NullPool)
    connection = loop.run_until_complete(engine.connect())
    outer = [loop.run_until_complete(connection.begin())]
    database = Database.bound_to(connection)
    keys = CaseKeys(
        Database.at(settings.key_store_url.get_secret_value(), pool_size=1),
        settings.key_encryption_keys_file,
    )
    app = create_app(settings, database=database, keys=keys)
    client = AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://ruta"
    )

    def leave() -> None:
        loop.run_until_complete(outer.pop().rollback())
        outer.append(loop.run_until_complete(connection.begin()))

    yield lambda: (loop, Story(client, database), keys, leave)
    for closing in (client.aclose(), keys.close(), connection.close(), engine.dispose()):
        loop.run_until_complete(closing)
    loop.close()


@pytest.mark.slow
def test_nobody_is_ever_answered_what_the_rule_does_not_allow(
    enter: Enter, request: pytest.FixtureRequest
) -> None:
    many = STORIES or (60 if request.config.getoption("--drills", default=False) else 0)
    machine = type("Answered", (EveryAnswer,), {"enter": staticmethod(enter)})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=many or 4,
            stateful_step_count=(25 if STORIES else 18) if many else 15,
            deadline=None,
            derandomize=not STORIES,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            # A long search says at once what it found.
            phases=[Phase.generate] if many else [Phase.generate, Phase.shrink],
        ),
    )


class _First:
    """Draws the first of what there is: for a story that is told, not found."""

    def draw(self, strategy: Any) -> Any:
        return strategy.elements[0]


@pytest.mark.parametrize("ending", ["withdraw", "expire", "implicate", "erase"])
def test_what_may_not_be_told_any_more_would_be_found(enter: Enter, ending: str) -> None:
    """The search can fail: the answer of before is a leak once this has happened."""
    machine = type("Told", (EveryAnswer,), {"enter": staticmethod(enter)})()
    first = _First()
    try:
        machine.begin(months=36)
        machine.consent(data=first, items={"name", "situation"}, days=3)
        machine.refer(data=first, wanted={"name"}, text=True)
        (referral_id, sent), *_ = machine.rule_.referrals.items()
        recipient, path = NGOS[sent.to], f"/referrals/{referral_id}/disclosure"
        before = machine.ask(recipient, "GET", path)
        assert set(before.json()["items"]) == {"name", "situation"}
        match ending:
            case "withdraw":
                machine.withdraw_word(data=first)
            case "expire":
                machine.time_passes(hours=24 * 35)
            case "implicate":
                machine.implicate(organisations={sent.to})
            case "erase":
                machine.erase(sure=0)
        assert machine.ask(recipient, "GET", path).status_code in (404, 410)
        with pytest.raises(Leak):
            machine.judge(recipient, "GET", path, None, before)
    finally:
        machine.time.close()
        machine.leave()


def test_the_phone_of_an_implicated_caregiver_would_be_found(enter: Enter) -> None:
    machine = type("Called", (EveryAnswer,), {"enter": staticmethod(enter)})()
    asker = CHIEFS[SALUD]
    try:
        machine.begin(months=36)
        machine.break_glass(asker=asker, decide=True)
        path = f"/break-glass/{next(iter(machine.rule_.accesses))}/case"
        before = machine.ask(asker, "GET", path)
        machine.correct(caregiver="implicated", years=None)
        assert machine.ask(asker, "GET", path).status_code == 200
        with pytest.raises(Leak):
            machine.judge(asker, "GET", path, None, before)
    finally:
        machine.time.close()
        machine.leave()
