"""The clients' requests: stories of cases and referrals as batches of commands. Pure and seeded."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from drills.faults.history import Command

V1 = "/referrals/v1"
AREAS = ("VE2313", "VE2317", "VE2005", "VE0701", "VE2301")
# The recipient's possible steps in each state, with the resulting state. They follow reference/referrals.md, so that
# the run notices a change in the service's table.
_AFTER: Mapping[str, Mapping[str, str]] = {
    "sent": {"acknowledge": "acknowledged", "accept": "accepted", "decline": "declined"},
    "acknowledged": {
        "request-information": "info_requested",
        "waitlist": "waitlisted",
        "accept": "accepted",
        "decline": "declined",
    },
    "waitlisted": {"accept": "accepted", "decline": "declined"},
    "accepted": {
        "schedule": "scheduled",
        "start": "in_service",
        "hold": "on_hold",
        "complete": "completed",
        "report-not-delivered": "not_delivered",
    },
    "scheduled": {
        "start": "in_service",
        "hold": "on_hold",
        "complete": "completed",
        "report-not-delivered": "not_delivered",
    },
    "in_service": {
        "hold": "on_hold",
        "complete": "completed",
        "report-not-delivered": "not_delivered",
    },
    "on_hold": {
        "resume": "",
        "complete": "completed",
        "report-not-delivered": "not_delivered",
    },
}
_OPEN = frozenset({*_AFTER, "info_requested"})
_WEIGHT = {"decline": 0.3, "report-not-delivered": 0.4, "complete": 1.5, "waitlist": 0.6}


@dataclass(frozen=True, slots=True)
class Service:
    """A referable service in the directory."""

    id: str
    client: str
    category: str


@dataclass(slots=True)
class Referral:
    """A referral as the clients know it."""

    id: str
    referrer: str
    recipient: str
    grant: str
    state: str
    before_hold: str = ""
    ended: bool = False


@dataclass(slots=True)
class Asked:
    """One command of a batch, with its path and body."""

    command: Command
    path: str
    body: dict[str, Any]
    referral: Referral | None = None
    # Keys of earlier commands in the batch to which this command refers.
    needs: tuple[str, ...] = ()


@dataclass
class Writer:
    """Creates one client's commands. `label` is the current fault."""

    client: str
    rng: random.Random
    prefix: str
    services: Sequence[Service]
    label: str = "none"
    _made: int = field(default=0)

    def ask(self, kind: str, path: str, body: dict[str, Any], **known: Any) -> Asked:
        self._made += 1
        key = f"{self.prefix}-{self._made}"
        needs = known.pop("needs", ())
        referral = known.pop("referral", None)
        target = known.pop("target", None)
        command = Command(key, self.client, kind, self.label, target=target, **known)
        return Asked(command, V1 + path, body, referral, needs)

    def case(self) -> Asked:
        body = {
            "identity": {"name": f"Persona {self.prefix} {self._made}", "age": 30},
            "attributes": {"sex": self.rng.choice(["female", "male"]), "nationality": "VE"},
            "area": self.rng.choice(AREAS),
        }
        return self.ask("case.register", "/cases", body)

    def story(self) -> Iterator[Asked]:
        """Yield the commands for a case, its consents, a draft and its sending; sometimes the story ends at once."""
        others = [s for s in self.services if s.client != self.client]
        service = self.rng.choice(others)
        case = self.case()
        yield case
        of_case = {"case_id": f"${{{case.command.key}.id}}"}
        if self.rng.random() < 0.5:
            yield self.ask(
                "consent.record",
                "/consents",
                {**of_case, "kind": "reporting", "method": "verbal"},
                needs=(case.command.key,),
            )
        consent = self._consent(of_case, service, case)
        yield consent
        draft = self._draft(of_case, service, case)
        yield draft
        chance = self.rng.random()
        if chance < 0.04:
            yield self._on(draft, "enter-in-error", {"reason": "test"})
            return
        yield self._on(
            draft, "send", {"grant_id": f"${{{consent.command.key}.id}}"}, consent.command.key
        )
        if chance < 0.10:  # The referrer may not take the recipient's steps: 403.
            yield self._on(draft, "accept", {"focal_point": "nadie"})
        elif chance < 0.14:
            yield self._on(draft, "recall", {"reason": "mistake"})

    def _consent(self, of_case: dict[str, str], service: Service, case: Asked) -> Asked:
        return self.ask(
            "consent.record",
            "/consents",
            {
                **of_case,
                "service_id": service.id,
                "purpose": service.category,
                "items": ["name", "situation"],
                "method": "signed",
            },
            needs=(case.command.key,),
        )

    def _draft(self, of_case: dict[str, str], service: Service, case: Asked) -> Asked:
        referral = Referral("", self.client, service.client, "", "draft")
        return self.ask(
            "referral.draft",
            "/referrals",
            {
                **of_case,
                "service_id": service.id,
                "category": service.category,
                "urgency": self.rng.choice(["emergency", "urgent", "routine"]),
                "payload": {"situation": "Pide acompañamiento."},
                "from_case": ["name"],
                "safe_contact": {"rule": "person_comes"},
            },
            referral=referral,
            needs=(case.command.key,),
        )

    def _on(self, draft: Asked, verb: str, body: dict[str, Any], *more: str) -> Asked:
        key = draft.command.key
        return self.ask(
            f"referral.{verb}",
            f"/referrals/${{{key}.id}}/{verb}",
            body,
            referral=draft.referral,
            needs=(key, *more),
        )

    def work(self, referral: Referral, most: int) -> Iterator[Asked]:
        """Yield the recipient's next steps with a referral, as far as the recipient knows the state."""
        state, held = referral.state, referral.before_hold
        for _ in range(most):
            possible = _AFTER.get(state)
            if not possible:
                return
            verbs = list(possible)
            verb = self.rng.choices(verbs, [_WEIGHT.get(v, 1.0) for v in verbs])[0]
            yield self.step(referral, verb)
            if verb == "hold":
                held = state
            state = possible[verb] or held
            if self.rng.random() < 0.05:  # Impossible in any state after a decision: 409.
                yield self.step(referral, "acknowledge")

    def step(self, referral: Referral, verb: str, body: dict[str, Any] | None = None) -> Asked:
        return self.ask(
            f"referral.{verb}",
            f"/referrals/{referral.id}/{verb}",
            body if body is not None else _body(verb, self.rng),
            target=referral.id,
            referral=referral,
            ends=(referral.grant,) if verb == "withdraw" and referral.grant else (),
        )

    def withdrawal(self, referral: Referral) -> Asked:
        return self.ask(
            "consent.withdraw",
            f"/consents/{referral.grant}/withdraw",
            {"method": "phone"},
            target=referral.grant,
            referral=referral,
            ends=(referral.id,),
        )

    def transfer(self, to: str, organisation: str) -> Iterator[Asked]:
        """Yield the commands that hand a case to another organisation."""
        case = self.case()
        yield case
        of_case = {"case_id": f"${{{case.command.key}.id}}"}
        known = {**of_case, "kind": "transfer", "recipient_organisation_id": organisation}
        consent = self.ask(
            "consent.record", "/consents", {**known, "method": "signed"}, needs=(case.command.key,)
        )
        yield consent
        offered = {
            **of_case,
            "to_organisation": organisation,
            "grant_id": f"${{{consent.command.key}.id}}",
        }
        needs = (case.command.key, consent.command.key)
        referral = Referral("", self.client, to, "", "offered")
        yield self.ask("transfer.offer", "/transfers", offered, needs=needs, referral=referral)

    def decide(self, transfer: Referral, verb: str) -> Asked:
        bodies: dict[str, dict[str, Any]] = {
            "accept": {},
            "decline": {"reason": "capacity"},
            "recall": {"reason": "mistake"},
        }
        return self.ask(
            f"transfer.{verb}",
            f"/transfers/{transfer.id}/{verb}",
            bodies[verb],
            target=transfer.id,
        )


def is_open(referral: Referral) -> bool:
    return referral.state in _OPEN


def _body(verb: str, rng: random.Random) -> dict[str, Any]:
    later = (date.today() + timedelta(days=rng.randint(20, 40))).isoformat()  # noqa: DTZ011 - any day far ahead
    bodies: dict[str, dict[str, Any]] = {
        "request-information": {"question": "¿Desde cuándo?"},
        "answer-information": {"payload": {"situation": "Desde ayer."}},
        "waitlist": {"expected_on": later, "person_agrees": True},
        "accept": {"focal_point": "Guardia"},
        "decline": {"reason": rng.choice(["capacity", "eligibility", "coverage", "safety"])},
        "schedule": {"appointment_at": f"{later}T12:00:00Z"},
        "hold": {"reason": "capacity", "review_on": later},
        "complete": {"outcome": rng.choice(["delivered", "partly_delivered"])},
        "report-not-delivered": {"reason": rng.choice(["unreachable", "no_show"])},
        "recall": {"reason": "no_answer"},
        "withdraw": {"method": "in_person"},
        "enter-in-error": {"reason": "duplicate"},
        "confirm": {"confirmed_by": "person", "agrees": True},
    }
    return bodies.get(verb, {})
