"""Auditors see who read shared content and whether the chain is intact; Ruta records their reads too."""

import csv
import io
from datetime import timedelta

import pytest
from common import clock
from console.referral_views import short_code
from playwright.sync_api import Browser

from tests.pages.signed_in import Taps, looked_at, reading_in, signed_in
from tests.pages.world import RECIPIENT, must, sent
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
NAME = "Kwyjibonia Zanzolqui"


@pytest.fixture(scope="module")
def read(system: System) -> str:
    """Return a referral whose disclosed content its recipient has read."""
    referral = sent(system, NAME).referral
    path = f"/referrals/v1/referrals/{referral}"
    must(system, RECIPIENT, "POST", f"{path}/acknowledge", json={})
    must(system, RECIPIENT, "GET", f"{path}/disclosure")
    return referral


def test_20_who_read_a_disclosure_is_found_in_four(
    system: System, browsers: Browser, read: str
) -> None:
    with signed_in(browsers, system, "demo-auditor") as page:
        taps = Taps(page)
        taps.press("link", "Registro")
        taps.count += 1
        page.select_option("[name=action]", "disclosure.read")
        taps.press("button", "Filtrar")
        row = page.locator("li.row", has_text=short_code(read))
        assert row.count() == 1
        text = row.inner_text()
        assert "ngo-salud" in text or "Salud" in text
        assert ":" in text.splitlines()[0], "when"
        assert taps.count <= 4
        row.get_by_role("link", name="Ver las anotaciones").click()
        page.wait_for_load_state()
        assert "La cadena está completa" in page.inner_text("main")
        assert NAME not in page.content()
        page.goto("/console/audit?action=audit.read")
        assert "Se consultó el registro de auditoría" in page.inner_text("main"), (
            "the own look is in it"
        )


def test_what_was_read_in_the_directory_and_who_changed_whom_is_found(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-auditor") as page:
        for words, own in (
            ("Consultas de entradas restringidas", "este registro"),
            ("Cambios de identidad", "consultado (registro de cambios)"),
        ):
            page.goto("/console/audit")
            page.get_by_role("link", name=words).click()
            page.wait_for_load_state()
            assert words in page.inner_text("h1")
            page.reload()
            assert own in page.inner_text("table"), "the own look is in it"


def test_the_record_is_downloaded_as_codes(system: System, browsers: Browser, read: str) -> None:
    with signed_in(browsers, system, "demo-auditor") as page:
        page.goto(f"/console/audit?target_id={read}")
        with page.expect_download() as kept:
            page.get_by_role("link", name="Descargar").click()
        assert kept.value.suggested_filename == "audit.csv"
        text = kept.value.path().read_text(encoding="utf-8")
        assert {row["target_id"] for row in csv.DictReader(io.StringIO(text))} == {read}
        assert NAME not in text


def test_a_filter_that_is_wrong_is_said_at_its_field(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-auditor") as page:
        for name, word in (
            ("case", "17"),
            ("doer", "nobody.of.this.name"),
            ("organisation_id", "Organización que no existe"),
        ):
            answer = page.goto(f"/console/audit?{name}={word}")
            assert answer is not None
            assert answer.status == 422
            assert page.locator(".govuk-error-summary").count() == 1
            assert page.input_value(f"[name={name}]") == word
            assert "No hay" not in page.inner_text("main"), "that is no nobody"


def test_the_auditor_asks_with_the_words_that_people_use(
    system: System, browsers: Browser, read: str
) -> None:
    with signed_in(browsers, system, "demo-auditor") as page:
        page.goto("/console/audit")
        page.fill("[name=case]", read[-8:].upper())
        page.fill("[name=organisation_id]", "salud")
        page.select_option("[name=action]", "disclosure.read")
        page.get_by_role("button", name="Filtrar").click()
        page.wait_for_load_state()
        (row,) = page.locator("li.row", has_text=short_code(read)).all()
        assert "Salud" in row.inner_text()
        with page.expect_download() as kept:
            page.get_by_role("link", name="Descargar").click()
        (line,) = csv.DictReader(io.StringIO(kept.value.path().read_text(encoding="utf-8")))
        assert "Salud" in line["organisation"]
        page.goto("/console/audit?doer=demo-auditor")
        assert "demo-auditor" in page.locator("li.row").first.inner_text()


def test_a_code_leads_to_all_that_was_done_with_it_and_a_wrong_day_is_said_at_its_field(
    system: System, browsers: Browser, read: str
) -> None:
    with signed_in(browsers, system, "demo-auditor") as page:
        page.goto("/console/audit?action=disclosure.read")
        page.get_by_role("link", name=short_code(read)).click()
        page.wait_for_load_state()
        assert f"solo las anotaciones sobre {short_code(read)}." in page.inner_text("main")
        assert page.locator("li.row", has_text=short_code(read)).count() > 1
        assert read not in page.inner_text("main"), "no id"
        page.get_by_role("link", name="Ver todas").click()
        page.wait_for_load_state()
        assert page.url.endswith("/console/audit")
        page.fill("[name=from]", "31/02/2026")
        page.get_by_role("button", name="Filtrar").click()
        page.wait_for_load_state()
        said = page.locator(".govuk-error-summary").inner_text()
        assert "Desde: escriba" in said
        assert "14:30" not in said, "a day without a time"


def test_nobody_else_has_the_record(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-reader") as page:
        assert page.locator("a.sections__link", has_text="Registro").count() == 0
        answer = page.goto("/console/audit")
        assert answer is not None
        assert answer.status == 403


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_of_an_auditor_has_a_finding(
    system: System, browsers: Browser, axe: str, read: str, language: str
) -> None:
    with reading_in(language, browsers, system, "demo-auditor") as page:
        page.goto(f"/console/audit?target_id={read}")
        chain = page.locator("li.row a").first.get_attribute("href") or ""
        looked_at(page, axe, language, ("/console/audit", "/console/audit?action=line.spam", chain,
                                      "/console/audit/reads", "/console/audit/identities",
                                      "/console/audit/statement"))  # fmt: skip


def test_a_statement_is_prepared_for_the_days_that_are_chosen(
    system: System, browsers: Browser, read: str
) -> None:
    with signed_in(browsers, system, "demo-auditor") as page:
        page.goto("/console/audit")
        page.get_by_role("link", name="Declaración de auditoría").click()
        page.wait_for_load_state()
        for name, days in (("from", -1), ("to", 1)):
            page.fill(f"[name={name}]", f"{clock.today() + timedelta(days=days):%d/%m/%Y}")
        page.get_by_role("button", name="Filtrar").click()
        page.wait_for_load_state()
        main = page.inner_text("main")
        assert "todas están completas" in main
        assert "Firma:" in main
        page.get_by_role("link", name="El servicio leyó los datos compartidos").first.click()
        page.wait_for_load_state()
        assert page.locator("li.row", has_text=short_code(read)).count() == 1
        answer = page.goto("/console/audit/statement?from=1/2/2026&to=1/1/2026")
        assert answer is not None
        assert answer.status == 422
        assert "antes de empezar" in page.locator(".govuk-error-summary").inner_text()
