"""Administrators create access, which the page shows once, and remove it."""

import csv
import io
import re

import pytest
import zxingcpp
from common import clock
from gateway.issuer.people.factors import code_at
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.pages.signed_in import looked_at, reading_in, signed_in, too_wide
from tests.support.patience import PATIENCE
from tests.support.people_at_browsers import somebody_at
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]


def added(page: Page, name: str) -> None:
    page.goto("/console/people/new")
    page.fill("[name=sign_in_name]", name)
    page.select_option("[name=organisation_id]", index=1)
    with page.expect_navigation():
        page.get_by_role("button", name="Agregar y mostrar los datos de acceso").click()


def test_a_new_person_scans_the_code_signs_in_and_is_switched_off(
    system: System, browsers: Browser
) -> None:
    with (
        signed_in(browsers, system, "demo-admin") as page,
        somebody_at(browsers, system.running.url) as other,
    ):
        added(page, "prueba.nueva")
        uri = page.locator("p.typed").inner_text()
        square = page.locator(".qr").screenshot()
        (scanned,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(square)))
        assert scanned.text == uri, "what a phone sees is what is printed"
        password = page.locator("p.code").inner_text()
        page.get_by_role("link", name="Volver").click()
        page.wait_for_load_state()
        assert password not in page.content(), "shown once"
        person = page.url

        other.goto("/console")
        other.fill("[name=sign_in_name]", "prueba.nueva")
        other.fill("[name=password]", password)
        other.fill("[name=code]", code_at(scanned.text, clock.now()))
        other.locator("#sign-in button[type=submit]").first.click()
        other.wait_for_url(re.compile("/console"))
        assert "Mi trabajo" in other.inner_text("h1")

        page.goto(person)
        assert "La persona leyó todos los cambios en sus datos de acceso." in page.inner_text(
            "main"
        )
        page.locator("summary", has_text="Desactivar el acceso").click()
        assert "Pida a quien supervisa que los reasigne" in page.inner_text("main"), (
            "what happens to the cases"
        )
        page.get_by_role("button", name="Sí, desactivar el acceso").click()
        page.wait_for_load_state()
        assert "Sin acceso" in page.inner_text("main")
        for _ in range(int(PATIENCE)):
            other.goto("/console")
            if "/oauth/authorize" in other.url:
                return
            other.wait_for_timeout(1000)
        raise AssertionError("still signed in")


def test_an_invited_person_opens_the_link_on_a_phone_and_is_in(
    system: System, browsers: Browser
) -> None:
    with (
        signed_in(browsers, system, "demo-admin") as page,
        somebody_at(browsers, system.running.url) as other,
    ):
        page.goto("/console/people/new")
        page.fill("[name=sign_in_name]", "invitada.nueva")
        page.select_option("[name=organisation_id]", index=1)
        page.select_option("[name=invitation_days]", "7")
        with page.expect_navigation():
            page.get_by_role("button", name="Agregar y mostrar los datos de acceso").click()
        link = page.locator("p.code").inner_text()
        (scanned,) = zxingcpp.read_barcodes(
            Image.open(io.BytesIO(page.locator(".qr").screenshot()))
        )
        assert scanned.text == link
        assert not too_wide(page)
        page.get_by_role("link", name="Volver").click()
        page.wait_for_load_state()
        assert link not in page.content(), "shown once"
        assert "Invitación sin usar" in page.inner_text("main")
        page.goto("/console/people?invited=true")
        assert (
            "Invitación sin usar" in page.locator("li.row", has_text="invitada.nueva").inner_text()
        )

        other.goto(link)
        assert not too_wide(other)
        uri = other.locator("a[href^='otpauth://']").get_attribute("href") or ""
        for name in ("new_password", "repeated"):
            other.fill(f"[name={name}]", "cuatro caballos bien guardados")
        other.fill("[name=code]", "000000")
        other.get_by_role("button", name="Crear mi acceso").click()
        other.wait_for_load_state()
        assert other.locator("#error").is_visible()
        for name in ("new_password", "repeated"):
            other.fill(f"[name={name}]", "cuatro caballos bien guardados")
        other.fill("[name=code]", code_at(uri, clock.now()))
        other.get_by_role("button", name="Crear mi acceso").click()
        other.wait_for_load_state()
        other.get_by_role("link", name="Entrar en Ruta").click()
        other.wait_for_load_state()
        other.fill("[name=sign_in_name]", "invitada.nueva")
        other.fill("[name=password]", "cuatro caballos bien guardados")
        other.fill("[name=code]", code_at(uri, clock.now()))
        other.locator("#sign-in button[type=submit]").first.click()
        other.wait_for_url(re.compile("/console"))
        assert "Mi trabajo" in other.inner_text("h1")
        other.goto(link)
        assert "Este enlace ya no sirve" in other.inner_text("h1")


def test_an_invitation_is_revoked_and_made_anew(system: System, browsers: Browser) -> None:
    with (
        signed_in(browsers, system, "demo-admin") as page,
        somebody_at(browsers, system.running.url) as other,
    ):
        added(page, "invitada.otra")
        page.get_by_role("link", name="Volver").click()
        page.wait_for_load_state()
        with page.expect_navigation():
            page.get_by_role("button", name="Invitar con un enlace").click()
        link = page.locator("p.code").inner_text()
        page.get_by_role("link", name="Volver").click()
        page.wait_for_load_state()
        with page.expect_navigation():
            page.get_by_role("button", name="Anular la invitación").click()
        assert "Invitación sin usar" not in page.inner_text("main")
        assert page.get_by_role("button", name="Anular la invitación").count() == 0
        other.goto(link)
        assert "Este enlace ya no sirve" in other.inner_text("h1")
        page.get_by_role("link", name=re.compile("[Hh]istori")).first.click()
        page.wait_for_load_state()
        assert "invitación anulada" in page.inner_text("main")


def test_who_coordinates_gets_the_rights_of_it_and_has_to_have_an_area(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        page.goto("/console/people/new")
        page.fill("[name=sign_in_name]", "coordina.nueva")
        page.select_option("[name=organisation_id]", index=1)
        page.uncheck("[name='roles[]'][value=caseworker]")
        page.check("[name='roles[]'][value=coordinator]")
        page.get_by_role("button", name="Agregar y mostrar los datos de acceso").click()
        page.wait_for_load_state()
        assert "al menos un área" in page.locator(".govuk-error-summary").inner_text()
        page.check("[name='aors[]'][value=GBV]")
        page.get_by_role("button", name="Agregar y mostrar los datos de acceso").click()
        page.wait_for_load_state()
        page.get_by_role("link", name="Volver").click()
        page.wait_for_load_state()
        assert page.is_checked("[name=permissions][value=of_roles]"), "no exception"
        assert page.is_checked("[name='scopes[]'][value='directory:curate']")
        assert not page.is_checked("[name='scopes[]'][value='referrals:write']")
        page.goto("/console/changes")
        row = page.locator("tr", has_text="coordina.nueva").first.inner_text()
        assert "demo-admin" in row, "who did what to whom"


def test_what_is_wrong_with_a_name_is_said_at_its_field(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        added(page, "Con Espacios")
        assert page.locator("#f-sign_in_name-error").count() == 1
        assert page.input_value("[name=sign_in_name]") == "Con Espacios"


def test_a_client_gets_its_secret_once_and_an_organisation_says_what_suspending_does(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        page.goto("/console/organisations/new")
        page.fill("[name=name]", "Fundación Puente")
        page.get_by_role("button", name="Agregar la organización").click()
        page.wait_for_url(re.compile(r"/console/organisations/[0-9a-f-]{36}\?done=1"))
        organisation = page.url.split("?")[0]
        page.goto("/console/clients/new")
        page.fill("[name=id]", "ngo-puente")
        page.fill("[name=name]", "Sistema de Puente")
        page.select_option("[name=organisation_id]", organisation.rsplit("/", 1)[-1])
        with page.expect_navigation():
            page.get_by_role("button", name="Agregar el cliente y mostrar el secreto").click()
        secret = page.locator("p.code").inner_text()
        asked = {"grant_type": "client_credentials", "client_id": "ngo-puente"}
        token = system.running.http.post("/oauth/token", data={**asked, "client_secret": secret})
        assert token.status_code == 200, token.text
        page.goto("/console/clients/ngo-puente")
        assert secret not in page.content()
        sure = page.get_by_role("button", name="Sí, desactivar el acceso")
        assert not sure.is_visible(), "it asks once"
        page.locator("summary", has_text="Desactivar el acceso").click()
        assert "no puede enviar ni recibir nada" in page.inner_text("main")
        assert sure.is_visible()
        page.goto(organisation)
        suspend = page.get_by_role("button", name="Sí, suspender la organización")
        assert not suspend.is_visible(), "it asks once"
        page.locator("summary", has_text="Suspender la organización").click()
        assert "clientes o sistemas (1)" in page.inner_text("main")
        suspend.click()
        page.wait_for_load_state()
        assert "Suspendida" in page.inner_text("main")
        page.goto("/console/changes")
        assert "creado" in page.inner_text("main")


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_of_an_administrator_has_a_finding(
    system: System, browsers: Browser, axe: str, language: str
) -> None:
    with reading_in(language, browsers, system, "demo-admin") as page:
        page.goto("/console/people")
        person = page.locator("li.row a").first.get_attribute("href") or ""
        page.goto("/console/organisations")
        organisation = page.locator("li.row a").first.get_attribute("href") or ""
        looked_at(
            page, axe, language,
            ("/console/people", "/console/people/new", person, "/console/clients",
             "/console/clients/new", "/console/clients/ngo-refugio", "/console/organisations",
             "/console/organisations/new", organisation, "/console/changes", "/console/sign-ins"),
        )  # fmt: skip


def test_people_are_found_and_the_table_says_who_may_do_what(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        page.goto("/console/people")
        page.fill("[name=search]", "superv")
        page.select_option("[name=role]", "supervisor")
        page.get_by_role("button", name="Filtrar").click()
        page.wait_for_load_state()
        (row,) = page.locator("li.row").all()
        assert "demo-supervisor" in row.inner_text()
        with page.expect_download() as kept:
            page.get_by_role("link", name="Descargar la lista de permisos (CSV)").click()
        rows = list(csv.DictReader(io.StringIO(kept.value.path().read_text(encoding="utf-8"))))
        (one,) = [each for each in rows if each["Nombre"] == "demo-supervisor"]
        assert one["Funciones"] == "Supervisa y decide como segunda persona"
        assert {each["Tipo"] for each in rows} == {"persona", "cliente"}
        row.get_by_role("link").click()
        page.wait_for_load_state()
        assert "Permite: " in page.inner_text("main")
        page.get_by_role("link", name="Historial de cambios").click()
        page.wait_for_load_state()
        assert "demo-supervisor" in page.inner_text("table")
        assert "demo-caseworker" not in page.inner_text("table")


def test_sign_ins_stand_with_names_and_can_be_narrowed_to_a_person(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-admin") as page:
        page.goto("/console/people?search=demo-admin")
        page.locator("li.row a").first.click()
        page.wait_for_load_state()
        page.get_by_role("link", name="Inicios de sesión").click()
        page.wait_for_load_state()
        page.select_option("[name=active]", "true")
        page.get_by_role("button", name="Filtrar").click()
        page.wait_for_load_state()
        table = page.inner_text("table")
        assert "demo-admin" in table
        assert "Código de la aplicación" in table
        assert "demo-auditor" not in table
