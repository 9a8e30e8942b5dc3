"""The example page of docs/examples in a real browser, from an origin that Ruta does not know."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.support.browser import Browser
from tests.support.patience import PATIENCE
from tests.support.system import System, let_through

pytestmark = pytest.mark.system
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(EXAMPLES))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = Browser(tmp_path, scripts=True)
    await browser.start()
    yield browser
    await browser.close()


async def seen(browser: Browser, expression: str) -> str:
    """Return the expression's value once it is not empty."""
    value = None
    for _ in range(PATIENCE * 20):
        if value := await browser.evaluate(expression):
            break
        await asyncio.sleep(0.05)
    assert value, expression
    return str(value)


async def test_a_page_of_thirty_lines_finds_services_from_any_origin(
    system: System, browser: Browser, elsewhere: str
) -> None:
    page = EXAMPLES / "find-a-service.html"
    assert len(page.read_text("utf-8").splitlines()) <= 35
    await browser.open(f"{elsewhere}/{page.name}?api={system.running.url}")
    await browser.evaluate("document.querySelector('input').focus()")
    await browser.type("salud")
    ideas = await seen(browser, "[...document.querySelectorAll('option')].map(o => o.text).join()")
    assert "salud" in ideas
    await browser.press("Enter")
    found = await seen(browser, "document.querySelector('p').textContent")
    first = await seen(browser, "document.querySelectorAll('li').length")
    assert int(found.split()[0]) > int(first) == 3
    assert not await browser.evaluate("document.querySelector('#more').hidden")
    await browser.evaluate("document.querySelector('#more').click()")
    more = "document.querySelectorAll('li').length"
    assert int(await seen(browser, f"{more} > {first} ? {more} : 0")) > int(first)


async def test_a_foreign_page_reads_no_more_than_nobody_may(
    system: System, browser: Browser, elsewhere: str
) -> None:
    await browser.open(f"{elsewhere}/find-a-service.html")
    base = system.running.url
    headers = "{ headers: { Authorization: 'Bearer x' } }"
    for path, options in (
        ("/referrals/v1/cases", "{}"),
        ("/directory/v1/records/services", "{}"),
        ("/directory/v1/services", headers),
        ("/directory/v1/services", "{ credentials: 'include' }"),
    ):
        await browser.evaluate(
            f"window.told = ''; fetch('{base}{path}', {options})"
            ".then(() => window.told = 'read', () => window.told = 'kept')"
        )
        assert await seen(browser, "window.told") == "kept", (path, options)


@pytest.mark.slow
def test_head_answers_wherever_get_does(system: System) -> None:
    paths = system.description()["paths"]
    plain = [path for path, item in paths.items() if "get" in item and "{" not in path]
    assert len(plain) > 30
    for path in plain:
        url = f"{system.running.url}{path}"
        got = let_through(httpx.get, url, timeout=PATIENCE)
        head = let_through(httpx.head, url, timeout=PATIENCE)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers.get("content-type") == got.headers.get("content-type"), path
