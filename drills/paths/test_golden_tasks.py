"""The tasks of a week of coordination, information management, administration and audit. Only presses count, not
typing."""

import csv
import io
import re
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Browser, FilePayload, Page

from tests.pages.console.test_context import stakeholder, word
from tests.pages.console.test_coordinator import late
from tests.pages.console.test_information import a_file, choose_period, waited, watched
from tests.pages.console.ways import registered
from tests.pages.signed_in import Taps, signed_in
from tests.support.patience import PATIENCE
from tests.support.system import System

pytestmark = [pytest.mark.slow, pytest.mark.system]
__all__ = ["late"]
FORTY = 40


def section(taps: Taps, name: str) -> None:
    """Go to a section; on a phone, many sections are folded under a heading."""
    folded = taps.page.locator(".sections__summary")
    if folded.is_visible():
        taps.count += 1
        folded.click()
    taps.press("link", name)


def doubles() -> FilePayload:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("external_id", "organisation", "name", "categories", "pcode"))
    for number, name in enumerate(("Taller Belmontaga del sur", "Taller Belmontaga de sur")):
        table.writerow((f"camino-{number}", "Fundación de Prueba", name, "HLT", "VE2313"))
    return FilePayload(name="dobles.csv", mimeType="text/csv", buffer=out.getvalue().encode())


def test_a_sheet_of_forty_is_tried_and_brought_in_in_eight(
    system: System, browsers: Browser
) -> None:
    file = a_file(system, FORTY, 0)
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console")
        taps = Taps(page)
        section(taps, "Importar")
        taps.count += 1  # Choosing the file counts as a press, here and below.
        page.set_input_files("#f-file", file)
        taps.press("button", "Probar sin guardar nada")
        waited(page)
        taps.count += 1
        page.set_input_files("#f-again", file)
        taps.press("button", "Importar")
        waited(page)
        facts = page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts()
        assert dict(zip(*facts, strict=True))["Servicios nuevos"] == str(FORTY)
        assert taps.count <= 8
    found = system.running.request(
        "health-cluster", "GET", "/directory/v1/services", params={"search": "Servicio de prueba 7"}
    )
    assert found.json()["contents"], "published"


def test_a_double_is_merged_in_four(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/imports")
        page.set_input_files("#f-file", doubles())
        with page.expect_navigation():
            page.get_by_role("button", name="Probar sin guardar nada").click()
        waited(page)
        page.set_input_files("#f-again", doubles())
        with page.expect_navigation():
            page.get_by_role("button", name="Importar", exact=True).click()
        waited(page)
        page.goto("/console/entries")
        taps = Taps(page)
        page.fill("[name=search]", "Belmontaga")
        taps.press("button", "Buscar")
        taps.press("link", "Abrir")
        taps.count += 1
        page.locator("summary", has_text="Unir las dos entradas").first.click()
        taps.press("button", "Conservar esta entrada")
        assert taps.count <= 4
        page.goto("/console/entries?search=Belmontaga&state=approved")
        assert page.locator("ul.rows li").count() == 1


def test_a_half_month_is_closed_and_its_bulletin_published_in_fourteen_of_all_hands(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console")
        taps = Taps(page)
        section(taps, "Publicaciones")
        taps.count += 1
        choose_period(page, r"\d{4}-\d{2}[ab]", 3)
        taps.press("button", "Cerrar el período")
        waited(page)
        if page.get_by_role("button", name="Publicar").count():
            taps.press("button", "Publicar")
            watched(page)
        section(taps, "Boletines")
        taps.count += 1
        choose_period(page, r"\d{4}-\d{2}[ab]", 3)
        taps.press("button", "Preparar un borrador")
        bulletin = page.url.split("?")[0].removeprefix(system.running.url)
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console")
        of = page.locator("li.row", has=page.locator(f'a[href="{bulletin}"]'))
        taps.count += 1
        with page.expect_navigation():
            of.get_by_role("link").click()
        taps.count += pressed(page, "Firmar")
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console")
        of = page.locator("li.row", has=page.locator(f'a[href="{bulletin}"]'))
        taps.count += 1
        with page.expect_navigation():
            of.get_by_role("link").click()
        taps.count += pressed(page, "Publicar")
        waited(page)
        # Ruta refuses an account created less than a minute ago, so press the button again.
        deadline = monotonic() + PATIENCE
        while (again := page.get_by_role("button", name="Publicar")).count():
            assert monotonic() < deadline, page.inner_text("main")
            page.wait_for_timeout(2000)
            with page.expect_navigation():
                again.click()
            waited(page)
        assert "Publicado" in page.inner_text("h1")
    assert taps.count <= 14


def pressed(page: Page, words: str) -> int:
    with page.expect_navigation():
        page.get_by_role("button", name=words).first.click()
    return 1


def test_a_caseworker_is_added_in_six(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        page.goto("/console")
        taps = Taps(page)
        section(taps, "Personas")
        taps.press("link", "Agregar una persona")
        page.fill("[name=sign_in_name]", "gestora.camino")
        taps.count += 1
        page.select_option("[name=organisation_id]", index=1)
        taps.press("button", "Agregar y mostrar los datos de acceso")
        assert page.locator(".qr").count() == 1
        assert taps.count <= 6


def test_a_caseworker_is_invited_in_six(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        page.goto("/console")
        taps = Taps(page)
        section(taps, "Personas")
        taps.press("link", "Agregar una persona")
        page.fill("[name=sign_in_name]", "gestora.invitada")
        taps.count += 2
        page.select_option("[name=organisation_id]", index=1)
        page.select_option("[name=invitation_days]", "7")
        taps.press("button", "Agregar y mostrar los datos de acceso")
        assert "/account/invitations/" in page.locator("p.code").inner_text()
        assert taps.count <= 6


def test_who_saw_a_case_is_found_in_three(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-caseworker") as page:
        registered(page)
        (reference,) = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", page.inner_text("h1"))
    with signed_in(browsers, system, "demo-auditor") as page:
        page.goto("/console")
        taps = Taps(page)
        section(taps, "Registro")
        page.fill("[name=case]", reference)
        taps.press("button", "Filtrar")
        assert "demo-caseworker" in page.inner_text("main")
        assert taps.count <= 3


def test_a_call_is_noted_in_two(system: System, browsers: Browser, late: str) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console")
        taps = Taps(page)
        row = page.locator("li.row", has_text="organización con remisiones fuera de plazo")
        taps.count += 1
        with page.expect_navigation():
            row.get_by_role("link").click()
        taps.press("button", "La organización responderá")
        assert late in page.locator("#called").inner_text()
        assert taps.count <= 2


def test_a_stakeholder_is_added_in_four(system: System, browsers: Browser) -> None:
    name = f"Defensoría Belmontaga {word()}"
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console/context")
        taps = Taps(page)
        taps.press("link", "Agregar un actor")
        stakeholder(page, name)
        taps.tick("Todo el país")
        taps.count += 1
        page.select_option('[name="stakeholder/type"]', index=1)
        taps.press("button", "Guardar")
        assert name in page.inner_text("main")
        assert taps.count <= 4


def test_the_meeting_pack_is_downloaded_in_three(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console")
        taps = Taps(page)
        section(taps, "Contexto")
        with page.expect_download() as awaited:
            taps.press("button", "Descargar como PDF", leaves=False)
        assert taps.count <= 3
        assert Path(awaited.value.path()).read_bytes().startswith(b"%PDF")
        taps.press("button", "Abrir los insumos")
        text = page.inner_text("main")
        for heading in ("Cifras y brechas", "Decisiones pendientes"):
            assert heading in text
