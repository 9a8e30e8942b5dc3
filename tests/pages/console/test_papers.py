"""The bulletins' letterhead, the bulletin document that people edit and upload again, and 5W files with another
layout."""

import io
import zipfile
from base64 import b64decode

import pytest
from playwright.sync_api import Browser, FilePayload, Page

from tests.pages.console.test_information import drafted, written
from tests.pages.console.ways import submit
from tests.pages.signed_in import signed_in, too_wide
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TEXT = "La red creció."


def a_file(name: str, content: bytes, kind: str) -> FilePayload:
    return FilePayload(name=name, mimeType=kind, buffer=content)


def test_a_letterhead_is_set_with_a_logo_and_printed_on_the_next_draft(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/bulletins")
        page.get_by_role("link", name="Membrete de los boletines").click()
        for name, text in (
            ("country/es", "Venezuela"),
            ("country/en", "Venezuela"),
            ("cluster/es", "Clúster de Protección"),
            ("cluster/en", "Protection Cluster"),
            ("name", "Organización de prueba"),
        ):
            page.fill(f'[name="{name}"]', text)
        page.set_input_files("#f-file", a_file("logo.png", b"<svg/>", "image/png"))
        submit(page, "Guardar los textos")
        assert "PNG" in page.locator("#f-file-error").inner_text()
        assert page.input_value('[name="name"]') == "Organización de prueba"
        page.set_input_files("#f-file", a_file("logo.png", PIXEL, "image/png"))
        submit(page, "Guardar los textos")
        row = page.locator("ol.rows li", has_text="Organización de prueba")
        assert row.locator("img").evaluate("each => each.naturalWidth") == 1
        assert not too_wide(page)
        drafted(page, 5)
        preview = page.get_by_role("link", name="página en español").get_attribute("href")
        page.goto(preview or "")
        assert "Organización de prueba" in page.inner_text("body")
        page.goto("/console/letterhead")
        page.fill('[name="name"]', "Otra organización")
        submit(page, "Guardar los textos")
        submit_of(page, "Otra organización")
        assert page.locator("ol.rows li").count() == 1
        page.fill('[name="name"]', "Organización de prueba")
        submit(page, "Guardar los textos")
        assert row.locator("img").count() == 1, "its logo stays"
        submit_of(page, "Organización de prueba")
        assert page.locator(".govuk-error-summary").count() == 1, "one organisation stays"


def submit_of(page: Page, organisation: str) -> None:
    row = page.locator("ol.rows li", has_text=organisation)
    with page.expect_navigation():
        row.get_by_role("button").click()


def edited(document: bytes, old: str, new: str) -> bytes:
    """Return the document with one text changed, as a word processor would change it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as package, zipfile.ZipFile(made, "w") as copy:
        for name in package.namelist():
            content = package.read(name)
            if name == "word/document.xml":
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode(), 1)
            copy.writestr(name, content)
    return made.getvalue()


def test_a_document_goes_out_is_edited_and_comes_back_without_other_numbers(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        bulletin = drafted(page, 6)
        written(page, bulletin, es=TEXT, en="The network grew.")
        page.goto(bulletin)
        with page.expect_download() as kept:
            page.get_by_role("link", name="Documento (Word), en español").click()
        document = kept.value.path().read_bytes()
        for old, new in ((TEXT, "Llegaron 4321 personas."), ("Cifras clave", "Cifras 4321")):
            page.set_input_files("#f-file", a_file("b.docx", edited(document, old, new), DOCX))
            page.check("[name=language][value=es]")
            submit(page, "Importar los textos del documento")
            assert page.locator(".govuk-error-summary").count() == 1
            page.goto(bulletin)
        good = edited(document, TEXT, "La red llegó a más lugares.")
        page.set_input_files("#f-file", a_file("b.docx", good, DOCX))
        page.check("[name=language][value=es]")
        submit(page, "Importar los textos del documento")
        page.goto(f"{bulletin}/sections/highlights")
        text = page.locator('textarea[name$="/es"]').first.input_value()
        assert text == "La red llegó a más lugares."


def test_a_5w_file_of_another_layout_is_mapped_once_and_then_imported(
    system: System, browsers: Browser
) -> None:
    table = (
        "Mes,Organización,Tipo,Código,Estado,Alcanzados\n"
        "2026-05,Refugio,ONG Nacional,TIP/TRN,Zulya,20\n"
    )
    file = a_file("5w.csv", table.encode(), "text/csv")
    fields = (
        "report_month",
        "org_leader",
        "org_leader_type",
        "activity_code",
        "adm1_pcode",
        "reached",
    )
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/activities")
        page.get_by_role("link", name="Importar un archivo con otras columnas").click()
        submit(page, "Proponer las columnas")
        assert page.locator("#f-file-error").count() == 1, "no file was chosen"
        page.set_input_files("#f-file", file)
        submit(page, "Proponer las columnas")
        submit(page, "Confirmar estas columnas")
        assert page.locator(".govuk-error-summary").count() == 1, "columns are missing"
        for place, field in enumerate(fields):
            page.select_option(f'[name="columns/{place}/field"]', field)
        assert not too_wide(page)
        submit(page, "Confirmar estas columnas")
        page.wait_for_url("**/console/activities?done=1")
        page.get_by_role("link", name="Importar un archivo con otras columnas").click()
        page.set_input_files("#f-file", file)
        submit(page, "Proponer las columnas")
        assert "ya confirmó" in page.inner_text("main")
        page.fill('[name="words/adm1_pcode"]', "Zulya = VE23")
        submit(page, "Confirmar estas columnas")
        page.set_input_files("#f-file", file)
        submit(page, "Importar")
        assert page.locator('[role="status"]').count() == 1
