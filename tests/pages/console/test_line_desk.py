"""The desk of the anonymous line, and a report that becomes a case, without JavaScript."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from tests.pages.console.ways import SEND_ON_LINE, reported, submit, unfold
from tests.pages.signed_in import Taps, signed_in
from tests.pages.world import goes
from tests.support.people_at_browsers import somebody_at
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
THREAD = "/referrals/v1/line/thread"
REFUGIO = "0190a000-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def desk(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-coordinator") as page:
        yield page


def test_a_report_is_read_and_answered_in_three(
    system: System, browsers: Browser, desk: Page
) -> None:
    words = f"Lo que vi en la calle {uuid4().hex}"
    number, report = reported(system, browsers, words)
    desk.goto("/console/line?status=suspected")
    if report not in desk.content():
        desk.goto("/console/line")
    assert words not in desk.content(), "no word of it in the queue"
    taps = Taps(desk)
    taps.press("link", f"Leer {report.replace('-', '')[-8:].upper()}")
    assert words in desk.inner_text("main")
    desk.fill('[name="answer/text"]', "Gracias por escribir. ¿Está a salvo?")
    taps.press("button", "Enviar la respuesta")
    assert taps.count <= 3
    with somebody_at(browsers, system.running.url) as page:
        page.goto(THREAD)
        page.locator("#receipt").fill(number)
        goes(page, SEND_ON_LINE)
        assert "¿Está a salvo?" in page.content()


def test_an_answer_may_begin_with_a_template_in_the_reporters_language(
    system: System, browsers: Browser, desk: Page
) -> None:
    _, report = reported(system, browsers, f"Otra cosa {uuid4().hex}")
    desk.goto(f"/console/line/{report}")
    unfold(desk, "Frases para comenzar la respuesta")
    with desk.expect_navigation():
        desk.locator("details[open] a, details a").filter(
            has_text="Gracias por escribirnos"
        ).click()
    assert desk.input_value('[name="answer/text"]').startswith("Gracias por escribirnos")


def test_without_a_wish_nothing_is_handed_over_until_somebody_else_agrees(
    system: System, browsers: Browser, desk: Page
) -> None:
    words = f"Sin pedirlo {uuid4().hex}"
    _, report = reported(system, browsers, words)
    desk.goto(f"/console/line/{report}")
    assert desk.get_by_role("button", name="Entregar el reporte a una organización").count() == 0
    assert "no lo ha pedido" in desk.inner_text("#why-not")
    unfold(desk, "Pedir una excepción")
    desk.select_option('[name="exception/organisation_id"]', index=1)
    desk.get_by_label("Peligro para la vida").check()
    desk.fill('[name="exception/rationale"]', "Hay peligro ahora mismo.")
    submit(desk, "Pedir una excepción")
    assert "espera la decisión" in desk.inner_text("#why-not")
    desk.goto("/console/line/exceptions")
    before = desk.locator("section.card").count()
    assert before >= 1
    facts = desk.locator("section.card", has_text=report.replace("-", "")[-8:].upper()).inner_text()
    for said in (
        "Asunto: Violencia contra",
        "Organización que recibiría los datos: ",
        "Lo pide: ",
        "En espera desde: ",
    ):
        assert said in facts, facts
    assert words not in desk.content(), "no word of the report itself"
    submit(desk, "Aprobar")
    assert desk.locator(".govuk-error-summary").count() == 1, "their own is not theirs to decide"
    assert desk.locator("section.card").count() == before


def test_by_wish_a_report_becomes_a_case_of_an_organisation(
    system: System, browsers: Browser, desk: Page
) -> None:
    words = f"Quiero que me acompañen {uuid4().hex}"
    _, report = reported(system, browsers, words, wish=True)
    desk.goto(f"/console/line/{report}")
    unfold(desk, "Entregar el reporte a una organización")
    with signed_in(browsers, system, "demo-caseworker") as page:
        desk.select_option('[name="hand-over/organisation_id"]', REFUGIO)
        submit(desk, "Entregar el reporte a una organización")
        assert "Entregado a" in desk.inner_text("main")
        page.goto("/console/handed-over")
        with page.expect_navigation():
            page.locator(f'a[href$="{report}"]').click()
        assert words in page.inner_text("main")
        about = "Violencia contra una mujer, una niña o una persona por su género"
        assert about in page.inner_text("h1"), "and what it is about, as the reporter chose it"
        page.fill('[name="identity/name"]', "K")
        page.select_option("[name=area]", "VE2313")
        submit(page, "Registrar el caso")
        assert re.search(r"/console/cases/[0-9a-f-]{36}$", page.url)


def test_a_report_about_an_organisation_is_never_shown_to_it(
    system: System, browsers: Browser, desk: Page
) -> None:
    _, report = reported(system, browsers, f"Fue alguien de allí {uuid4().hex}", wish=True)
    desk.goto(f"/console/line/{report}")
    unfold(desk, "Organizaciones implicadas")
    with signed_in(browsers, system, "demo-supervisor") as page:
        desk.locator(f'[name="implicated/organisation_ids[]"][value="{REFUGIO}"]').check()
        submit(desk, "Organizaciones implicadas")
        unfold(desk, "Entregar el reporte a una organización")
        desk.select_option('[name="hand-over/organisation_id"]', REFUGIO)
        submit(desk, "Entregar el reporte a una organización")
        assert desk.locator(".govuk-error-summary").count() == 1
        page.goto("/console/handed-over")
        assert report not in page.content()
        answer = page.goto(f"/console/handed-over/{report}")
        assert answer is not None
        assert answer.status == 404
        assert page.locator("a.sections__link", has_text="Línea").count() == 0
        answer = page.goto("/console/line")
        assert answer is not None
        assert answer.status == 403
