"""Information managers import files after a dry run, close periods and write texts next to the numbers."""

import csv
import io
import re
from collections.abc import Iterator
from time import monotonic
from uuid import uuid4

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Error, FilePayload, Page
from stack.operate.service_commands import attached_postgres

from tests.pages.console.ways import id_of, submit
from tests.pages.signed_in import Taps, looked_at, reading_in, signed_in, too_wide
from tests.support.patience import PATIENCE
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROWS, BAD = 60, 4
_MINUTE_MS = 90_000
MANY, BAD_OF_MANY = 5_000, 37


def a_file(system: System, rows: int = ROWS, bad: int = BAD) -> FilePayload:
    """Return a file in our template in which some rows name an unknown need."""
    path = "/directory/v1/imports/template?format=csv&language=es"
    template = system.running.request("im-officer", "GET", path).content.decode("utf-8-sig")
    columns = next(csv.reader(io.StringIO(template)))
    out = io.StringIO()
    table = csv.DictWriter(out, columns)
    table.writeheader()
    for number in range(rows):
        table.writerow(
            {
                "Código externo": f"prueba-{number}",
                "Organización *": "Fundación de Prueba",
                "Nombre del servicio *": f"Servicio de prueba {number}",
                "Categorías *": "NOTHING" if number < bad else "HLT",
                "Código de lugar (P-code)": "VE2313",
            }
        )
    return FilePayload(name="servicios.csv", mimeType="text/csv", buffer=out.getvalue().encode())


def waited(page: Page) -> str:
    """Wait for the worker, whose progress the page shows on each reload."""
    for _ in range(int(PATIENCE)):
        text = page.inner_text("main")
        if page.get_by_role("link", name="Actualizar").count() == 0:
            return text
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(text)


def test_a_file_is_tried_its_rows_are_explained_and_it_is_brought_in(
    system: System, browsers: Browser
) -> None:
    file = a_file(system)
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/imports")
        page.get_by_role("button", name="Probar sin guardar nada").click()
        page.wait_for_load_state()
        assert page.locator("#f-file-error").count() == 1, "no file was chosen"
        page.set_input_files("#f-file", file)
        with page.expect_navigation():
            page.get_by_role("button", name="Probar sin guardar nada").click()
        text = waited(page)
        assert "no se guardó nada" in text
        rows = page.locator("ol.rows li")
        assert rows.count() == BAD, "the refused rows come first"
        assert "NOTHING" in rows.first.inner_text()
        with page.expect_download() as kept:
            page.get_by_role("link", name="Descargar el informe").click()
        report = load_workbook(io.BytesIO(kept.value.path().read_bytes())).worksheets[1]
        assert report is not None
        head, *lines = report.iter_rows(values_only=True)
        assert head[0] == "Fila"
        assert {line[0] for line in lines} == set(range(2, ROWS + 2)), "as the sender counts them"
        assert {line[0] for line in lines if line[3] == "Rechazada"} == set(range(2, BAD + 2))
        tried = page.url.removeprefix(system.running.url)
        page.goto("/console")
        row = page.locator("li.row", has=page.locator(f'a[href="{tried}"]'))
        assert "Ver el informe" in row.inner_text()
        assert page.locator("form.filter").count() == 0, "no cases, nothing to filter them by"
        page.goto(tried)
        page.set_input_files("#f-again", file)
        with page.expect_navigation():
            page.get_by_role("button", name="Importar", exact=True).click()
        waited(page)
        facts = page.locator("dl").inner_text()
        assert str(ROWS - BAD) in facts
        page.goto("/console/imports")
        page.set_input_files("#f-file", file)
        with page.expect_navigation():
            page.get_by_role("button", name="Probar sin guardar nada").click()
        waited(page)
        pairs = dict(
            zip(
                page.locator("dt").all_inner_texts(),
                page.locator("dd").all_inner_texts(),
                strict=True,
            )
        )
        assert pairs["Servicios nuevos"] == "0", "the same file again changes nothing"


def test_a_suggested_place_is_accepted_for_all_rows_by_one_press(
    system: System, browsers: Browser
) -> None:
    table = "external_id,organisation,name,categories,admin1,admin2\n" + "".join(
        f"typo-{number},Fundación de Prueba,Comedor {number},HLT,Zulia,Marcaibo\n"
        for number in range(3)
    )
    file = FilePayload(name="lugares.csv", mimeType="text/csv", buffer=table.encode())
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/imports")
        page.set_input_files("#f-file", file)
        submit(page, "Probar sin guardar nada")
        waited(page)
        assert page.locator("input[name=place]").count() == 1, "one name, not one for each row"
        page.get_by_label("Marcaibo → Maracaibo").check()
        page.set_input_files("#f-again", file)
        submit(page, "Importar")
        waited(page)
        facts = page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts()
        assert dict(zip(*facts, strict=True))["Servicios nuevos"] == "3"


def test_a_double_is_found_merged_and_gone_in_four(system: System, browsers: Browser) -> None:
    names = ("Consultorio Kwyjibo del norte", "Consultorio Kwyjibo de norte")
    table = "external_id,organisation,name,categories,pcode\n" + "".join(
        f"double-{number},Fundación de Prueba,{name},HLT,VE2313\n"
        for number, name in enumerate(names)
    )
    headers = {"content-type": "application/octet-stream", "Idempotency-Key": str(uuid4())}
    path = "/directory/v1/imports?file_name=dobles.csv&dry_run=false"
    made = system.running.request(
        "im-officer", "POST", path, content=table.encode(), headers=headers
    ).json()
    done = f"/directory/v1/imports/{made['id']}"
    until(
        lambda: system.running.request("im-officer", "GET", done).json()["state"] == "finished",
        "both entries are there",
    )
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/entries")
        taps = Taps(page)
        page.fill("[name=search]", "KWYJIBO")
        taps.press("button", "Buscar")
        rows = page.locator("ul.rows li")
        assert rows.count() == 2
        first = rows.first.locator("strong").inner_text()
        taps.press("link", f"Abrir {first}")
        taps.count += 1
        page.locator("summary", has_text="Unir las dos entradas").first.click()
        taps.press("button", "Conservar esta entrada")
        assert first in page.inner_text("h1")
        assert taps.count <= 4
        page.goto("/console/entries?search=kwyjibo&state=approved")
        assert rows.count() == 1, "the other one has ended"
        page.goto("/console/entries?search=nadie")
        assert "Ninguna entrada tiene ese nombre" in page.inner_text("main")


def told(page: Page) -> Iterator[int]:
    """Yield the number of rows read at each reload until the worker is done."""
    deadline = monotonic() + PATIENCE
    while (at_work := page.locator("#at-work")).count():
        assert monotonic() < deadline, at_work.inner_text()
        yield int(re.findall(r"\d+", at_work.inner_text())[0])
        page.reload()


def test_16_how_far_a_great_file_is_stands_on_its_page_while_the_worker_goes_on(
    system: System, browsers: Browser
) -> None:
    """Each reload is a new page, so a user who leaves and returns still sees the progress."""
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/imports")
        page.set_input_files("#f-file", a_file(system, MANY, BAD_OF_MANY))
        submit(page, "Probar sin guardar nada")
        counted = list(told(page))
        assert counted == sorted(counted)
        assert all(0 <= each <= MANY for each in counted)
        facts = page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts()
        pairs = dict(zip(*facts, strict=True))
        assert (pairs["Filas leídas"], pairs["Rechazadas"]) == (str(MANY), str(BAD_OF_MANY))
        rows = page.locator("ol.rows li")
        numbers = rows.locator("strong:not(.typed)").all_inner_texts()
        assert [int(each) for each in numbers if each.isdigit()] == list(range(2, BAD_OF_MANY + 2))
        assert all("NOTHING" in each for each in rows.all_inner_texts())


def choose_period(page: Page, shape: str, at: int) -> None:
    """Choose the offered period of this kind that ended this many periods ago."""
    values = [one.get_attribute("value") or "" for one in page.locator("option").all()]
    page.select_option("[name=period]", [one for one in values if re.fullmatch(shape, one)][at])


def drafted(page: Page, months_ago: int) -> str:
    """Draft a bulletin for the month that ended `months_ago` months ago, and return its address."""
    page.goto("/console/bulletins")
    choose_period(page, r"\d{4}-\d{2}", months_ago)
    submit(page, "Preparar un borrador")
    return page.url.split("?")[0]


def written(page: Page, bulletin: str = "", **texts: str) -> None:
    """Write in the highlights section, or in the form that was refused."""
    if bulletin:
        page.goto(f"{bulletin}/sections/highlights")
    for language, text in texts.items():
        page.fill(f'[name="texts/highlights/{language}"]', text)
    submit(page, "Guardar los textos")


def watched(page: Page) -> None:
    """Wait until the work is done. The page reloads itself for a minute; then the user must reload it."""
    at_work = page.locator("#at-work")
    deadline = monotonic() + PATIENCE
    while at_work.count():
        assert monotonic() < deadline, at_work.inner_text()
        try:
            at_work.wait_for(state="detached", timeout=_MINUTE_MS)
        except Error:
            page.reload()


def test_18_words_stand_beside_numbers_in_both_languages_and_bring_none_of_their_own(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        bulletin = drafted(page, 2)
        written(
            page,
            bulletin,
            es="La red atendió a 4321 personas.",
            en="The network reached 4321 people.",
        )
        assert (
            "no corresponde a su sección"
            in page.locator("#f-texts-highlights-es-error").inner_text()
        )
        assert "Lo más importante, en español" in page.locator(".govuk-error-summary").inner_text()
        assert "4321" in page.input_value('[name="texts/highlights/es"]')
        written(page, es="La red llegó a más lugares.", en="")
        assert page.locator("#f-texts-highlights-en-error").count() == 1, "in both or in none"
        assert page.locator("#f-texts-highlights-es-error").count() == 0
        other = page.context.new_page()
        written(other, bulletin, es="Llegó a más gente.", en="It reached more people.")
        written(page, es="La red llegó a más lugares.", en="The network reached more places.")
        assert "Alguien" in page.inner_text("main") or "Cambió" in page.inner_text("main")
        assert page.input_value('[name="texts/highlights/es"]') == "La red llegó a más lugares."
        assert "Llegó a más gente." in page.inner_text("#versions"), "and what stands now"
        submit(page, "Guardar los textos")
        assert page.url.startswith(bulletin), "back at the contents"
        assert "Con texto" in page.locator("ol.rows li").first.inner_text()
        page.goto(f"{bulletin}/sections/challenges")
        for language in ("es", "en"):
            page.fill(f'[name="texts/challenges/{language}"]', "Faltan cupos. / No room.")
        submit(page, "Guardar los textos")
        page.goto(f"{bulletin}/sections/highlights")
        assert (
            page.input_value('[name="texts/highlights/en"]') == "The network reached more places."
        ), "the text of one part leaves those of the others"
        page.goto(bulletin)
        assert page.get_by_role("button", name="Firmar").count() == 0, "coordination signs off"
    identifier = bulletin.rsplit("/", 1)[-1]
    with signed_in(browsers, system, "demo-coordinator") as page:
        row = page.locator("li.row", has=page.locator(f'a[href="/console/bulletins/{identifier}"]'))
        assert "Firmar" in row.inner_text(), "among what waits for whoever coordinates"
    path = f"/reports/v1/bulletins/{identifier}"
    listed = system.ruta("bulletin", "list").stdout.splitlines()
    (read,) = (line.split()[-1] for line in listed if line.startswith(identifier))
    system.ruta("bulletin", "sign-off", identifier, read)
    with signed_in(browsers, system, "demo-im", scripts=True) as page:
        page.goto(bulletin)
        deadline = monotonic() + PATIENCE
        # Ruta refuses an account created less than a minute ago, so press the button again.
        while (publish := page.get_by_role("button", name="Publicar")).count():
            assert monotonic() < deadline, page.inner_text("main")
            with page.expect_navigation():
                publish.click()
            watched(page)
            page.wait_for_timeout(2000)
        page.get_by_role("link", name="A4 (PDF)").first.wait_for()
    words = system.running.request("im-officer", "GET", path).json()["content"]["sections"]
    assert "4321" not in str(words)


def test_11_sections_are_moved_hidden_previewed_signed_off_and_published_under_two_names(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        with signed_in(browsers, system, "demo-im") as other:
            bulletin = drafted(other, 3)
        page.goto(bulletin)
        rows = page.locator("ol.rows li", has=page.locator("form"))
        first, second = (rows.nth(number).locator("a").inner_text() for number in (0, 1))
        assert rows.first.get_by_role("button", name="Subir").count() == 0, "it is the first"
        rows.nth(1).get_by_role("button", name="Subir").click()
        page.wait_for_load_state()
        assert rows.first.locator("a").inner_text() == second
        rows.first.get_by_role("button", name="Ocultar").click()
        page.wait_for_load_state()
        assert "oculta" in rows.first.inner_text()
        preview = page.get_by_role("link", name="página en español").get_attribute("href")
        seen = page.goto(preview or "")
        assert seen is not None
        assert seen.status == 200
        policy = seen.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        headings = page.locator("h2").all_inner_texts()
        assert first in headings
        assert second not in headings, "what is hidden is not printed"
        assert not too_wide(page)
        page.goto(bulletin)
        submit(page, "Firmar")
        assert "Firmado" in page.inner_text("h1")
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console")
        path = bulletin.removeprefix(system.running.url)
        row = page.locator("li.row", has=page.locator(f'a[href="{path}"]'))
        assert "Publicar" in row.inner_text()
        row.get_by_role("link").click()
        page.wait_for_load_state()
        submit(page, "Publicar")
        waited(page)
        assert "Publicado" in page.inner_text("h1")
        page.goto("/console")
        assert row.count() == 0
    identifier = bulletin.rsplit("/", 1)[-1]
    names = attached_postgres(system.layout, system.state).psql(
        f"SELECT signed_off_by, published_by FROM bulletins WHERE id = '{identifier}'",
        database="reporting",
    )
    for person in ("demo-coordinator", "demo-im"):
        assert id_of(system, person) in names, "people, and not the browser that they used"
    content = system.public(f"/reports/v1/bulletins/{identifier}")["content"]
    titles = [one["title"]["es"] for one in content["sections"]]
    assert first in titles
    assert second not in titles


def test_a_target_is_set_and_shown_with_its_progress(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/activities")
        for name, value in (
            ("plan", "Plan de prueba"),
            ("start", "2026-01-01"),
            ("end", "2026-12-31"),
            ("target", "40"),
        ):
            page.fill(f"[name={name}]", value)
        page.select_option("[name=indicator]", "people-trained")
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar la meta").click()
        assert "Guardado" in page.inner_text("main")
        assert page.locator("ol.bars").count() == 1
        assert "40" in page.locator("table").first.inner_text()


def test_a_series_says_where_it_is_from(system: System, browsers: Browser) -> None:
    file = FilePayload(
        name="serie.csv",
        mimeType="text/csv",
        buffer=b"day,area,value\n2026-01-01,,120\n2026-02-01,,130\n",
    )
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/series")
        page.set_input_files("#f-file", file)
        for name, value in (
            ("code", "prueba-serie"),
            ("title/es", "Serie de prueba"),
            ("title/en", "Series of a test"),
            ("unit/es", "personas"),
            ("unit/en", "persons"),
            ("source", "Oficina de prueba"),
            ("url", "https://example.org/serie"),
            ("licence", "CC BY 4.0"),
            ("retrieved_on", "2026-03-01"),
        ):
            page.fill(f'[name="{name}"]', value)
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar la serie").click()
        assert "Guardado" in page.inner_text("main")
        page.get_by_role("link", name="Abrir Serie de prueba").click()
        page.wait_for_load_state()
        assert "CC BY 4.0" in page.inner_text("main")
        assert page.locator("ol.bars rect").count() == 2
        assert page.locator("table tbody tr").count() == 2


def test_a_protocol_is_agreed_and_shown_to_whoever_reads_referrals(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        page.goto("/console/protocols")
        page.fill("[name=from_country]", "ve")
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar el protocolo").click()
        assert page.locator(".govuk-error-summary").count() == 1
        page.fill("[name=from_country]", "VE")
        page.fill("[name=to_country]", "CO")
        page.fill("[name=valid_from]", "2026-01-01")
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar el protocolo").click()
        assert "Guardado" in page.inner_text("main")
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/protocols")
        assert "De VE a CO" in page.inner_text("main")


def test_a_period_is_closed_looked_at_and_published(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-im") as page:
        page.goto("/console/releases")
        with page.expect_navigation():
            page.get_by_role("button", name="Cerrar el período").click()
        assert page.locator(".govuk-error-summary").count() == 1
        # Older than the period of `demo history`, which other tests of this stack published.
        choose_period(page, r"\d{4}-\d{2}[ab]", 4)
        with page.expect_navigation():
            page.get_by_role("button", name="Cerrar el período").click()
        waited(page)
        assert page.locator("li.row").count() >= 1
        with page.expect_navigation():
            page.locator("li.row a").first.click()
        assert "Error esperado" in page.inner_text("main")
        with page.expect_navigation():
            page.get_by_role("link", name="Vista pública").click()
        assert "múltiplos de" in page.inner_text("main"), "the numbers as everybody will read them"
        submit(page, "Publicar")
        assert "Publicado" in page.inner_text("h1")
        assert page.get_by_role("button", name="Publicar").count() == 0, "for good"
        release = page.url.split("?")[0].rsplit("/", 1)[-1]
    assert system.public(f"/reports/v1/releases/{release}")["status"] == "published"


def first_of(page: Page, listed: str) -> str | None:
    """Return the first entry that the tests above created, if they ran."""
    page.goto(f"/console/{listed}")
    found = page.locator("ul.rows li a.row__link")
    return found.first.get_attribute("href") if found.count() else None


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_of_an_information_officer_has_a_finding(
    system: System, browsers: Browser, axe: str, language: str
) -> None:
    listed = system.running.request("im-officer", "GET", "/reports/v1/releases").json()["items"]
    if not listed:
        body = {"programme": "referrals", "period": "2026-10a"}
        headers = {"Idempotency-Key": str(uuid4())}
        path = "/reports/v1/releases"
        made = system.running.request("im-officer", "POST", path, json=body, headers=headers)
        assert made.status_code == 201, made.text
        listed = [made.json()]
    bulletins = system.running.request("im-officer", "GET", "/reports/v1/bulletins").json()["items"]
    with reading_in(language, browsers, system, "demo-im") as page:
        opened = [first_of(page, each) for each in ("imports", "releases", "series")]
        looked_at(
            page, axe, language,
            (*filter(None, opened), "/console/imports", "/console/releases", f"/console/releases/{listed[0]['id']}",
             "/console/bulletins", f"/console/bulletins/{bulletins[0]['id']}",
             f"/console/bulletins/{bulletins[0]['id']}/sections/referrals", "/console/entries/due", "/console/figures",
             "/console/figures/referrals", "/console/activities", "/console/series",
             "/console/protocols", "/console/state", "/console/entries", "/console/pathways"),
        )  # fmt: skip
