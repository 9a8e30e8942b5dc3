"""Tells of the quarter that ended last: people screened, their routes, the help they were given."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

from common.clock import day_of

from stack.demo.batches import CONNECTIONS, Command, command, send
from stack.demo.clock import StackClock
from stack.demo.screened_people import ScreenedPerson, ScreeningDay, quarter_id, screening_days
from stack.demo.story import AGREED, IM, REFUGIO, SUPERVISOR
from stack.demo.storyteller import Storyteller
from stack.wording import said

_HOURS_LATER = 5
_PURPOSES = {"SexualExploitation": "purpose.sexual", "ForcedLabour": "purpose.forced_labour"}
"""Codes of a case as codes of a screening."""


def told_already(tell: Storyteller, first: date) -> bool:
    """Whether a release of the quarter that begins on `first` exists."""
    asked = {"period": quarter_id(first), "limit": 200}
    return bool(tell.get(IM, "/reports/v1/releases", asked)["items"])


def certify(tell: Storyteller, first: date) -> None:
    """Who screens in that quarter has a certificate for it; the supervisor records it."""
    tell.call(
        said("The supervisor records who is certified to screen"),
        *(SUPERVISOR, "POST", "/referrals/v1/certificates"),
        json={
            "holder": REFUGIO,
            "certified_on": str(first - timedelta(days=1)),
            "valid_until": str(first + timedelta(days=365)),
        },
        expect=201,
    )


def screen(tell: Storyteller, clock: StackClock, first: date, people: int) -> None:
    """Screen so many people in that quarter, on the days on which it took place."""
    instrument = next(
        each["id"] for each in tell.get(REFUGIO, "/referrals/v1/instruments") if each["shipped"]
    )
    for day in screening_days(first, people):
        clock.set(day.moment)
        _live(tell, clock, day, instrument)


def _live(tell: Storyteller, clock: StackClock, day: ScreeningDay, instrument: str) -> None:
    keyed = [(f"tip-{day.moment:%Y%m%d}-{n}", person) for n, person in enumerate(day.people)]
    begun = [each for key, person in keyed for each in _screening(key, person, instrument)]
    made = send(tell, {REFUGIO: begun})
    assisted = [
        (key, person, made[f"{key}-case"]["id"])
        for key, person in keyed
        if person.course == "assisted"
    ]
    _record_routes(tell, [(person, case) for _, person, case in assisted])
    clock.set(day.moment + timedelta(hours=_HOURS_LATER))
    given = [_assistance(key, person, case, day_of(day.moment)) for key, person, case in assisted]
    send(tell, {REFUGIO: given})


def _screening(key: str, person: ScreenedPerson, instrument: str) -> list[Command]:
    """From a new case to a judgement, or to the point where she did not want to go on."""
    screening = f"screenings/${{{key}-talk.id}}"
    counted = {
        "case_id": f"${{{key}-case.id}}",
        "kind": "reporting",
        "method": "verbal",
        **({"decided_by": "caregiver", "child_assent": "agrees"} if person.child else {}),
    }
    commands = [
        command(f"{key}-case", "cases", _case(key, person)),
        command(f"{key}-talk", "screenings", _talk(key, person, instrument)),
    ]
    if person.counts:
        commands.insert(1, command(f"{key}-counted", "consents", counted))
    if person.course == "stopped":
        return [*commands, command(f"{key}-stop", f"{screening}/stop", {})]
    commands.append(command(f"{key}-judged", f"{screening}/conclude", _judgement(person)))
    if person.course == "referred":
        commands.append(command(f"{key}-drafts", f"{screening}/drafts", {}))
    return commands


def _case(key: str, person: ScreenedPerson) -> dict[str, object]:
    victim = {
        "populations": ["VOT"],
        "exploitation_types": list(person.exploitation_types),
    }
    return {
        "identity": {"name": f"Persona ficticia {key}", "age": person.age},
        "attributes": {"sex": person.sex, **(victim if person.identified else {})},
        "area": person.state,
        "caregiver": "available" if person.child else "unknown",
    }


def _talk(key: str, person: ScreenedPerson, instrument: str) -> dict[str, object]:
    agreed = {**AGREED, "consent_statistics": "yes" if person.counts else "no"}
    return {
        "instrument_id": instrument,
        "case_id": f"${{{key}-case.id}}",
        "answers": {**agreed, "age_group": "child" if person.child else "adult"},
    }


def _judgement(person: ScreenedPerson) -> dict[str, object]:
    if not person.identified:
        return {"judgement": "no_indication", "rationale": "Conversación ficticia, sin indicios."}
    return {
        "judgement": "possible_victim",
        "rationale": "Conversación ficticia de la demostración.",
        "exploitation_types": [_PURPOSES[each] for each in person.exploitation_types],
    }


def _assistance(key: str, person: ScreenedPerson, case: str, day: date) -> Command:
    given = {"support_type": person.support, "given_on": str(day)}
    return command(f"{key}-help", f"cases/{case}/assistance", given)


def _record_routes(tell: Storyteller, people: Sequence[tuple[ScreenedPerson, str]]) -> None:
    """One call each: a batch takes no replacing commands."""

    def record(of: tuple[ScreenedPerson, str]) -> None:
        person, case = of
        origin, transit, destination = person.route
        tell.call(
            said("The way she came"),
            *(REFUGIO, "PUT", f"/referrals/v1/cases/{case}/route"),
            json={
                "origin": origin,
                "transit": list(transit),
                "destination": destination,
                "modes": ["road"],
                "statistics": True,
            },
            expect=200,
        )

    with ThreadPoolExecutor(CONNECTIONS) as together:
        list(together.map(record, people))
