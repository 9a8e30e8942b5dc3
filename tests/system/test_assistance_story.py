"""Assistance through the gateway: from the plan to a fact that reporting may count, and doubles."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from common import clock
from stack.service_commands import attached_postgres

from tests.support.system import System, until

pytestmark = pytest.mark.system
NGO, OTHER = "ngo-refugio", "ngo-salud"


def made(system: System, who: str, path: str, body: Any, method: str = "POST") -> Any:
    answer = system.running.request(
        who, method, f"/referrals/v1{path}", json=body, headers={"Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code in (200, 201), f"{path}: {answer.text}"
    return answer.json()


def person(system: System, who: str, born: str) -> str:
    body = {
        "identity": {"name": "Rosa Inventada Prueba", "birth_date": born},
        "attributes": {"sex": "female", "populations": ["VOT"], "exploitation_types": ["ForcedLabour"]},
        "area": "VE2313",
    }  # fmt: skip
    return str(made(system, who, "/cases", body)["id"])


def test_assistance_and_route_reach_reporting_as_codes(system: System) -> None:
    case = person(system, NGO, "1991-04-05")
    made(system, NGO, "/consents", {"case_id": case, "kind": "reporting", "method": "verbal"})
    route = {"origin": "VE2313", "transit": ["CO"], "destination": "TT", "modes": ["sea"], "statistics": True}  # fmt: skip
    made(system, NGO, f"/cases/{case}/route", route, "PUT")
    need = made(system, NGO, f"/cases/{case}/plan", {"need": "TIP-JUSTICE"})
    given = made(
        system, NGO, f"/cases/{case}/assistance",
        {"support_type": "Legal", "given_on": clock.now().date().isoformat(), "plan_item_id": need["id"]},
    )  # fmt: skip
    due = (clock.now().date() + timedelta(days=14)).isoformat()
    made(system, NGO, f"/cases/{case}/reviews", {"due_on": due})

    def fact() -> str:
        query = (
            "SELECT assistance_type, origin, transit, destination, countable, person IS NOT NULL"
            f" FROM projection.identification_facts WHERE id = '{given['id']}'"
        )
        return attached_postgres(system.layout, system.state).psql(query, database="reporting")

    until(lambda: "Legal" in fact(), 30, "the fact arrives")
    assert fact().strip() == "Legal|VE23|{CO}|TT|t|t", "states and countries, a pseudonym, consent"
    exported = system.running.request(NGO, "GET", "/referrals/v1/assistance/htcds").json()["items"]
    mine = next(r for r in exported if len(r["historic_trafficking_events"]) == 3)
    assert [p["spl_Type"] for p in mine["support_plans"]] == ["Legal"]
    told = system.running.request(NGO, "GET", f"/referrals/v1/cases/{case}/timeline").json()
    assert "assistance.given" in {entry["action"] for entry in told}


def test_two_organisations_learn_of_one_another_only_by_consent(system: System) -> None:
    mine, theirs = person(system, NGO, "1989-12-01"), person(system, OTHER, "1989-12-01")
    consent = {"decided_by": "person", "method": "verbal"}
    made(system, NGO, f"/cases/{mine}/matching", consent, "PUT")
    made(system, OTHER, f"/cases/{theirs}/matching", consent, "PUT")

    def match(who: str, case: str) -> dict[str, Any]:
        found = system.running.request(who, "GET", "/referrals/v1/matches").json()
        return next(m for m in found if m["case_id"] == case)

    assert match(NGO, mine)["other_organisation"] is None
    made(system, NGO, f"/matches/{match(NGO, mine)['id']}/agree", {})
    assert match(OTHER, theirs)["other_organisation"] is None
    made(system, OTHER, f"/matches/{match(OTHER, theirs)['id']}/agree", {})
    assert match(OTHER, theirs)["other_organisation"] == "0190a000-0000-7000-8000-000000000001"
