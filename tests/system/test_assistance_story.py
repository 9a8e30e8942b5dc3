"""Assistance through the gateway: from the plan to a fact that reporting may count."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from common import clock
from stack.operate.service_commands import attached_postgres

from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
NGO = "ngo-refugio"


def made(system: System, who: str, path: str, body: Any, method: str = "POST") -> Any:
    answer = system.running.request(
        who, method, f"/referrals/v1{path}", json=body, headers={"Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code in (200, 201), f"{path}: {answer.text}"
    return answer.json()


PERSON = {
    "attributes": {"sex": "female", "populations": ["VOT"], "exploitation_types": ["ForcedLabour"]},
}


def person(system: System, who: str, born: str) -> str:
    identity = {"name": "Rosa Inventada Prueba", "birth_date": born}
    body = {**PERSON, "identity": identity, "area": "VE2313"}
    return str(made(system, who, "/cases", body)["id"])


def test_assistance_and_route_reach_reporting_as_codes(system: System) -> None:
    case = person(system, NGO, "1991-04-05")
    made(system, NGO, "/consents", {"case_id": case, "kind": "reporting", "method": "verbal"})
    route = {"origin": "VE2313", "transit": ["CO"], "destination": "TT", "modes": ["sea"], "statistics": True}  # fmt: skip
    made(system, NGO, f"/cases/{case}/route", route, "PUT")
    need = made(system, NGO, f"/cases/{case}/plan", {"need": "TIP-JUSTICE"})
    given = made(
        system, NGO, f"/cases/{case}/assistance",
        {"support_type": "Legal", "given_on": clock.today().isoformat(), "plan_item_id": need["id"]},
    )  # fmt: skip
    due = (clock.today() + timedelta(days=14)).isoformat()
    made(system, NGO, f"/cases/{case}/reviews", {"due_on": due})

    def fact() -> str:
        query = (
            "SELECT assistance_type, origin, transit, destination, countable, person IS NOT NULL"
            f" FROM projection.identification_facts WHERE id = '{given['id']}'"
        )
        return attached_postgres(system.layout, system.state).psql(query, database="reporting")

    until(lambda: "Legal" in fact(), "the fact arrives")
    assert fact().strip() == "Legal|VE23|{CO}|TT|t|t", "states and countries, a pseudonym, consent"
    reference = system.running.request(NGO, "GET", f"/referrals/v1/cases/{case}").json()[
        "reference"
    ]
    mine = next(r for r in htcds(system) if r["case_reference"] == reference)
    assert len(mine["historic_trafficking_events"]) == 3
    assert [p["spl_Type"] for p in mine["support_plans"]] == ["Legal"]
    told = system.running.request(NGO, "GET", f"/referrals/v1/cases/{case}/timeline").json()
    assert "assistance.given" in {entry["action"] for entry in told}


def htcds(system: System) -> Iterator[dict[str, Any]]:
    """Every record that Refugio exports, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        path = f"/referrals/v1/assistance/htcds?limit=200{cursor and f'&cursor={cursor}'}"
        page = system.running.request(NGO, "GET", path).json()
        yield from page["items"]
        cursor = page["next_cursor"]


PERSONS = 24
GIVEN_ON = date(2025, 2, 10)
"""In a quarter that no other test of this stack closes."""


def test_help_that_was_given_is_published_in_protected_numbers_only(system: System) -> None:
    """Help of a past quarter becomes releases by its type and by exploitation; only who agreed counts."""
    for start in range(0, PERSONS + 12, 12):
        commands = [
            each for n in range(start, start + 12) for each in helped(n, agreed=n < PERSONS)
        ]
        done = made(system, NGO, "/bulk", {"commands": commands})
        assert {result["status"] for result in done["results"]} == {201}, done
    query = (
        "SELECT count(*) FROM projection.identification_facts"
        f" WHERE kind = 'assistance' AND counted_on = '{GIVEN_ON}'"
    )
    server = attached_postgres(system.layout, system.state)
    until(
        lambda: int(server.psql(query, database="reporting")) == PERSONS + 12,
        "reporting has read them",
    )
    by_type = published(system, "assistance", "sex,type")
    assert by_type.keys() == {("female", "Legal"), ("female", "Health")}
    assert by_type["female", "Legal"] == 11, "a multiple of 11 stays as it is"
    assert by_type["female", "Health"] in {11, 22}, "13 agreed, 12 did not"
    by_area = published(system, "trafficking", "area,exploitation")
    assert by_area.keys() == {("VE23", "ForcedLabour")}
    assert by_area["VE23", "ForcedLabour"] in {22, 33}


def published(system: System, programme: str, by: str) -> dict[tuple[str, ...], int]:
    """Close, sign off and publish the quarter; its counts as anybody reads them."""
    closed = system.running.request(
        "im-officer",
        "POST",
        "/reports/v1/releases",
        json={"programme": programme, "period": "2025-Q1"},
    )
    assert closed.status_code == 201, closed.text
    path = f"/reports/v1/releases/{closed.json()['id']}"
    assert system.running.request(None, "GET", path).status_code == 404, "a draft is not public"
    signed = system.running.request(NGO, "POST", f"{path}/sign-offs")
    assert signed.status_code == 200, signed.text
    done = system.running.request("im-officer", "POST", f"{path}/publish")
    assert done.status_code == 200, done.text
    answer = system.running.request(None, "GET", f"{path}/query?by={by}").json()
    assert answer["total"] == sum(row["count"] for row in answer["rows"])
    return {
        tuple(row["at"][name] for name in by.split(",")): row["count"] for row in answer["rows"]
    }


def helped(number: int, *, agreed: bool) -> list[dict[str, Any]]:
    """A person whom Refugio helped; the consent to statistics only where there is one."""
    case = f"${{a{number}-case.id}}"
    commands: list[tuple[str, str, dict[str, Any]]] = [
        ("case", "cases", {**PERSON, "area": "VE2313"}),
        ("help", f"cases/{case}/assistance",
         {"support_type": "Legal" if number < 11 else "Health", "given_on": str(GIVEN_ON)}),
    ]  # fmt: skip
    if agreed:
        consent = {"case_id": case, "kind": "reporting", "method": "verbal"}
        commands.insert(1, ("counted", "consents", consent))
    return [
        {"key": f"a{number}-{name}", "path": f"/referrals/v1/{path}", "body": body}
        for name, path, body in commands
    ]
