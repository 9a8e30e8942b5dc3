"""The 5W rows, targets and outside series of the demo's past: invented, and said to be so."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from stack.demo.past_people import STATES
from stack.demo.story import IM, LEGAL, REFUGIO, SALUD
from stack.demo.storyteller import Storyteller
from stack.wording import said

_LEADERS = {
    REFUGIO: "Fundación Refugio (ficticia)",
    SALUD: "Salud Sin Paredes (ficticia)",
    LEGAL: "Puente de Justicia (ficticia)",
}
_KINDS: tuple[tuple[str, str, str, int], ...] = (
    (LEGAL, "TIP/TRN", "Taller sobre identificación y remisión", 22),
    (LEGAL, "TIP/AUT", "Formación a funcionarias y funcionarios", 14),
    (REFUGIO, "TIP/AWR", "Charlas en terminales y paradas", 45),
    (REFUGIO, "CLPRO/CA10.02", "Encuentros con familias y docentes", 32),
    (REFUGIO, "TIP/INF", "Punto de información en la frontera", 0),
    (SALUD, "CLPRO/CA6.04", "Formación a personal de salud", 18),
    (SALUD, "TIP/MAT", "Folletos con los servicios disponibles", 0),
)
"""Who does what, and about how many people take part (0: it is counted in units)."""
_TARGETS = {
    "people-trained": 400,
    "people-sensitised": 900,
    "officials-trained": 200,
    "trainings-held": 40,
    "materials-distributed": 5000,
}
_UNITS = {"TIP/MAT": 400, "TIP/INF": 1}


def report_activities(tell: Storyteller, half_months: Sequence[date]) -> None:
    """Each organisation reports what it did; the IM officer has set the targets of the plan."""
    for first in half_months:
        for client, body in activities(first):
            tell.call(
                said("{client} reports {activity}", client=client, activity=body["activity_code"]),
                *(client, "POST", "/reports/v1/activities"),
                json=body,
                expect=(201, 409),
            )
    for target in targets(half_months[-1].year):
        tell.call(
            said("The target for {indicator}", indicator=target["indicator"]),
            *(IM, "PUT", "/reports/v1/activities/targets"),
            json=target,
            expect=200,
        )
    tell.call(
        said("A series of another source, with where it is from"),
        *(IM, "POST", "/reports/v1/context/series"),
        json=outside_series(half_months),
        expect=201,
    )


def activities(first: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """One row per kind for the half month that begins on `first`; each state has its turn."""
    chance = random.Random(first.toordinal())  # noqa: S311 - a story, not a secret
    states = chance.sample(list(STATES), k=len(STATES))
    for number, (client, code, detail, people) in enumerate(_KINDS):
        start = first + timedelta(days=chance.randint(1, 12))
        body: dict[str, Any] = {
            "external_id": f"demo-{first:%Y%m%d}-{number}",
            "activity_code": code,
            "activity_detail": detail,
            "org_leader": _LEADERS[client],
            "org_leader_type": "NNGO",
            "adm1_pcode": states[number % len(states)],
            "start": start.isoformat(),
            "end": (start + timedelta(days=1)).isoformat(),
            "status": "Completed",
            "quantity": _UNITS.get(code, chance.randint(1, 3)),
        }
        if people:
            body |= {"women": chance.randint(people // 2, people), "men": people // 3}
        yield client, body


def targets(year: int) -> list[dict[str, Any]]:
    """What the fictional work plan of the year wants to reach."""
    return [
        {
            "plan": str(year),
            "indicator": indicator,
            "start": f"{year}-01-01",
            "end": f"{year}-12-31",
            "target": target,
        }
        for indicator, target in _TARGETS.items()
    ]


def outside_series(half_months: Sequence[date]) -> dict[str, Any]:
    """An invented index by state, to show how a series of another source is quoted."""
    days = sorted({each.replace(day=1) for each in half_months})
    return {
        "code": "demo-risk-index",
        "title": {"es": "Índice de riesgo (ficticio)", "en": "Risk index (fictional)"},
        "unit": {"es": "puntos de 0 a 10", "en": "points from 0 to 10"},
        "source": "Ruta demo",
        "url": "https://example.org/demo-risk-index",
        "licence": "CC0",
        "retrieved_on": days[-1].isoformat(),
        "method": "Invented for the demonstration",
        "points": [
            {"day": day.isoformat(), "area": state, "value": f"{4 + share / 12 - back / 5:.1f}"}
            for back, day in enumerate(reversed(days))
            for state, share in STATES.items()
        ],
    }
