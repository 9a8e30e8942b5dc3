"""Console acceptance check 10: a case's person appears on the pages opened for it, and nowhere else afterwards. The
browser keeps a profile on disk, as everybody's does."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from pypdf import PdfReader

from tests.pages.console.ways import NAME, PHONE_NUMBER, registered, sent, unfold
from tests.pages.signed_in import sign_in
from tests.pages.test_acceptance import kept_by
from tests.support.browser import executable
from tests.support.collector import Collector
from tests.support.patience import PATIENCE
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
PROCESSES = ("gateway", "issuer", "directory", "referrals", "reporting", "console")
SAID = (*NAME.lower().split(), PHONE_NUMBER)
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}])"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"


@pytest.fixture
def context(system: System, browsers: Browser, profile: Path) -> Iterator[BrowserContext]:
    opened = browsers.browser_type.launch_persistent_context(
        profile,
        executable_path=executable(),
        args=["--no-sandbox", "--disable-gpu"],
        base_url=system.running.url,
        locale="es-VE",
    )
    opened.set_default_timeout(PATIENCE * 1000)
    yield opened
    opened.close()


def said_in(text: str | bytes) -> list[str]:
    """Return the typed texts that occur in this content, in any encoding of a browser or server."""
    content = (text if isinstance(text, bytes) else text.encode()).lower()
    return [
        word
        for word in SAID
        if any(form in content for form in (word.encode(), word.encode("utf-16-le")))
    ]


def printed(page: Page, to: Path) -> str:
    """Return the printed text, including the title and address that browsers print."""
    edge = '<span style="font-size:9px" class="title"></span> <span style="font-size:9px" class="url"></span>'
    page.pdf(path=to, display_header_footer=True, header_template=edge, footer_template=edge)
    reader = PdfReader(to)
    return " ".join([*(one.extract_text() for one in reader.pages), str(reader.metadata)])


def arrived(page: Page, collector: Collector) -> None:
    """Wait until the collector has all spans so far; each process sends its spans in order."""
    names = [f"ruta-{name}".encode() for name in ("gateway", "referrals", "console")]
    before = len(collector.received)

    def twice() -> bool:
        page.goto("/console/cases")
        since = collector.received[before:]
        return all(sum(name in body for body in since) >= 2 for name in names)

    until(twice, "traces arrive")


def test_10_whom_a_case_is_about_is_in_nothing_that_outlives_its_page(
    system: System,
    context: BrowserContext,
    collector: Collector,
    profile: Path,
    tmp_path: Path,
) -> None:
    page = context.new_page()
    heads: list[str] = []
    titles: set[str] = set()
    page.on("request", lambda r: heads.append(f"{r.url} {r.headers.get('referer')}"))
    page.on("load", lambda tab: titles.add(tab.title()))
    sign_in(page, system, "demo-caseworker")
    case = registered(page)
    page.goto(case)
    folded = printed(page, tmp_path / "folded.pdf")
    assert case in folded.replace("\n", ""), "the address is at its edge"
    assert said_in(folded) == [], "what is folded is not printed"
    unfold(page, "Ver identidad")
    assert NAME in page.inner_text("main")
    opened = printed(page, tmp_path / "opened.pdf")
    assert opened.count("Kwyjibonia") == page.inner_text("body").count("Kwyjibonia") > 0
    referral = sent(page)
    page.goto("/console/cases/search")
    page.fill("[name=name]", NAME)
    page.fill("[name=document]", PHONE_NUMBER)
    with page.expect_navigation():
        page.get_by_role("button", name="Buscar").click()
    assert "encontrado" in page.inner_text("main")
    page.goto(referral)
    assert said_in(printed(page, tmp_path / "referral.pdf")) == []

    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    assert len(history["entries"]) > 6
    stored = page.evaluate(STORED)
    kept = f"{heads} {titles} {history} {stored} {context.cookies()} {kept_by(page, system.running.url)}"
    assert case.rsplit("/", 1)[-1] in kept
    assert said_in(kept) == []
    assert not any(quote(NAME) in each or quote_plus(NAME) in each for each in heads)
    arrived(page, collector)
    spans = b"".join(collector.received)
    assert said_in(spans) == []
    context.close()

    held = [
        each for each in profile.rglob("*") if each.is_file() and each.parent.name != "Sessions"
    ]
    assert any(b"/console/cases/" in each.read_bytes() for each in held), "it keeps much"
    assert [str(each.relative_to(profile)) for each in held if said_in(each.read_bytes())] == []
    logs = b"".join(each.read_bytes() for each in system.layout.logs.rglob("*") if each.is_file())
    assert all(name.encode() in logs for name in PROCESSES), "all write there"
    assert said_in(logs) == []
    for process in PROCESSES:
        assert said_in(system.measured(process)) == []
