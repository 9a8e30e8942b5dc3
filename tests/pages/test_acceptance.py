"""Acceptance of the pages in a real browser, by number: 1, 5, 7, 8, 9, 10, 24, 26, 28.

This module covers public pages and the account; the console's tests have their own. test_every_page.py covers 22, 23,
25 and 27.
"""

import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Error, Page, Route

from tests.pages.world import RECIPIENT, REFERRALS, aged, goes, sent, sign_in
from tests.support.browser import executable
from tests.support.collector import Collector
from tests.support.patience import PATIENCE
from tests.support.people_at_browsers import new_context, somebody_at
from tests.support.system import System, until

pytestmark = pytest.mark.system
WHOLE_BROWSER = True
LINE, THREAD, HELP = "/referrals/v1/line", "/referrals/v1/line/thread", "/directory/v1/help"
SEND = "#typed button[type=submit]"


def report(page: Page, text: str) -> str:
    """Send a report on the line; return its number."""
    page.goto(LINE)
    page.locator("[name=kind]").first.check()
    page.locator("#text").fill(text)
    goes(page, SEND)
    return page.locator(".number").inner_text()


def test_1_signed_in_or_long_ago_everybodys_pages_work(system: System, browsers: Browser) -> None:
    url = system.running.url
    answer = sent(system).answer
    with somebody_at(browsers, url) as page:
        sign_in(page, system, "demo-supervisor")
        for seconds in (0, 11 * 60, 13 * 3600):
            if seconds:
                aged(system, page.context, seconds)
            before = page.context.cookies()
            assert report(page, "Lo que vi")
            page.goto(HELP)
            goes(page, SEND)
            assert page.locator("#found").count() == 1
            page.goto(answer)
            page.locator("[value=accept]").check()
            goes(page, SEND)
            assert page.locator("[value=accept]").is_checked(), (
                "the name is missing, the choice kept"
            )
            assert page.context.cookies() == before, "nobody read them"


def test_5_a_withdrawal_closes_the_page_that_is_open(system: System, browsers: Browser) -> None:
    url, made = system.running.url, sent(system, "Canaria Zzyzx")
    with somebody_at(browsers, url) as recipient, somebody_at(browsers, url) as person:
        recipient.goto(made.answer)
        assert recipient.locator("[value=accept]").count() == 1
        path = f"{REFERRALS}/{made.referral}/disclosure"
        assert system.running.request(RECIPIENT, "GET", path).status_code == 200
        person.goto("/withdraw")
        person.locator("#code").fill(made.code)
        goes(person, "[value=withdraw]")
        assert person.locator("[role=status]").count() == 1
        answer = recipient.reload()
        assert answer is not None
        assert recipient.locator("[value=accept]").count() == 0
        assert "Zzyzx" not in recipient.content()
        assert system.running.request(RECIPIENT, "GET", path).status_code == 410
        recipient.goto("/")
        with recipient.expect_response(made.answer):
            recipient.go_back()  # The browser requests the page again, because no page was cached.
        assert recipient.locator("[value=accept]").count() == 0


def test_7_what_was_typed_outlives_the_session_and_two_tabs_stay_in(
    system: System, browsers: Browser
) -> None:
    with somebody_at(browsers, system.running.url, scripts=True) as page:
        sign_in(page, system, "demo-coordinator")
        tabs = [page, page.context.new_page()]
        tabs[1].goto("/account")
        for _ in range(2):
            aged(
                system, page.context, 12 * 60
            )  # The access token has expired, but the session has not.
            for tab in tabs:  # The tabs send both requests before either response.
                tab.evaluate("document.body.replaceChildren(); setTimeout(() => location.reload())")
            for tab in tabs:
                tab.wait_for_selector("#old")
                assert "demo-coordinator" in tab.content()
        aged(system, page.context, 16 * 60)
        page.goto("/account")
        assert "/oauth/authorize" in page.url, "idle for too long"


class Elsewhere(BaseHTTPRequestHandler):
    """A page from another origin on the same host, so that the browser sends the cookie."""

    form = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.form.encode())

    def log_message(self, *_: object) -> None:
        pass


def test_8_a_form_of_another_origin_changes_nothing(system: System, browsers: Browser) -> None:
    url = system.running.url
    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=server.serve_forever, daemon=True).start()
    with somebody_at(browsers, url) as page:
        sign_in(page, system, "demo-auditor")
        token = page.locator("[name=csrf_token]").first.get_attribute("value")
        evil = page.context.new_page()
        for to in ("/account/recovery-codes", "/session/end", "/account/sign-ins/end-others"):
            Elsewhere.form = (
                f'<form method="post" action="{url}{to}"><input name="csrf_token" value="{token}">'
                "<button>x</button></form>"
            )
            evil.goto(f"http://127.0.0.1:{server.server_port}/")
            evil.locator("button").click()
            evil.wait_for_url(f"{url}{to}")
            assert "403 csrf" in evil.content(), to
        page.reload()
        assert "demo-auditor" in page.content(), "still signed in"
    server.shutdown()
    server.server_close()


STORES = """async () => {
  localStorage.setItem('a', 'b'); sessionStorage.setItem('a', 'b');
  await (await caches.open('a')).put('/a', new Response('b'));
  await new Promise(done => { indexedDB.open('a', 1).onsuccess = done; });
}"""


def kept_by(page: Page, origin: str) -> dict[str, object]:
    """Return everything that the browser stores for a site, except cookies."""
    wire = page.context.new_cdp_session(page)
    key = {"storageKey": f"{origin}/"}
    usage = wire.send("Storage.getUsageAndQuota", {"origin": origin})["usageBreakdown"]
    return {
        "databases": wire.send("IndexedDB.requestDatabaseNames", key)["databaseNames"],
        "caches": wire.send("CacheStorage.requestCacheNames", key)["caches"],
        "storage": page.context.storage_state().get("origins"),
        "used": [each["storageType"] for each in usage if each["usage"]],
    }


def test_9_signing_out_leaves_nothing_behind_back(system: System, browsers: Browser) -> None:
    url = system.running.url
    with somebody_at(browsers, url, scripts=True) as page:
        sign_in(page, system, "demo-reader")
        assert "demo-reader" in page.content()
        page.evaluate(STORES)  # Stores data as an offline page would.
        held = kept_by(page, url)
        assert all(held.values()), held
        page.goto("/session/end")
        with page.expect_response(lambda r: r.request.method == "POST") as left:
            page.locator("form button").click()
        assert left.value.all_headers()["clear-site-data"] == '"cache", "cookies", "storage"'
        page.wait_for_load_state()
        assert page.context.cookies() == []
        assert not any(kept_by(page, url).values()), kept_by(page, url)
        for _ in range(2):
            _back(page)
            assert "demo-reader" not in page.content()


def _back(page: Page) -> None:
    """Go back; after a form, Chromium shows its own error for a page that it may not cache."""
    try:
        page.go_back()
    except Error as error:
        if "ERR_CACHE_MISS" not in error.message:
            raise
        page.wait_for_url("chrome-error://**")


def test_10_what_is_typed_stands_in_no_address_title_cookie_log_metric_or_trace(
    system: System, browsers: Browser, collector: Collector
) -> None:
    canary = "Zzyzxcanaria"
    with somebody_at(browsers, system.running.url) as page:
        addresses: list[str] = []
        titles: set[str] = set()
        page.on("request", lambda request: addresses.append(request.url))
        page.on("load", lambda tab: titles.add(tab.title()))
        receipt = report(page, f"{canary} vive aquí")
        page.goto(THREAD)
        page.locator("#receipt").fill(receipt)
        goes(page, SEND)
        assert canary in page.content()
        page.goto("/withdraw")
        page.locator("#code").fill(canary)
        goes(page, "[value=withdraw]")
        page.goto(sent(system).answer)
        page.locator("#focal_point").fill(canary)
        page.locator("[value=decline]").check()
        goes(page, SEND)
        assert page.locator("#focal_point").input_value() == canary
        history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
        kept = f"{addresses} {titles} {history} {page.context.storage_state()}"
        assert len(addresses) > 6
        assert canary not in kept
        assert receipt.replace(" ", "") not in kept.replace(" ", "")
    logs = b"".join(file.read_bytes() for file in system.layout.logs.rglob("*") if file.is_file())
    assert canary.encode() not in logs
    for process in ("gateway", "issuer", "directory", "referrals", "console"):
        assert canary not in system.measured(process)
    until(lambda: b"ruta-gateway" in b"".join(collector.received), "traces arrive")
    assert canary.encode() not in b"".join(collector.received)


def test_10_nothing_typed_is_kept_by_the_browser_or_named_in_a_download(
    system: System, browsers: Browser, tmp_path: Path
) -> None:
    """The browser has a profile on disk, as everybody's does: cache, history and suggestions. Its file for reopening
    tabs is outside this rule, as docs/threat-model.md says."""
    canary, profile = "Zzyzxdelaesquina", tmp_path / "profile"
    context = browsers.browser_type.launch_persistent_context(
        profile,
        executable_path=executable(),
        args=["--no-sandbox", "--disable-gpu"],
        base_url=system.running.url,
        locale="es-VE",
    )
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    receipt = report(page, f"{canary} vive aquí")
    page.goto(THREAD)
    page.locator("#receipt").fill(receipt)
    goes(page, SEND)
    assert canary in page.content()
    page.goto(sent(system).answer)
    page.locator("#focal_point").fill(canary)
    page.locator("[value=decline]").check()
    goes(page, SEND)
    page.goto("/directory/v1/posters")
    with page.expect_download() as download:
        page.evaluate(
            "a = document.createElement('a'), a.href = '/directory/v1/posters/VE23/GBV?format=pdf',"
            " a.download = '', a.click()"
        )
    assert download.value.suggested_filename == "ruta-GBV-VE23-es.pdf"
    context.close()
    held = {each: each.read_bytes() for each in profile.rglob("*") if each.is_file()}
    assert any(b"/directory/v1/posters" in content for content in held.values()), "it keeps much"
    for said in (canary, receipt.replace(" ", "")):
        forms = (said.encode(), said.encode("utf-16-le"))
        assert [
            str(each.relative_to(profile))
            for each, content in held.items()
            if any(form in content for form in forms) and each.parent.name != "Sessions"
        ] == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_24_the_language_changes_with_all_that_was_typed(
    system: System, browsers: Browser, language: str
) -> None:
    other = {"es": "en", "en": "es"}[language]
    typed = {LINE: "#text", THREAD: "#receipt", "/referrals/v1/withdraw": "#code"}
    typed |= {sent(system).answer: "#focal_point", "/session/start": "#name"}
    with somebody_at(browsers, system.running.url, language=language) as page:
        for path, field in typed.items():
            page.goto(f"{path}?language={language}&ui_locales={language}")
            page.locator(field).fill("Lo que se escribe")
            goes(page, ".switch")
            assert page.locator("html").get_attribute("lang") == other, path
            assert page.locator(field).input_value() == "Lo que se escribe", path
        page.goto(f"{LINE}?language={language}")
        page.locator("[name=kind]").last.check()
        page.locator("#text").fill("x")
        page.locator("[name=urgent]").check()
        goes(page, ".switch")
        assert page.locator("[name=kind]").last.is_checked()
        assert page.locator("[name=urgent]").is_checked()
        page.goto(f"{THREAD}?language={language}")
        page.locator("#receipt").fill("1")
        with page.expect_navigation():
            page.locator("#receipt").press("Enter")
        assert page.locator("html").get_attribute("lang") == language, "Enter sends"
        assert page.locator("[role=alert]").count() == 1


def test_26_a_line_that_drops_at_send_gives_one_report(system: System, browsers: Browser) -> None:
    """On 2G the form arrives but its response does not. The browser then offers to send the form again."""
    with somebody_at(browsers, system.running.url) as page:
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        line = {
            "offline": False,
            "latency": 300,
            "downloadThroughput": 31_250,
            "uploadThroughput": 31_250,
        }
        wire.send("Network.emulateNetworkConditions", line)
        lost: list[str] = []

        def drop(route: Route) -> None:
            if route.request.method == "POST" and not lost:
                lost.append(route.fetch().text())
                route.abort("connectionreset")
            else:
                route.continue_()

        page.route(f"**{LINE}*", drop)
        page.goto(LINE)
        page.locator("[value=other]").check()
        page.locator("#text").fill("Lo que vi")
        page.locator(SEND).click()
        page.wait_for_url("chrome-error://**")
        assert page.locator(".number").count() == 0
        page.reload()
        again = page.locator(".number").inner_text()
        assert re.sub(r"\D", "", again) in re.sub(r"[ \n]", "", lost[0])


def test_28_leaving_takes_the_page_out_of_the_history(system: System, browsers: Browser) -> None:
    url = system.running.url
    context = new_context(browsers, url, scripts=True)
    context.route(
        lambda address: not address.startswith(url),
        lambda route: route.fulfill(content_type="text/html", body="<p>El tiempo</p>"),
    )
    page = context.new_page()
    receipt = report(page, "Lo que vi")
    # This listener runs after the page's own script for the same tap, however late the other site responds.
    page.evaluate(
        "document.addEventListener('click', () =>"
        " console.log(`<${document.title}|${document.body.innerText}>`))"
    )
    with page.expect_console_message() as seen:
        page.locator("a.exit").click()
    assert seen.value.text == "<|>", "the screen is empty before anything is loaded"
    page.wait_for_url(lambda address: not address.startswith(url))
    history = context.new_cdp_session(page).send("Page.getNavigationHistory")["entries"]
    assert not [each["title"] for each in history if receipt in each["title"]]
    assert [LINE in each["url"] for each in history].count(True) == 1, "the empty form alone"
    _back(page)
    assert receipt not in page.content(), "the receipt's place in the history is taken"
    context.close()


def test_28_without_a_script_back_asks_before_it_shows_the_receipt_again(
    system: System, browsers: Browser
) -> None:
    """Every page that somebody in danger may open also has a quick exit and a phone number."""
    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=server.serve_forever, daemon=True).start()
    Elsewhere.form = "<p>El tiempo</p>"
    with somebody_at(browsers, system.running.url) as page:
        for path in ("/", LINE, HELP, "/directory/v1/posters/VE23/GBV"):
            page.goto(path)
            assert page.locator("a[href^='tel:']").count() >= 1, path
            assert page.locator("a.exit").get_attribute("href") == "https://www.wikipedia.org/"
        receipt = report(page, "Lo que vi")
        page.goto(f"http://127.0.0.1:{server.server_port}/")  # As the link does.
        _back(page)
        assert receipt not in page.content(), "the browser asks before it sends again"
    server.shutdown()
    server.server_close()
