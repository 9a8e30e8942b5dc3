"""The bulletin of the demo's last half month: with words of people, signed off and published."""

from typing import Any

from stack.demo.past_context import ANALYSIS
from stack.demo.story import IM
from stack.demo.storyteller import Storyteller
from stack.wording import said

COORDINATOR = "tip-coordinator"
_PATH = "/reports/v1/bulletins"


def publish(tell: Storyteller, period: str) -> None:
    """Draft, write, sign off and publish; a bulletin that is public already is left as it is."""
    known = tell.get(IM, _PATH, {"kind": "biweekly", "limit": 200})["items"]
    if any(each["period"] == period and each["state"] == "published" for each in known):
        return
    draft: dict[str, Any] = tell.call(
        said("The IM officer drafts the bulletin of {period}", period=period),
        *(IM, "POST", _PATH),
        json={"period": period, "beside": ["stakeholders", "milestones"], "analysis": ANALYSIS},
        expect=201,
    )
    url = f"{_PATH}/{draft['id']}"
    content = tell.get(IM, url)["content"]
    written = tell.call(
        said("The coordinator writes what the numbers do not say"),
        *(COORDINATOR, "PUT", f"{url}/words"),
        json={"texts": words(content)},
        expect=200,
    )
    tell.call(
        said("The coordinator signs it off"),
        *(COORDINATOR, "POST", f"{url}/sign-off"),
        json={"content_sha256": written["content_sha256"]},
        expect=200,
    )
    tell.call(
        said("The IM officer publishes it"), *(IM, "POST", f"{url}/publish"), json={}, expect=200
    )


def words(content: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Texts as a coordinator would write them, about fictitious people."""
    sections = {section["id"] for section in content["sections"]}
    return {name: text for name, text in _TEXTS.items() if name in sections or name in _ALONE}


_ALONE = {"highlights", "challenges", "practices", "next-steps", "contacts"}
_TEXTS = {
    "highlights": {
        "es": "La mayoría de las remisiones sale de los estados de frontera.\n"
        "Faltan cupos de albergue temporal y acompañamiento legal.",
        "en": "Most referrals come from the border states.\n"
        "There are not enough places in temporary shelter, and not enough legal support.",
    },
    "referrals": {
        "es": "Aceptar no es prestar: el acompañamiento hasta el servicio sigue siendo necesario.",
        "en": "Accepting is not delivering: people still need to be accompanied to the service.",
    },
    "needs": {
        "es": "Los estados que muestran una cifra en el mapa son los primeros para los que se buscará cobertura.",
        "en": "The states that show a figure on the map are the first for which cover will be sought.",
    },
    "challenges": {
        "es": "El transporte hasta los servicios y la falta de documentos frenan las remisiones.",
        "en": "Transport to services and missing documents hold referrals back.",
    },
    "practices": {
        "es": "Confirmar con la persona, por un canal seguro, si el servicio llegó.",
        "en": "Confirming with the person, over a safe channel, whether the service came.",
    },
    "next-steps": {
        "es": "Revisar con los socios los servicios sin cupo y acordar alternativas en cada estado.",
        "en": "Review services without places with partners and agree on alternatives in each state.",
    },
    "contacts": {
        "es": "Coordinación (ficticia): coordinacion@ejemplo.org",
        "en": "Coordination (fictitious): coordination@example.org",
    },
}
