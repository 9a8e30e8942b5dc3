"""Acceptance check 10, the browser's memory: what Back shows without a request. The test uses Chromium as people
install it, because Playwright's build caches no page for Back. test_acceptance.py checks the disk."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from stack.demo.people import sign_in_of

from tests.pages.world import sent
from tests.support.browser import Browser
from tests.support.patience import PATIENCE
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
LINE, THREAD = "/referrals/v1/line", "/referrals/v1/line/thread"
CANARY = "Zzyzxmemoria"
SHOWN = (
    "document.body.innerText + [...document.querySelectorAll('input, textarea')].map(e => e.value)"
)
# Chromium builds its own error pages with a script.
STANDS = (
    "document.readyState === 'complete'"
    " && (document.body.innerText !== '' || location.protocol === 'chrome-error:')"
)


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = Browser(tmp_path, scripts=True, whole=True)
    await browser.start()
    yield browser
    await browser.close()


@pytest.fixture
async def without_scripts(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = Browser(tmp_path, whole=True)
    await browser.start()
    yield browser
    await browser.close()


async def returned(browser: Browser, entry: dict[str, Any]) -> None:
    """Go to this history entry and wait for the page that it shows."""
    browser.requests.clear()
    await browser.call("Page.navigateToHistoryEntry", entryId=entry["id"])
    deadline = time.monotonic() + PATIENCE
    while not await _stands(browser, entry):
        assert time.monotonic() < deadline, entry
        await asyncio.sleep(0.05)


async def _stands(browser: Browser, entry: dict[str, Any]) -> bool:
    try:
        history = await browser.call("Page.getNavigationHistory")
        there = history["entries"][history["currentIndex"]]["id"] == entry["id"]
        return there and bool(await browser.evaluate(STANDS))
    except AssertionError:  # The query arrived between two pages.
        return False


async def asked_anew(browser: Browser, entry: dict[str, Any]) -> bool:
    """Return whether the browser requested the page again or showed nothing, instead of showing it from memory."""
    where = str(await browser.evaluate("location.href"))
    return where.startswith("chrome-error:") or entry["url"] in browser.requests


async def filled(browser: Browser, selector: str, text: str) -> None:
    await browser.evaluate(f"document.querySelector('{selector}').focus()")
    await browser.type(text)


async def send(browser: Browser) -> None:
    await browser.evaluate("document.querySelector('#typed button[type=submit]').focus()")
    await browser.press("Enter", leaves=True)


async def test_10_nothing_typed_is_in_the_browsers_memory_once_the_page_was_left(
    system: System, browser: Browser
) -> None:
    url, answer = system.running.url, sent(system).answer
    await browser.open(f"{url}/")
    await browser.open(f"{url}{LINE}")
    await browser.evaluate("document.querySelector('[value=other]').click()")
    await filled(browser, "#text", CANARY)
    await send(browser)
    receipt = await browser.evaluate("document.querySelector('.number').innerText")
    await browser.open(f"{url}{THREAD}")
    await filled(browser, "#receipt", receipt)
    await send(browser)
    assert CANARY in await browser.html()
    await browser.open(f"{url}{answer}")
    await filled(browser, "#focal_point", CANARY)
    assert CANARY in await browser.evaluate(SHOWN)
    await browser.open(f"{url}/")

    history = await browser.call("Page.getNavigationHistory")
    before = history["entries"][2 : history["currentIndex"]]
    assert len(before) == 5
    for entry in reversed(before):
        await returned(browser, entry)
        shown = await browser.evaluate(SHOWN)
        assert CANARY not in shown, entry
        assert receipt not in shown, entry
        assert await asked_anew(browser, entry), entry


async def signed_in(browser: Browser, system: System, person: str) -> None:
    """Sign in until the account appears, because a code works once and another test may have used this one."""
    deadline = time.monotonic() + PATIENCE
    await browser.open(f"{system.running.url}/session/start?return_to=/account")
    while "/account" not in await browser.evaluate("location.pathname"):
        assert time.monotonic() < deadline, await browser.text()
        password, code = sign_in_of(system.layout, person)
        await browser.evaluate("document.querySelector('#name').value = ''")
        for field, value in (("name", person), ("password", password), ("code", code)):
            await filled(browser, f"#{field}", value)
        button = "#sign-in button[type=submit]:not(.off)"
        await browser.evaluate(f"document.querySelector('{button}').focus()")
        await browser.press("Enter", leaves=True)
        if await browser.evaluate("document.querySelector('#told') !== null"):
            await browser.evaluate("document.querySelector('#told [value=read]').focus()")
            await browser.press("Enter", leaves=True)
        if "/account" not in await browser.evaluate("location.pathname"):
            await asyncio.sleep(2)


async def test_9_without_a_script_nothing_of_a_person_is_in_memory_once_they_left(
    system: System, without_scripts: Browser
) -> None:
    """Without a script no page can ask for a check, so the browser drops a session's pages when the session ends."""
    browser, url, person = without_scripts, system.running.url, "demo-recipient"
    await signed_in(browser, system, person)
    await browser.open(f"{url}/console")
    assert person in await browser.html()
    await browser.open(f"{url}/console/received")
    assert person in await browser.html()
    await browser.open(f"{url}/session/end")
    await browser.evaluate("document.querySelector('form button').focus()")
    await browser.press("Enter", leaves=True)
    assert await browser.evaluate("location.pathname") == "/"

    history = await browser.call("Page.getNavigationHistory")
    # Skip the sign-in page, because the browser may suggest what was typed there.
    before = history["entries"][-5 : history["currentIndex"]]
    paths = [entry["url"].removeprefix(url) for entry in before]
    assert paths[:3] == ["/account", "/console", "/console/received"]
    for entry in reversed(before):
        await returned(browser, entry)
        assert person not in await browser.evaluate(SHOWN), entry
        assert await asked_anew(browser, entry), entry
