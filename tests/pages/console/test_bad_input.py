"""Bad input, sent by mistake or on purpose. The console refuses it with the remedy and keeps what was typed."""

import csv
import io
import zipfile
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page

from tests.pages.console.test_information import waited
from tests.pages.console.ways import registered, submit, unfold
from tests.pages.signed_in import at_both_widths, findings, signed_in, too_wide
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
SCRIPT = b"<script>alert(1)</script>"


def drawn(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(out, kind)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.html", SCRIPT)
    return out.getvalue()


KINDS = "Ruta solo guarda fotos"
REFUSED = {
    "program": ("carta.pdf.exe", b"MZ" + bytes(3000), KINDS),
    "program under a document's name": ("carta.pdf", b"MZ" + bytes(3000), KINDS),
    "picture under a program's name": ("foto.jpg.exe", drawn("PNG"), KINDS),
    "page under a picture's name": ("foto.png", b"<html>" + SCRIPT, KINDS),
    "drawing with a script": ("dibujo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT, KINDS),
    "HEIC": ("IMG_1.HEIC", b"\x00\x00\x00\x18ftypheic" + bytes(2000), "Más compatible"),
    "cut picture": ("foto.jpg", drawn("JPEG")[:200], "no se puede leer"),
    "empty": ("foto.jpg", b"", "vacío"),
    "9 MB": ("foto.jpg", drawn("JPEG") + bytes(9 * 2**20), "demasiado grande"),
}  # fmt: skip


@pytest.fixture(scope="module")
def caseworker(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-caseworker") as page:
        yield page


@pytest.fixture(scope="module")
def case(caseworker: Page) -> str:
    return registered(caseworker)


def choose_file(page: Page, name: str, content: bytes) -> None:
    page.set_input_files(
        "[name=file]",
        FilePayload(name=name, mimeType="application/octet-stream", buffer=content),
    )


def test_a_file_that_is_no_picture_is_refused_with_the_remedy(
    caseworker: Page, case: str, axe: str
) -> None:
    page = caseworker
    for what, (name, content, remedy) in REFUSED.items():
        page.goto(f"{case}/record/picture")
        assert "8 MB" in page.inner_text("#f-file-hint"), "the limit stands there before"
        choose_file(page, name, content)
        page.fill("[name=text]", "La firmó hoy.")
        submit(page, "Guardar")
        assert remedy in page.inner_text(".govuk-error-summary"), what
        assert page.input_value("[name=text]") == "La firmó hoy.", what
    for width in at_both_widths(page):
        assert findings(page, axe) == [], width
        assert not too_wide(page), width
    page.goto(f"{case}/record")
    assert "La firmó hoy." not in page.inner_text("main")


def test_what_hides_behind_a_picture_is_not_kept(caseworker: Page, case: str) -> None:
    page = caseworker
    page.goto(f"{case}/record/picture")
    choose_file(page, '"><b>.jpg', drawn("JPEG") + zipped() + SCRIPT)
    submit(page, "Guardar")
    assert "<b>" not in page.content().replace("<b></b>", "")
    there = page.locator('a[href*="/entries/"][href$="/picture"]').first.get_attribute("href")
    kept = page.request.get(f"{case.split('/console', maxsplit=1)[0]}{there}")
    assert kept.headers["content-type"] == "image/jpeg"
    assert kept.headers["x-content-type-options"] == "nosniff"
    assert kept.body().startswith(b"\xff\xd8\xff")
    assert b"PK" not in kept.body()
    assert SCRIPT not in kept.body()


def test_twenty_megabytes_are_refused_with_the_remedy(caseworker: Page, case: str) -> None:
    page = caseworker
    page.goto(f"{case}/record/picture")
    choose_file(page, "foto.jpg", drawn("JPEG") + bytes(20 * 2**20))
    submit(page, "Guardar")
    assert "elija un archivo más pequeño" in page.inner_text("main")


def test_with_a_script_a_large_file_is_refused_before_it_is_sent(
    system: System, browsers: Browser, case: str, axe: str
) -> None:
    with signed_in(browsers, system, "demo-caseworker", scripts=True) as page:
        page.goto(f"{case}/record/picture")
        choose_file(page, "foto.jpg", bytes(20 * 2**20))
        assert "más de 8 MB" in page.inner_text("main [role=alert]")
        assert page.input_value("[name=file]") == ""
        assert findings(page, axe) == []
        choose_file(page, "foto.png", drawn("PNG"))
        assert page.locator("main [role=alert]").count() == 0
        submit(page, "Guardar")
        assert page.url.endswith("/record")


def test_a_note_of_five_thousand_letters_is_kept_whole(
    system: System, browsers: Browser, case: str
) -> None:
    whole = ("ñandú " * 1000)[:5000].strip().ljust(5000, "ñ")
    with signed_in(browsers, system, "demo-caseworker", scripts=True) as page:
        page.goto(f"{case}/record")
        page.fill('[name="note/text"]', f"{whole}más")
        assert "5003 / 5000" in page.inner_text("main")
        submit(page, "Guardar la nota")
        assert "5" in page.inner_text(".govuk-error-summary")
        assert page.input_value('[name="note/text"]') == f"{whole}más"
        page.fill('[name="note/text"]', whole)
        submit(page, "Guardar la nota")
        assert page.locator(".govuk-error-summary").count() == 0
        assert whole in page.inner_text("main")


def test_of_two_who_edit_one_plan_the_second_sees_both_texts_and_keeps_hers(
    system: System, browsers: Browser, caseworker: Page, case: str, axe: str
) -> None:
    page = caseworker
    page.goto(f"{case}/plan")
    unfold(page, "Agregar una necesidad")
    page.select_option('[name="add/need"]', "GBV-CMR")
    page.fill('[name="add/objective"]', "Llegar a la clínica.")
    submit(page, "Agregar una necesidad")
    need = page.locator('a[href*="/needs/"]').first.get_attribute("href") or ""
    page.goto(need)
    page.fill('[name="edit/objective"]', "Llegar mañana a la clínica.")
    with signed_in(browsers, system, "demo-supervisor") as other:
        other.goto(need)
        other.fill('[name="edit/objective"]', "Ir acompañada a la clínica.")
        other.locator("#form-edit button.govuk-button").click()
        other.wait_for_url("**/plan")
    with page.expect_navigation():
        page.locator("#form-edit button.govuk-button").click()
    assert page.input_value('[name="edit/objective"]') == "Llegar mañana a la clínica."
    assert "Ir acompañada a la clínica." in page.inner_text("main table")
    for width in at_both_widths(page):
        assert findings(page, axe) == [], width
        assert not too_wide(page), width
    with page.expect_navigation():
        page.locator("#form-edit button.govuk-button").click()
    assert "Llegar mañana a la clínica." in page.inner_text("main"), (
        "knowing both, it is theirs to say"
    )


OWN = (
    "Código externo",
    "Organización *",
    "Nombre del servicio *",
    "Categorías *",
    "Código de lugar (P-code)",
)
FORMULA = '=HYPERLINK("http://example.org","x")'


def test_a_sheet_that_cannot_be_read_says_which_cell_and_what_to_write(
    system: System, browsers: Browser
) -> None:
    def tried(page: Page, columns: tuple[str, ...], *row: str) -> str:
        out = io.StringIO()
        csv.writer(out).writerows((columns, row))
        page.goto("/console/imports")
        choose_file(page, "servicios.csv", out.getvalue().encode())
        submit(page, "Probar sin guardar nada")
        return waited(page)

    with signed_in(browsers, system, "demo-im") as page:
        said = tried(page, ("ID", "ONG", "Actividad"), "1", "Fundación", "Taller")
        assert "Al archivo le faltan columnas necesarias" in said
        said = tried(page, OWN, "f-1", "Fundación de Prueba", FORMULA, "HLT", "VE2313")
        assert f"la celda contiene una fórmula («{FORMULA}»)" in said
        said = tried(page, OWN, "n-1", "Fundación de Prueba", "Consulta", "Salud", "Maracaibo")
        assert said.count("Categorías") == 1, "each note names its column once"
        assert "«Salud» no está en la lista. Valores posibles: " in said
        assert "se aplica Socios humanitarios" in said, "no code of a level"
        assert page.get_by_role("button", name="Importar", exact=True).count() == 0, (
            "no row is good"
        )
        said = tried(page, OWN, "g-1", "Fundación de Prueba", "Consulta", "HLT", "VE2313")
        assert "Importar 1 fila\n" in said


def test_a_period_in_the_future_is_not_closed(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/releases")
        future = page.locator("select[name=period] option").last
        future.evaluate("option => { option.value = '2099-01a'; option.selected = true; }")
        submit(page, "Cerrar el período")
        said = page.inner_text(".govuk-error-summary")
        assert "El período todavía no ha terminado." in said
        assert "Puede cerrarlo a partir del día siguiente" in said
