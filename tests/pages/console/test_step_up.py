"""A dangerous action requires a fresh sign-in, and the form keeps its content."""

import re

import pytest
from playwright.sync_api import Browser
from stack.operate.service_commands import attached_postgres

from tests.pages.signed_in import (
    enter,
    findings,
    follows_the_rules,
    signed_in,
    too_wide,
)
from tests.pages.world import CASES, SENDER, aged, first_service, must
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
EXCEPTIONS, WHY = "/referrals/v1/exceptions", "Nadie la vio desde el martes y no contesta."


def asked(system: System) -> str:
    """Request an exception as a client, for a supervisor to decide; return its id."""
    case = must(system, SENDER, "POST", CASES, json={"area": "VE2313"})
    service = first_service(system)
    body = {
        "case_id": case["id"],
        "service_id": service["id"],
        "purpose": service["categories"][0],
        "basis": "vital_interest",
        "rationale": WHY,
        "person_informed": False,
        "items": ["situation"],
    }
    exception: str = must(system, SENDER, "POST", EXCEPTIONS, json=body)["id"]
    return exception


def signed_in_long_ago(system: System, person: str) -> None:
    postgres = attached_postgres(system.layout, system.state)
    for table in ("refresh_tokens", "sign_ins"):
        postgres.psql(
            f"UPDATE {table} SET signed_in_at = signed_in_at - interval '90 minutes' WHERE person_id ="
            f" (SELECT id FROM people WHERE sign_in_name = '{person}')",
            database="issuer",
        )


def test_a_marked_act_asks_who_it_is_and_carries_what_was_to_be_sent(
    system: System, browsers: Browser, axe: str
) -> None:
    person, wanted = "demo-supervisor", asked(system)

    def status() -> str:
        found = system.running.request(SENDER, "GET", f"{EXCEPTIONS}/{wanted}").json()
        assert found["decided_by"] is None or found["status"] != "pending"
        return str(found["status"])

    with signed_in(browsers, system, person) as page:
        page.goto("/console?lang=es")
        page.goto("/console/decisions")
        signed_in_long_ago(system, person)
        # A renewed token keeps the time of the original sign-in.
        aged(system, page.context, 12 * 60)
        approve = page.locator(f"form[action$='{wanted}']").get_by_role("button", name="Aprobar")
        with page.expect_response(lambda r: r.request.method == "POST") as refused:
            approve.click()
        page.wait_for_load_state()
        assert refused.value.status == 401
        follows_the_rules(refused.value, page)
        assert "Confirme que es usted" in page.inner_text("h1")
        assert re.search(r"Decisión\s+Aprobar", page.inner_text("main"))
        assert findings(page, axe) == []
        assert not too_wide(page)
        assert status() == "pending", "nothing was done yet"

        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Iniciar sesión en otra pestaña").click()
        enter(opened.value, system, person)
        assert opened.value.url.endswith("/console")
        opened.value.close()
        with page.expect_navigation():
            page.get_by_role("button", name="Enviar").click()
        assert page.url.endswith("/console/decisions"), page.inner_text("main")
        assert status() == "approved"
