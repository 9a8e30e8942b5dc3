"""axe-core on every page for people, in a real browser: on a phone and a wide screen, in both languages."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.leaving_out import left_out
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).resolve().parent
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A part of other people's pages has no first heading and no landmark of its own.
IN_A_FRAME = ["page-has-heading-one", "landmark-one-main", "region"]
PAGES = {
    "start": "/",
    "no such page": "/ayuda",
    "sign in first": "/identity/v1/clients",
    "sign-in": "/session/start",
    "sign-out": "/session/end",
    "line": "/referrals/v1/line",
    "line, come back": "/referrals/v1/line/thread",
    "withdraw": "/referrals/v1/withdraw",
    "answer, spent": "/referrals/v1/answer/an-answer-link-of-nobody",
    "help": "/directory/v1/help",
    "help, found": "/directory/v1/help?need=health",
    "help, refused": "/directory/v1/help?area=nowhere",
    "risks": "/directory/v1/risk-messages/page",
    "risks, framed": "/directory/v1/risk-messages/snippet",
    "posters": "/directory/v1/posters",
    "poster": "/directory/v1/posters/VE23/GBV",
    "gaps": "/directory/v1/gaps/page",
    "gaps of a state": "/directory/v1/gaps/page?area=VE23",
    "bulletins": "/reports/v1/bulletins/page",
}


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    npm = shutil.which("npm")
    if npm is None:
        left_out("npm is not installed: axe-core cannot be had")
    folder = tmp_path_factory.mktemp("axe")
    shutil.copy(HERE / "axe" / "package.json", folder)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        left_out(f"axe-core could not be installed: {done.stderr[-300:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = Browser(tmp_path, scripts=True)
    await browser.start()
    yield browser
    await browser.close()


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_no_page_for_people_has_a_finding(
    system: System, browser: Browser, axe: str, language: str, width: int
) -> None:
    await browser.width(width)
    await browser.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
    found = {}
    for name, path in PAGES.items():
        mark = "&" if "?" in path else "?"
        await browser.open(f"{system.running.url}{path}{mark}language={language}")
        assert not await browser.too_wide(), name
        await browser.evaluate(f"{axe};0")
        off = {rule: {"enabled": False} for rule in (IN_A_FRAME if "framed" in name else [])}
        options = json.dumps({"runOnly": RULES, "rules": off})
        asked = (
            f"axe.run({options}).then(r => [document.documentElement.lang,"
            " r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200)).slice(0, 3)])])"
        )
        answer = await browser.call(
            "Runtime.evaluate", expression=asked, awaitPromise=True, returnByValue=True
        )
        spoken, violations = answer["result"]["value"]
        assert spoken == language, name
        if violations:
            found[name] = violations
    assert found == {}
