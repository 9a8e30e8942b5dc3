"""Decisions by a second person: a consent in a child's best interest, and the referral that waits for it."""

from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from tests.pages.console.ways import choose, registered, submit
from tests.pages.signed_in import signed_in
from tests.pages.world import CONSENTS
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_14_nobody_decides_what_they_asked_for_themselves(
    system: System, browsers: Browser
) -> None:
    """The requester's page has no button for it, and the API refuses a direct request with their session."""
    with signed_in(browsers, system, "demo-supervisor") as page:
        registered(page, age="13")
        choose(page)
        page.locator('[name="decided_by"][value=best_interest]').check()
        page.locator('[name="child_assent"][value=agrees]').check()
        submit(page, "Registrar el consentimiento y remitir")
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
