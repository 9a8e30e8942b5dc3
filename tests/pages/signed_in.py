"""Signed-in people of the demo in a browser, and rules for all of their pages."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, BrowserContext, Error, Page, Response

from tests.pages.page_checks import BROKEN, CORRECTED, CUT, FLAT
from tests.pages.words import CODE
from tests.support.axe import asking
from tests.support.patience import PATIENCE
from tests.support.people_at_browsers import DESK, PHONE, new_context
from tests.support.system import System

POLICY = {"script-src 'self'", "style-src 'self'", "default-src 'none'", "frame-ancestors 'none'"}

HALF_AN_HOUR = 1800
_ENTERED: dict[Path, float] = {}
"""When somebody typed their code, by the file that keeps their cookies."""


@contextmanager
def signed_in(
    browser: Browser,
    system: System,
    person: str,
    *,
    language: str = "es",
    width: int = PHONE,
    scripts: bool = False,
) -> Iterator[Page]:
    """Yield a tab with this person's first page. They enter a code once for half an hour of tests, because a code works
    once and the next one comes after half a minute. A failure shows which page they were on."""
    context = new_context(
        browser, system.running.url, language=language, width=width, scripts=scripts
    )
    kept = system.layout.root / f"cookies-of-{person}.json"
    if kept.exists() and monotonic() - _ENTERED[kept] < HALF_AN_HOUR:
        context.add_cookies(json.loads(kept.read_text()))
    page = context.new_page()
    began = monotonic()
    if sign_in(page, system, person):
        _ENTERED[kept] = began
    page.wait_for_load_state()  # The page's script is listening once the page has loaded.
    kept.write_text(json.dumps(context.cookies()))
    try:
        yield page
    except BaseException as error:
        error.add_note(standing(context))
        raise
    if any("ruta-session" in each["name"] for each in context.cookies()):
        kept.write_text(json.dumps(context.cookies()))
    else:  # They left.
        kept.unlink()
    context.close()


def standing(context: BrowserContext) -> str:
    """Return the content of each open tab."""
    shown = []
    for page in context.pages:
        try:
            shown.append(f"{page.url}\n{page.inner_text('body', timeout=5000)[:2000]}")
        except Error as error:
            shown.append(f"{page.url}: {error.message}")
    return "\n\n".join(shown)


def sign_in(page: Page, system: System, person: str) -> bool:
    page.goto("/console")
    return enter(page, system, person)


def enter(page: Page, system: System, person: str) -> bool:
    """Pass the sign-in page; return False if there is none. A code works once, so a person who signed in elsewhere
    waits for the next."""
    asked = False
    for _ in range(int(PATIENCE)):
        if "/oauth/authorize" not in page.url and "/session/start" not in page.url:
            return asked
        asked = True
        said = dict(
            re.split(r"  +", line, maxsplit=1)
            for line in system.ruta("person", "code", person).stdout.splitlines()
        )
        page.fill("[name=sign_in_name]", said["sign-in name"])
        page.fill("[name=password]", said["password"])
        page.fill("[name=code]", said["code"].split()[0])
        with page.expect_navigation():
            page.click("main button[type=submit], form button[type=submit]")
        if "/console" not in page.url and page.locator("#told").count():
            with page.expect_navigation():
                page.click("#told [value=read]")
        if "/console" in page.url:
            return True
        page.wait_for_timeout(2000)
    raise AssertionError(f"{person} cannot sign in: {page.inner_text('body')}")


class Taps:
    """Counts presses, but not typing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0
        self.pages = 0

    def press(self, role: str, name: str, *, leaves: bool = True) -> None:
        """Press a button or link by its text. With `leaves`, it opens another page."""
        target = self.page.get_by_role(role, name=name, exact=False).first  # type: ignore[arg-type]
        self.count += 1
        if leaves:
            self.pages += 1
            with self.page.expect_navigation():
                target.click()
        else:
            target.click()

    def tick(self, label: str) -> None:
        self.count += 1
        self.page.get_by_label(label, exact=False).first.check()


_BESIDE: WeakKeyDictionary[Browser, Page] = WeakKeyDictionary()


def findings(page: Page, axe: str) -> list[object]:
    """Return axe-core's findings. axe needs JavaScript, so for pages without it axe checks the same markup and styles
    in a second tab. Each browser has one such tab, because a rewritten document keeps its scripts."""
    browser = page.context.browser
    assert browser is not None
    beside = _BESIDE.get(browser)
    if beside is None:
        beside = browser.new_context(bypass_csp=True).new_page()
        beside.goto(urljoin(page.url, "/"))
        beside.evaluate(f"{axe};0")
        _BESIDE[browser] = beside
    if page.viewport_size:
        beside.set_viewport_size(page.viewport_size)
    beside.evaluate("to => history.replaceState(null, '', to)", page.url)
    beside.set_content(re.sub(r"<script\b.*?</script>", "", page.content(), flags=re.DOTALL))
    language = page.locator("html").get_attribute("lang") or ""
    found: list[object] = beside.evaluate(asking(language))
    return found


def too_wide(page: Page) -> bool:
    session = page.context.new_cdp_session(page)
    metrics = session.send("Page.getLayoutMetrics")
    wide = metrics["cssContentSize"]["width"] > metrics["cssLayoutViewport"]["clientWidth"] + 1
    return bool(wide or cut_on_a_phone(page))


def cut_on_a_phone(page: Page) -> list[str]:
    """Return the frames that scroll sideways without showing that they do."""
    if page.evaluate("innerWidth") > PHONE:
        return []
    found: list[str] = page.evaluate(CUT)
    return found


def at_both_widths(page: Page) -> Iterator[int]:
    """Check the same page on a desktop screen and on a phone, without reloading it, because the server's response does
    not depend on the screen."""
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 740})
        yield width


def flat_with_forced_colours(page: Page) -> list[str]:
    """Return the links and buttons that look like plain text in the user's own colours."""
    page.emulate_media(forced_colors="active")
    found: list[str] = page.evaluate(FLAT)
    page.emulate_media(forced_colors="none")
    return found


# The check skips ids and people's own texts.
READ = """(() => { const copy = document.body.cloneNode(true);
  copy.querySelectorAll('script, textarea, .typed, .row__code, .said, [lang]').forEach(e => e.remove());
  copy.querySelectorAll('*').forEach(e => e.append(' '));
  return copy.textContent; })()"""


def codes_shown(page: Page) -> list[str]:
    text: str = page.evaluate(READ)
    return sorted(set(CODE.findall(text)))


def follows_the_rules(answer: Response | None, page: Page) -> None:
    """Check headers, title and markup of a console page."""
    assert answer is not None
    headers = answer.headers
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert {part.strip() for part in policy.split(";")} >= POLICY
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-robots-tag"] == "noindex"
    assert page.title().endswith(" – Ruta")
    assert flat_with_forced_colours(page) == []
    assert page.evaluate(BROKEN) == []
    assert page.evaluate(CORRECTED) == []
    assert page.locator("meta[name=google]").get_attribute("content") == "notranslate"
    assert codes_shown(page) == []
    html = page.content()
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?! src=\"/console/static/)", html)
    # The access record must not contain a page view that no person made, so no page prefetches another.
    assert not re.search(r"rel=[^>]*\bpre(fetch|render|load|connect)|hx-preload", html)
    assert "link" not in headers


@contextmanager
def reading_in(language: str, browsers: Browser, system: System, person: str) -> Iterator[Page]:
    """Sign a person in with a language for this session."""
    with signed_in(browsers, system, person, language=language) as page:
        page.goto(f"/console?lang={language}")
        yield page
        page.goto("/console?lang=es")


def looked_at(page: Page, axe: str, language: str, paths: Iterable[str]) -> None:
    """Check each of these pages in the reader's language."""
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.locator("html").get_attribute("lang") == language
        for width in at_both_widths(page):
            follows_the_rules(answer, page)
            assert findings(page, axe) == [], (path, width)
            assert not too_wide(page), (path, width)
