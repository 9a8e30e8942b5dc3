"""Every console link that a person may follow, for each role and in both languages: words, dates and widths.

The crawl begins at the first page and follows links to two addresses of each route. RUTA_PICTURES names a folder for
pictures.
"""

import os
import re
from collections import Counter, deque
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page
from stack.demo.people import PEOPLE

from tests.pages.console.ways import registered, reported, sent
from tests.pages.page_checks import NARROW
from tests.pages.signed_in import codes_shown, cut_on_a_phone, reading_in, signed_in
from tests.pages.words import of_the_other_language
from tests.pages.world import bulletin, risk_message
from tests.support.people_at_browsers import DESK, PHONE
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/clients/)[a-z-]+|VE\d+")
# An ISO date, and a time with its zone in letters.
WRITTEN = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}:\d\d(?::\d\d)?(?:Z| ?UTC)\b")
# Single words that reveal an English text on a Spanish page. English pages also contain people's own Spanish names.
BETRAYING = re.compile(
    r"\b(?:case|referral|service|report|draft|pending|sent|status|unknown|none|yes|GBV)\b"
)
# The page's own text, without the names of people, clients and services as people typed them.
OWN = """(() => { const copy = document.querySelector('main').cloneNode(true), own = document.documentElement.lang;
  copy.querySelectorAll('script, textarea, .typed, .row__code, .said, [translate=no]').forEach(e => e.remove());
  copy.querySelectorAll('[lang]').forEach(e => e.lang !== own && e.remove());
  copy.querySelectorAll('*').forEach(e => e.append(' '));
  return copy.textContent; })()"""
LINKS = """[...document.querySelectorAll('a[href]:not([download]), form[method=get]')]
  .map(e => e.getAttribute('href') || e.getAttribute('action'))"""
# Texts in the browser's own font, because no style names another.
UNSTYLED = """[...document.querySelectorAll('main *')].filter(e => e.checkVisibility()
  && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
  && /^"?Times/.test(getComputedStyle(e).fontFamily)).map(e => e.textContent.trim().slice(0, 40))"""
OURS = re.compile(r"/console(?:/|\?|$)|/account$|/account\?")
# Files, and bulletin previews in either language.
FILES = re.compile(
    r"/preview/|\.(csv|xlsx|zip|pdf|svg|png|json|docx)\b|/picture|/files?/|/paper\b|/export"
)
WIDTHS = (320, PHONE, DESK)


@pytest.fixture(scope="module", autouse=True)
def _filled(system: System, browsers: Browser) -> None:
    """Create a case, a referral, a report on the line, a risk message and a bulletin."""
    with signed_in(browsers, system, "demo-caseworker") as page:
        registered(page)
        sent(page)
    reported(system, browsers, "Quiero hablar con alguien.")
    risk_message(system)
    bulletin(system)


def found_on(page: Page, language: str) -> list[str]:
    own = page.evaluate(OWN)
    found = [f"code {each}" for each in codes_shown(page)]
    found += [f"word {each}" for each in of_the_other_language(own, language)]
    found += [f"date {each}" for each in sorted(set(WRITTEN.findall(own)))]
    found += [f"unstyled {each}" for each in page.evaluate(UNSTYLED)]
    if language == "es":
        found += [f"word {each}" for each in sorted(set(BETRAYING.findall(own)))]
    if page.locator("html").get_attribute("lang") != language:
        found.append("is in another language")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        found += [f"wide at {width}: {each}" for each in page.evaluate(NARROW)]
        found += [f"cut at {width}: {each}" for each in cut_on_a_phone(page)]
    return found


def pictured(page: Page, name: str) -> None:
    if folder := os.environ.get("RUTA_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for width in (PHONE, DESK):
            page.set_viewport_size({"width": width, "height": 740})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


@pytest.mark.parametrize("person", [each.sign_in_name for each in PEOPLE])
@pytest.mark.parametrize("language", ["es", "en"])
def test_each_page_of_a_role_is_whole_and_in_one_language(
    system: System, browsers: Browser, person: str, language: str
) -> None:
    faults: list[str] = []
    seen, waiting, of_route = {"/console"}, deque(["/console"]), Counter[str]()
    with reading_in(language, browsers, system, person) as page:
        while waiting:
            path = waiting.popleft()
            answer = page.goto(path)
            assert answer is not None
            if answer.status != 200 or "html" not in answer.headers["content-type"]:
                faults.append(f"{path}: {answer.status}")
                continue
            faults += [f"{path}: {each}" for each in found_on(page, language)]
            route = ID.sub("ID", urlsplit(path).path).strip("/").replace("/", "-")
            pictured(page, f"{person}-{route}-{of_route[route]}-{language}")
            for link in page.evaluate(LINKS):
                where = urlsplit(link)
                if not OURS.match(link) or FILES.search(link) or "lang" in where.query:
                    continue
                key = ID.sub("ID", where.path) + re.sub(r"=[^&]*", "", where.query)
                if link in seen or of_route[key] >= 2:
                    continue
                seen.add(link)
                of_route[key] += 1
                waiting.append(link)
    assert len(seen) > 3
    assert faults == [], "\n".join(faults)
