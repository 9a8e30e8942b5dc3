"""The made-up people of the demo's past, as commands with their days. Pure.

The weights in past.json resemble those of a small network: most people are women, there are four states, and nearly
every second referral ends with a delivered service. The weights do not claim that any area, route or kind of
exploitation is more common.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any

from stack.demo.clients import organisation
from stack.demo.story import AGREED, LEGAL, REFUGIO, SALUD
from stack.errors import StackError

ORGANISATIONS = {REFUGIO: organisation(1), SALUD: organisation(2), LEGAL: organisation(3)}
TOLD: Mapping[str, Any] = json.loads((files("stack.demo") / "past.json").read_text("utf-8"))
_SCREENED = TOLD["screened"]
_GROWTH = (0.5, 0.6, 0.8, 1.0, 1.4, 1.7)
"""Growth of the network over the last half months, relative to the average."""
_INTAKE_DAYS = (2, 8)
"""Days after the first of a half month on which people come."""
_SCREENING_DAY = 9
"""Day after the first of each month on which people are screened."""


@dataclass(frozen=True)
class Service:
    """A service of a demo organisation that accepts referrals."""

    id: str
    client: str
    categories: tuple[str, ...]
    state: str


@dataclass(frozen=True)
class Act:
    """A command that runs `hour` hours after its person arrived. Its path and body refer to results of earlier acts as
    `${KEY.id}`."""

    hour: int
    client: str
    key: str
    path: str
    body: dict[str, Any]
    method: str = "POST"


def grown(people: int, half_months: int) -> list[int]:
    """Return the number of people in each half month. The numbers grow towards the end, and `people` is their
    average."""
    shares = [_GROWTH[-1 - back % len(_GROWTH)] for back in range(half_months)][::-1]
    return [max(1, round(people * each * len(shares) / sum(shares))) for each in shares]


def intake_days(
    first: date, people: int, services: Sequence[Service]
) -> Iterator[tuple[datetime, list[Act]]]:
    """Yield the arrivals in the half month that begins on `first`. The same day always gives the same arrivals."""
    chance = _chance(first)
    for days, count in zip(_INTAKE_DAYS, _shares(people, len(_INTAKE_DAYS)), strict=True):
        moment = datetime.combine(first + timedelta(days=days), time(14), UTC)
        # the hours that an organisation takes to work through its queue
        sittings = chance.choice((3, 20)), chance.choice((44, 68))
        keys = [f"{moment:%Y%m%d}-{number}" for number in range(count)]
        yield moment, [act for key in keys for act in _referred(chance, key, sittings, services)]


def screening_days(
    first: date, people: int, instrument: str
) -> Iterator[tuple[datetime, list[Act]]]:
    """Yield one day in each month of the quarter that begins on `first`, always with the same people."""
    chance = _chance(first)
    for number, count in enumerate(_shares(people, 3)):
        day = first.replace(month=first.month + number) + timedelta(days=_SCREENING_DAY)
        moment = datetime.combine(day, time(13), UTC)
        keys = [f"tip-{moment:%Y%m%d}-{number}" for number in range(count)]
        yield moment, [act for key in keys for act in _screened(chance, key, instrument, day)]


def profiles(first: date, searches: int) -> Iterator[dict[str, Any]]:
    """Yield anonymous searches for which the directory has no service. They become counted gaps."""
    chance = _chance(first)
    for _ in range(searches):
        area, need = _one_of(chance, TOLD["gaps"]).split()
        # Gaps are counted by group, so only the group varies.
        age = 10 if need == "CP-ALTCARE" else 30
        yield {"area": area, "age": age, "sex": _sex(chance, 70), "needs": [need]}


def activities(first: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield one 5W row per kind for the half month that begins on `first`, distributed over all states in turn."""
    chance = _chance(first)
    states = chance.sample(list(TOLD["states"]), k=len(TOLD["states"]))
    for number, (client, code, detail, people) in enumerate(TOLD["activities"]):
        start = first + timedelta(days=chance.randint(1, 12))
        body: dict[str, Any] = {
            "external_id": f"demo-{first:%Y%m%d}-{number}",
            "activity_code": code,
            "activity_detail": detail,
            "org_leader": TOLD["leaders"][client],
            "org_leader_type": "NNGO",
            "adm1_pcode": states[number % len(states)],
            "start": start.isoformat(),
            "end": (start + timedelta(days=1)).isoformat(),
            "status": "Completed",
            "quantity": TOLD["units"].get(code, chance.randint(1, 3)),
        }
        if people:
            body |= {"women": chance.randint(people // 2, people), "men": people // 3}
        yield client, body


def outside_series(half_months: Sequence[date]) -> dict[str, Any]:
    """Return a made-up index by state, which shows how a series from another source is cited."""
    days = sorted({each.replace(day=1) for each in half_months})
    points = [
        {"day": day.isoformat(), "area": state, "value": f"{4 + share / 12 - back / 5:.1f}"}
        for back, day in enumerate(reversed(days))
        for state, share in TOLD["states"].items()
    ]
    return {**TOLD["series"], "retrieved_on": days[-1].isoformat(), "points": points}


def _referred(
    chance: random.Random, key: str, sittings: tuple[int, int], services: Sequence[Service]
) -> Iterator[Act]:
    age = _age(chance, TOLD["ages"])
    need = "CP-CFS" if age < 18 and chance.random() < 0.5 else _one_of(chance, TOLD["needs"])
    state = _one_of(chance, TOLD["states"])
    offers = [each for each in services if need in each.categories]
    if not offers:
        raise StackError(
            "there is no demo service for {need}: load the demo services with ./ruta up --demo",
            need=need,
        )
    service = chance.choice([each for each in offers if each.state == state] or offers)
    sender = chance.choice([client for client in ORGANISATIONS if client != service.client])
    sex = _sex(chance, TOLD["women"].get(need.split("-")[0], 60))
    about = {"sex": sex, "nationality": "VE", "languages": ["spa"]}
    yield Act(0, sender, f"{key}-case", "cases", _case(key, age, state, about))
    decision = {"case_id": f"${{{key}-case.id}}", "method": "verbal", **_decider(age)}
    if chance.random() < 0.94:
        yield Act(0, sender, f"{key}-counted", "consents", {**decision, "kind": "reporting"})
    wanted = {"kind": "referral", "service_id": service.id, "purpose": need}
    items = {"items": ["sex", "age", "situation"]}
    yield Act(0, sender, f"{key}-grant", "consents", {**decision, **wanted, **items})
    draft = {
        "case_id": decision["case_id"],
        "service_id": service.id,
        "category": need,
        "urgency": "urgent" if chance.random() < 0.3 else "routine",
        "payload": {"situation": "Relato ficticio de la demostración."},
        "from_case": ["sex", "age"],
        "safe_contact": {"rule": "through_referrer"},
    }
    yield Act(0, sender, f"{key}-draft", "referrals", draft)
    fate = _one_of(chance, TOLD["fates"])
    steps: list[tuple[int, str, str, dict[str, Any]]] = [
        (0, sender, "send", {"grant_id": f"${{{key}-grant.id}}"})
    ]
    if fate:
        steps.append((sittings[0], service.client, "acknowledge", {}))
    if fate not in ("", "decline"):
        steps.append((sittings[1], service.client, "accept", {"focal_point": "Equipo de turno"}))
    if fate:
        body = {"outcome": "delivered"} if fate == "complete" else {}
        if fate in TOLD:
            body = {"reason": _one_of(chance, TOLD[fate])}
        steps.append((sittings[1] if fate == "decline" else 92, service.client, fate, body))
    if fate == "complete" and chance.random() < 0.6:
        steps.append((110, sender, "confirm", {"confirmed_by": "person", "agrees": True}))
    for hour, client, step, body in steps:
        yield Act(hour, client, f"{key}-{step}", f"referrals/${{{key}-draft.id}}/{step}", body)


def _screened(chance: random.Random, key: str, instrument: str, day: date) -> Iterator[Act]:
    """Yield the commands of a screening: from the new case to the judgement and the help given, or until the person no
    longer wants to continue."""
    age = _age(chance, _SCREENED["ages"])
    course = _one_of(chance, _SCREENED["courses"])
    types = _one_of(chance, _SCREENED["types"]).split()
    identified = course in {"assisted", "referred", "identified"}
    about: dict[str, Any] = {"sex": _sex(chance, 70)}
    if identified:
        about |= {"populations": ["VOT"], "exploitation_types": types}
    case, talk = f"${{{key}-case.id}}", f"screenings/${{{key}-talk.id}}"
    state = _one_of(chance, _SCREENED["states"])
    yield Act(0, REFUGIO, f"{key}-case", "cases", _case(key, age, state, about))
    counts = chance.random() < 0.95
    if counts:
        counted = {"case_id": case, "kind": "reporting", "method": "verbal", **_decider(age)}
        yield Act(0, REFUGIO, f"{key}-counted", "consents", counted)
    agreed = {**AGREED, "consent_statistics": "yes" if counts else "no"}
    answers = {**agreed, "age_group": "child" if age < 18 else "adult"}
    begun = {"instrument_id": instrument, "case_id": case, "answers": answers}
    yield Act(0, REFUGIO, f"{key}-talk", "screenings", begun)
    if course == "stopped":
        yield Act(0, REFUGIO, f"{key}-stop", f"{talk}/stop", {})
        return
    judged: dict[str, Any] = {"rationale": "Conversación ficticia de la demostración."}
    if identified:
        purposes = [_SCREENED["purposes"][each] for each in types]
        judged |= {"judgement": "possible_victim", "exploitation_types": purposes}
    else:
        judged["judgement"] = "no_indication"
    yield Act(0, REFUGIO, f"{key}-judged", f"{talk}/conclude", judged)
    if course == "referred":
        yield Act(0, REFUGIO, f"{key}-drafts", f"{talk}/drafts", {})
    if course == "assisted":
        origin, transit, destination = _one_of(chance, _SCREENED["routes"]).split("-")
        route: dict[str, Any] = {"origin": origin, "transit": [transit] if transit else []}
        route |= {"destination": destination, "modes": ["road"], "statistics": True}
        yield Act(1, REFUGIO, f"{key}-route", f"cases/{case}/route", route, "PUT")
        given = {"support_type": _one_of(chance, _SCREENED["support"]), "given_on": str(day)}
        yield Act(5, REFUGIO, f"{key}-help", f"cases/{case}/assistance", given)


def _case(key: str, age: int, state: str, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "identity": {"name": f"Persona ficticia {key}", "age": age},
        "attributes": about,
        "area": state,
        "caregiver": "available" if age < 18 else "unknown",
    }


def _decider(age: int) -> dict[str, str]:
    return {"decided_by": "caregiver", "child_assent": "agrees"} if age < 18 else {}


def _chance(day: date) -> random.Random:
    return random.Random(day.toordinal())  # noqa: S311 - a story, not a secret


def _one_of(chance: random.Random, weights: Mapping[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _age(chance: random.Random, bands: Mapping[str, int]) -> int:
    low, high = map(int, _one_of(chance, bands).split("-"))
    return chance.randint(low, high)


def _sex(chance: random.Random, women: int) -> str:
    return "female" if chance.random() * 100 < women else "male"


def _shares(people: int, days: int) -> list[int]:
    each, more = divmod(people, days)
    return [each + (number < more) for number in range(days)]
