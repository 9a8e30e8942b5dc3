"""A person gets from a case to help without JavaScript, and with no more presses than on paper."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Browser, Page, Route

from tests.pages.console.ways import (
    CLINIC,
    NAME,
    PHONE_NUMBER,
    SITUATION,
    choose,
    id_of,
    registered,
    sent,
    unfold,
)
from tests.pages.signed_in import (
    Taps,
    at_both_widths,
    findings,
    looked_at,
    reading_in,
    signed_in,
    too_wide,
)
from tests.support.system import System

pytestmark = pytest.mark.system
STRANGER = "Zoraida Petronilanzo"
"""Nobody of this name has a case yet."""
Form = dict[str, str | float | bool]


@pytest.fixture(scope="module")
def caseworker(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-caseworker") as page:
        yield page


@pytest.fixture(scope="module")
def recipient(system: System, browsers: Browser) -> Iterator[Page]:
    with signed_in(browsers, system, "demo-recipient") as page:
        yield page


@pytest.fixture(scope="module")
def referral(caseworker: Page) -> str:
    registered(caseworker)
    return sent(caseworker)


def test_2_a_case_is_referred_in_five_presses_on_two_pages(
    system: System, caseworker: Page
) -> None:
    """The first-ranked service needs no extra press; any other service needs a sixth."""
    case = registered(caseworker)
    taps = choose(caseworker)
    taps.press("button", "Registrar el consentimiento y remitir")
    assert taps.count - 1 <= 5
    assert taps.pages <= 2
    assert "/console/referrals/" in caseworker.url
    assert "Enviada" in caseworker.inner_text("main")
    made = caseworker.url.rsplit("/", 1)[-1]
    refugio = system.running.request
    view = refugio("ngo-refugio", "GET", f"/referrals/v1/referrals/{made}").json()
    assert (view["state"], view["case_id"]) == ("sent", case.rsplit("/", 1)[-1])
    grant = refugio("ngo-refugio", "GET", f"/referrals/v1/consents/{view['grant_id']}").json()
    assert grant["items"] == ["situation"], "what was written, and nothing was ticked for her"


def test_3_sent_twice_it_is_one_referral(system: System, caseworker: Page) -> None:
    """The connection dropped, the first response was lost, and the browser sends the same form again."""
    case = registered(caseworker).rsplit("/", 1)[-1]
    choose(caseworker)
    statuses: list[int] = []

    def twice(route: Route) -> None:
        headers = {**route.request.all_headers(), "sec-fetch-site": "same-origin"}
        statuses.append(route.fetch(max_redirects=0, headers=headers).status)
        route.continue_()

    caseworker.route("**/refer", twice)
    with caseworker.expect_navigation():
        caseworker.get_by_role("button", name="Registrar el consentimiento y remitir").click()
    caseworker.unroute("**/refer")
    assert statuses == [303]
    for path in ("/referrals/v1/referrals", "/referrals/v1/consents"):
        listed = system.running.request("ngo-refugio", "GET", path, params={"case_id": case})
        assert len(listed.json()["items"]) == 1, path


def test_3_going_back_and_sending_the_same_again_leads_to_the_same_referral(
    system: System, caseworker: Page
) -> None:
    """After Send and after a refusal, Back and reload neither resend the form nor prompt. Sending again gives the same
    referral."""
    case = registered(caseworker).rsplit("/", 1)[-1]
    posts: list[str] = []
    caseworker.on("request", lambda one: posts.append(one.url) if one.method == "POST" else None)
    button = caseworker.get_by_role("button", name="Registrar el consentimiento y remitir")

    def sends() -> None:
        with caseworker.expect_navigation():
            button.click()

    choose(caseworker)
    looked = caseworker.url
    caseworker.locator('[name="safe_contact/rule"]:checked').evaluate("one => one.checked = false")
    sends()
    refused = caseworker.url
    assert caseworker.locator(".govuk-error-summary").count() == 1
    for _ in range(2):
        assert caseworker.input_value('[name="payload/situation"]') == SITUATION
        caseworker.reload()
    caseworker.get_by_label("NO LLAMAR").first.check()
    sends()
    made = caseworker.url
    assert "/console/referrals/" in made
    caseworker.reload()
    assert caseworker.url == made
    caseworker.go_back()
    assert caseworker.url in (looked, refused), "one form, one address"
    assert SITUATION not in caseworker.content(), "what was carried out is not kept"
    caseworker.reload()
    assert len(posts) == 3, "a look, a refusal, a referral"
    caseworker.select_option('[name="facts/situations[]"]', "sexual_violence")
    with caseworker.expect_navigation():
        caseworker.locator("[name=look]").click()
    caseworker.fill('[name="payload/situation"]', SITUATION)
    caseworker.get_by_label(CLINIC).first.check()
    for label in ("NO LLAMAR", "De palabra"):
        caseworker.get_by_label(label).first.check()
    sends()
    assert caseworker.url == made
    for path in ("/referrals/v1/referrals", "/referrals/v1/consents"):
        listed = system.running.request("ngo-refugio", "GET", path, params={"case_id": case})
        assert len(listed.json()["items"]) == 1, path


def test_3_a_code_that_is_shown_once_is_not_made_anew_by_a_reload_or_back(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-caseworker", scripts=True) as page:
        registered(page)
        sent(page)
        page.locator('a[href^="/console/consents/"]').first.click()
        page.wait_for_url("**/console/consents/*")
        consent = page.url
        posts: list[str] = []
        page.on("request", lambda one: posts.append(one.url) if one.method == "POST" else None)
        with page.expect_navigation():
            page.locator('form[action$="/slip"] button').click()
        assert page.url == consent
        page.reload()
        page.goto("/console")
        page.go_back()
        assert page.url == consent
        assert len(posts) == 1


def test_4_the_recipient_acknowledges_reads_and_accepts_in_four(
    referral: str, recipient: Page
) -> None:
    recipient.goto("/console/received")
    code = referral.replace("-", "")[-8:].upper()
    taps = Taps(recipient)
    taps.press("link", f"Abrir {code}")
    assert NAME not in recipient.content()
    taps.press("button", "Acusar recibo y leer")
    text = recipient.inner_text("main")
    assert "NO LLAMAR: la persona acudirá al servicio" in text
    shared = recipient.locator("h2", has_text="aceptó compartir").locator("xpath=following::dl[1]")
    assert shared.locator("dt").all_inner_texts() == ["Situación"], "and no more"
    assert SITUATION in shared.inner_text()
    assert NAME not in recipient.content(), "the name was not granted"
    taps.press("button", "Aceptar")
    assert "Aceptada" in recipient.inner_text("main")
    assert taps.count <= 4


def test_11_capacity_is_changed_in_two_and_the_history_names_who_did_it(
    system: System, recipient: Page
) -> None:
    recipient.goto("/console")
    taps = Taps(recipient)
    taps.press("link", "Mis servicios")
    card = recipient.locator("section.card").last
    taps.count += 1
    with recipient.expect_navigation():
        card.get_by_role("button", name="Lleno").click()
    assert taps.count == 2
    assert card.locator("strong").inner_text().split() == ["Cupo", "actual:", "Lleno"]
    assert card.locator("button").count() == 2, "the present state is no button"
    with recipient.expect_navigation():
        card.get_by_role("button", name="Tiene cupo").click()
    service = re.search(r"[0-9a-f-]{36}", card.locator("form").first.get_attribute("action") or "")
    assert service
    path = f"/directory/v1/records/services/{service[0]}/history"
    changed = system.running.request("ngo-salud", "GET", path, params={"limit": 200}).json()[
        "items"
    ]
    doers = {one["client_id"] for one in changed if one["pointer"].startswith("/capacity")}
    assert id_of(system, "demo-recipient") in doers
    assert "ruta-console" not in doers


def test_a_consent_is_withdrawn_at_the_desk_in_three(
    system: System, caseworker: Page, recipient: Page
) -> None:
    case = registered(caseworker)
    referral = sent(caseworker)
    recipient.goto(referral)
    recipient.get_by_role("button", name="Acusar recibo y leer").click()
    recipient.wait_for_load_state()
    assert "Lo que la persona aceptó compartir" in recipient.inner_text("main")
    caseworker.goto(case)
    taps = Taps(caseworker)
    taps.press("link", "Ver o retirar")
    taps.press("button", "Retirar ahora")
    assert taps.count <= 3
    assert "Ya se había leído" in caseworker.inner_text("main")
    recipient.goto(referral)
    for _ in range(2):  # Also check the page that Back opens.
        assert "Lo que la persona aceptó compartir" not in recipient.inner_text("main")
        assert "Edad" not in recipient.inner_text("main")
        recipient.go_back()
        recipient.wait_for_load_state()


def test_6_of_two_tabs_the_second_says_who_was_first_and_what_may_be_done_now(
    caseworker: Page, recipient: Page
) -> None:
    registered(caseworker)
    made = sent(caseworker)
    recipient.goto(made)
    recipient.get_by_role("button", name="Acusar recibo y leer").click()
    recipient.wait_for_load_state()
    recipient.goto(made)
    first = recipient.context.new_page()
    first.goto(made)
    with first.expect_navigation():
        first.get_by_role("button", name="Aceptar", exact=True).click()
    assert "Aceptada" in first.inner_text("main")
    first.close()
    unfold(recipient, "No podemos atender esta remisión")
    recipient.locator("#form-decline").get_by_label("No hay cupo").first.check()
    recipient.locator('[name="decline/note"]').fill("Volvemos el lunes")
    with recipient.expect_response(lambda r: "?form=" in r.url) as answered:
        recipient.locator("#form-decline button").click()
    recipient.wait_for_load_state()
    assert answered.value.status == 409
    text = recipient.inner_text("main")
    assert "Aceptada, demo-recipient" in text, "who did what"
    for typed in ("No hay cupo", "Volvemos el lunes"):
        assert typed in text, "nothing is lost"
    assert recipient.locator("#form-decline").count() == 0
    assert recipient.locator("#form-start button").count() == 1, "what may be done now"
    recipient.reload()  # No prompt appears, because the reload does not resend the refused form.
    assert "Aceptada" in recipient.inner_text("main")


def test_a_name_stands_on_the_page_of_its_case_alone(system: System, caseworker: Page) -> None:
    case = registered(caseworker)
    addresses: list[str] = []
    caseworker.on("request", lambda request: addresses.append(request.url))
    caseworker.goto(case)
    assert NAME in caseworker.content()
    assert not caseworker.get_by_text(NAME).first.is_visible(), "behind the fold"
    sent(caseworker)
    assert NAME not in caseworker.content()
    for path in ("/console", "/console/cases", "/console/received"):
        caseworker.goto(path)
        assert NAME not in caseworker.content()
    caseworker.goto("/console/cases/search")
    caseworker.fill("[name=name]", NAME)
    caseworker.get_by_role("button", name="Buscar").click()
    caseworker.wait_for_load_state()
    assert "encontrado" in caseworker.inner_text("main")
    history = caseworker.context.new_cdp_session(caseworker).send("Page.getNavigationHistory")
    kept = [entry["url"] + entry["title"] for entry in history["entries"]]
    cookies = [f"{c['name']}{c['value']}" for c in caseworker.context.cookies()]
    log = Path(system.layout.log_file).read_text(errors="replace")
    for text in (*addresses, *kept, *cookies, log):
        assert "kwyjibonia" not in text.lower()
        assert PHONE_NUMBER not in text


def test_what_was_typed_outlives_a_language_and_an_ended_session(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-supervisor") as page:
        page.goto("/console?lang=es")
        page.goto("/console/cases/new")
        page.fill('[name="identity/name"]', STRANGER)
        page.get_by_role("button", name="English").click()
        page.wait_for_load_state()
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.input_value('[name="identity/name"]') == STRANGER
        # Remove only the session, because a browser keeps its language.
        kept = [c for c in page.context.cookies() if "ruta-language" not in c["name"]]
        page.context.clear_cookies(name=re.compile("ruta-(session|seen)"))
        with page.expect_navigation():
            page.get_by_role("button", name="Register the case").click()
        assert STRANGER in page.inner_text("main")
        page.context.add_cookies(cast("list[SetCookieParam]", kept))
        with page.expect_navigation():
            page.get_by_role("button", name="Send").click()
        if (
            "/cases/new" in page.url
        ):  # The form is another user's, so the current user sends it again.
            assert STRANGER in page.content()
            with page.expect_navigation():
                page.get_by_role("button", name="Send").click()
        assert re.search(r"/console/cases/[0-9a-f-]{36}$", page.url)


def test_a_form_without_its_token_does_nothing(system: System, caseworker: Page) -> None:
    caseworker.goto("/console/cases/new")
    token = caseworker.locator("form#main-form [name=csrf_token]")
    assert token.count() == 1
    before = caseworker.get_attribute("form#main-form [name=csrf_token]", "value")
    url = f"{system.running.url}/console/cases/new"
    headers = {"Sec-Fetch-Site": "same-origin"}
    forms: list[Form] = [{"identity/name": NAME}, {"identity/name": NAME, "csrf_token": "x"}]
    for form in forms:
        answer = caseworker.request.post(url, form=form, headers=headers)
        assert answer.status == 403
        assert NAME in answer.text(), "what was typed is shown again"
    other = f"{system.running.url}/console/cases/search"
    replayed: Form = {"name": NAME, "csrf_token": before or ""}
    assert caseworker.request.post(other, form=replayed, headers=headers).status == 403
    foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert caseworker.request.post(url, form=replayed, headers=foreign).status == 403


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_of_the_way_has_a_finding(
    system: System, browsers: Browser, axe: str, referral: str, language: str
) -> None:
    with reading_in(language, browsers, system, "demo-caseworker") as page:
        page.goto(referral)
        case = page.locator('a[href^="/console/cases/"]').last.get_attribute("href") or ""
        grant = page.locator('a[href^="/console/consents/"]').first.get_attribute("href") or ""
        looked_at(
            page, axe, language,
            ("/console", "/console/cases", "/console/cases/new", "/console/cases/search",
             "/console/services", case, f"{case}/refer", referral, grant),
        )  # fmt: skip
        page.goto(f"{case}/refer")
        page.locator("form#main-form > button.govuk-button").last.click()
        page.wait_for_load_state()
        assert page.locator(".govuk-error-summary").count() == 1
        for width in at_both_widths(page):
            assert findings(page, axe) == [], width
            assert not too_wide(page), width
    with reading_in(language, browsers, system, "demo-recipient") as page:
        looked_at(
            page, axe, language, ("/console", "/console/received", referral, "/console/services")
        )
    with reading_in(language, browsers, system, "demo-supervisor") as page:
        looked_at(page, axe, language, ("/console/decisions",))
