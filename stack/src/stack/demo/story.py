"""The demo's story: a woman is helped twice, always with her consent."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from common.clock import day_of

from stack.demo.clients import organisation
from stack.demo.storyteller import Storyteller
from stack.texts import said

SUPERVISOR = "ngo-refugio-supervisor"
AGREED = {"safe_to_talk": "yes", "consent": "yes"}
REFUGIO, SALUD, LEGAL = "ngo-refugio", "ngo-salud", "ngo-legal"
COORDINATOR, IM, PUBLISHER = "gbv-coordinator", "im-officer", "im-publisher"
AREA = "VE23"
ITEMS = ["case_reference", "name", "sex", "age", "languages", "contact", "situation"]
PERSON = {
    "identity": {
        "name": "Luz Marina (persona ficticia)",
        "age": 27,
        "contact": {"phone": "+58 000 000-0000", "safe_way": "Solo llamadas por la mañana."},
    },
    "attributes": {"sex": "female", "nationality": "VE", "languages": ["spa", "guc"]},
    "area": "VE2313",
}
SAFE = {"rule": "contact_directly", "instructions": "Preguntar primero si puede hablar."}


@dataclass
class Facts:
    """Results of earlier steps that later steps use."""

    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    case_id: str = ""
    consent: dict[str, Any] = field(default_factory=dict)
    referral_id: str = ""
    delivered_before: int = 0


def find_help(tell: Storyteller, facts: Facts) -> None:
    tell.chapter(said("Who can help this person here and now, safely?"))
    public = tell.call(
        said("Anybody searches the public directory, without an account"),
        *(None, "GET", "/directory/v1/services"),
        params={"search": "salud", "area": AREA},
        expect=200,
    )
    tell.holds(
        said("the public finds services"),
        public["total_items"] > 0,
        said("there is none: run ./ruta up --demo"),
    )
    partner = tell.call(
        said("Refugio sees more than the public: services of the pathway"),
        *(REFUGIO, "GET", "/directory/v1/services"),
        params={"area": AREA, "per_page": 100},
        expect=200,
    )
    everyone = tell.get(None, "/directory/v1/services", {"area": AREA, "per_page": 100})
    tell.holds(
        said("the public's counts do not include what it may not see"),
        everyone["total_items"] < partner["total_items"],
        f"{everyone['total_items']} and {partner['total_items']}",
    )
    facts.services["health"] = _service_of(tell, 2, said("Refugio finds health care by Salud"))
    facts.services["legal"] = _service_of(
        tell, 3, said("Refugio finds legal aid by Puente de Justicia")
    )


def _service_of(tell: Storyteller, number: int, step: str) -> dict[str, Any]:
    """Return a service of a demo organisation that accepts referrals, and its category."""
    found = tell.call(
        step,
        *(REFUGIO, "GET", "/directory/v1/services"),
        params={
            "organization_id": organisation(number),
            "area": AREA,
            "referable": "true",
            "full": "true",
            "per_page": 20,
        },
        expect=200,
    )
    tell.holds(said("at least one of them accepts referrals"), found["total_items"] > 0)
    service: dict[str, Any] = found["contents"][0]
    return service


def open_a_case(tell: Storyteller, facts: Facts) -> None:
    tell.chapter(said("She decides what is shared, with whom and for what"))
    case = tell.call(
        said("Refugio opens a case; her identity is encrypted with a key that only this case has"),
        *(REFUGIO, "POST", "/referrals/v1/cases"),
        json=PERSON,
        expect=201,
    )
    facts.case_id = case["id"]
    tell.call(
        said("She agrees to anonymous statistics (help does not depend on it)"),
        *(REFUGIO, "POST", "/referrals/v1/consents"),
        json={"case_id": facts.case_id, "kind": "reporting", "method": "verbal"},
        expect=201,
    )
    facts.consent = _consent(
        tell, facts, "health", said("She agrees that Salud may know these items")
    )
    tell.holds(
        said("she has a code with which she can withdraw consent by herself"),
        bool(facts.consent["withdrawal_code"]),
    )


def _consent(tell: Storyteller, facts: Facts, which: str, step: str) -> dict[str, Any]:
    service = facts.services[which]
    consent: dict[str, Any] = tell.call(
        step,
        *(REFUGIO, "POST", "/referrals/v1/consents"),
        json={
            "case_id": facts.case_id,
            "kind": "referral",
            "service_id": service["id"],
            "purpose": service["categories"][0],
            "items": ITEMS,
            "method": "signed",
        },
        expect=201,
    )
    return consent


def refer(tell: Storyteller, facts: Facts) -> None:
    tell.chapter(said("Did the help arrive?"))
    facts.delivered_before = _delivered(tell)
    draft = _draft(tell, facts, "health")
    facts.referral_id = draft["id"]
    path = f"/referrals/v1/referrals/{facts.referral_id}"
    tell.call(
        said("Without consent nothing is sent"),
        *(REFUGIO, "POST", f"{path}/send"),
        json={},
        expect=(409, 422),
    )
    tell.call(
        said("Refugio sends the referral under her consent"),
        *(REFUGIO, "POST", f"{path}/send"),
        json={"grant_id": facts.consent["id"]},
        expect=200,
    )
    tell.call(
        said("Another organisation does not even learn that the referral exists"),
        LEGAL,
        "GET",
        path,
        expect=404,
    )
    tell.call(
        said("The referrer cannot accept its own referral"),
        *(REFUGIO, "POST", f"{path}/accept"),
        json={"focal_point": "nobody"},
        expect=403,
    )
    _serve(tell, facts, path)


def _draft(tell: Storyteller, facts: Facts, which: str) -> dict[str, Any]:
    service = facts.services[which]
    draft: dict[str, Any] = tell.call(
        said("Refugio drafts a referral for one need"),
        *(REFUGIO, "POST", "/referrals/v1/referrals"),
        json={
            "case_id": facts.case_id,
            "service_id": service["id"],
            "category": service["categories"][0],
            "urgency": "urgent",
            "payload": {"situation": "Pide acompañamiento médico; prefiere una doctora."},
            "from_case": ["name", "age", "contact", "languages"],
            "safe_contact": SAFE,
        },
        expect=201,
    )
    return draft


def _serve(tell: Storyteller, facts: Facts, path: str) -> None:
    tell.call(said("Salud acknowledges"), SALUD, "POST", f"{path}/acknowledge", json={}, expect=200)
    disclosed = tell.call(
        said("Salud reads what she agreed to share"), SALUD, "GET", f"{path}/disclosure", expect=200
    )
    tell.holds(
        said("only the items she agreed to share are there"),
        set(disclosed["items"]) <= set(ITEMS),
        sorted(disclosed["items"]),
    )
    tell.call(
        said("Salud accepts and names who is responsible"),
        *(SALUD, "POST", f"{path}/accept"),
        json={"focal_point": "Doctora de guardia"},
        expect=200,
    )
    tell.call(
        said("A second acceptance is refused; the answer lists the possible steps"),
        *(SALUD, "POST", f"{path}/accept"),
        json={"focal_point": "Doctora de guardia"},
        expect=409,
    )
    tell.call(said("The service begins"), SALUD, "POST", f"{path}/start", json={}, expect=200)
    tell.call(
        said("The help was delivered"),
        *(SALUD, "POST", f"{path}/complete"),
        json={"outcome": "delivered"},
        expect=200,
    )
    tell.call(
        said("She confirms it: her statement and the recipient's are kept apart"),
        *(REFUGIO, "POST", f"{path}/confirm"),
        json={"confirmed_by": "person", "agrees": True},
        expect=200,
    )
    history = tell.call(
        said("Both sides read the same history"), REFUGIO, "GET", f"{path}/history", expect=200
    )
    steps = history["items"] if isinstance(history, dict) else history
    tell.holds(said("the history has every step"), len(steps) >= 5, len(steps))


def withdraw(tell: Storyteller, facts: Facts) -> None:
    tell.chapter(said("A withdrawal always works immediately"))
    consent = _consent(tell, facts, "legal", said("She agrees to legal aid, too"))
    draft = _draft(tell, facts, "legal")
    path = f"/referrals/v1/referrals/{draft['id']}"
    tell.call(
        said("Refugio sends the referral"),
        *(REFUGIO, "POST", f"{path}/send"),
        json={"grant_id": consent["id"]},
        expect=200,
    )
    tell.call(
        said("Puente de Justicia reads the referral"),
        LEGAL,
        "GET",
        f"{path}/disclosure",
        expect=200,
    )
    withdrawn = tell.call(
        said("She withdraws her consent"),
        *(REFUGIO, "POST", f"/referrals/v1/consents/{consent['id']}/withdraw"),
        json={"method": "phone"},
        expect=200,
    )
    tell.holds(said("she is told who had already read it"), len(withdrawn["already_read"]) > 0)
    tell.call(
        said("From that moment nobody can read it any more"),
        LEGAL,
        "GET",
        f"{path}/disclosure",
        expect=(403, 404, 410),
    )
    view = tell.call(said("The referral has ended"), REFUGIO, "GET", path, expect=200)
    tell.holds(said("its state is withdrawn"), view["state"] == "withdrawn", view["state"])


def screen(tell: Storyteller, facts: Facts) -> None:
    tell.chapter(said("A trained person asks, and judges; the system does not"))
    today = day_of(datetime.now(UTC))
    tell.call(
        said("Her supervisor records who is certified to screen"),
        *(SUPERVISOR, "POST", "/referrals/v1/certificates"),
        json={
            "holder": REFUGIO,
            "certified_on": str(today - timedelta(days=1)),
            "valid_until": str(today + timedelta(days=365)),
        },
        expect=201,
    )
    listed = tell.get(REFUGIO, "/referrals/v1/instruments")
    instrument = next(each["id"] for each in listed if each["shipped"])
    tell.call(
        said("Is it safe to talk now? If not, nothing is asked and nothing is stored"),
        *(REFUGIO, "POST", "/referrals/v1/screenings"),
        json={"instrument_id": instrument, "answers": {**AGREED, "safe_to_talk": "no"}},
        expect=409,
    )
    begun = tell.call(
        said("It is safe: what she says is sealed, and each answer decides what is asked next"),
        *(REFUGIO, "POST", "/referrals/v1/screenings"),
        json={
            "instrument_id": instrument,
            "case_id": facts.case_id,
            "answers": {**AGREED, "age_group": "adult", "gen.transport": "yes", "dec.job": "yes"},
        },
        expect=201,
    )
    tell.holds(
        said("the summary says what is missing and gives no verdict"),
        begun["summary"]["missing"] == ["purpose"],
        begun["summary"]["missing"],
    )
    path = f"/referrals/v1/screenings/{begun['id']}"
    tell.call(
        said("The certified screener records her own judgement"),
        *(REFUGIO, "POST", f"{path}/conclude"),
        json={
            "judgement": "possible_victim",
            "rationale": "Engaño sobre el trabajo y viaje pagado por terceros.",
        },
        expect=200,
    )
    made = tell.call(
        said(
            "One step creates the plan from the pathway and draft referrals, which share nothing yet"
        ),
        *(REFUGIO, "POST", f"{path}/drafts"),
        json={},
        expect=201,
    )
    tell.holds(
        said("each need has a service or is shown as a gap"), bool(made["plan"]), made["gaps"]
    )


def add_up(tell: Storyteller, facts: Facts) -> None:
    tell.chapter(said("What are the totals?"))
    tell.eventually(
        said(
            "the event passed through NATS: the delivered referral is in the coordinator's figures"
        ),
        lambda: _delivered(tell) > facts.delivered_before,
    )
    tell.call(
        said("The GBV coordinator reads operational counts, which are exact and audited"),
        *(COORDINATOR, "GET", "/reports/v1/indicators"),
        params={"by": "area"},
        expect=200,
    )
    tell.call(
        said("Not everybody may read them"),
        "health-cluster",
        "GET",
        "/reports/v1/indicators",
        expect=403,
    )


def _delivered(tell: Storyteller) -> int:
    """Return the delivered referrals of the GBV pathway, as reporting counts them now."""
    answer = tell.get(COORDINATOR, "/reports/v1/indicators")
    return sum(
        row["counts"].get("delivered", 0)
        for scope in answer["scopes"]
        if scope["scope"] == "aor" and scope["id"] == "GBV"
        for row in scope["rows"]
    )
