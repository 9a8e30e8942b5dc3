"""The test walks each path as a person would. Only presses count, not typing. The limits are those of the first
walk."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright._impl._api_structures import FilePayload
from playwright.sync_api import Browser, Page

from tests.pages.console.ways import CLINIC, SITUATION, choose, registered, sent
from tests.pages.signed_in import Taps, signed_in
from tests.support.system import System

pytestmark = [pytest.mark.slow, pytest.mark.system]


@pytest.fixture(scope="module", params=[False, True], ids=["without script", "with script"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def caseworker(system: System, browsers: Browser, scripts: bool) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-caseworker", scripts=scripts) as page:
        yield page


@pytest.fixture(scope="module")
def recipient(system: System, browsers: Browser, scripts: bool) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-recipient", scripts=scripts) as page:
        yield page


def test_a_case_is_referred_in_five_on_two_pages(caseworker: Page) -> None:
    registered(caseworker)
    taps = choose(caseworker)
    taps.press("button", "Registrar el consentimiento y remitir")
    assert "Enviada" in caseworker.inner_text("main")
    assert (taps.count - 1, taps.pages) <= (5, 2)  # the first-ranked service needs no choice


def test_a_new_person_is_referred_in_eleven(caseworker: Page, scripts: bool) -> None:
    page = caseworker
    page.goto("/console/cases")
    taps = Taps(page)
    taps.press("button", "Nuevo caso")
    page.fill('[name="identity/name"]', "Aldonza Quijanuela" if scripts else "Tirsa Belmontaga")
    taps.tick("Mujer")
    taps.count += 2  # the municipality and the situation come from lists
    page.select_option("[name=area]", "VE2313")
    taps.press("button", "Registrar el caso")
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    taps.press("button", "Remitir")
    taps.tick(CLINIC)
    page.fill('[name="payload/situation"]', SITUATION)
    taps.tick("NO LLAMAR")
    taps.tick("De palabra")
    taps.press("button", "Registrar el consentimiento y remitir")
    assert "Enviada" in page.inner_text("main")
    assert taps.count <= 11


def test_it_is_accepted_in_three(caseworker: Page, recipient: Page) -> None:
    registered(caseworker)
    made = sent(caseworker)
    recipient.goto("/console/received")
    taps = Taps(recipient)
    taps.press("link", f"Abrir {made.replace('-', '')[-8:].upper()}")
    taps.press("button", "Acusar recibo y leer")
    taps.press("button", "Aceptar")
    assert "Aceptada" in recipient.inner_text("main")
    assert taps.count <= 3


def test_it_is_declined_with_a_suggestion_in_four_and_referred_again_in_four(
    caseworker: Page, recipient: Page
) -> None:
    registered(caseworker)
    made = sent(caseworker)
    recipient.goto(made)
    taps = Taps(recipient)
    taps.count += 3
    recipient.locator("summary", has_text="No podemos atender esta remisión").first.click()
    form = recipient.locator("#form-decline")
    form.get_by_label("No hay cupo").first.check()
    recipient.select_option('[name="decline/suggested_service_id"]', index=1)
    taps.count += 1
    with recipient.expect_navigation():
        form.locator("button").click()
    assert "Declinada" in recipient.inner_text("main")
    assert taps.count <= 4
    caseworker.goto(made)
    again = Taps(caseworker)
    again.press("link", "Remitir aquí")
    if not caseworker.locator('[name="safe_contact/rule"]:checked').count():
        again.tick("NO LLAMAR")
    again.tick("De palabra")
    again.press("button", "Registrar el consentimiento y remitir")
    assert "Enviada" in caseworker.inner_text("main")
    assert again.count <= 4


def test_a_case_is_closed_and_a_note_kept_in_three(caseworker: Page) -> None:
    page, case = caseworker, registered(caseworker)
    taps = Taps(page)
    taps.press("link", "Expediente")
    page.fill('[name="note/text"]', "Vino hoy.")
    taps.press("button", "Guardar la nota")
    assert "Vino hoy." in page.inner_text("main")
    assert taps.count <= 3
    page.goto(case)
    taps = Taps(page)
    taps.press("link", "Cerrar el caso")
    taps.tick("Se mudó")
    taps.press("button", "Cerrar el caso")
    assert "Cerrado" in page.inner_text("main")
    assert taps.count <= 3


def test_a_document_is_attached_in_four(caseworker: Page) -> None:
    page = caseworker
    registered(page)
    picture = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(picture, "PNG")
    taps = Taps(page)
    taps.press("link", "Adjuntar")
    taps.count += 1
    chosen = FilePayload(name="foto.png", mimeType="image/png", buffer=picture.getvalue())
    page.set_input_files("[name=file]", chosen)
    taps.press("button", "Guardar")
    assert page.locator('a[href$="/picture"]').count() >= 1
    assert taps.count <= 4


def test_forty_questions_of_a_screening_are_answered_in_thirty(caseworker: Page) -> None:
    """On each page two signs are answered yes, and all others no."""
    page = caseworker
    registered(page)
    taps = Taps(page)
    taps.press("link", "Tamizaje")
    for name in ("safe_to_talk", "consent"):
        taps.count += 1
        page.locator(f'[name="answers/{name}"][value=yes]').check()
        taps.press("button", "Seguir")
    answered = 2
    while answered < 40:
        form = page.locator("#main-form")
        groups = form.locator("fieldset")
        answered += form.locator(
            ".govuk-form-group:not(.govuk-form-group .govuk-form-group)"
        ).count()
        rest = page.locator("button[name=rest]").count()
        if page.locator('[name="answers/age"]').count():
            page.fill('[name="answers/age"]', "27")
        for number in range(2 if rest else groups.count()):
            taps.count += 1
            place = 1 if rest == 0 else 0
            radios = groups.nth(number).locator("input")
            radios.nth(min(place, radios.count() - 1)).check()
        taps.press("button", "Guardar y responder «No»" if rest else "Guardar y seguir")
    assert taps.count <= 30
