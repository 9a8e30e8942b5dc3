"""Every page for caseworkers, recipients, supervisors and line desks. The test finds them in the code and opens them on
a phone and a wide screen, in both languages, also with a refused form."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from common import clock
from console.app import SCREENS
from console.care.api import screens as care
from console.cases.copy_api import screens as copies
from console.channels.api import screens as channels
from console.decisions.api import screens as decisions
from console.emergency.api import screens as emergency
from console.handing.api import screens as handing
from console.intake.api import screens as intake
from console.line.api import screens as line
from console.matches.api import screens as matches
from console.record.api import screens as record
from console.screening.api import screens as screening
from console.services.slips_api import screens as slips
from console.supervision.api import screens as supervision
from console.work.calendar_api import screens as calendar
from playwright.sync_api import Browser, Page
from prometheus_client.parser import text_string_to_metric_families
from stack.demo.people import PEOPLE
from starlette.routing import Route

from tests.pages.console.test_line_desk import REFUGIO
from tests.pages.console.test_supervisor import quarantined
from tests.pages.console.ways import registered, reported, sent, submit, unfold
from tests.pages.signed_in import (
    at_both_widths,
    findings,
    looked_at,
    reading_in,
    signed_in,
    too_wide,
)
from tests.pages.world import must
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
OURS = (
    calendar,
    care,
    channels,
    copies,
    decisions,
    emergency,
    handing,
    intake,
    line,
    matches,
    record,
    screening,
    slips,
    supervision,
)
"""Those of cases, consents, referrals, services and work are walked to in test_golden_paths.py."""
SALUD = "0190a000-0000-7000-8000-000000000002"
SUPERVISOR = "ngo-refugio-supervisor"


@dataclass(frozen=True)
class Ids:
    """Path parameters of the pages' addresses, by name."""

    found: dict[str, str]

    def path(self, route: str) -> str:
        return re.sub(r"\{([a-z_]+)(:uuid)?\}", lambda part: self.found[part[1]], route)


def pages() -> list[str]:
    return [
        route.path
        for screens in OURS
        for route in screens.router.routes
        if isinstance(route, Route)
        and "GET" in (route.methods or ())
        and not route.path.endswith(("{entry_id:uuid}/picture", ".pdf"))  # Files.
    ]


def handed_over(system: System, browsers: Browser, reference: str) -> tuple[str, str]:
    """Create a report that an organisation received, and an emergency access that its supervisor approved for another
    person."""
    _, report = reported(system, browsers, "Quiero que me acompañen.", wish=True)
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto(f"/console/line/{report}")
        unfold(page, "Entregar el reporte a una organización")
        page.select_option('[name="hand-over/organisation_id"]', REFUGIO)
        submit(page, "Entregar el reporte a una organización")
        page.goto("/console/emergency")
        unfold(page, "Pedir acceso")
        page.fill('[name="ask/case_reference"]', str(reference))
        page.fill('[name="ask/reason"]', "Hay peligro ahora y nadie responde en su organización.")
        submit(page, "Pedir acceso")
    path = "/referrals/v1/break-glass"
    asked = system.running.request(SUPERVISOR, "GET", f"{path}?view=of-my-cases").json()["items"]
    must(system, SUPERVISOR, "POST", f"{path}/{asked[0]['id']}/decision", json={"approve": True})
    return report, str(asked[0]["id"])


def kept(page: Page) -> tuple[str, str]:
    """Create a channel that waits for its code, and a certificate."""
    page.goto("/console/channels")
    page.get_by_label("Correo", exact=True).check()
    page.fill('[name="channel/address"]', "alguien@example.org")
    submit(page, "Agregar")
    channel = address(page, "channels")
    page.goto("/console/certificates")
    unfold(page, "Registrar un certificado")
    page.select_option('[name="certify/holder"]', label="demo-caseworker")
    until = (clock.today() + timedelta(days=40)).isoformat()
    page.fill('[name="certify/valid_until"]', until)
    submit(page, "Registrar un certificado")
    return channel, address(page, "certificates")


@pytest.fixture(scope="module")
def ids(system: System, browsers: Browser) -> Ids:
    """Create a case with a need, a review and a screening, a queue, and a quarantined form."""
    submission = quarantined(system)
    with signed_in(browsers, system, "demo-caseworker") as page:
        case = registered(page)
        referral = sent(page)
        page.goto(f"{case}/plan")
        unfold(page, "Agregar una necesidad")
        page.select_option('[name="add/need"]', "GBV-CMR")
        submit(page, "Agregar una necesidad")
        unfold(page, "Programar una revisión")
        page.fill('[name="review/due_on"]', (clock.today() + timedelta(days=9)).isoformat())
        submit(page, "Programar una revisión")
        need, review = (
            page.locator(f'a[href*="/{what}/"]').first.get_attribute("href") or ""
            for what in ("needs", "reviews")
        )
        page.goto(f"{case}/record")
        page.fill('[name="note/text"]', "Vino hoy.")
        submit(page, "Guardar la nota")
        entry = address(page, "entries")
        page.goto(f"{case}/screen")
        for name in ("safe_to_talk", "consent"):
            page.locator(f'[name="answers/{name}"][value=yes]').check()
            submit(page, "Seguir")
        screened = re.search(r"/screenings/([0-9a-f-]{36})", page.url)
        assert screened
        page.goto(f"{case}/plan")
        unfold(page, "Registrar asistencia")
        page.select_option('[name="given/support_type"]', index=1)
        submit(page, "Registrar asistencia")
        given = address(page, "assistance")
        reference = page.goto(case) and page.locator("h1").inner_text().split()[-1]
        other = registered(page)
        page.goto(f"{other}/transfer")
        page.select_option('[name="offer/recipient_organisation_id"]', SALUD)
        page.get_by_label("De palabra").check()
        submit(page, "Registrar el consentimiento y ofrecer el caso")
        transfer = page.url
    report, access = handed_over(system, browsers, str(reference))
    with signed_in(browsers, system, "demo-supervisor") as page:
        channel, certificate = kept(page)
        page.goto("/console/team")
        service = page.get_by_role("link", name="Elegir personas").first.get_attribute("href") or ""
        person = address(page, "people")
    forms = system.running.request("ngo-refugio-supervisor", "GET", "/referrals/v1/intake/forms")
    return Ids(
        {
            "case_id": case.rsplit("/", 1)[-1],
            "item_id": need.rsplit("/", 1)[-1],
            "review_id": review.rsplit("/", 1)[-1],
            "entry_id": entry,
            "screening_id": screened[1],
            "person_id": person,
            "referral_id": referral.rsplit("/", 1)[-1],
            "service_id": service.rsplit("/", 1)[-1],
            "submission_id": submission,
            "form_id": forms.json()[0]["id"],
            "assistance_id": given,
            "transfer_id": transfer.rsplit("/", 1)[-1],
            "report_id": report,
            "access_id": access,
            "channel_id": channel,
            "certificate_id": certificate,
        }
    )


def address(page: Page, part: str) -> str:
    """Return the id at the end of the page's first link of this kind."""
    found = page.locator(f'a[href*="/{part}/"]').first.get_attribute("href") or ""
    return found.split("?")[0].rsplit("/", 1)[-1]


def test_every_page_is_of_one_of_the_walks() -> None:
    mine = {id(screens) for screens in OURS}
    others = {screens for screens in SCREENS if id(screens) not in mine}
    assert len(others) + len(OURS) == len(SCREENS)


def of_coordinators(path: str) -> bool:
    """Return whether a coordinator must open the page. Coordinators own the line, and an access belongs to its
    requester."""
    return "/line" in path or "{access_id" in path


@pytest.mark.parametrize("language", ["es", "en"])
def test_no_page_has_a_finding(
    system: System, browsers: Browser, axe: str, ids: Ids, language: str
) -> None:
    for person, wanted in (
        ("demo-supervisor", lambda path: not of_coordinators(path)),
        ("demo-coordinator", of_coordinators),
    ):
        with reading_in(language, browsers, system, person) as page:
            looked_at(page, axe, language, map(ids.path, filter(wanted, pages())))


ALLOWED = {"ruta_console_page_calls_at_once": "4.0", "ruta_console_page_rounds": "2.0"}
# The audit page needs a third round: it finds a case by its code, then the case's rows, then the names in them.
THIRD_ROUND = ("ruta_console_page_rounds", "/console/audit")
FIRST_PAGE = {**ALLOWED, "ruta_console_page_rounds": "1.0"}


def asked_much(
    system: System, most: dict[str, str] = ALLOWED
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the number of pages, and of those within the limit, by measure and page."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for family in text_string_to_metric_families(system.measured("console")):
        if family.name not in most:
            continue
        for sample in family.samples:
            key = (family.name, sample.labels["page"])
            all_of_them, within = found.get(key, (0.0, 0.0))
            if sample.name.endswith("_count"):
                all_of_them = sample.value
            elif sample.labels.get("le") == most[family.name]:
                within = sample.value
            found[key] = (all_of_them, within)
    return found


def test_25_no_page_asks_for_more_than_four_things_at_once_in_two_rounds(
    system: System, browsers: Browser, ids: Ids
) -> None:
    """The rule applies to every page of the navigation and of a case. Cached code lists are already loaded."""
    case = ids.path("/console/cases/{case_id}")
    theirs = [ids.path(route) for route in pages() if of_coordinators(route)]
    of_cases = [ids.path(route) for route in pages() if not of_coordinators(route)]
    with signed_in(browsers, system, "demo-coordinator") as page:
        for path in ("/console/line", ids.path("/console/line/{report_id}")):
            assert page.request.get(path).status == 200
    with signed_in(browsers, system, "demo-supervisor") as page:
        for path in (case, f"{case}/plan"):
            assert page.request.get(path).status == 200
        page.goto(case)
        sent_one = page.locator('a[href*="/console/referrals/"]').first.get_attribute("href") or ""
    before, opened = asked_much(system), 0
    for person in (one.sign_in_name for one in PEOPLE):
        with signed_in(browsers, system, person) as page:
            page.goto("/console")
            entries = page.locator("a.sections__link").evaluate_all("all => all.map(e => e.href)")
            more = {
                "demo-supervisor": [*of_cases, case, f"{case}/refer", sent_one],
                "demo-coordinator": theirs,
            }
            for path in (*entries, *more.get(person, ())):
                opened += page.request.get(path).status == 200
    assert opened >= 40
    over = []
    for key, (counted, within) in asked_much(system).items():
        were, were_within = before.get(key, (0.0, 0.0))
        if counted - were != within - were_within:
            over.append(key)
    assert set(over) <= {THIRD_ROUND}


@pytest.mark.parametrize("person", [one.sign_in_name for one in PEOPLE])
def test_25_the_first_page_of_each_role_asks_for_at_most_four_things_all_at_once(
    system: System, browsers: Browser, person: str
) -> None:
    with signed_in(browsers, system, person) as page:
        page.goto("/console")  # This fills the process's cache.
        before = asked_much(system, FIRST_PAGE)
        page.goto("/console")
        after = asked_much(system, FIRST_PAGE)
    for name in FIRST_PAGE:
        counted, within = after[name, "/console"]
        were, were_within = before[name, "/console"]
        assert (counted - were, within - were_within) == (1, 1), name


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_form_that_was_refused_has_no_finding(
    system: System, browsers: Browser, axe: str, ids: Ids, language: str
) -> None:
    """Each page that refuses an empty form lists the missing values at the top and at their fields."""
    refused = []
    with reading_in(language, browsers, system, "demo-supervisor") as page:
        for route, form in (
            ("plan", "add"),
            ("close", "end"),
            ("transfer", "offer"),
        ):
            page.goto(ids.path(f"/console/cases/{{case_id}}/{route}"))
            fold = page.locator(f"details:has(#form-{form}) > summary")
            if fold.count():
                fold.click()
            with page.expect_navigation():
                page.locator(f"#form-{form} button.govuk-button").click()
            assert page.locator("html").get_attribute("lang") == language
            for width in at_both_widths(page):
                assert findings(page, axe) == [], (route, width)
                assert not too_wide(page), (route, width)
            refused += [route] * page.locator(".govuk-error-summary").count()
    assert refused == ["plan", "close", "transfer"]
