"""What stands beside the demo's numbers: institutions, judgements, milestones. Invented."""

from typing import Any

from stack.demo.past_people import STATES
from stack.demo.story import IM
from stack.demo.storyteller import Storyteller
from stack.wording import said

ANALYSIS = "trata-demo"
COORDINATOR = "tip-coordinator"
_PATH = "/reports/v1/context"
_BORDER = list(STATES)[:2]


def tell_context(tell: Storyteller, year: int) -> None:
    """Two institutions, a problem tree and a SWOT that a second person agreed to, two milestones."""
    for body in _INSTITUTIONS:
        tell.call(
            said("The coordinator lists {code}", code=body["code"]),
            *(COORDINATOR, "POST", f"{_PATH}/stakeholders"),
            json=body,
            expect=(201, 409),
        )
    if not tell.get(IM, f"{_PATH}/statements", {"analysis": ANALYSIS})["items"]:
        _judge(tell)
    if not tell.get(IM, f"{_PATH}/milestones", {"plan": str(year)})["items"]:
        for body in _milestones(year):
            tell.call(
                said("The coordinator sets a milestone"),
                *(COORDINATOR, "POST", f"{_PATH}/milestones"),
                json=body,
                expect=201,
            )


def _judge(tell: Storyteller) -> None:
    """Each statement rests on the newest published figure of referrals, or on people's judgement."""
    published = tell.get(IM, "/reports/v1/releases", {"programme": "referrals"})["items"]
    newest = next(each["id"] for each in published if each["status"] == "published")
    core = None
    for place, where, es, en in _STATEMENTS:
        figure = {"kind": "figure", "release": newest, "where": where}
        made = tell.call(
            said("The coordinator writes under {place}", place=place),
            *(COORDINATOR, "POST", f"{_PATH}/statements"),
            json={
                "analysis": ANALYSIS,
                "place": place,
                "parent": core if place in {"cause", "effect"} else None,
                "text": {"es": es, "en": en},
                "basis": [figure if where is not None else {"kind": "judgement"}],
            },
            expect=201,
        )
        core = made["id"] if place == "core-problem" else core
        tell.call(
            said("The IM officer agrees to it as it was read"),
            *(IM, "POST", f"{_PATH}/statements/{made['id']}/agreement"),
            if_match=f'"{made["version"]}"',
            json={},
            expect=200,
        )


_STATEMENTS: tuple[tuple[str, dict[str, list[str]] | None, str, str], ...] = (
    (
        "core-problem",
        {},
        "Muchas personas llegan a la red cuando la explotación ya ocurrió.",
        "Many people reach the network when the exploitation has already happened.",
    ),
    (
        "cause",
        {"area": _BORDER},
        "En los estados de frontera pocas instituciones reconocen los indicios.",
        "In the border states few institutions recognise the signs.",
    ),
    (
        "effect",
        None,
        "Las personas pierden la confianza en denunciar.",
        "People lose trust in reporting.",
    ),
    (
        "strength",
        {"progress": ["delivered"]},
        "Los socios confirman con la persona si el servicio llegó.",
        "Partners confirm with the person whether the service came.",
    ),
    (
        "weakness",
        None,
        "Faltan cupos de albergue fuera de la capital.",
        "Shelter places are lacking outside the capital.",
    ),
    (
        "opportunity",
        None,
        "La fiscalía abre mesas de atención en la frontera.",
        "The prosecutor opens desks at the border.",
    ),
    (
        "threat",
        None,
        "Las redes de trata cambian de ruta más rápido que la respuesta.",
        "Trafficking networks change routes faster than the response.",
    ),
)
_INSTITUTIONS: tuple[dict[str, Any], ...] = (
    {
        "code": "fiscalia-ficticia",
        "name": {"es": "Fiscalía Especial (ficticia)", "en": "Special Prosecutor (fictional)"},
        "type": "GOV",
        "sectors": ["TIP", "GBV"],
        "mandate": {
            "es": "Investiga la trata de personas y protege a víctimas y testigos.",
            "en": "Investigates trafficking in persons and protects victims and witnesses.",
        },
        "does": {
            "es": "Recibe denuncias de cualquier persona, también por medio de organizaciones.",
            "en": "Takes complaints of anybody, also through organisations.",
        },
        "presence": _BORDER,
        "contact": {
            "function": {"es": "Mesa de entrada", "en": "Front desk"},
            "email": "mesa@fiscalia.example",
            "phone": "+58 212 5550100",
        },
        "source": "Ruta demo",
        "as_of": "2026-09-01",
        "in_bulletin": True,
    },
    {
        "code": "defensoria-ficticia",
        "name": {"es": "Defensoría (ficticia)", "en": "Ombudsperson (fictional)"},
        "type": "GOV",
        "sectors": ["CP", "GP"],
        "mandate": {
            "es": "Vigila que las instituciones respeten los derechos.",
            "en": "Watches that institutions respect rights.",
        },
        "does": {
            "es": "Acompaña a familias ante las autoridades.",
            "en": "Accompanies families before the authorities.",
        },
        "presence": ["VE"],
        "contact": {
            "function": {"es": "Línea de guardia", "en": "Duty line"},
            "phone": "+58 212 5550101",
        },
        "source": "Ruta demo",
        "as_of": "2026-09-01",
        "in_bulletin": True,
    },
)


def _milestones(year: int) -> list[dict[str, Any]]:
    return [
        {
            "plan": str(year),
            "what": {
                "es": "El protocolo de remisión con la fiscalía está firmado.",
                "en": "The referral protocol with the prosecutor is signed.",
            },
            "responsible": {"es": "Grupo de trabajo de trata", "en": "Counter-trafficking group"},
            "due": f"{year}-Q3",
            "status": "under-way",
        },
        {
            "plan": str(year),
            "what": {
                "es": "Funcionarias y funcionarios de frontera están capacitados.",
                "en": "Border officials are trained.",
            },
            "responsible": {
                "es": "Puente de Justicia (ficticia)",
                "en": "Puente de Justicia (fictional)",
            },
            "due": f"{year}-Q4",
            "indicator": "officials-trained",
        },
    ]
