"""Check 10 of the acceptance, the browser's memory: what Back shows without asking us. Chromium as people have it:
Playwright's keeps no page for Back. What lies on the disk is in test_acceptance.py."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
SETTLED = "document.readyState === 'complete' && document.body.innerText !== ''"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = Browser(tmp_path, scripts=True)
    await browser.start()
    yield browser
    await browser.close()


async def settled(browser: Browser) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await browser.evaluate(SETTLED):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


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
        browser.requests.clear()
        await browser.call("Page.navigateToHistoryEntry", entryId=entry["id"])
        await settled(browser)
        shown = await browser.evaluate(SHOWN)
        assert CANARY not in shown, entry
        assert receipt not in shown, entry
        where = await browser.evaluate("location.href")
        assert where.startswith("chrome-error:") or entry["url"] in browser.requests, "asked anew"
