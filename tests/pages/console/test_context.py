"""Coordination writes the situation, its causes and the next steps, and a second person approves."""

from itertools import count

import pytest
from playwright.sync_api import Browser, Page

from tests.pages.console.ways import submit, unfold
from tests.pages.signed_in import Taps, looked_at, reading_in, signed_in
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
CONTEXT = "/console/context"


_WORDS = map("abcdefghijklmnopqrstuvwxyz".__getitem__, count())


def word() -> str:
    """Return a random text without digits, because these texts must not contain any."""
    return next(_WORDS) * 5


def fill(page: Page, form: str, **texts: str) -> None:
    for name, text in texts.items():
        page.fill(f'[name="{form}/{name.replace("__", "/")}"]', text)


def stakeholder(page: Page, name: str) -> None:
    fill(
        page, "stakeholder", name__es=name, name__en=name, mandate__es="Investiga.",
        mandate__en="Investigates.", does__es="Recibe denuncias.", does__en="Takes reports.",
        source="Su ley", as_of="1/3/2026",
    )  # fmt: skip


def test_a_stakeholder_is_added_in_four_by_name_and_removed(
    system: System, browsers: Browser
) -> None:
    name = f"Fiscalía Kwyjibo {word()}"
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto(CONTEXT)
        taps = Taps(page)
        taps.press("link", "Agregar un actor")
        stakeholder(page, name)
        assert page.get_by_label("Ruta de VBG").is_checked(), "what they coordinate"
        taps.tick("Todo el país")
        taps.count += 1
        page.select_option('[name="stakeholder/type"]', index=1)
        taps.press("button", "Guardar")
        assert name in page.inner_text("main")
        assert "Investiga." in page.inner_text("main")
        assert taps.count <= 4
        page.get_by_role("link", name=f"Abrir {name}").click()
        page.wait_for_load_state()
        assert page.input_value('[name="stakeholder/as_of"]') == "01/03/2026"
        page.fill('[name="stakeholder/source"]', "")
        submit(page, "Guardar")
        assert page.locator("#f-stakeholder-source-error").count() == 1
        page.fill('[name="stakeholder/source"]', "Su otra ley")
        submit(page, "Guardar")
        page.get_by_role("link", name=f"Abrir {name}").click()
        page.wait_for_load_state()
        assert page.input_value('[name="stakeholder/source"]') == "Su otra ley"
        assert page.get_by_label("Ruta de VBG").is_checked(), "the rest stays"
        unfold(page, "Borrar")
        submit(page, "Borrar")
        assert name not in page.inner_text("main")


def test_a_judgement_is_written_by_one_and_agreed_by_another(
    system: System, browsers: Browser
) -> None:
    text = f"Falta refugio {word()}"
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto(f"{CONTEXT}/statements/new")
        fill(
            page,
            "statement",
            analysis="Trata 2027",
            text__es="Hay 4321.",
            text__en="There are 4321.",
        )
        page.get_by_label("Problema central").check()
        submit(page, "Guardar")
        assert page.locator(".govuk-error-summary").count() == 1, "a number without a source"
        assert (
            "que no está en lo que cita" in page.locator("#f-statement-text-es-error").inner_text()
        )
        fill(page, "statement", text__es=text, text__en="No shelter.")
        submit(page, "Guardar")
        row = page.locator("li.row", has_text=text)
        assert "Borrador" in row.inner_text()
        row.get_by_role("link").click()
        page.wait_for_load_state()
        assert page.get_by_role("button", name="Estoy de acuerdo").count() == 0, "its author"
        assert page.get_by_label("Juicio de especialistas").is_checked()
        written = page.url
    with signed_in(browsers, system, "demo-im") as page:
        page.goto(written)
        submit(page, "Estoy de acuerdo")
        assert "Acordado" in row_of(page, text)


def row_of(page: Page, text: str) -> str:
    return page.locator("li.row", has_text=text).inner_text()


def test_a_milestone_is_set_and_done(system: System, browsers: Browser) -> None:
    what = f"Ruta acordada {word()}"
    with signed_in(browsers, system, "demo-im") as page:
        page.goto(f"{CONTEXT}/milestones/new")
        fill(
            page, "milestone", plan="2027", what__es=what, what__en="Pathway agreed",
            responsible__es="Mesa de trata", responsible__en="Task team",
        )  # fmt: skip
        page.select_option('[name="milestone/due"]', index=2)
        submit(page, "Guardar")
        assert "previsto" in row_of(page, what)
        page.locator("li.row", has_text=what).get_by_role("link").click()
        page.wait_for_load_state()
        page.get_by_label("Hecho").check()
        submit(page, "Guardar")
        assert "hecho" in row_of(page, what)


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_of_context_has_a_finding(
    system: System, browsers: Browser, axe: str, language: str
) -> None:
    parts = ("stakeholders", "statements", "milestones")
    with reading_in(language, browsers, system, "demo-im") as page:
        opened = []
        for part in parts:
            page.goto(f"{CONTEXT}/{part}")
            rows = page.locator("li.row a")  # The tests above created these rows, if they ran.
            opened += [rows.first.get_attribute("href")] if rows.count() else []
        every = [
            address for part in parts for address in (f"{CONTEXT}/{part}", f"{CONTEXT}/{part}/new")
        ]
        looked_at(page, axe, language, (CONTEXT, "/console/meeting", *every, *filter(None, opened)))
