"""A reader of another cluster sees the directory at their level, figures, bulletins and files, but nothing about
people."""

import pytest
from playwright.sync_api import Browser

from tests.pages.console.ways import submit
from tests.pages.signed_in import looked_at, reading_in, signed_in
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_a_reader_searches_the_directory_and_takes_it_along(
    system: System, browsers: Browser
) -> None:
    seen = system.running.request("health-cluster", "GET", "/directory/v1/services").json()
    with signed_in(browsers, system, "demo-reader") as page:
        page.goto("/console")
        sections = page.locator("a.sections__link").all_inner_texts()
        assert sections == ["Mi trabajo", "Directorio", "Cifras", "Boletines"]
        page.get_by_role("link", name="Directorio").click()
        page.wait_for_load_state()
        assert f"{seen['total_items']} servicios" in page.inner_text("main"), "no more, no fewer"
        page.fill("[name=search]", "documentos de identidad")
        submit(page, "Buscar")
        assert "identidad" in page.locator("li.row").first.inner_text()
        page.locator("li.row a").first.click()
        page.wait_for_load_state()
        page.locator("main").get_by_role("link", name="Directorio").click()
        with page.expect_download() as kept:
            page.get_by_role("link", name="Tabla (CSV)").click()
        assert kept.value.path().read_bytes().count(b"\n") > 10
        answer = page.goto("/console/context")
        assert answer is not None
        assert answer.status == 403


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_of_a_reader_has_a_finding(
    system: System, browsers: Browser, axe: str, language: str
) -> None:
    with reading_in(language, browsers, system, "demo-reader") as page:
        page.goto("/console/directory")
        service = page.locator("li.row a").first.get_attribute("href") or ""
        paths = (
            "/console",
            "/console/directory",
            service,
            "/console/figures",
            "/console/bulletins",
        )
        looked_at(page, axe, language, paths)
