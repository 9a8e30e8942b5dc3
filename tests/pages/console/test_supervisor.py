"""A supervisor's work: the team, its certificates, quarantined forms and emergency access."""

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from common import clock
from playwright.sync_api import Browser, Page

from tests.pages.console.ways import NAME, registered, submit, unfold
from tests.pages.signed_in import Taps, signed_in
from tests.pages.world import must
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]


@pytest.fixture(scope="module")
def supervisor(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-supervisor") as page:
        yield page


@pytest.fixture(scope="module")
def caseworker(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-caseworker") as page:
        yield page


def test_a_case_is_given_to_a_colleague_and_the_load_is_shown(
    caseworker: Page, supervisor: Page
) -> None:
    case = registered(caseworker)
    supervisor.goto(f"{case}/responsible")
    assert "demo-caseworker" in supervisor.inner_text("main")
    supervisor.select_option('[name="assign/assigned_to"]', label="demo-supervisor")
    submit(supervisor, "Guardar")
    supervisor.goto("/console/team")
    row = supervisor.locator("li.row", has_text="demo-supervisor").first
    assert re.search(r"(?m)^[1-9]\d* casos? abiertos?$", row.inner_text()), "exact"
    supervisor.goto(f"{case}/responsible")
    supervisor.select_option('[name="assign/assigned_to"]', "")
    submit(supervisor, "Guardar")
    supervisor.goto(f"{case}/responsible")
    assert "nadie es responsable" in supervisor.inner_text("main")


def test_who_works_a_queue_is_chosen_and_everybody_again(supervisor: Page) -> None:
    page = supervisor
    page.goto("/console/team")
    with page.expect_navigation():
        page.get_by_role("link", name="Elegir personas").first.click()
    page.get_by_label("demo-caseworker").check()
    submit(page, "Guardar")
    assert page.get_by_label("demo-caseworker").is_checked()
    page.get_by_label("demo-caseworker").uncheck()
    submit(page, "Guardar")
    assert not page.get_by_label("demo-caseworker").is_checked()


def test_somebody_is_on_call_and_it_says_that_they_cannot_be_reached(supervisor: Page) -> None:
    page = supervisor
    page.goto("/console/team")
    unfold(page, "Agregar una guardia")
    page.select_option('[name="shift/person"]', label="demo-caseworker")
    now = clock.now() + timedelta(days=1)
    page.fill('[name="shift/starts_at"]', now.strftime("%Y-%m-%d 08:00"))
    page.fill('[name="shift/ends_at"]', now.strftime("%Y-%m-%d 20:00"))
    submit(page, "Agregar una guardia")
    assert "no tiene un canal de avisos" in page.inner_text("main")
    submit(page, "Quitar demo-caseworker")
    assert "no tiene un canal de avisos" not in page.inner_text("main")


def test_with_a_certificate_a_screening_is_concluded_and_without_it_no_more(
    system: System, caseworker: Page, supervisor: Page
) -> None:
    page = supervisor
    page.goto("/console/certificates")
    unfold(page, "Registrar un certificado")
    page.select_option('[name="certify/holder"]', label="demo-caseworker")
    until = (clock.today() + timedelta(days=40)).isoformat()
    page.fill('[name="certify/valid_until"]', until)
    submit(page, "Registrar un certificado")
    assert "demo-caseworker" in page.inner_text("ul.rows")
    case = registered(caseworker)
    caseworker.goto(f"{case}/screen")
    for name in ("safe_to_talk", "consent"):
        caseworker.locator(f'[name="answers/{name}"][value=yes]').check()
        submit(caseworker, "Seguir")
    caseworker.locator('[name="answers/consent_statistics"][value=no]').check()
    submit(caseworker, "Guardar y seguir")
    with caseworker.expect_navigation():
        caseworker.get_by_role("link", name="Ver el resumen").click()
    caseworker.get_by_label("No hay información suficiente").check()
    caseworker.fill('[name="conclude/rationale"]', "Se interrumpió antes de saberlo.")
    submit(caseworker, "Registrar la conclusión")
    assert "Se interrumpió antes" in caseworker.inner_text("main") or (
        caseworker.locator(".govuk-error-summary").count() == 1
    )
    params = {"case_id": case.rsplit("/", 1)[-1]}
    listed = system.running.request(
        "ngo-refugio", "GET", "/referrals/v1/screenings", params=params
    ).json()["items"]
    assert [one["judgement"] for one in listed] == ["insufficient_information"]
    page.goto("/console/certificates")
    with page.expect_navigation():
        page.locator("li.row", has_text="demo-caseworker").get_by_role("link").first.click()
    page.get_by_label("Necesita otra capacitación").check()
    submit(page, "Revocar el certificado")
    assert "Revocado" in page.inner_text("ul.rows")


def test_a_training_is_recorded(supervisor: Page) -> None:
    page = supervisor
    page.goto("/console/certificates")
    unfold(page, "Registrar una capacitación")
    page.select_option('[name="training/topic"]', "safe_referral")
    page.select_option('[name="training/area"]', "VE2313")
    day = (clock.today() - timedelta(days=3)).isoformat()
    for name in ("starts_on", "ends_on"):
        page.fill(f'[name="training/{name}"]', day)
    for name in ("sessions", "women", "men", "others"):
        page.fill(f'[name="training/{name}"]', "2")
    submit(page, "Registrar una capacitación")
    assert "Consentimiento y remisión segura" in page.inner_text("main")
    assert "6 personas" in page.inner_text("main")


def test_access_in_an_emergency_is_asked_for_and_never_decided_by_who_asked(
    system: System, browsers: Browser, caseworker: Page, supervisor: Page
) -> None:
    case = registered(caseworker)
    reference = caseworker.locator("h1").inner_text().split()[-1]
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console/emergency")
        unfold(page, "Pedir acceso")
        page.fill('[name="ask/case_reference"]', reference)
        page.fill('[name="ask/reason"]', "corto")
        submit(page, "Pedir acceso")
        assert page.locator(".govuk-error-summary").count() == 1
        assert page.input_value('[name="ask/case_reference"]') == reference
        page.fill('[name="ask/reason"]', "Hay peligro ahora y nadie responde en su organización.")
        submit(page, "Pedir acceso")
        assert "Solicitado" in page.inner_text("main")
        assert NAME not in page.content()
        page.goto("/console/decisions")
        assert "nadie responde en su organización" not in page.inner_text("main")
    supervisor.goto("/console/emergency?view=of-my-cases")
    assert "Solicitado" in supervisor.inner_text("main")
    assert case
    chief, path = "ngo-refugio-supervisor", "/referrals/v1/break-glass"
    asked = system.running.request(chief, "GET", f"{path}?view=of-my-cases").json()["items"]
    for one in asked:  # leave no pending decision for later tests
        if one["status"] == "asked":
            must(system, chief, "POST", f"{path}/{one['id']}/decision", json={"approve": True})


def test_what_does_not_fit_waits_beside_its_reason_and_is_tried_again(
    system: System, supervisor: Page
) -> None:
    page = supervisor
    submission = quarantined(system)
    page.goto("/console/intake")
    with page.expect_navigation():
        page.locator(f'a[href$="{submission}"]').click()
    assert "Por qué Ruta no pudo procesar el envío" in page.inner_text("main")
    with page.expect_navigation():
        page.get_by_role("link", name="Correspondencia de campos").click()
    assert "seguro = safe_to_talk" in page.input_value("[name=fields]")
    page.fill("[name=ignore]", "campo_nuevo")
    submit(page, "Guardar")
    page.goto(f"/console/intake/{submission}")
    submit(page, "Probar otra vez")
    assert "Procesados" in page.inner_text("main")
    other = quarantined(system)
    page.goto(f"/console/intake/{other}")
    submit(page, "Descartar para siempre")
    assert "Descartados" in page.inner_text("main")


def test_14_a_childs_consent_in_its_best_interest_is_decided_in_two(
    caseworker: Page, supervisor: Page
) -> None:
    page = caseworker
    registered(page, age="13")
    taps = Taps(page)
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    taps.press("button", "Remitir")
    taps.tick("NO LLAMAR")
    taps.count += 2
    page.locator('[name="decided_by"][value=best_interest]').check()
    page.locator('[name="child_assent"][value=agrees]').check()
    page.fill('[name="payload/situation"]', "Necesita acompañamiento.")
    taps.tick("De palabra")
    taps.press("button", "Registrar el consentimiento y remitir")
    assert taps.count <= 7
    assert "Borrador" in page.inner_text("main")
    draft = page.url
    supervisor.goto("/console")
    decided = Taps(supervisor)
    decided.press("link", "Decisiones")
    decided.press("button", "Aprobar")
    assert decided.count <= 2
    page.goto(draft)
    submit(page, "Enviar")
    assert "Enviada" in page.inner_text("main")


def quarantined(system: System) -> str:
    """Return the id of a submitted form with an unmapped field."""
    listed = system.running.request("ngo-refugio", "GET", "/referrals/v1/instruments").json()
    shipped = next(one for one in listed if one["shipped"])
    form = must(
        system, "ngo-refugio-supervisor", "POST", "/referrals/v1/intake/forms",
        json={
            "name": f"Puente {uuid4().hex[:6]}",
            "instrument_id": shipped["id"],
            "mapping": {
                "fields": {"seguro": "safe_to_talk", "acepta": "consent"},
                "fixed_area": "VE2313",
            },
        },
    )  # fmt: skip
    body = {"_uuid": str(uuid4()), "seguro": "yes", "acepta": "yes", "campo_nuevo": "x"}
    came = httpx.post(
        form["address"], json=body, headers={"X-Form-Secret": form["secret"]}, trust_env=False
    )
    assert came.json()["status"] == "quarantined", came.text
    waiting = system.running.request(
        "ngo-refugio", "GET", "/referrals/v1/intake/submissions", params={"status": "quarantined"}
    ).json()["items"]
    found: str = next(
        one["id"] for one in waiting if one["submission_id"] == came.json()["submission_id"]
    )
    return found
