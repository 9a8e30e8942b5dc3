"""What a second person decides: a consent in a child's best interest, and the referral that waits for it."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from tests.pages.console.ways import choose, registered, submit
from tests.pages.signed_in import Taps, signed_in
from tests.pages.world import CONSENTS
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_14_a_best_interest_consent_is_decided_in_two_and_the_draft_sent(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-caseworker") as page:
        page.goto("/console?lang=es")
        page.goto("/console/cases/new")
        page.fill('[name="identity/age"]', "14")
        page.check('[name="attributes/sex"][value=female]')
        page.select_option("[name=area]", "VE2313")
        page.check('[name="caregiver"][value=absent]')
        page.get_by_role("button", name="Registrar el caso").click()
        page.wait_for_url(re.compile(r"/console/cases/[0-9a-f-]{36}$"))
        page.select_option('[name="facts/situations[]"]', "sexual_violence")
        with page.expect_navigation():
            page.get_by_role("button", name="Remitir").click()
        page.fill('[name="payload/situation"]', "Está sola.")
        page.get_by_label("NO LLAMAR").check()
        page.get_by_label("Interés superior").check()
        page.get_by_label("Está de acuerdo", exact=True).check()
        page.get_by_label("De palabra").check()
        with page.expect_navigation():
            page.get_by_role("button", name="Registrar consentimiento y remitir").click()
        draft = page.url
        assert "/console/referrals/" in draft, page.inner_text("main")
        assert "Todavía no hay un consentimiento vigente" in page.inner_text("main")
        page.goto("/console/decisions")
        assert page.get_by_role("button", name="Aprobar").count() == 0, "nobody decides their own"

        # A decision asks for a sign-in of a moment ago.
        (system.layout.root / "cookies-of-demo-supervisor.json").unlink(missing_ok=True)
        with signed_in(browsers, system, "demo-supervisor") as supervisor:
            supervisor.goto("/console?lang=es")
            taps = Taps(supervisor)
            taps.press("link", "Decisiones")
            said = supervisor.locator("section.card").first.inner_text()
            for fact in (
                "12 a 14 años",
                "Necesidad: ",
                "Servicio: ",
                "Lo pide: ",
                "Espera desde: ",
            ):
                assert fact in said, "what is decided is said before the buttons"
            assert "Emergencia" in said
            assert supervisor.locator('section.card a[href^="/console/cases/"]').count()
            taps.press("button", "Aprobar")
            assert taps.count == 2
            assert "Falta corregir" not in supervisor.inner_text("main")

        page.goto(draft)
        with page.expect_navigation():
            page.get_by_role("button", name="Enviar").click()
        assert "Enviada" in page.inner_text("main")


def test_14_nobody_decides_what_they_asked_for_themselves(
    system: System, browsers: Browser
) -> None:
    """Their page has no button for it; and asked directly, with their own session, the API refuses."""
    with signed_in(browsers, system, "demo-supervisor") as page:
        registered(page, age="13")
        choose(page)
        page.locator('[name="decided_by"][value=best_interest]').check()
        page.locator('[name="child_assent"][value=agrees]').check()
        submit(page, "Registrar consentimiento y remitir")
        case = (page.locator('a[href^="/console/cases/"]').last.get_attribute("href") or "")[-36:]
        (grant,) = system.running.request(
            "ngo-refugio", "GET", CONSENTS, params={"case_id": case}
        ).json()["items"]
        assert grant["status"] == "pending"
        page.goto("/console/decisions")
        card = page.locator("section.card", has=page.locator(f'form[action*="{grant["id"]}"]'))
        assert card.get_by_role("button", name="Aprobar").count() == 0
        session = page.request.get("/session").json()
        decided = page.request.post(
            f"{CONSENTS}/{grant['id']}/decision",
            data={"approve": True},
            headers={"X-CSRF-Token": session["csrf_token"], "Idempotency-Key": str(uuid4())},
        )
        assert decided.status == 403, decided.text()
    still = system.running.request("ngo-refugio", "GET", f"{CONSENTS}/{grant['id']}").json()
    assert still["status"] == "pending"
