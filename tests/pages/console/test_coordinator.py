"""Coordinators see what each recipient would see after an approval, and maintain pathways and warnings."""

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from common import clock
from common.words import conventions
from playwright.sync_api import Browser, Page

from tests.pages.console.ways import submit
from tests.pages.signed_in import (
    Taps,
    at_both_widths,
    codes_shown,
    findings,
    looked_at,
    reading_in,
    signed_in,
    too_wide,
)
from tests.pages.world import SENDER, must, sent
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
RECORDS = "/directory/v1/records/services"


@pytest.fixture(scope="module", autouse=True)
def sent_on(system: System) -> date:
    """Return the day (UTC) on which a referral was sent."""
    path = f"/referrals/v1/referrals/{sent(system).referral}"
    return date.fromisoformat(must(system, SENDER, "GET", path)["sent_at"][:10])


@pytest.fixture(scope="module")
def submitted(system: System) -> str:
    """Submit an entry that its author wants to make visible beyond the pathway."""
    ask = system.running.request
    listed = ask("ngo-refugio", "GET", RECORDS, params={"own": "true"}).json()["items"]
    line = next(one for one in listed if one["name"].startswith("Gestión de casos y apoyo"))
    path = f"{RECORDS}/{line['id']}"
    read = ask("ngo-refugio", "GET", path)
    headers = {"If-Match": read.headers["etag"], "Idempotency-Key": str(uuid4())}
    change = {"visibility": "partners", "description": "Acompañamiento, también a la noche."}
    written = ask("ngo-refugio", "PATCH", path, headers=headers, json=change)
    assert written.status_code == 200, written.text
    headers = {"Idempotency-Key": str(uuid4())}
    assert ask("ngo-refugio", "POST", f"{path}/submit", headers=headers).status_code == 200
    return str(line["id"])


def test_an_entry_is_compared_previewed_and_approved(
    system: System, browsers: Browser, submitted: str
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console")
        entry = page.locator(f'a[href="/console/entries/{submitted}"]')
        row = page.locator("li.row", has=entry, has_text="Aprobar o devolver")
        assert row.count() == 1
        page.goto("/console/entries")
        page.locator(f'a[href="/console/entries/{submitted}"]').click()
        page.wait_for_load_state()
        row = page.locator("table.compare tr", has_text="Quién puede ver la entrada")
        assert "Solo pueden verlo quienes integran la ruta" in row.locator("td").first.inner_text()
        assert "socios" in row.locator("td").last.inner_text()
        seen = {
            level: page.locator(f"#seen-{level}").inner_text()
            for level in ("public", "partners", "pathway", "restricted")
        }
        assert "Estos lectores no ven la entrada" in seen["public"]
        assert "aparecerá aquí por primera vez" in seen["partners"]
        assert all("sin dirección" in seen[one] for one in ("partners", "pathway", "restricted"))
        page.get_by_role("button", name="Aprobar", exact=True).click()
        page.wait_for_load_state()
        assert "Aprobada" in page.inner_text("h1")
        assert "La entrada aprobada y la propuesta son iguales" in page.inner_text("main")
        page.goto("/console")
        assert row.count() == 0, "nothing of it waits any more"
    listed = system.running.request("ngo-salud", "GET", f"/directory/v1/services/{submitted}")
    assert listed.json()["visibility"] == "partners"


def test_an_entry_is_edited_where_it_is_coordinated(
    system: System, browsers: Browser, submitted: str
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto(f"/console/entries/{submitted}")
        page.get_by_role("link", name="Editar la entrada").click()
        page.wait_for_load_state()
        page.fill("[name=phones]", "+58 261 555 0000")
        page.fill("[name=email]", "no es un correo")
        submit(page, "Guardar la entrada")
        assert page.locator("#f-email-error").count() == 1
        assert page.input_value("[name=phones]") == "+58 261 555 0000", "nothing is typed twice"
        page.fill("[name=email]", "equipo@example.org")
        submit(page, "Guardar la entrada")
        assert "equipo@example.org" in page.locator("table").last.inner_text()
    found = system.running.request("gbv-coordinator", "GET", f"{RECORDS}/{submitted}").json()
    assert [each["number"] for each in found["document"]["phones"]] == ["+58 261 555 0000"]
    assert "también a la noche" in found["document"]["description"], "the rest stays"
    with signed_in(browsers, system, "demo-im") as page:  # This user may curate, but not write.
        page.goto(f"/console/entries/{submitted}")
        assert page.get_by_role("link", name="Editar la entrada").count() == 0
        assert page.get_by_text("Retirar la entrada").count() == 0


def test_nobody_else_decides_on_an_entry(system: System, browsers: Browser, submitted: str) -> None:
    with signed_in(browsers, system, "demo-reader") as page:
        answer = page.goto(f"/console/entries/{submitted}")
        assert answer is not None
        assert answer.status == 404
        assert page.locator("a.sections__link", has_text="Entradas").count() == 0


@pytest.fixture(scope="module")
def houses(system: System) -> dict[str, str]:
    """Return name → id of two public entries whose names suggest a safe house."""
    ask = system.running.request
    own = ask("ngo-salud", "GET", RECORDS, params={"own": "true"}).json()["items"][0]
    path = f"/directory/v1/organizations/{own['organization_id']}"
    organization = {
        key: ask("ngo-salud", "GET", path).json()[key] for key in ("id", "name", "description")
    }
    made = {}
    for name in ("Casa segura Aurora", "Casa segura Boreal"):
        entry = {
            "name": name, "description": "Para mujeres", "status": "active", "organization": organization,
            "categories": ["GBV-PSS"], "functional_status": {"code": "fully_functional"},
            "service_areas": [{"name": "Maracaibo", "extent": "VE2313", "extent_type": "pcode"}],
        }  # fmt: skip
        headers = {"Idempotency-Key": str(uuid4())}
        written = ask("gbv-coordinator", "POST", RECORDS, headers=headers, json=entry)
        assert written.status_code == 201, written.text
        made[name] = str(written.json()["id"])
    return made


def test_what_may_be_a_safe_house_is_answered_by_one_press(
    system: System, browsers: Browser, houses: dict[str, str]
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console")
        page.goto(
            page.locator("a.sections__link", has_text="Posibles casas de abrigo").get_attribute(
                "href"
            )
            or ""
        )
        for name, words in (
            ("Casa segura Aurora", "No es una casa de abrigo"),
            ("Casa segura Boreal", "Es una casa de abrigo"),
        ):
            card = page.locator("section.card", has_text=name)
            assert "casa segura" in card.locator("p").first.inner_text()
            with page.expect_navigation():
                card.get_by_role("button").filter(has_text=re.compile(rf"^\s*{words}")).click()
            assert page.locator("section.card", has_text=name).count() == 0
    seen = {
        name: system.running.request(
            "health-cluster", "GET", f"/directory/v1/services/{own}"
        ).status_code
        for name, own in houses.items()
    }
    assert seen == {"Casa segura Aurora": 200, "Casa segura Boreal": 404}


@pytest.fixture(scope="module")
def late(system: System) -> str:
    """Return the name of an organisation that missed a clinical deadline."""
    asked = {"category": "GBV-CMR", "referable": "true", "full": "true"}
    listed = system.running.request(SENDER, "GET", "/directory/v1/services", params=asked).json()
    service = next(one for one in listed["contents"] if one["name"].startswith("Atención clínica"))
    case = {"identity": {"name": "Yolimar"}, "area": "VE2313"}
    case_id = must(system, SENDER, "POST", "/referrals/v1/cases", json=case)["id"]
    of = {"case_id": case_id, "service_id": service["id"]}
    words = {"purpose": "GBV-CMR", "items": ["situation"], "method": "verbal"}
    grant = must(system, SENDER, "POST", "/referrals/v1/consents", json={**of, **words})["id"]
    draft = {
        **of,
        "category": "GBV-CMR",
        "urgency": "urgent",
        "payload": {"situation": "..."},
        "safe_contact": {"rule": "person_comes"},
        "clinical_deadline": (clock.now() + timedelta(seconds=5)).isoformat(),
    }
    made = must(system, SENDER, "POST", "/referrals/v1/referrals", json=draft)["id"]
    path = f"/referrals/v1/referrals/{made}/send"
    must(system, SENDER, "POST", path, json={"grant_id": grant})
    until(
        lambda: bool(must(system, "gbv-coordinator", "GET", "/referrals/v1/work")["to_call"]),
        "it is late",
    )
    return str(service["organization"]["name"])


def test_whom_to_call_is_shown_with_its_phone_and_leaves_once_the_call_is_noted_in_two(
    system: System, browsers: Browser, axe: str, late: str
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console")
        row = page.locator("li.row", has_text="organización con remisiones fuera de plazo")
        assert "Violencia basada en género" in row.inner_text()
        taps = Taps(page)
        taps.count += 1
        with page.expect_navigation():
            row.get_by_role("link").click()
        card = page.locator("section.card", has_text=late)
        assert "Una o más remisiones sin acuse de recibo (Urgente)" in card.inner_text()
        assert card.locator('a[href^="tel:+58"]').count() == 1
        assert "Yolimar" not in page.content()
        for width in at_both_widths(page):
            assert findings(page, axe) == [], width
            assert not too_wide(page), width
        taps.press("button", "La organización responderá")
        assert taps.count <= 2
        assert page.locator("section.card").count() == 0
        assert late in page.locator("#called").inner_text()
        assert (
            "demo-coordinator: la organización responderá" in page.locator("#called").inner_text()
        )
        page.goto("/console")
        assert row.count() == 0
    with signed_in(browsers, system, "demo-auditor", language="en") as page:
        page.goto("/console/audit?lang=en")
        assert "A call about overdue referrals was recorded" in page.inner_text("main")
        page.goto("/console?lang=es")


def test_an_endorsement_that_is_taken_back_leaves_a_gap_that_another_one_closes(
    system: System, browsers: Browser
) -> None:
    """Both endorsements are for the only service of its kind in a town."""
    name = "Kits de dignidad en zonas mineras"
    with signed_in(browsers, system, "demo-coordinator") as page:
        given = page.locator("li.row", has_text=name)
        suggested = page.locator("section.card", has_text=name)
        page.goto("/console/endorsements?aor=GBV")
        assert suggested.count() == 0
        given.get_by_role("link").click()
        page.wait_for_load_state()
        give = page.get_by_role("button", name="Avalar para Violencia basada en género")
        assert give.count() == 0, "it is endorsed already"
        submit(page, "Quitar el aval de Violencia basada en género")
        assert give.count() == 1
        assert page.get_by_role("button", name="Quitar el aval de Violencia").count() == 0
        assert page.locator(".note[role=status]").count() == 1
        page.goto("/console/endorsements?aor=GBV")
        assert given.count() == 0
        assert "Kits de dignidad" in suggested.locator("p").first.inner_text(), "the need it meets"
        with page.expect_navigation():
            suggested.get_by_role("button", name="Avalar para Violencia basada en género").click()
        assert (given.count(), suggested.count()) == (1, 0)


def begun(page: Page, area: str) -> str:
    page.goto("/console/pathways")
    page.select_option("[name=area]", area)
    with page.expect_navigation():
        page.get_by_role("button", name="Empezar una ruta").click()
    return page.url.split("?")[0]


@pytest.fixture(scope="module")
def pathway(system: System, browsers: Browser) -> str:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console?lang=es")
        return begun(page, "VE21").removeprefix(system.running.url)


def changed_again(page: Page, pathway: str, step: str) -> None:
    """Change a published pathway in a draft; the page describes the differences in words."""
    assert "publicada" in page.inner_text("h1")
    submit(page, "Crear un borrador a partir de esta versión")
    assert "No hay diferencias con la versión publicada" in page.inner_text("main")
    page.goto(f"{pathway}/steps/{step}")
    page.fill("[name=window_hours]", "")
    page.check("[name=urgency][value=at_once]")
    page.fill("[name='condition/minimum_age']", "18")
    submit(page, "Guardar el paso")
    said = page.locator("#difference li").all_inner_texts()
    assert [one.split(", ", 1)[1].split(": ")[0] for one in said] == [
        "para quién",
        "urgencia",
        "plazo en horas",
    ]
    assert said[0].count("ahora desde 18 años y ") == 1
    assert said[1].endswith("antes en 72 horas, ahora de inmediato")
    assert said[2].endswith("antes en las primeras 48 horas, ahora nada")
    assert codes_shown(page) == []
    assert not too_wide(page)


def published_by_another(system: System, pathway: str) -> None:
    identifier = pathway.rsplit("/", 1)[-1]
    headers = {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
    path = f"/directory/v1/pathways/{identifier}"
    done = system.running.request("gbv-coordinator", "POST", f"{path}/publish", headers=headers)
    assert done.status_code == 200, done.text


def not_offered(page: Page, publisher: str, buttons: int = 0) -> None:
    """Check that the page offers no publishing but names who may publish. A coordinator can still return the
    version."""
    assert page.get_by_role("button", name="Publicar esta versión").count() == 0
    assert page.inner_text("#publisher") == publisher
    assert page.locator("main button").count() == buttons


def test_a_step_is_changed_tried_and_published_by_somebody_else(
    system: System, browsers: Browser, pathway: str
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto(pathway)
        listed = page.locator("#steps li").evaluate_all("all => all.map(e => e.dataset.step)")
        drawn = page.locator("svg.graph g").evaluate_all("all => all.map(e => e.dataset.step)")
        assert sorted(listed) == sorted(drawn), "the graph has the steps of the list"
        page.locator(f'a[href$="/steps/{listed[-1]}"]').click()
        page.wait_for_load_state()
        page.fill("[name=window_hours]", "mil")
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar el paso").click()
        assert page.locator("#f-window_hours-error").count() == 1
        assert page.input_value("[name=window_hours]") == "mil"
        page.fill("[name=window_hours]", "48")
        page.check("[name=urgency][value=within_72_hours]")
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar el paso").click()
        changed = page.locator(f'#steps li[data-step="{listed[-1]}"]').inner_text()
        assert "en las primeras 48 horas" in changed
        for box in page.locator('[name="profiles[]"]').all():
            box.check()
        with page.expect_navigation():
            page.get_by_role("button", name="Probar con personas inventadas").click()
        assert page.locator("section.next table").first.locator("tbody tr").count() == 10
        page.goto(pathway)
        page.fill("[name=name]", "Las de siempre")
        submit(page, "Guardar estas personas como grupo")
        assert "Las de siempre (3 personas)" in page.inner_text("#sets-form")
        submit(page, "Probar con el grupo")
        tried = page.locator("section.next table").first.locator("tbody tr")
        assert tried.count() == 3
        assert "27 años" in tried.first.inner_text()
        page.goto(pathway)
        page.fill("[name=name]", "Las de siempre")
        submit(page, "Guardar estas personas como grupo")
        assert page.input_value("[name=name]") == "Las de siempre", "the name is taken, and kept"
        submit(page, "Quitar el grupo")
        assert page.locator("#sets-form").count() == 0
        page.get_by_role("button", name="Enviar a una segunda persona").click()
        page.wait_for_load_state()
        assert "en espera de una segunda persona" in page.inner_text("h1")
        own = "Usted envió esta versión. Debe publicarla otra persona que coordine Violencia basada en género."
        not_offered(page, own, buttons=1)
    with signed_in(browsers, system, "demo-im") as page:
        page.goto(pathway)
        not_offered(page, "Debe publicar esta versión quien coordine Violencia basada en género.")
    published_by_another(system, pathway)
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto(pathway)
        changed_again(page, pathway, listed[-1])


def test_a_step_is_added_by_its_need_and_shows_no_key(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console?lang=es")
        begun(page, "VE14")
        steps = page.locator("#steps li")
        before = steps.count()
        page.get_by_role("link", name="Agregar un paso").click()
        page.wait_for_load_state()
        assert page.locator("[name=step_key]").count() == 0
        page.select_option("[name=need]", "GBV-CMR")
        page.check("[name=urgency][value=at_once]")
        submit(page, "Guardar el paso")
        assert steps.count() == before + 1
        assert "gbv-cmr" not in page.inner_text("#steps")
        steps.last.locator("summary").click()
        steps.last.get_by_role("button", name="Quitar").click()
        page.wait_for_load_state()
        assert steps.count() == before


def near_day(page: Page, name: str, words: str) -> str:
    """Return the local day that the browser offers for these words without scripts, in the format that people write."""
    offered = page.locator(f"#{page.locator(f'[name={name}]').get_attribute('list')} option")
    assert offered.all_inner_texts()[:2] == ["hoy", "mañana"]
    values = [each.get_attribute("value") for each in offered.all()]
    assert values[0] == f"{clock.at_home():%d/%m/%Y}"
    return values[offered.all_inner_texts().index(words)] or ""


def test_a_warning_stands_in_both_languages_and_is_published_by_somebody_else(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console/risks/new")
        page.fill('[name="texts/es/title"]', "Ofertas por teléfono")
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar el borrador").click()
        assert page.locator(".govuk-error-summary").count() == 1
        assert page.input_value('[name="texts/es/title"]') == "Ofertas por teléfono"
        for name, words in (
            ("es/body", "Desconfíe de quien ofrece trabajo sin contrato."),
            ("es/sms", "Ojo con ofertas sin contrato."),
            ("en/title", "Offers by phone"),
            ("en/body", "Beware of offers without a contract."),
            ("en/sms", "Beware of offers without contract."),
        ):
            page.fill(f'[name="texts/{name}"]', words)
        page.fill("[name=valid_until]", "mañana")
        submit(page, "Guardar el borrador")
        error = page.locator("#f-valid_until-error").inner_text()
        assert "escriba día, mes y año, como 28/11/2026" in error
        page.fill("[name=valid_until]", near_day(page, "valid_until", "mañana"))
        with page.expect_navigation():
            page.get_by_role("button", name="Guardar el borrador").click()
        assert "Partes: 1." in page.inner_text("main")
        assert page.get_by_role("button", name="Publicar", exact=True).count() == 0
        assert "que no lo haya escrito" in page.inner_text("#publisher")
        message = page.url.split("?")[0].removesuffix("/publish").rsplit("/", 1)[-1]
    path = f"/directory/v1/risk-messages/{message}/publish"
    headers = {"Idempotency-Key": str(uuid4())}
    done = system.running.request("gbv-coordinator", "POST", path, headers=headers)
    assert done.status_code == 200, done.text


def compared(page: Page) -> dict[str, list[str]]:
    """Return both versions of each field, by the field's label."""
    return {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator("#versions tbody tr").all()
    }


def test_6_whoever_was_slower_sees_both_versions_and_keeps_what_was_typed(
    system: System, browsers: Browser
) -> None:
    """Whoever saves last sees both versions of a message, a pathway step or an entry. Sending once more saves the typed
    version."""
    ask = system.running.request
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console/risks/new")
        day = (clock.today() + timedelta(days=30)).isoformat()
        words = {"title": "Offers", "body": "Beware of offers.", "sms": "Beware of offers."}
        for name, text in words.items():
            page.fill(f'[name="texts/es/{name}"]', text)
            page.fill(f'[name="texts/en/{name}"]', text)
        page.fill("[name=valid_until]", day)
        submit(page, "Guardar el borrador")
        path = f"/directory/v1/risk-messages/{page.url.split('?')[0].rsplit('/', 1)[-1]}"
        message = next(
            one
            for one in ask("gbv-coordinator", "GET", "/directory/v1/risk-messages/own").json()
            if path.endswith(one["id"])
        )
        texts = {**message["texts"], "es": {**words, "title": "Ofertas en la frontera"}}
        body = {
            "aor": message["aor"], "areas": [], "texts": texts, "valid_until": day
        }  # fmt: skip
        must(system, "gbv-coordinator", "PUT", path, json=body)
        page.fill('[name="texts/es/title"]', "Ofertas por radio")
        submit(page, "Guardar el borrador")
        assert (
            "Alguien cambió esto después de que usted lo abrió"
            in page.locator(".govuk-error-summary").inner_text()
        )
        both = ["Ofertas en la frontera", "Ofertas por radio"]
        assert list(compared(page).values()) == [both]
        assert page.input_value('[name="texts/es/title"]') == "Ofertas por radio"
        assert not too_wide(page)
        submit(page, "Guardar el borrador")
        assert "Ofertas por radio" in page.inner_text("h1")

        pathway = begun(page, "VE20").removeprefix(system.running.url)
        key = page.locator("#steps li").last.get_attribute("data-step")
        page.goto(f"{pathway}/steps/{key}")
        path = f"/directory/v1/pathways/{pathway.rsplit('/', 1)[-1]}/draft"
        draft = ask("gbv-coordinator", "GET", path)
        changed = draft.json()["pathway"]
        changed["steps"][-1]["window_hours"] = 36
        headers = {"If-Match": draft.headers["etag"]}
        assert ask("gbv-coordinator", "PUT", path, json=changed, headers=headers).status_code == 200
        page.fill("[name=window_hours]", "48")
        submit(page, "Guardar el paso")
        assert list(compared(page).values()) == [["36", "48"]]
        assert page.input_value("[name=window_hours]") == "48"
        submit(page, "Guardar el paso")
        changed_step = page.locator(f'#steps li[data-step="{key}"]').inner_text()
        assert "en las primeras 48 horas" in changed_step


def test_6_an_entry_that_was_changed_while_somebody_decided_says_what_and_keeps_the_reason(
    system: System, browsers: Browser
) -> None:
    ask = system.running.request
    listed = ask("ngo-refugio", "GET", RECORDS, params={"own": "true"}).json()["items"]
    line = next(one for one in listed if "GBV" in one["aors"] and one["state"] != "withdrawn")
    path = f"{RECORDS}/{line['id']}"

    def put_forward(description: str) -> None:
        headers = {"If-Match": ask("ngo-refugio", "GET", path).headers["etag"]}
        change = {"description": description}
        assert ask("ngo-refugio", "PATCH", path, json=change, headers=headers).status_code == 200
        must(system, "ngo-refugio", "POST", f"{path}/submit")

    put_forward("De día.")
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto(f"/console/entries/{line['id']}")
        put_forward("De día y de noche.")
        page.fill("[name=reason]", "Falta el horario.")
        submit(page, "Devolver la entrada a quien la escribió")
        assert ["De día.", "De día y de noche."] in compared(page).values()
        assert page.input_value("[name=reason]") == "Falta el horario."
        submit(page, "Devolver la entrada a quien la escribió")
        assert "Devuelta" in page.inner_text("h1")


def test_months_stand_beside_each_other_for_whoever_coordinates(
    system: System, browsers: Browser, sent_on: date
) -> None:
    until(lambda: _counted(system, sent_on), "the referral is counted")
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console/figures")
        page.get_by_role("link", name="Evolución por mes").click()
        page.wait_for_load_state()
        rows = page.locator("table").first.locator("tbody tr")
        assert rows.count() == 12
        # Counted in the UTC month, even if the home time zone has another month.
        row = rows.filter(has_text=conventions.month(sent_on, "es"))
        assert int(row.locator("td").first.inner_text()) >= 1
        page.select_option("[name=area]", "VE25")
        submit(page, "Filtrar")
        assert {cell.inner_text() for cell in page.locator("tbody td").all()} == {"0"}


def _counted(system: System, sent_on: date) -> bool:
    month = f"{sent_on:%Y-%m}"
    asked = system.running.request(
        "gbv-coordinator", "GET", "/reports/v1/indicators", params={"from": month, "to": month}
    )
    return any(row["counts"]["sent"] for one in asked.json()["scopes"] for row in one["rows"])


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_of_a_coordinator_has_a_finding(
    system: System,
    browsers: Browser,
    axe: str,
    submitted: str,
    houses: dict[str, str],
    pathway: str,
    language: str,
) -> None:
    with reading_in(language, browsers, system, "demo-coordinator") as page:
        page.goto("/console/risks")
        listed = page.locator("ul.rows li a")  # The tests above created these entries, if they ran.
        message = (listed.count() and listed.first.get_attribute("href")) or "/console/risks"
        looked_at(
            page, axe, language,
            (message, "/console/entries", f"/console/entries/{submitted}", f"/console/entries/{submitted}/edit", "/console/entries?state=draft",
             "/console/houses", "/console/endorsements", "/console/pathways", pathway, f"{pathway}/steps/safety",
             "/console/risks", "/console/risks/new", "/console/figures", "/console/figures/trends", "/console/bulletins",
             "/console/late"),
        )  # fmt: skip
        page.goto("/console/risks/new")
        page.locator("#main-form > button.govuk-button").click()
        page.wait_for_load_state()
        assert page.locator(".govuk-error-summary").count() == 1
