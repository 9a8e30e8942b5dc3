"""`/docs` as a partner's developer uses it: read, authorise, try an operation, see the response."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.patience import PATIENCE
from tests.support.system import System

OPERATION, TAG = "/directory/v1/organizations", "HSDS"


@pytest.fixture
async def browser(system: System, tmp_path: Path) -> AsyncIterator[Browser]:
    # The pages show the description that the front had when they were opened.
    await asyncio.to_thread(system.description)
    opened = Browser(tmp_path / "profile", scripts=True)
    await opened.start()
    yield opened
    await opened.close()


async def until(browser: Browser, expression: str, seconds: float = PATIENCE) -> None:
    """Wait until a JavaScript expression on the page is true."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await browser.evaluate(f"Boolean({expression})"):
        assert asyncio.get_running_loop().time() < deadline, f"never true: {expression}"
        await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_an_operation_can_be_tried_and_nothing_comes_from_elsewhere(
    system: System, browser: Browser
) -> None:
    await browser.open(f"{system.state.url}/docs")
    await until(browser, "document.querySelector('.opblock-tag')")
    # The page has about forty folded tags. Open the right one and its operation, then run it.
    tag = f"document.querySelector('.opblock-tag[data-tag=\"{TAG}\"]')"
    await until(browser, tag)
    await browser.evaluate(f"{tag}.click()")
    block = (
        f"document.querySelector('.opblock-get [data-path=\"{OPERATION}\"]').closest('.opblock')"
    )
    await until(browser, f"document.querySelector('.opblock-get [data-path=\"{OPERATION}\"]')")
    await browser.evaluate(f"{block}.querySelector('.opblock-summary-control').click()")
    await until(browser, f"{block}.querySelector('button.execute')")
    await browser.evaluate(f"{block}.querySelector('button.execute').click()")
    live = f"{block}.querySelector('.live-responses-table')"
    await until(browser, live)
    shown = str(await browser.evaluate(f"{live}.innerText"))
    assert "200" in shown
    body = await browser.evaluate(f"{live}.querySelector('.highlight-code code').innerText")
    assert "contents" in json.loads(str(body))
    assert all(url.startswith((system.state.url, "data:")) for url in browser.requests)


@pytest.mark.slow
async def test_the_reference_shows_every_operation_and_nothing_comes_from_elsewhere(
    system: System, browser: Browser
) -> None:
    await browser.open(f"{system.state.url}/docs/reference")
    await until(browser, f"document.body.textContent.includes('{OPERATION}')")
    shown = str(await browser.evaluate("document.body.textContent"))
    assert "/referrals/v1/referrals/{referral_id}/send" in shown
    came = await browser.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.transferSize > 0).map(e => e.name)"
    )
    assert isinstance(came, list)
    assert all(str(url).startswith((system.state.url, "data:")) for url in came)
