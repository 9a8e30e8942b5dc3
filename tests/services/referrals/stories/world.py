"""The world of a story: who calls on which path, our own records, and how we check each response."""

from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from common import clock
from common.ids import new_id
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.services.referrals.oracle import (
    OPEN,
    Access,
    Caller,
    Case,
    Entry,
    Link,
    Offer,
    Report,
    Sharing,
    Word,
    may_know,
)
from tests.services.referrals.stories.stage import Stage
from tests.services.referrals.story import AUDIENCE, LEGAL, REFUGIO, SALUD
from tests.support.principals import bearer, keyed, organisation

NGOS = {REFUGIO: "ngo-refugio", SALUD: "ngo-salud", LEGAL: "ngo-legal"}
PLACES = ("VE2301", "VE2302", "VE2002", "VE0503")
ITEMS = ("name", "contact", "situation", "area", "caregiver_contact")
FAR = timedelta(days=9)
ALL_ROLES = ["partner", "caseworker", "supervisor"]
ORGANISATIONS = st.sampled_from(sorted(NGOS))
ROADS = st.sampled_from(["alone", "batch", "twice"])
SUBSETS = st.sets(st.sampled_from(ITEMS), min_size=1)


def said(word: Word) -> dict[str, Any]:
    """Return who decided, and until when the decision is valid."""
    return {
        "decided_by": word.by,
        **({"child_assent": "agrees"} if word.by == "caregiver" else {}),
        **({"valid_until": word.until.isoformat()} if word.until else {}),
    }


def command(key: str, path: str, body: Any) -> dict[str, Any]:
    """Return one command of a batch."""
    return {"key": key, "path": f"/referrals/v1{path}", "body": body}


class World(RuleBasedStateMachine):
    """Our own records of the story, in addition to the service's responses."""

    stage: Stage
    long: bool
    """Whether somebody looks at all roads in the middle of the story, too."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = self.stage.loop
        self.scene = self.run(self.stage.begin())
        self.story = self.scene.story
        self.clock = ExitStack()
        self.cases: list[Case] = []
        self.words: list[Word] = []
        self.sharings: list[Sharing] = []
        self.accesses: list[Access] = []
        self.reports: list[Report] = []
        self.offers: list[Offer] = []
        self.entries: list[Entry] = []
        self.texts_made = 0
        self.restores: list[datetime] = []
        self.links: dict[str, Link] = {}
        """By referral: the one that was not used, nor replaced."""
        self.teams: dict[UUID, set[str]] = {}
        """By organisation: who works the queue of its service; nobody named: everybody."""
        self.record: tuple[Any, Case] | None = None
        self.done: list[tuple[Caller, str, Any, str]] = []
        self.versions: Counter[str] = Counter()
        self.counted = True
        """Whether every step was one of ours."""
        self.services: dict[UUID, str] = {}
        self.lists: list[str] = []
        self.last = self.part = 0

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    # Callers of a story.

    def chief(self, organisation_id: UUID) -> Caller:
        return Caller(NGOS[organisation_id], organisation_id, f"{NGOS[organisation_id]}-chief")

    def staff(self, organisation_id: UUID) -> Caller:
        return self.member(organisation_id, NGOS[organisation_id])

    def member(self, organisation_id: UUID, person: str, client: str = "") -> Caller:
        """Return a member who is not a supervisor; `client` is the client that they use."""
        team = self.teams.get(organisation_id)
        works = not team or person in team
        queues = frozenset({UUID(self.services[organisation_id])} if works else ())
        return Caller(client or NGOS[organisation_id], organisation_id, person, queues)

    def callers(self) -> list[Caller]:
        """Return people and teams. They include a person outside a team, a person who moved to another organisation,
        and a coordinator next to colleagues who work with cases."""
        outside = self.member(SALUD, "outside")
        moved = self.member(LEGAL, "ngo-refugio", "ngo-refugio")
        asker = Caller("cp-coordinator", organisation(6), "cp-coordinator", reads_cases=False)
        colleague = Caller("cp-coordinator", organisation(6), "another", reads_cases=False)
        beside = Caller(
            "gbv-coordinator", LEGAL, "beside", reads_cases=False, desks=frozenset({"GBV"})
        )
        found = [outside, moved, asker, colleague, beside, *self.desks()]
        for each in NGOS:
            found += [self.chief(each), self.staff(each)]
        return found

    def desks(self) -> list[Caller]:
        """Return the line desks: two organisations coordinate against trafficking, one against violence."""
        tip, gbv = "tip-coordinator", "gbv-coordinator"
        return [
            Caller(tip, organisation(7), tip, reads_cases=False, desks=frozenset({"TIP"})),
            Caller(tip, organisation(8), "another", reads_cases=False, desks=frozenset({"TIP"})),
            Caller(gbv, organisation(5), gbv, reads_cases=False, desks=frozenset({"GBV"})),
        ]

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
        """Post the request alone, in a batch, or twice as after a lost connection."""
        key, claims = str(new_id()), self.claims(caller)
        if road == "batch" and method == "POST":
            batch = {"commands": [command(key, path, body)]}
            answer = self.run(self.story.post(caller.client, "/bulk", batch, **claims))
            self.hears(caller, path, answer)
            if answer.status_code != 200:
                return answer.status_code, answer.json()
            (done,) = answer.json()["results"]
            return done["status"], done["body"]
        for _ in range(2 if road == "twice" else 1):
            answer = self.run(self.story.call(caller.client, method, path, body, key=key, **claims))
            self.hears(caller, path, answer)
        # A refused command would run again when it is repeated, so do not remember it.
        if method == "POST" and answer.is_success:
            self.done.append((caller, path, body, key))
        return answer.status_code, answer.json()

    def upload(self, caller: Caller, path: str, content: bytes, **fields: str) -> tuple[int, Any]:
        headers = keyed(bearer(caller.client, audience=AUDIENCE, **self.claims(caller)))
        sent = self.story.client.post(
            f"/referrals/v1{path}",
            files={"file": ("photo.jpg", content)},
            data=fields,
            headers=headers,
        )
        answer = self.run(sent)
        self.hears(caller, path, answer)
        return answer.status_code, answer.json()

    def knows(self, caller: Caller) -> set[str]:
        known = (self.cases, self.sharings, self.accesses, self.reports, self.entries)
        return may_know(caller, *known, clock.now())

    def hears(self, caller: Caller, path: str, answer: Any) -> None:
        assert answer.status_code < 500, (caller, path, answer.text)
        # A response may repeat what its sender wrote, so the test checks only reads after the change.
        if answer.request.method == "GET":
            self.notices(caller, path, answer.status_code, answer.text)
            self.judge(caller, path, answer.text)

    def notices(self, caller: Caller, path: str, status: int, text: str) -> None:
        """Record who has read which facts, as the person will be told."""
        if status != 200:
            return
        for each in self.sharings:
            facts = [fact for item, fact in each.case.facts.items() if item != "area"]
            content = path.endswith("/disclosure") or any(fact in text for fact in facts)
            if each.id in path and content and caller.organisation == each.word.to:
                each.readers.add(caller.organisation)
        for case in self.cases:
            if path.endswith(f"/cases/{case.id}"):
                case.holders_who_read.add((caller.organisation, case.moves))
        for access in self.accesses:
            if path.endswith(f"/break-glass/{access.id}/case"):
                access.case.emergency_readers.add(caller.organisation)

    def ids_of(self, case: Case) -> dict[str, str]:
        """Return the latest id of each kind, by path parameter."""
        found = {
            "referral_id": [each.id for each in self.sharings if each.case is case],
            "grant_id": [e.id for e in self.words if e.case is case and not e.is_exception],
            "exception_id": [e.id for e in self.words if e.case is case and e.is_exception],
            "access_id": [each.id for each in self.accesses if each.case is case],
            "transfer_id": [each.id for each in self.offers if each.word.case is case],
            "report_id": [each.id for each in self.reports],
            "entry_id": [each.id for each in self.entries if each.case is case],
        }
        return {"case_id": case.id} | {name: ids[-1] for name, ids in found.items() if ids}

    def judge(self, caller: Caller, path: str, text: str) -> None:
        facts = {fact for case in self.cases for fact in case.facts.values()}
        for report in self.reports:
            facts.update((*report.words, *(each.words for each in report.requests)))
        facts.update(self.noted())
        told = {fact for fact in facts - self.knows(caller) if fact in text}
        assert not told, (caller, path, told)

    def noted(self) -> set[str]:
        """Return all texts of the records, including those that were replaced or destroyed."""
        return {text for each in self.entries for text in (each.words, *each.former)}

    def new_words(self) -> str:
        """Return a text that no record contains yet."""
        self.texts_made += 1
        return f"Rosalba noted {self.texts_made:04d}"

    def add_entry(self, entry_id: str, case: Case, kind: str, words: str, by: Caller) -> None:
        self.entries.append(Entry(entry_id, case, kind, words, by.organisation, by.person))

    def case(self, data: Any) -> Case:
        drawn: Case = data.draw(st.sampled_from(self.living()))
        return drawn

    def sharing(self, data: Any) -> Sharing:
        drawn: Sharing = data.draw(st.sampled_from(self.sharings))
        return drawn

    def living(self) -> list[Case]:
        return [each for each in self.cases if not each.erased]

    def offered(self, case: Case) -> list[Offer]:
        return [e for e in self.offers if e.word.case is case and e.state == "offered"]

    def end(self, sharings: list[Sharing]) -> None:
        """End the consent at the person's request."""
        for each in sharings:
            self.versions[each.id] += each.state in OPEN
            each.state = "withdrawn" if each.state in OPEN else each.state
            each.ended = each.by_wish = True
            for word in each.words:
                word.stands = False
