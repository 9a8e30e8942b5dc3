"""Empty pages, pages while part of the system is down, and keyboard use: checks 22, 23 and 30."""

import json
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page
from stack.private_files import write_private

from tests.pages.console.ways import CLINIC, choose, registered
from tests.pages.signed_in import (
    at_both_widths,
    findings,
    follows_the_rules,
    reading_in,
    signed_in,
    too_wide,
)
from tests.pages.world import REFERRALS, must
from tests.support.patience import PATIENCE
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
REFUGIO, SALUD = "ngo-refugio", "ngo-salud"


# Pages that are empty in an organisation where nobody has done anything yet.
EMPTY = (
    "/console", "/console/cases", "/console/decisions", "/console/sent", "/console/certificates",
    "/console/intake", "/console/retention", "/console/transfers", "/console/matches",
    "/console/emergency", "/console/handed-over", "/console/received", "/console/services",
    "/console/channels", "/console/screenings",
)  # fmt: skip
# The service that is down, the person, and each page with its status: 200 if only a section fails, 503 if the whole
# page does.
FAILING = (
    ("reporting", "demo-coordinator", (("/console", 200), ("/console/figures", 503))),
    ("directory", "demo-coordinator", (("/console", 200), ("/console/endorsements", 503))),
    (
        "referrals",
        "demo-supervisor",
        (("/console", 200), ("/console/decisions", 200), ("/console/cases", 503)),
    ),
)
REFUSED = (
    ("/console/cases/0190a000-0000-7000-8000-00000000ffff", 404),
    ("/console/cases?foo=1", 422),
    ("/console/people", 403),
)


@pytest.fixture(scope="module")
def newcomer(system: System) -> str:
    """Return a supervisor of a new organisation. The stack stores their credentials as it does for the demo."""
    body = {"name": "Fundación Recién Llegada", "aors": ["GBV"]}
    organisation = must(system, "im-officer", "POST", "/identity/v1/organisations", json=body)
    name = f"recien-llegada-{uuid4().hex[:8]}"
    wanted = {
        "sign_in_name": name,
        "organisation_id": organisation["id"],
        "roles": ["supervisor"],
        "scopes": ["directory:read", "directory:write", "referrals:read", "referrals:write",
                   "reports:read"],
    }  # fmt: skip
    made = must(system, "im-officer", "POST", "/identity/v1/people", json=wanted)
    known = json.loads(system.layout.people_file.read_text())
    known[name] = {each: made[each] for each in ("password", "second_factor_uri")}
    write_private(system.layout.people_file, json.dumps(known))
    return name


def without_findings(
    system: System, browsers: Browser, axe: str, person: str, pages: Iterable[tuple[str, int]]
) -> list[str]:
    """Check these pages, with their status, in each language and width; return the problems."""
    found: list[str] = []
    for language in ("es", "en"):
        with reading_in(language, browsers, system, person) as page:
            for path, status in pages:
                answer = page.goto(path)
                follows_the_rules(answer, page)
                assert answer is not None
                if answer.status != status:
                    found.append(f"{path} in {language}: {answer.status}")
                if page.locator("html").get_attribute("lang") != language:
                    found.append(f"{path} in {language}: is in another language")
                for width in at_both_widths(page):
                    where = f"{path} in {language} at {width}"
                    found += [f"{where}: {one}" for one in findings(page, axe)]
                    if too_wide(page):
                        found.append(f"{where}: is too wide")
    return found


def test_22_pages_in_which_there_is_nothing_yet_have_no_finding(
    system: System, browsers: Browser, axe: str, newcomer: str
) -> None:
    pages = [(path, 200) for path in EMPTY]
    assert without_findings(system, browsers, axe, newcomer, pages) == []
    assert without_findings(system, browsers, axe, newcomer, REFUSED) == []
    with signed_in(browsers, system, newcomer) as page:
        for path, _ in pages:
            page.goto(path)
            assert page.locator("main .rows li, main tbody tr").count() == 0, path
            assert page.locator("main p").first.inner_text(), "it says that there is nothing"


@contextmanager
def away(system: System, name: str) -> Iterator[None]:
    """Stop a service until the block ends."""
    system.hold(name)
    former = system.kill(name, signal.SIGKILL)
    try:
        yield
    finally:
        system.release(name)
        until(lambda: system.restarted(name, former), f"{name} is there again")


def test_22_pages_of_which_a_part_is_away_have_no_finding(
    system: System, browsers: Browser, axe: str
) -> None:
    found: list[str] = []
    for name, person, pages in FAILING:
        with signed_in(browsers, system, person):
            pass  # While everything still works.
        with away(system, name):
            found += without_findings(system, browsers, axe, person, pages)
            with signed_in(browsers, system, person) as page:
                assert page.locator(".part-away").count() == 1, name
    assert found == []


def test_30_what_was_typed_and_its_key_outlive_a_send_that_nobody_took(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-caseworker") as page:
        case = registered(page).rsplit("/", 1)[-1]
        choose(page)
        page.fill('[name="payload/situation"]', "Necesita atención hoy.")
        key = page.locator("#main-form [name=key]").first.get_attribute("value")
        with away(system, "referrals"):
            with page.expect_response(lambda r: r.request.method == "POST") as sending:
                page.get_by_role("button", name="Registrar el consentimiento y remitir").click()
            assert sending.value.status == 303, "neither Back nor a reload sends it again"
            page.wait_for_load_state()
            kept = page.content()
            assert "Necesita atención hoy." in kept
            assert f'value="{key}"' in kept
        page.get_by_role("button", name="Enviar", exact=True).click()
        page.wait_for_url("**/console/referrals/*")
    path = {"case_id": case}
    found = system.running.request(REFUGIO, "GET", REFERRALS, params=path).json()["items"]
    assert [one["state"] for one in found] == ["sent"]


def reach(page: Page, holds: Callable[[], bool], what: str) -> None:
    """Press Tab until the control has the focus. Each control on the way must show a focus ring that the bar does not
    cover."""
    for _ in range(300):
        page.keyboard.press("Tab")
        fault = page.evaluate(RING)
        assert not fault, fault
        if holds():
            return
    raise AssertionError(f"Tab does not come to {what}")


RING = """(() => { const e = document.activeElement;
  if (!e || e === document.body) return '';
  const shown = e.matches('input[type=radio], input[type=checkbox]') ? getComputedStyle(e.nextElementSibling, '::before')
    : getComputedStyle(e);
  const ring = shown.outlineStyle !== 'none' && parseFloat(shown.outlineWidth) >= 2 || shown.boxShadow !== 'none';
  if (!ring) return 'no ring: ' + e.outerHTML.slice(0, 120);
  const bar = document.querySelector('header.bar'), box = e.getBoundingClientRect();
  const sticky = bar && ['sticky', 'fixed'].includes(getComputedStyle(bar).position);
  if (sticky && !bar.contains(e) && !e.classList.contains('govuk-skip-link') && box.bottom > 0 && box.bottom <= bar.getBoundingClientRect().bottom)
    return 'behind the bar: ' + e.outerHTML.slice(0, 120);
  return ''; })()"""


@pytest.mark.parametrize("width", [320, 1280])
def test_23_a_case_is_referred_by_keyboard_alone(
    system: System, browsers: Browser, width: int
) -> None:
    with signed_in(browsers, system, "demo-caseworker", width=width, scripts=True) as page:
        page.set_default_timeout(PATIENCE * 1000)
        registered(page)

        def on(selector: str) -> Callable[[], bool]:
            return lambda: bool(page.evaluate("s => document.activeElement.matches(s)", selector))

        def says(words: str) -> Callable[[], bool]:
            ask = "w => document.activeElement.textContent.includes(w)"
            return lambda: bool(page.evaluate(ask, words))

        def labelled(words: str) -> Callable[[], bool]:
            ask = "w => (document.activeElement.labels?.[0]?.textContent || '').includes(w)"
            return lambda: bool(page.evaluate(ask, words))

        reach(page, on('[name="facts/situations[]"]'), "the situation")
        page.evaluate("document.activeElement.multiple")
        page.keyboard.type("Violencia sexual")
        reach(page, says("Remitir"), "the button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.locator("h1").count() == 1
        # Tab reaches one radio button of a question; the arrow keys reach the others.
        for name, words in (("service_id", CLINIC), ("safe_contact/rule", "NO LLAMAR"),
                            ("method", "De palabra")):  # fmt: skip
            reach(page, on(f'[name="{name}"]'), name)
            page.keyboard.press("Space")
            for _ in range(40):
                if labelled(words)():
                    break
                page.keyboard.press("ArrowDown")
            assert labelled(words)(), words
            if name == "service_id":
                reach(page, on('[name="payload/situation"]'), "what is shared")
                page.keyboard.type("Necesita ayuda hoy.")
        reach(page, says("Registrar el consentimiento y remitir"), "the button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert re.search(r"/console/referrals/[0-9a-f-]{36}$", page.url), page.inner_text("main")
