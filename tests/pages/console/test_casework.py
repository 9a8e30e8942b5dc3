"""A caseworker's work on a case and the recipient's responses, without JavaScript."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from common import clock
from playwright.sync_api import Browser, Page

from tests.pages.console.ways import (
    CLINIC,
    NAME,
    SITUATION,
    registered,
    sent,
    submit,
    unfold,
)
from tests.pages.signed_in import Taps, at_both_widths, findings, signed_in, too_wide
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
CASES = "/referrals/v1/cases"
REFUGIO, SALUD = (f"0190a000-0000-7000-8000-00000000000{number}" for number in (1, 2))


@pytest.fixture(scope="module")
def caseworker(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-caseworker") as page:
        yield page


@pytest.fixture(scope="module")
def recipient(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-recipient") as page:
        yield page


def test_a_need_is_planned_and_met_and_what_was_given_by_mistake_is_taken_back(
    system: System, caseworker: Page
) -> None:
    page, case = caseworker, registered(caseworker)
    page.goto(f"{case}/plan")
    unfold(page, "Agregar una necesidad")
    page.select_option('[name="add/need"]', "GBV-CMR")
    page.fill('[name="add/objective"]', "Que la atiendan a tiempo")
    submit(page, "Agregar una necesidad")
    assert "Que la atiendan a tiempo" in page.inner_text("main")
    unfold(page, "Registrar asistencia")
    page.select_option('[name="given/support_type"]', index=1)
    submit(page, "Registrar asistencia")
    with page.expect_navigation():
        page.get_by_role("link", name="¿Se registró por error?").first.click()
    submit(page, "Marcar como error")
    assert "Marcada como error" in page.inner_text("main")
    unfold(page, "Programar una revisión")
    page.fill('[name="review/due_on"]', "pasado mañana")
    submit(page, "Programar una revisión")
    assert page.locator(".govuk-error-summary").count() == 1
    assert page.input_value('[name="review/due_on"]') == "pasado mañana"
    day = (clock.today() + timedelta(days=9)).isoformat()
    page.fill('[name="review/due_on"]', day)
    submit(page, "Programar una revisión")
    with page.expect_navigation():
        page.get_by_role("link", name="Revisar").first.click()
    page.get_by_label("Se puede cerrar").check()
    submit(page, "Guardar")
    with page.expect_navigation():
        page.get_by_role("link", name="Cambiar").first.click()
    page.get_by_label("Atendida").check()
    submit(page, "Guardar")
    there = f"{CASES}/{case.rsplit('/', 1)[-1]}"

    def of(what: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = system.running.request(
            "ngo-refugio", "GET", f"{there}/{what}"
        ).json()
        return found

    assert [one["status"] for one in of("plan")] == ["met"]
    assert all(one["entered_in_error_at"] for one in of("assistance"))
    assert [one["outcome"] for one in of("reviews")] == ["ready_to_close"]


def test_a_case_is_closed_once_nothing_of_it_is_open_and_erased_by_others(
    system: System, caseworker: Page
) -> None:
    page, case = caseworker, registered(caseworker)
    referral = sent(page)
    page.goto(f"{case}/close")
    assert page.get_by_role("button", name="Cerrar el caso").count() == 0, "it would be refused"
    code = referral.replace("-", "")[-8:].upper()
    with page.expect_navigation():
        page.get_by_role("link", name=f"Abrir {code}").click()
    unfold(page, "Retirar la remisión")
    page.locator("#form-recall").get_by_label("Fue un error").check()
    submit(page, "Retirar la remisión")
    page.goto(f"{case}/close")
    assert code not in page.inner_text("main")
    submit(page, "Cerrar el caso")
    assert page.locator(".govuk-error-summary").count() == 1, "a reason is missing"
    page.get_by_label("Se mudó").check()
    submit(page, "Cerrar el caso")
    assert "Cerrado" in page.inner_text("main")
    assert page.get_by_role("link", name="Borrar los datos").count() == 0, "a supervisor erases"
    there = f"{CASES}/{case.rsplit('/', 1)[-1]}"
    assert system.running.request("ngo-refugio", "GET", there).json()["status"] == "closed"


def test_of_a_service_phone_hours_and_how_to_get_there_are_one_press_away(
    caseworker: Page, axe: str
) -> None:
    page = caseworker
    page.goto("/console/find")
    page.select_option('[name="facts/area"]', "VE2313")
    page.select_option('[name="facts/situations[]"]', index=1)
    with page.expect_navigation():
        page.locator("#main-form > button.govuk-button").click()
    with page.expect_navigation():
        page.get_by_role("link", name="Teléfono, horario y cómo llegar").first.click()
    assert page.locator('a[href^="tel:+58"]').count() >= 1
    said = page.locator("dl").inner_text()
    assert all(label in said for label in ("Horario", "Cómo llegar", "Cupo"))
    for width in at_both_widths(page):
        assert findings(page, axe) == [], width
        assert not too_wide(page), width


def test_before_an_organisation_is_marked_the_page_says_what_ends(
    caseworker: Page,
) -> None:
    page, case = caseworker, registered(caseworker)
    referral = sent(page)
    page.goto(f"{case}/implicated")
    code = referral.replace("-", "")[-8:].upper()
    assert "Salud Abierta: " in page.locator("#open").inner_text()
    assert code in page.locator("#open").inner_text()
    page.locator(f'[name="implicated/organisation_ids[]"][value="{SALUD}"]').check()
    submit(page, "Guardar")
    page.goto(f"{case}/implicated")
    assert page.locator("#open").count() == 0, "it has ended"


def test_a_case_is_transferred_with_consent_and_from_then_on_is_the_others(
    caseworker: Page, recipient: Page
) -> None:
    page, case = caseworker, registered(caseworker)
    page.goto(f"{case}/transfer")
    page.select_option('[name="offer/recipient_organisation_id"]', SALUD)
    page.get_by_label("De palabra").check()
    page.select_option('[name="offered/need"]', "HLT")
    page.locator('[name="offered/urgency"][value=emergency]').check()
    page.get_by_label("Necesita ayuda especializada").check()
    submit(page, "Registrar el consentimiento y ofrecer el caso")
    assert "Ofrecida" in page.inner_text("main")
    offer = page.url
    recipient.goto("/console")
    recipient.locator(f'a[href$="{offer.rsplit("/", 1)[-1]}"]').click()
    recipient.wait_for_load_state()
    decided_by = recipient.locator("#facts").inner_text()
    for said in (
        "persona adulta",
        "Atención general en salud",
        "ayuda especializada",
        "Refugio",
        "En espera desde",
    ):
        assert said in decided_by
    assert "Emergencia" in recipient.inner_text("main")
    assert NAME not in recipient.content()
    assert not too_wide(recipient)
    submit(recipient, "Aceptar el caso")
    assert "Aceptada" in recipient.inner_text("main")
    recipient.goto(case)
    assert NAME in recipient.content()
    answer = page.goto(case)
    assert answer is not None
    assert answer.status == 404


def test_a_screening_asks_in_parts_saves_each_and_keeps_nothing_without_a_yes(
    system: System, caseworker: Page
) -> None:
    page, case = caseworker, registered(caseworker)
    case_id = case.rsplit("/", 1)[-1]

    def kept() -> list[dict[str, object]]:
        params = {"case_id": case_id}
        answer = system.running.request(
            "ngo-refugio", "GET", "/referrals/v1/screenings", params=params
        )
        found: list[dict[str, object]] = answer.json()["items"]
        return found

    page.goto(f"{case}/screen")
    page.locator('[name="answers/safe_to_talk"][value=no]').check()
    submit(page, "Seguir")
    assert "No siga ahora" in page.inner_text("main")
    assert kept() == []
    page.goto(f"{case}/screen")
    page.locator('[name="answers/safe_to_talk"][value=yes]').check()
    submit(page, "Seguir")
    assert kept() == [], "the person was not asked yet"
    page.locator('[name="answers/consent"][value=yes]').check()
    submit(page, "Seguir")
    assert 6 <= page.locator("form#main-form .govuk-form-group").count() <= 10
    page.locator('[name="answers/age_group"][value=adult]').check()
    page.fill('[name="answers/age"]', "veinte")
    submit(page, "Guardar y seguir")
    assert page.locator(".govuk-error-summary a").count() == 1
    page.fill('[name="answers/age"]', "20")
    submit(page, "Guardar y seguir")
    assert "Preguntas 11 a" in page.inner_text("h1")
    assert page.locator("form#main-form .govuk-form-group").count() <= 10
    page.locator('form#main-form input[value="yes"]').first.check()
    signs = page.locator("form#main-form fieldset").count()
    submit(page, "Guardar y responder «No» a las demás preguntas")
    with page.expect_navigation():
        page.get_by_role("link", name="Preguntas anteriores").click()
    for value, many in (("yes", 1), ("no", signs - 1)):
        assert page.locator(f'form#main-form input:checked[value="{value}"]').count() == many
    unfold(page, "Parar el tamizaje")
    page.get_by_label("La persona quiso parar").check()
    submit(page, "Parar el tamizaje")
    assert "Detenido" in page.inner_text("main")
    assert [one["status"] for one in kept()] == ["stopped"]


def test_nothing_ticked_is_said_at_its_field_and_the_own_service_is_no_first_choice(
    system: System, caseworker: Page
) -> None:
    page = caseworker
    case = registered(page)
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    submit(page, "Remitir")
    own = {
        one["id"]
        for one in system.running.request(
            "ngo-refugio", "GET", "/directory/v1/services",
            params={"organization_id": REFUGIO, "per_page": 100},
        ).json()["contents"]
    }  # fmt: skip
    chosen = page.locator("[name=service_id]:checked").get_attribute("value") or ""
    assert chosen.split("|")[1] not in own
    shown = page.locator("[name=service_id]").evaluate_all("all => all.map(one => one.value)")
    assert {value.split("|")[1] for value in shown} & own, "it is offered, after the others"
    assert page.locator('[name="items[]"]:checked').count() == 0, "nobody asked her yet"
    submit(page, "Registrar el consentimiento y remitir")
    said = page.locator(".govuk-error-summary a").evaluate_all("all => all.map(e => e.hash)")
    assert len(said) == 3, "how to get in touch, how consent was given, what is shared"
    assert [page.locator(f'[id="{one[1:]}"]').count() for one in said] == [1, 1, 1]
    page.get_by_label("NO LLAMAR").check()
    page.get_by_label("De palabra").check()
    for _ in range(3):
        submit(page, "Registrar el consentimiento y remitir")
        assert page.locator('.govuk-error-summary a[href="#f-items"]').count() == 1
        assert page.locator('[name="items[]"]:checked').count() == 0, "as it was sent"
    path = f"/referrals/v1/referrals?case_id={case.rsplit('/', 1)[-1]}"
    assert system.running.request("ngo-refugio", "GET", path).json()["items"] == []


def view_of(system: System, page: str) -> Any:
    path = f"/referrals/v1/referrals/{page.rsplit('/', 1)[-1]}"
    return system.running.request("ngo-refugio", "GET", path).json()


def test_a_declined_referral_is_declined_in_four_and_sent_elsewhere(
    system: System, caseworker: Page, recipient: Page
) -> None:
    case = registered(caseworker)
    there = sent(caseworker)
    recipient.goto("/console/received")
    taps = Taps(recipient)
    taps.press("link", f"Abrir {there.replace('-', '')[-8:].upper()}")
    taps.count += 1
    unfold(recipient, "No podemos atender esta remisión")
    taps.tick("No hay cupo")
    recipient.select_option('[name="decline/suggested_service_id"]', index=1)
    taps.press("button", "No podemos atender esta remisión")
    assert "Declinada" in recipient.inner_text("main")
    assert taps.count <= 4
    caseworker.goto("/console/sent?tab=unmet")
    with caseworker.expect_navigation():
        caseworker.get_by_role("link", name=there.replace("-", "")[-8:].upper()).click()
    rows = caseworker.locator("ul.rows li")
    assert "Sugerencia de quien recibió la remisión" in rows.first.inner_text()
    with caseworker.expect_navigation():
        rows.first.get_by_role("link").click()
    asked = caseworker.url
    assert "replaces=" in asked
    wanted = re.search(r"service=([0-9a-f-]+)", asked)
    assert wanted
    chosen = caseworker.locator("[name=service_id]:checked").get_attribute("value") or ""
    assert chosen.split("|")[1] == wanted[1], "the suggestion is selected"
    declined = view_of(system, there)["service_id"]
    need = chosen.split("|")[0]
    assert caseworker.locator(f'[name=service_id][value^="{need}|{declined}"]').count() == 0
    assert caseworker.input_value('[name="payload/situation"]') == SITUATION, "carried over"
    assert caseworker.get_by_label("NO LLAMAR").is_checked()
    caseworker.get_by_label("De palabra").check()
    submit(caseworker, "Registrar el consentimiento y remitir")
    made = caseworker.url.rsplit("/", 1)[-1]
    path = f"/referrals/v1/referrals/{made}"
    view = system.running.request("ngo-refugio", "GET", path).json()
    assert view["replaces"] == there.rsplit("/", 1)[-1]
    assert view["case_id"] == case.rsplit("/", 1)[-1]
    assert view["state"] == "sent"


def test_4_the_sender_sees_when_what_was_shared_was_read(caseworker: Page, recipient: Page) -> None:
    registered(caseworker)
    there = sent(caseworker)
    recipient.goto(there)
    submit(recipient, "Acusar recibo y leer")
    caseworker.goto(there)
    text = caseworker.inner_text("main")
    assert "Quién leyó los datos compartidos" in text
    assert "Con acuse" in text
    unfold(caseworker, "Retirar la remisión")
    caseworker.locator("#form-recall").get_by_label("Fue un error").check()
    submit(caseworker, "Retirar la remisión")
    assert "Retirada por quien la envió" in caseworker.inner_text("main")


def test_a_link_to_answer_without_an_account_is_shown_once(caseworker: Page) -> None:
    page = caseworker
    registered(page)
    there = sent(page)
    unfold(page, "Crear un enlace para responder sin cuenta")
    page.locator("#form-link").get_by_label("Español").check()
    submit(page, "Crear un enlace para responder sin cuenta")
    address = page.locator(".code--link").inner_text()
    assert "/referrals/v1/answer/" in address
    page.goto(there)
    assert address not in page.content()


def test_a_new_person_is_referred_in_eleven_presses(caseworker: Page) -> None:
    page = caseworker
    page.goto("/console/cases")
    taps = Taps(page)
    taps.press("button", "Nuevo caso")
    page.fill('[name="identity/name"]', "Aldonza Quijanuela")
    page.fill('[name="identity/age"]', "27")
    taps.tick("Mujer")
    taps.count += 1
    page.select_option("[name=area]", "VE2313")
    taps.press("button", "Registrar el caso")
    taps.count += 1
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    taps.press("button", "Remitir")
    taps.tick(CLINIC)
    page.fill('[name="payload/situation"]', SITUATION)
    taps.tick("NO LLAMAR")
    taps.tick("De palabra")
    taps.press("button", "Registrar el consentimiento y remitir")
    assert "Enviada" in page.inner_text("main")
    assert taps.count <= 11
    # Count the form, the case and the referral form, but not the last page, the referral.
    assert taps.pages - 1 <= 3


def test_who_can_help_is_answered_without_a_case_or_a_name(caseworker: Page) -> None:
    page = caseworker
    page.goto("/console")
    taps = Taps(page)
    taps.press("link", "¿Quién puede ayudar?")
    page.select_option('[name="facts/area"]', "VE2313")
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    taps.press("button", "Buscar")
    assert CLINIC in page.inner_text("main")
    assert taps.count <= 3
    assert re.search(r"/console/find\?form=[0-9a-f-]{36}$", page.url), "nothing of it is in it"
    page.select_option('[name="facts/area"]', "")
    submit(page, "Buscar")
    assert page.locator('.govuk-error-summary a[href="#f-facts-area"]').count() == 1
