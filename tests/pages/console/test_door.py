"""Access to the console: who may enter, how to leave, and the rules for every page."""

import httpx
import psutil
import pytest
from console.screens.renderer import MOST_UNFOLDED
from playwright.sync_api import Browser
from stack.demo.people import PEOPLE

from tests.pages.signed_in import findings, follows_the_rules, signed_in, too_wide
from tests.support.people_at_browsers import DESK, PHONE, somebody_at
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
NAMES = [person.sign_in_name for person in PEOPLE]


def test_whoever_is_not_signed_in_is_led_there_and_back(system: System, browsers: Browser) -> None:
    with somebody_at(browsers, system.running.url) as page:
        page.goto("/console")
        assert "/oauth/authorize" in page.url
    with signed_in(browsers, system, "demo-caseworker") as page:
        assert page.url.endswith("/console")
        assert page.get_by_role("heading", level=1).inner_text() == "Mi trabajo"


@pytest.mark.parametrize("person", NAMES)
def test_everybody_who_signed_in_has_a_first_page(
    system: System, browsers: Browser, axe: str, person: str
) -> None:
    with signed_in(browsers, system, person) as page:
        answer = page.goto("/console")
        follows_the_rules(answer, page)
        assert findings(page, axe) == []
        assert not too_wide(page)


@pytest.mark.parametrize("width", [320, PHONE, DESK])
@pytest.mark.parametrize("language", ["es", "en"])
def test_23_many_sections_unfold_by_keyboard_and_stand_open_where_there_is_room(
    system: System, browsers: Browser, axe: str, language: str, width: int
) -> None:
    """On a phone, open sections would fill over a third of every page's screen."""
    with signed_in(browsers, system, "demo-im", language=language, width=width) as page:
        page.goto("/console/releases")
        links = page.locator("a.sections__link")
        seen, summary = links.locator("visible=true"), page.locator(".sections__summary")
        if width == DESK:
            assert not summary.is_visible()
        else:
            box = page.locator(".bar").bounding_box()
            assert box is not None
            assert box["height"] < 60, "one row"
            assert seen.count() == 0
            here = page.locator("a.sections__link[aria-current]").text_content()
            assert (summary.text_content() or "").endswith(f": {here}")
            summary.focus()
            page.keyboard.press("Enter")
            seen.first.wait_for()
        assert seen.count() == links.count() > MOST_UNFOLDED
        assert findings(page, axe) == []
        assert not too_wide(page)
        seen.first.focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.url.endswith("/console")


@pytest.mark.parametrize("width", [320, PHONE, DESK])
@pytest.mark.parametrize("language", ["es", "en"])
def test_problem_pages_are_pages(
    system: System, browsers: Browser, axe: str, language: str, width: int
) -> None:
    with signed_in(browsers, system, "demo-reader", language=language, width=width) as page:
        for path, status in (
            ("/console", 200),
            ("/console?foo=1", 422),
            ("/console/no-such-page", 404),
        ):
            answer = page.goto(path)
            follows_the_rules(answer, page)
            assert answer is not None
            assert answer.status == status
            assert page.locator("html").get_attribute("lang") == language
            assert findings(page, axe) == [], path
            assert not too_wide(page), path


@pytest.mark.parametrize("person", ["demo-supervisor", "demo-im"])
def test_13_a_filter_that_no_list_knows_is_refused_and_nothing_is_listed(
    system: System, browsers: Browser, person: str
) -> None:
    with signed_in(browsers, system, person) as page:
        paths = page.locator("a.sections__link").evaluate_all(
            "all => all.map(e => e.getAttribute('href'))"
        )
        assert len(paths) > 5
        for path in paths:
            answer = page.goto(f"{path}?foo=1")
            assert answer is not None
            assert answer.status == 422, path
            assert page.locator("main ul.rows, main table, main .card").count() == 0, path
            follows_the_rules(answer, page)
            again = page.get_by_role("link", name="Abrir la página sin esa parte")
            assert again.get_attribute("href") == path
        page.goto("/console/cases?foo=1")
        known = page.locator("main .row__code").all_inner_texts()
        assert known == sorted(known)
        assert "status" in known


def test_leaving_is_one_press_without_script(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-reader") as page:
        with page.expect_response("**/session/end") as ended:
            page.get_by_role("button", name="Salir").click()
        assert ended.value.all_headers()["clear-site-data"] == '"cache", "cookies", "storage"'
        page.wait_for_url("**/")
        assert page.title() == "Información"
        assert [c["name"] for c in page.context.cookies() if "ruta-s" in c["name"]] == []
        page.goto("/console")
        assert "/oauth/authorize" in page.url


def test_with_script_three_times_escape_leaves_no_page_behind(
    system: System, browsers: Browser
) -> None:
    # A person who signed out in the previous test would have to wait here for their next code.
    with signed_in(browsers, system, "demo-supervisor", scripts=True) as page:
        for _ in range(3):
            page.keyboard.press("Escape")
        page.wait_for_url("**/")
        history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
        assert not history["entries"][-1]["url"].endswith("/console")


def test_the_language_is_changed_in_place(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-reader") as page:
        with page.expect_navigation():
            page.get_by_role("link", name="English").click()
        assert page.url.endswith("/console")
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.get_by_role("heading", level=1).inner_text() == "My work"


def test_a_first_page_is_small_and_the_next_smaller(system: System, browsers: Browser) -> None:
    with signed_in(browsers, system, "demo-reader", scripts=True) as page:
        context = page.context
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        received: list[int] = []
        session.on(
            "Network.loadingFinished", lambda event: received.append(event["encodedDataLength"])
        )
        session.send("Network.clearBrowserCache")
        page.goto("/console", wait_until="networkidle")
        assert len(received) <= 5
        assert sum(received) <= 60_000
        received.clear()
        page.goto("/console?lang=es", wait_until="networkidle")
        assert sum(received) <= 12_000


def test_only_the_front_and_what_it_signs_is_believed(system: System) -> None:
    """The console treats a client that reaches the process directly as anonymous, whatever it claims."""
    port = system.state.ports["console"]
    headers = {"ruta-person-token": "x", "ruta-person": "e30=", "authorization": "Bearer x"}
    answer = httpx.get(f"http://127.0.0.1:{port}/console", headers=headers, trust_env=False)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/session/start")


def test_the_process_is_light_and_ready_while_the_gateway_is_away(system: System) -> None:
    port = system.state.ports["console"]
    ready = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json()
    assert ready == {"status": "ok", "parts": {"gateway": "ok"}}
    # Memory shared with forked processes (`stack.embedded.fork_server`) counts proportionally.
    held = psutil.Process(system.state.processes["console"]).memory_full_info().pss
    assert held <= 120 * 1024 * 1024
