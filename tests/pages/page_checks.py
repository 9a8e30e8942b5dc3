"""Checks of one loaded page, on a phone and a wide screen.

They cover acceptance checks 22 (axe), 23 (widths, targets, keyboard, forced colours), 24 (languages) and 27 (nothing
inline).
"""

from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page

from tests.pages.words import of_the_other_language
from tests.support.axe import asking
from tests.support.people_at_browsers import DESK, PHONE

HEIGHT = 740
# Send only the key press, not the release, because a walk has thousands of presses.
TAB = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}


class Look:
    """The checks of each page of a walk. `pictures` is a folder for a picture of each page at each width, or None.

    `framed` names pages shown inside others; `foreign` names external pages, of which the walk only takes pictures.
    """

    def __init__(
        self,
        page: Page,
        language: str,
        axe: str,
        pictures: Path | None,
        *,
        framed: frozenset[str],
        foreign: frozenset[str],
    ) -> None:
        self._page = page
        self._keys = page.context.new_cdp_session(page)
        self._language = language
        self._axe = axe
        self._pictures = pictures
        self._framed = framed
        self._foreign = foreign
        self._console: list[str] = []
        self.names: set[str] = set()
        self.found: list[str] = []
        page.on("console", self._heard)

    def __call__(self, name: str) -> None:
        page = self._page
        self.names.add(name)
        ours = name not in self._foreign
        if ours:
            self._as_it_is(name)
            page.evaluate(f"{self._axe};0")
        for width in (
            DESK,
            PHONE,
        ):  # Phone width comes last, because the walk continues at that width.
            page.set_viewport_size({"width": width, "height": HEIGHT})
            if ours:
                self._at(width, name)
            if self._pictures:
                path = self._pictures / f"{name}-{self._language}-{width}.png"
                page.screenshot(path=path, full_page=ours)
        if ours:
            self._magnified(name)
            self._is(not self._console, name, f"complains: {self._console}")
        self._console.clear()

    def _as_it_is(self, name: str) -> None:
        """Check everything that does not depend on the screen, before the test adds its script to the page."""
        page = self._page
        lang = page.locator("html").get_attribute("lang")
        self._is(lang == self._language, name, f"is in {lang}")
        self._is(not page.evaluate(ACTIVE), name, "runs or styles something inline")
        for word in of_the_other_language(page.evaluate(SAID), self._language):
            self._is(False, name, f"says {word!r}")

    def _at(self, width: int, name: str) -> None:
        page, where = self._page, f"{name} at {width}"
        for violation in page.evaluate(asking(self._language, framed=name in self._framed)):
            self._is(False, where, str(violation))
        for each in page.evaluate(NARROW):
            self._is(False, where, f"is wider than the screen: {each}")
        for each in page.evaluate(SMALL):
            self._is(False, where, f"is a small target: {each}")
        for each in page.evaluate(CORRECTED):
            self._is(False, where, f"is sent to whoever corrects or completes it: {each}")
        for each in page.evaluate(BROKEN):
            self._is(False, where, f"is broken in two lines in the bar: {each}")
        # On a wide screen, both languages have the same controls in the same places.
        if self._language == "es" or width == PHONE:
            self._by_keyboard(where)
        page.emulate_media(forced_colors="active")
        for each in page.evaluate(FLAT):
            self._is(False, where, f"is no button or link with forced colours: {each}")
        page.emulate_media(forced_colors="none")

    def _magnified(self, name: str) -> None:
        """Check the page magnified to 400 % on a 1280 × 1024 screen, where it has 320 × 256 pixels."""
        page = self._page
        page.set_viewport_size({"width": 320, "height": 256})
        for each in page.evaluate(NARROW):
            self._is(False, name, f"is wider than 320 pixels: {each}")
        for each in page.evaluate(CUT):
            self._is(False, name, f"is cut at 320 pixels: {each}")
        page.set_viewport_size({"width": PHONE, "height": HEIGHT})

    def _by_keyboard(self, where: str) -> None:
        """Check that Tab reaches everything and that each focused control is fully visible with a ring."""
        page = self._page
        wanted = set(page.evaluate(WATCHED))
        reached = set[int]()
        for _ in range(2):  # Some controls need several key presses.
            for _ in range(len(wanted) + 2):
                self._keys.send("Input.dispatchKeyEvent", TAB)
            reached = set(page.evaluate("[...window.reached]"))
            if reached >= wanted:
                break
        missed = [page.evaluate(OUTER, each) for each in sorted(wanted - reached)]
        self._is(not missed, where, f"cannot be reached by Tab: {missed}")
        for fault in page.evaluate(UNSEEN):
            self._is(False, where, f"has no visible focus: {fault}")

    def _heard(self, message: ConsoleMessage) -> None:
        """Record the browser's errors, except responses with an error status, which are expected here."""
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self._console.append(message.text)

    def _is(self, holds: bool, name: str, what: str) -> None:
        if not holds:
            self.found.append(f"{name}: {what}")


NARROW = """(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1 ? []
  : [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(e => e.outerHTML.slice(0, 120)).slice(0, 3))()"""
# Targets need at least 24 pixels (WCAG 2.5.8), buttons 44; links in sentences are exempt, and a control may use its
# label.
SMALL = """[...document.querySelectorAll('a[href], button, select, textarea, summary, input:not([type=hidden])')]
  .filter(e => !e.closest('.off, .skip, [hidden], details:not([open]) > :not(summary)') && e.offsetParent !== null)
  .filter(e => {
    const box = (e.type === 'radio' || e.type === 'checkbox' ? e.closest('label') : e).getBoundingClientRect();
    const said = e.parentElement.textContent.trim(), own = e.textContent.trim();
    if (e.tagName === 'A' && getComputedStyle(e).display === 'inline' && said.length > own.length) return false;
    const least = e.tagName === 'BUTTON' && !e.classList.contains('switch') ? 44 : 24;
    return box.height < least - .5 || box.width < 24 - .5;
  }).map(e => e.outerHTML.slice(0, 120))"""
# On a phone, frames that need sideways scrolling.
CUT = """[...document.querySelectorAll('body *')]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
    && e.offsetParent !== null)
  .map(e => e.outerHTML.slice(0, 120))"""
# The bar must stay on one line, because wrapped text would take up height on a phone.
BROKEN = """[...document.querySelectorAll('.bar a, .bar button')]
  .filter(e => !e.closest('.off, .skip, .sections') && e.offsetParent !== null)
  .filter(e => { const words = document.createRange(); words.selectNodeContents(e);
    return new Set([...words.getClientRects()].map(line => Math.round(line.top))).size > 1; })
  .map(e => e.outerHTML.slice(0, 120))"""
# Where a page allows spell checking, browsers send texts to their vendors.
CORRECTED = """[...document.querySelectorAll('textarea')].filter(e => e.spellcheck ||
    e.closest('[writingsuggestions]')?.getAttribute('writingsuggestions') !== 'false')
  .map(e => e.outerHTML.slice(0, 120))"""
# All controls, numbered in page order. Tab reaches one radio button of each name, and the arrow keys reach the rest.
_TABS = """const all = [...document.querySelectorAll(
    'a[href], button, select, textarea, summary, input:not([type=hidden]), [tabindex="0"]')]
  .filter(e => e.tabIndex >= 0 && !e.disabled && e.getClientRects().length
    && !e.closest('details:not([open]) > :not(summary)'));"""
# Record by number which controls Tab reaches from here, and which it must reach.
WATCHED = f"""(() => {{ {_TABS}
  document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0);
  if (!window.reached) document.addEventListener('focusin', e => window.reached.add(window.tabs.indexOf(e.target)));
  window.reached = new Set(); window.tabs = all;
  return all.flatMap((e, i) => e.type === 'radio' && e !== (document.querySelector(
    `[name="${{e.name}}"]:checked`) || document.querySelector(`[name="${{e.name}}"]`)) ? [] : [i]); }})()"""
OUTER = "number => window.tabs[number].outerHTML.slice(0, 120)"
# For each control, the problem with its ring: missing, under 3 : 1 against its surroundings, or hidden behind the bar
# (WCAG 2.4.7, 2.4.11, 1.4.11). The script focuses the controls in the same order as the keyboard did.
UNSEEN = """(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = text => rgb(text).slice(0, 3).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const bar = [...document.querySelectorAll('.bar, .bar__top')].find(e => getComputedStyle(e).position === 'sticky');
  const fault = e => {
    e.focus();
    let around = e.parentElement;
    while (around && (rgb(getComputedStyle(around).backgroundColor)[3] ?? 1) === 0) around = around.parentElement;
    const ring = getComputedStyle(e), behind = around ? getComputedStyle(around).backgroundColor : 'rgb(255, 255, 255)';
    const [a, b] = [light(ring.outlineColor), light(behind)].sort((x, y) => y - x), box = e.getBoundingClientRect();
    if (!e.matches(':focus-visible')) return 'not as by keyboard: ';
    if (ring.outlineStyle === 'none' || parseFloat(ring.outlineWidth) < 2) return 'no ring: ';
    if ((a + .05) / (b + .05) < 3) return 'a faint ring: ';
    if (box.bottom < 0 || box.top > innerHeight) return 'off the screen: ';
    if (bar && !bar.contains(e) && box.height < innerHeight / 2 && box.top < bar.getBoundingClientRect().bottom - 1
        && !e.classList.contains('skip')) return 'behind the bar: ';
    return '';
  };
  const found = [...window.reached].filter(n => n >= 0).map(n => window.tabs[n])
    .map(e => [fault(e), e]).filter(([what]) => what).map(([what, e]) => what + e.outerHTML.slice(0, 120));
  document.activeElement.blur(); scrollTo(0, 0);
  return found;
})()"""
# With the user's own colours a background is invisible, so a border or an underline must show.
FLAT = """[...document.querySelectorAll('a[href], button')]
  .filter(e => !e.closest('.off, .skip, svg, [hidden], details:not([open]) > :not(summary)') && e.offsetParent !== null)
  .filter(e => { const s = getComputedStyle(e);
    return !s.textDecorationLine.includes('underline') && (s.borderStyle === 'none' || parseFloat(s.borderWidth) < 1); })
  .map(e => e.outerHTML.slice(0, 120))"""
ACTIVE = """[...document.querySelectorAll('*')].some(e =>
  [...e.attributes].some(a => a.name.startsWith('on') || a.name === 'style' && !e.closest('svg'))
  || ['IFRAME', 'OBJECT', 'EMBED', 'BASE'].includes(e.tagName))"""
# Skip texts that are intentionally in another language.
SAID = """(() => { const copy = document.body.cloneNode(true), own = document.documentElement.lang;
  copy.querySelectorAll('script, style, .said').forEach(e => e.remove());
  copy.querySelectorAll('[lang]').forEach(e => e.lang !== own && e.remove());
  return copy.textContent; })()"""
