"""A day of casework besides the golden paths: a possible duplicate, a rescheduled appointment, and a handover."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta

import pypdf
import pytest
from common import clock
from playwright.sync_api import Browser, Page

from tests.pages.console.ways import NAME, id_of, registered, sent, submit, unfold
from tests.pages.signed_in import at_both_widths, findings, signed_in, too_wide
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
CASES = "/referrals/v1/cases"


@pytest.fixture(scope="module")
def caseworker(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-caseworker") as page:
        yield page


def looks_right(page: Page, axe: str) -> None:
    for width in at_both_widths(page):
        assert findings(page, axe) == [], (page.url, width)
        assert not too_wide(page), (page.url, width)


def test_a_person_who_may_be_registered_already_is_said_before_a_second_case_is_made(
    system: System, caseworker: Page, axe: str
) -> None:
    page = caseworker

    def cases() -> list[str]:
        asked = {"name": "Yusmari Cañizalez"}
        found = system.running.request("ngo-refugio", "POST", f"{CASES}/search", json=asked)
        return [one["reference"] for one in found.json()["items"]]

    for name, button in (
        ("Yusmary Canizales", "Registrar el caso"),
        ("Yusmari Cañizalez", "Registrar el caso"),
    ):
        page.goto("/console/cases/new")
        page.fill('[name="identity/name"]', name)
        page.select_option("[name=area]", "VE2313")
        submit(page, button)
    (first,) = cases()
    assert page.locator("section.next a.row__code").all_inner_texts() == [first]
    assert page.input_value('[name="identity/name"]') == "Yusmari Cañizalez"
    looks_right(page, axe)
    submit(page, "Registrar como otra persona")
    assert page.url.rsplit("/", 1)[0].endswith("/console/cases")
    assert len(cases()) == 2


def test_an_appointment_moves_on_both_sides_and_the_slip_names_no_service(
    system: System, browsers: Browser, caseworker: Page, axe: str
) -> None:
    page = caseworker
    registered(page)
    there = sent(page)
    service = page.locator("dl dd").first.inner_text()
    code = there.replace("-", "")[-8:].upper()
    first, then = (clock.today() + timedelta(days=days) for days in (2, 3))
    with signed_in(browsers, system, "demo-recipient") as recipient:
        recipient.goto(there)
        submit(recipient, "Acusar recibo y leer")
        submit(recipient, "Aceptar")
        unfold(recipient, "Dar cita")
        recipient.fill('[name="schedule/appointment_at"]', f"{first:%d/%m/%Y} 10:00")
        recipient.fill('[name="schedule/place"]', "Consultorio 4")
        submit(recipient, "Dar cita")
        unfold(recipient, "Cambiar la cita")
        assert recipient.input_value('[name="schedule/place"]') == "Consultorio 4"
        recipient.fill('[name="schedule/appointment_at"]', f"{then:%d/%m/%Y} 15:30")
        submit(recipient, "Cambiar la cita")
        for path in (f"/console/calendar?week={then}", "/console"):
            recipient.goto(path)
            assert code in recipient.inner_text("main"), path
        recipient.goto("/console/received")
        assert "demo-recipient: " in (recipient.locator("main details").text_content() or "")
        looks_right(recipient, axe)
    page.goto(there)
    said = page.inner_text("main")
    assert "15:30" in said
    assert "Consultorio 4" in said
    assert "Se cambió la cita" in said
    for path in (f"/console/calendar?week={then}", "/console"):
        page.goto(path)
        assert code in page.inner_text("main"), path
        assert "Consultorio" not in page.content(), "no place in a list"
    page.goto(f"{there}/slip")
    assert "15:30" in page.inner_text(".slip")
    assert code in page.input_value("#text")
    assert page.locator(".slip svg").count() == 1
    assert service not in page.content()
    looks_right(page, axe)


def test_a_follow_up_stands_in_the_printed_week_until_it_is_done(
    caseworker: Page, axe: str
) -> None:
    page, case = caseworker, registered(caseworker)
    code, day = page.locator("h1").inner_text().split()[-1], clock.today() + timedelta(days=1)
    page.goto(f"{case}/record/add?kind=follow_up")
    page.fill('[name="follow_up/due_on"]', "pronto")
    page.fill('[name="follow_up/text"]', "Llamar a la escuela.")
    submit(page, "Guardar")
    assert "28/11/2026" in page.inner_text(".govuk-error-summary"), "how a day is written"
    assert page.input_value('[name="follow_up/text"]') == "Llamar a la escuela."
    page.fill('[name="follow_up/due_on"]', f"{day:%d/%m/%Y}")
    submit(page, "Guardar")
    week = f"/console/calendar?week={day}"
    for path in ("/console", week):
        page.goto(path)
        assert code in page.inner_text("main"), path
        assert "escuela" not in page.content(), "no text in a list"
    looks_right(page, axe)
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4")))
    (sheet,) = printed.pages
    said = sheet.extract_text()
    assert code in said
    assert "Domingo" in said
    assert "Semana siguiente" not in said
    assert "Salir" not in said
    page.get_by_role("link", name=code).first.click()
    submit(page, "Marcar como hecho")
    for path in ("/console", week):
        page.goto(path)
        assert code not in page.inner_text("main"), path


def test_a_person_gets_a_copy_of_her_case_in_her_language_without_a_supervisors_comment(
    system: System, browsers: Browser, caseworker: Page, axe: str
) -> None:
    page, case = caseworker, registered(caseworker)
    sent(page)
    page.goto(f"{case}/change")
    page.select_option('[name="attributes/nationality"]', label="Brasil")
    submit(page, "Guardar")
    page.goto(f"{case}/record")
    page.fill('[name="note/text"]', "Prefiere venir por la tarde.")
    submit(page, "Guardar la nota")
    with signed_in(browsers, system, "demo-supervisor") as supervisor:
        supervisor.goto(f"{case}/record/add?kind=comment")
        supervisor.fill('[name="comment/text"]', "Falta revisar el plan.")
        submit(supervisor, "Guardar")
    page.goto(case)
    with page.expect_navigation():
        page.get_by_role("link", name="Copia de mi caso").click()
    with page.expect_navigation():
        page.locator("main").get_by_role("link", name="English").click()
    said = page.inner_text("main div[lang=en]")
    whole = (
        NAME,
        "Brazil",
        "Where I was referred",
        "Prefiere venir por la tarde.",
        "What I agreed to",
    )
    for part in whole:
        assert part in said, part
    assert "Falta revisar el plan" not in page.content()
    looks_right(page, axe)
    with page.expect_download() as awaited:
        page.get_by_role("link", name="Descargar como PDF").click()
    file = awaited.value
    assert re.fullmatch(r"[A-Z0-9-]+\.pdf", file.suggested_filename), "a code, no name"
    read = pypdf.PdfReader(file.path())
    printed = " ".join(" ".join(page.extract_text() for page in read.pages).split())
    for part in whole:
        assert part in printed, part
    assert "Falta revisar el plan" not in printed


def test_the_cases_of_somebody_who_leaves_go_to_a_colleague(
    system: System, browsers: Browser, caseworker: Page, axe: str
) -> None:
    case = registered(caseworker).rsplit("/", 1)[-1]
    leaving, stays = (id_of(system, name) for name in ("demo-caseworker", "demo-supervisor"))
    with signed_in(browsers, system, "demo-supervisor") as page:
        page.goto("/console/team")
        assert "Tareas pendientes en la organización" in page.inner_text("main")
        looks_right(page, axe)
        with page.expect_navigation():
            page.get_by_role("link", name="demo-caseworker").click()
        looks_right(page, axe)
        kept = page.locator('[name="cases[]"]').last.get_attribute("value")
        for box in page.locator('[name="cases[]"]').all()[1:]:
            box.uncheck()
        submit(page, "Reasignar los casos")
        assert page.locator(".govuk-error-summary").count() == 1, "to whom is missing"
        page.select_option("[name=assigned_to]", label="demo-supervisor")
        submit(page, "Reasignar los casos")
    owners = {
        one: system.running.request("ngo-refugio", "GET", f"{CASES}/{one}").json()["assigned_to"]
        for one in (case, kept)
    }
    assert owners == {case: stays, kept: leaving}
