"""Every command that writes about a case, with its prerequisites.

Each test prepares only the prerequisites of the commands that will race.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from common import clock
from common.events.directory import CapacityChanged
from common.words.referral_states import ReferralState
from httpx import Response
from referrals.case.cases.retention import ask_reconsent, erase_expired
from referrals.ground.keys.store import CaseKeys
from referrals.referral.escalations.due_timers import fire_due
from referrals.referral.referrals.lifecycle import RULES, Command
from referrals.screening.screenings.shipped import SHIPPED_ID

from tests.services.referrals.screening_words import CHILD, RATIONALE, certify
from tests.services.referrals.story import BODIES, LEGAL, SALUD, Story
from tests.services.referrals.test_scenarios import exception_body

NGO, RECIPIENT, TAKER, ASKER = "ngo-refugio", "ngo-salud", "ngo-legal", "cp-coordinator"
CHIEF = "ngo-refugio-supervisor"
CAREGIVER = {"decided_by": "caregiver", "child_assent": "agrees"}
_FAR = timedelta(days=40 * 366)
"""When everybody is of age and every retention has ended."""
_WAY: dict[ReferralState, tuple[str, ...]] = {
    ReferralState.SENT: (),
    ReferralState.ACKNOWLEDGED: ("acknowledge",),
    ReferralState.INFO_REQUESTED: ("acknowledge", "request-information"),
    ReferralState.WAITLISTED: ("acknowledge", "waitlist"),
    ReferralState.ACCEPTED: ("accept",),
    ReferralState.SCHEDULED: ("accept", "schedule"),
    ReferralState.IN_SERVICE: ("accept", "start"),
    ReferralState.ON_HOLD: ("accept", "hold"),
    ReferralState.COMPLETED: ("accept", "complete"),
}


@dataclass
class Situation:
    """Everything prepared so far, by name. For example, `it["case"]` is an id."""

    story: Story
    keys: CaseKeys
    state: ReferralState
    linked: bool = False
    """Whether somebody answers by a link, which is made as long as the referral waits for it."""
    ids: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.ids[name]

    async def needs(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.ids:
                await self.needs(_NEEDS_FIRST.get(name, ()))
                await getattr(self, f"_{name}")()

    async def _service(self) -> None:
        self.ids["service"] = await self.story.service()

    async def _case(self) -> None:
        case = await self.story.child(
            16,
            caregiver="available",
            identity={**_WHO, "age": None, "name": "Ana Canaria Perdomo"},
        )
        self.ids.update(case=case["id"], reference=case["reference"])

    async def _consented(self, **changes: Any) -> dict[str, Any]:
        return await self.story.consent(self["case"], self["service"], **{**CAREGIVER, **changes})

    async def _grant(self) -> None:
        grant = await self._consented()
        self.ids.update(grant=grant["id"], code=grant["withdrawal_code"])

    async def _other_grant(self) -> None:
        self.ids["other_grant"] = (await self._consented())["id"]

    async def _pending(self) -> None:
        grant = await self._consented(child_assent="dissents")
        self.ids["pending"] = grant["id"]

    async def _reporting(self) -> None:
        body = {"case_id": self["case"], "kind": "reporting", "method": "verbal", **CAREGIVER}
        self.ids["reporting"] = (await self.story.made(NGO, "/consents", body))["id"]

    async def _referral(self) -> None:
        referral = await self.story.draft(self["case"], self["service"])
        self.ids["referral"] = referral["id"]
        if self.state is ReferralState.DRAFT:
            return
        path = f"/referrals/{referral['id']}"
        await self.story.made(NGO, f"{path}/send", {"grant_id": self["grant"]})
        if self.linked:
            await self._link()
        for step in _WAY[self.state]:
            await self.story.made(RECIPIENT, f"{path}/{step}", BODIES[step])

    async def _other_draft(self) -> None:
        self.ids["other_draft"] = (await self.story.draft(self["case"], self["service"]))["id"]

    async def _exception(self) -> None:
        body = exception_body(self["case"], self["service"])
        body["items"] = ["name", "contact", "situation"]
        self.ids["exception"] = (await self.story.made(NGO, "/exceptions", body))["id"]

    async def _approved(self) -> None:
        path = f"/exceptions/{self['exception']}/decision"
        await self.story.made(CHIEF, path, {"approve": True})
        self.ids["approved"] = self["exception"]

    async def _handing(self) -> None:
        body = {
            "case_id": self["case"],
            "kind": "transfer",
            "recipient_organisation_id": str(LEGAL),
            "method": "signed",
            **CAREGIVER,
        }
        self.ids["handing"] = (await self.story.made(NGO, "/consents", body))["id"]

    async def _transfer(self) -> None:
        self.ids["transfer"] = (await self.story.made(NGO, "/transfers", self.offer()))["id"]

    def offer(self) -> dict[str, str]:
        return {
            "case_id": self["case"],
            "to_organisation": str(LEGAL),
            "grant_id": self["handing"],
        }

    async def _access(self) -> None:
        access = await self.story.made(ASKER, "/break-glass", self.asking())
        self.ids["access"] = access["id"]

    async def _opened(self) -> None:
        await self.story.made(CHIEF, f"/break-glass/{self['access']}/decision", {"approve": True})
        self.ids["opened"] = self["access"]

    def asking(self) -> dict[str, str]:
        return {
            "case_reference": self["reference"],
            "reason": "the child is missing, the police ask tonight",
        }

    def screening(self, **more: Any) -> dict[str, Any]:
        return {
            "instrument_id": str(SHIPPED_ID),
            "area": "VE2313",
            "answers": CHILD,
            **more,
        }

    async def _screening(self) -> None:
        body = self.screening(case_id=self["case"])
        self.ids["screening"] = (await self.story.made(NGO, "/screenings", body))["id"]

    async def _unattached(self) -> None:
        self.ids["unattached"] = (await self.story.made(NGO, "/screenings", self.screening()))["id"]

    async def _certificate(self) -> None:
        self.ids["certificate"] = (await certify(self.story))["id"]

    async def _concluded(self) -> None:
        path = f"/screenings/{self['screening']}/conclude"
        await self.story.made(NGO, path, _JUDGED)
        self.ids["concluded"] = self["screening"]

    async def _task(self) -> None:
        """Find the task that planning a review created."""
        tasks = (await self.story.get(NGO, "/tasks?limit=500")).json()["items"]
        self.ids["task"] = next(t["id"] for t in tasks if t["case_id"] == self["case"])

    async def _need(self) -> None:
        path = f"/cases/{self['case']}/plan"
        self.ids["need"] = (await self.story.made(NGO, path, {"need": "HLT"}))["id"]

    async def _given(self) -> None:
        path = f"/cases/{self['case']}/assistance"
        self.ids["given"] = (await self.story.made(NGO, path, _given()))["id"]

    async def _review(self) -> None:
        path = f"/cases/{self['case']}/reviews"
        body = {"due_on": str(clock.today() + timedelta(days=9))}
        self.ids["review"] = (await self.story.made(NGO, path, body))["id"]

    async def _entry(self) -> None:
        path = f"/cases/{self['case']}/entries"
        self.ids["entry"] = (await self.story.made(NGO, path, _followed_up(kind="follow_up")))["id"]

    async def _compared(self) -> None:
        """Register the same person elsewhere, with both persons' consent to the comparison."""
        name = f"Ana {self['case'][-6:].translate(_LETTERS)} Canaria"
        identity = {**_WHO, "name": name}
        await self.story.call(NGO, "PATCH", f"/cases/{self['case']}", {"identity": identity})
        theirs = await self.story.case(RECIPIENT, identity=identity, caregiver="available")
        for who, case in ((NGO, self["case"]), (RECIPIENT, theirs["id"])):
            path = f"/cases/{case}/matching"
            assert (await self.story.call(who, "PUT", path, _COMPARE)).status_code == 200
        mine = (await self.story.get(NGO, "/matches")).json()["items"]
        self.ids["theirs"] = theirs["id"]
        self.ids["compared"] = next(m["id"] for m in mine if m["case_id"] == self["case"])

    async def _link(self) -> None:
        if "link" in self.ids:
            return
        path = f"/referrals/{self['referral']}/answer-links"
        made = await self.story.made(NGO, path, {"language": "es"})
        self.ids["link"] = made["url"].rsplit("/", 1)[-1]


_WHO: dict[str, Any] = {
    "birth_date": "2010-03-02",
    "contact": {"phone": "+58 412 5550199", "safe_way": "call in the morning"},
}
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_NEEDS_FIRST: dict[str, tuple[str, ...]] = {
    "grant": ("case", "service"),
    "other_grant": ("case", "service"),
    "pending": ("case", "service"),
    "reporting": ("case",),
    "referral": ("grant",),
    "other_draft": ("case", "service"),
    "exception": ("case", "service"),
    "approved": ("exception",),
    "handing": ("case",),
    "transfer": ("handing",),
    "access": ("case",),
    "opened": ("access",),
    "screening": ("case",),
    "concluded": ("screening", "certificate", "service"),
    "task": ("review",),
    "need": ("case",),
    "given": ("case",),
    "review": ("case",),
    "entry": ("case",),
    "compared": ("case",),
    "link": ("referral",),
}
_JUDGED = {"judgement": "possible_victim", "rationale": RATIONALE}
_COMPARE = {"method": "verbal", **CAREGIVER}


def _given() -> dict[str, str]:
    return {"support_type": "Health", "given_on": str(clock.today())}


def _followed_up(**more: Any) -> dict[str, Any]:
    return {"due_on": str(clock.today() + timedelta(days=9)), "text": "x", **more}


Asked = Callable[[Situation], Awaitable[Response | None]]


@dataclass(frozen=True)
class CaseCommand:
    """A command. `states` are the referral's states, or empty if the command is not about a referral. `route` is the
    API's route.

    `yields` means that the command skips a locked case until its next round.
    """

    name: str
    ask: Asked
    needs: tuple[str, ...]
    route: str = ""
    states: frozenset[ReferralState] = frozenset()
    yields: bool = False


def _http(
    name: str,
    route: str,
    needs: Sequence[str],
    body: Callable[[Situation], Any] = lambda _it: {},
    *,
    who: str = NGO,
    states: frozenset[ReferralState] = frozenset(),
) -> CaseCommand:
    """Return a command for a `route` of the form "METHOD /path/{name of a prerequisite}"."""
    method, path = route.split()

    async def ask(it: Situation) -> Response:
        return await it.story.call(who, method, path.format(**it.ids), body(it))

    return CaseCommand(name, ask, tuple(needs), route, states)


def _steps() -> list[CaseCommand]:
    """Return the whole lifecycle table, with each step assigned to the side that may take it."""
    found = []
    for command, rule in RULES.items():
        if command in (Command.SEND, Command.EXPIRE):
            continue  # Listed below with other prerequisites, or run by timers.
        parties = {party.value for party in rule.parties}
        who = RECIPIENT if "recipient" in parties and command is not Command.WITHDRAW else NGO
        found.append(
            _http(
                command.value,
                f"POST /referrals/{{referral}}/{command.value}",
                ["referral"],
                lambda _it, body=BODIES[command.value]: body,  # type: ignore[misc]  # bound per step
                who=who,
                states=rule.sources - {ReferralState.DRAFT}
                if command is Command.RECALL
                else rule.sources,
            )
        )
    return found


async def _fire(it: Situation) -> None:
    await fire_due(it.story.database, it.keys, clock.now() + timedelta(days=30))


async def _erase_due(it: Situation) -> None:
    await erase_expired(it.story.database, it.keys, clock.today() + _FAR)


async def _come_of_age(it: Situation) -> None:
    await ask_reconsent(it.story.database, it.keys, clock.today() + _FAR)


async def _suspend(it: Situation) -> None:
    await it.story.told(
        CapacityChanged(
            service_id=UUID(it["service"]),
            organisation_id=SALUD,
            version=9,
            functional_status="suspended",
            referable=False,
        )
    )


async def _answer_by_link(it: Situation) -> Response:
    return await it.story.form(f"/answer/{it['link']}", {"answer": "accept", "focal_point": "x"})


async def _withdraw_by_code(it: Situation) -> Response:
    return await it.story.call("anonymous", "POST", "/withdrawals", {"code": it["code"]})


async def _withdraw_on_the_page(it: Situation) -> Response:
    return await it.story.form("/withdraw", {"code": it["code"]})


_OPEN = frozenset({ReferralState.SENT, ReferralState.ACKNOWLEDGED, ReferralState.WAITLISTED})
COMMANDS: tuple[CaseCommand, ...] = (
    *_steps(),
    _http("send", "POST /referrals/{other_draft}/send", ["other_draft", "other_grant"],
          lambda it: {"grant_id": it["other_grant"]}),
    _http("send under an exception", "POST /referrals/{other_draft}/send",
          ["other_draft", "approved"], lambda it: {"exception_id": it["approved"]}),
    _http("draft", "POST /referrals", ["case", "service"],
          lambda it: {"case_id": it["case"], "service_id": it["service"], "category": "HLT"}),
    _http("suggest", "POST /referrals/{referral}/suggest", ["referral"],
          lambda it: {"service_id": it["service"]}, who=RECIPIENT),
    _http("confirm", "POST /referrals/{referral}/confirm", ["referral"],
          lambda _it: {"confirmed_by": "person", "agrees": True}, states=frozenset({ReferralState.COMPLETED})),
    _http("change the case", "PATCH /cases/{case}", ["case"], lambda _it: {"area": "VE2301"}),
    _http("assign the case", "POST /cases/{case}/assign", ["case"],
          lambda _it: {"assigned_to": NGO}),
    _http("the caregiver is implicated", "PATCH /cases/{case}", ["case"],
          lambda _it: {"caregiver": "implicated"}),
    _http("implicate", "PUT /cases/{case}/implicated-organisations", ["case"],
          lambda _it: {"organisation_ids": [str(SALUD), str(LEGAL)]}),
    _http("close", "POST /cases/{case}/close", ["case"], lambda _it: {"reason": "needs_met"}),
    _http("erase", "POST /cases/{case}/erase", ["case"],
          lambda it: {"confirm": it["reference"], "basis": "person_request"}, who=CHIEF),
    _http("give a consent", "POST /consents", ["case", "service"],
          lambda it: it.story.consent_body(it["case"], it["service"], **CAREGIVER)),
    _http("give consent to statistics", "POST /consents", ["case"],
          lambda it: {"case_id": it["case"], "kind": "reporting", "method": "verbal", **CAREGIVER}),
    _http("decide a consent", "POST /consents/{pending}/decision", ["pending"],
          lambda _it: {"approve": True}, who=CHIEF),
    _http("withdraw a consent", "POST /consents/{grant}/withdraw", ["grant"]),
    _http("withdraw an unused consent", "POST /consents/{other_grant}/withdraw", ["other_grant"]),
    _http("withdraw consent to statistics", "POST /consents/{reporting}/withdraw", ["reporting"]),
    _http("withdraw consent to the transfer", "POST /consents/{handing}/withdraw", ["handing"]),
    _http("go on under another consent", "POST /referrals/{referral}/renew-consent",
          ["referral", "other_grant"], lambda it: {"grant_id": it["other_grant"]}),
    _http("renew the code", "POST /consents/{grant}/withdrawal-code", ["grant"]),
    CaseCommand("withdraw by code", _withdraw_by_code, ("grant",), "POST /withdrawals"),
    CaseCommand("withdraw on the page", _withdraw_on_the_page, ("grant",), "POST /withdraw"),
    _http("ask for an exception", "POST /exceptions", ["case", "service"],
          lambda it: exception_body(it["case"], it["service"])),
    _http("decide an exception", "POST /exceptions/{exception}/decision", ["exception"],
          lambda _it: {"approve": True}, who=CHIEF),
    _http("review an exception", "POST /exceptions/{exception}/review", ["exception"], who=CHIEF),
    _http("offer the case", "POST /transfers", ["handing"], lambda it: it.offer()),
    _http("accept the case", "POST /transfers/{transfer}/accept", ["transfer"], who=TAKER),
    _http("decline the case", "POST /transfers/{transfer}/decline", ["transfer"],
          lambda _it: {"reason": "capacity"}, who=TAKER),
    _http("recall the case", "POST /transfers/{transfer}/recall", ["transfer"],
          lambda _it: {"reason": "mistake"}),
    _http("ask to break the glass", "POST /break-glass", ["case"], lambda it: it.asking(),
          who=ASKER),
    _http("decide on breaking the glass", "POST /break-glass/{access}/decision", ["access"],
          lambda _it: {"approve": True}, who=CHIEF),
    _http("read through the broken glass", "GET /break-glass/{opened}/case", ["opened"], who=ASKER),
    _http("begin a screening", "POST /screenings", ["case"],
          lambda it: it.screening(case_id=it["case"])),
    _http("answer a screening", "POST /screenings/{screening}/answers", ["screening"],
          lambda _it: {"answers": {"sex": "male"}}),
    _http("stop a screening", "POST /screenings/{screening}/stop", ["screening"],
          lambda _it: {"reason": "distress"}),
    _http("attach a screening", "POST /screenings/{unattached}/case", ["unattached", "case"],
          lambda it: {"case_id": it["case"]}),
    _http("conclude a screening", "POST /screenings/{screening}/conclude",
          ["screening", "certificate"], lambda _it: _JUDGED),
    _http("draft from a screening", "POST /screenings/{concluded}/drafts", ["concluded"],
          lambda it: {"choices": [{"service_id": it["service"], "need": "HLT",
                                   "urgency": "urgent"}]}),
    _http("finish a task", "POST /tasks/{task}/done", ["task"]),
    _http("plan", "POST /cases/{case}/plan", ["case"], lambda _it: {"need": "HLT"}),
    _http("change the plan", "POST /cases/{case}/plan/{need}/status", ["need"],
          lambda _it: {"status": "met"}),
    _http("give assistance", "POST /cases/{case}/assistance", ["case"], lambda _it: _given()),
    _http("take assistance back", "POST /cases/{case}/assistance/{given}/entered-in-error",
          ["given"]),
    _http("plan a review", "POST /cases/{case}/reviews", ["case"],
          lambda _it: {"due_on": str(clock.today() + timedelta(days=9))}),
    _http("finish a review", "POST /cases/{case}/reviews/{review}/done", ["review"],
          lambda _it: {"outcome": "continue"}),
    _http("change what was planned", "PUT /cases/{case}/plan/{need}", ["need"],
          lambda _it: {"objective": "x", "expected_version": 1}),
    _http("write an entry", "POST /cases/{case}/entries", ["case"],
          lambda _it: _followed_up(kind="follow_up")),
    _http("change an entry", "PUT /cases/{case}/entries/{entry}", ["entry"],
          lambda _it: _followed_up(expected_version=1)),
    _http("finish an entry", "POST /cases/{case}/entries/{entry}/done", ["entry"]),
    _http("take an entry back", "POST /cases/{case}/entries/{entry}/take-back", ["entry"]),
    _http("record the route", "PUT /cases/{case}/route", ["case"],
          lambda _it: {"origin": "VE23"}),
    _http("compare the case", "PUT /cases/{case}/matching", ["case"], lambda _it: _COMPARE),
    _http("stop comparing the case", "DELETE /cases/{case}/matching", ["compared"]),
    _http("agree to a match", "POST /matches/{compared}/agree", ["compared"]),
    _http("refuse a match", "POST /matches/{compared}/refuse", ["compared"], who=RECIPIENT),
    _http("make an answer link", "POST /referrals/{referral}/answer-links", ["referral"],
          states=_OPEN),
    CaseCommand("answer by link", _answer_by_link, ("link",), "POST /answer/{link}", _OPEN),
    _http("read what was disclosed", "GET /referrals/{referral}/disclosure", ["referral"],
          who=RECIPIENT),
    CaseCommand("the timers fire", _fire, ("referral",), states=_OPEN, yields=True),
    CaseCommand("retention ends", _erase_due, ("case",), yields=True),
    CaseCommand("the person comes of age", _come_of_age, ("grant",)),
    CaseCommand("the directory suspends the service", _suspend, ("service",)),
)  # fmt: skip
WITHDRAWALS = frozenset(c.name for c in COMMANDS if c.name.startswith("withdraw"))


def state_for(one: CaseCommand, other: CaseCommand) -> ReferralState:
    """Return a referral state that allows both commands, or None."""
    both = one.states & other.states if one.states and other.states else one.states | other.states
    wanted = both or one.states or {ReferralState.SENT}
    return next(state for state in (*_WAY, ReferralState.DRAFT) if state in wanted)
