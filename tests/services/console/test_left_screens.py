"""What an abandoned screen shows after the session has ended. The tests use real pages and scripts in a browser with an
adjustable clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from common.auth import Principal, Role
from console import assets
from console.calls import Calls, Gateway
from console.forms import Typed
from console.moments import Moments
from console.screens.renderer import draw
from console.screens.routing import _resend
from console.screens.visit import Page as Screen
from console.screens.visit import Visit
from console.settings import Settings
from console.texts import wording
from console.visitors import Visitor
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.support.people_at_browsers import chromium, new_context

pytestmark = [pytest.mark.slow]
FRONT = "http://ruta.test"
CANARY, TYPED = "Zzyzxpantalla", "Zzyzxescrito"
OVER, KEPT = "Su sesión terminó", "sigue en esta página"


@pytest.fixture(scope="module")
def browsers() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Ruta:
    """The pages of one person, and the front's response about who is signed in."""

    def __init__(self) -> None:
        self.name, self.signed_in, self.asked = "ana", "ana", 0
        self.not_sent = ""

    def page(self) -> str:
        if self.not_sent:
            return self._resend()
        who = Principal("p", "p", None, roles=frozenset({Role.ADMIN}))
        visit = Visit(
            self._visitor(who),
            Calls(Gateway(Settings.model_construct(gateway_url=FRONT)), "token", "es", "number"),
            "es",
            wording("es"),
            Moments("es", ZoneInfo("America/Caracas"), datetime.now(UTC)),
            "/console/organisations/new",
        )
        form = Screen("accounts/templates/new_organisation.html", "title.problem", {"aors": []})
        return draw(visit, form)

    def _visitor(self, who: Principal) -> Visitor:
        return Visitor(who, "token", "csrf", self.name, CANARY, 0, 900)

    def _resend(self) -> str:
        """Return the page that offers to resend a failed form, with this reason."""
        whose = None if self.not_sent == "over" else self._visitor(Principal("p", "p", None))
        typed = Typed([("name", CANARY)])
        page = _resend("/console/organisations/new", typed, "es", self.not_sent, whose)
        return bytes(page.body).decode()

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(FRONT)
        if path.startswith("/console/static/"):
            name = path.rsplit("/", 1)[-1]
            route.fulfill(body=assets.contents()[name], content_type=assets.NAMES[name])
        elif path == "/session":
            self.asked += 1
            found: dict[str, Any] = {"sign_in_name": self.signed_in, "idle_in": 900}
            status = 200 if self.signed_in else 401
            route.fulfill(status=status, body=orjson.dumps(found), content_type="application/json")
        else:
            route.fulfill(body=self.page(), content_type="text/html; charset=utf-8")


@pytest.fixture
def ruta() -> Ruta:
    return Ruta()


@pytest.fixture
def context(browsers: Browser, ruta: Ruta) -> Iterator[BrowserContext]:
    context = new_context(browsers, FRONT, scripts=True)
    context.route("**/*", ruta.answer)
    yield context
    context.close()


def opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.clock.install()
    page.goto("/console/organisations/new", wait_until="networkidle")
    assert CANARY in page.inner_text("body")
    return page


@contextmanager
def told(page: Page) -> Iterator[None]:
    """Wait until the other tab's message has arrived."""
    page.evaluate(
        "new BroadcastChannel('ruta-session').onmessage = () => { window.told = true; }; 0"
    )
    yield
    page.wait_for_function("window.told")


def test_a_screen_that_was_left_is_empty_once_the_session_is_over(context: BrowserContext) -> None:
    page = opened(context)
    page.clock.fast_forward("14:50")
    assert CANARY in page.inner_text("body")
    page.clock.fast_forward(16_000)
    assert OVER in page.inner_text("body")
    assert KEPT not in page.inner_text("body")
    assert CANARY not in page.content()
    assert page.get_by_role("link").get_attribute("href") == "/console/organisations/new"


def test_what_was_typed_is_covered_and_shown_to_the_same_person_alone(
    context: BrowserContext, ruta: Ruta
) -> None:
    page = opened(context)
    page.fill("[name=name]", TYPED)
    page.clock.fast_forward("15:06")
    button = page.get_by_role("button", name="Continuar")
    for somebody in ("", "beto"):
        ruta.signed_in = somebody
        button.click()
        answered = page.get_by_text("todavía no ha iniciado sesión").or_(page.get_by_text(CANARY))
        answered.locator("visible=true").wait_for()
        assert KEPT in page.inner_text("body")
        assert CANARY not in page.inner_text("body")
        assert page.locator(":visible:not(html, body, .over, .over *)").count() == 0
    ruta.signed_in = "ana"
    button.click()
    page.get_by_text(CANARY).wait_for()
    assert page.input_value("[name=name]") == TYPED
    assert not button.is_visible()
    page.clock.fast_forward("15:06")
    assert CANARY not in page.inner_text("body"), "and so again"


def test_what_was_sent_too_late_leaves_the_screen_after_a_while(
    context: BrowserContext, ruta: Ruta
) -> None:
    """Nobody can know whose text was sent too late, so the text disappears instead of being covered."""
    beside = opened(context)
    ruta.not_sent = "over"
    page = opened(context)
    ruta.not_sent = ""
    with told(page):  # The person signs in again in another tab, as the page asks.
        beside.reload()
    page.clock.fast_forward("14:50")
    assert CANARY in page.inner_text("body")
    page.clock.fast_forward(16_000)
    assert OVER in page.inner_text("body")
    assert CANARY not in page.content()
    assert ruta.asked == 0


@pytest.mark.parametrize("why", ["fresh", "other", "away"])
def test_what_can_be_sent_once_more_is_covered_and_shown_to_the_same_person_alone(
    context: BrowserContext, ruta: Ruta, why: str
) -> None:
    ruta.not_sent = why
    page = opened(context)
    page.clock.fast_forward("15:06")
    button = page.get_by_role("button", name="Continuar")
    ruta.signed_in = "beto"
    button.click()
    page.get_by_text("todavía no ha iniciado sesión").wait_for()
    assert CANARY not in page.inner_text("body")
    ruta.signed_in = "ana"
    button.click()
    page.get_by_text(CANARY).wait_for()
    assert page.get_by_role("button", name="Enviar").is_visible()


def test_a_tab_beside_says_that_somebody_is_at_work_that_they_left_or_that_it_is_somebody_else(
    context: BrowserContext, ruta: Ruta
) -> None:
    left, beside = opened(context), opened(context)
    left.clock.fast_forward("14:00")
    with told(left):
        beside.reload()
    left.clock.fast_forward("14:00")
    assert CANARY in left.inner_text("body"), "they work in the other tab"
    with told(left):
        beside.get_by_role("button", name="Salir").click()
    assert CANARY not in left.content()
    left.reload()
    ruta.name = "beto"
    with told(left):
        opened(context)
    assert OVER in left.inner_text("body")
    assert CANARY not in left.content()
    assert ruta.asked == 0, "to ask would make it last"


def test_a_screen_is_empty_once_they_signed_out_beside_it_on_a_page_without_a_script(
    context: BrowserContext, ruta: Ruta
) -> None:
    """A screen also clears after a sign-out without our script, as on the account page or on some phones. The response
    tells the browser to clear its data."""
    left, beside = opened(context), opened(context)
    left.clock.fast_forward(6000)
    assert CANARY in left.inner_text("body")
    beside.evaluate("localStorage.clear()")
    left.clock.fast_forward(6000)
    assert OVER in left.inner_text("body")
    assert CANARY not in left.content()
    assert ruta.asked == 0


def test_whoever_types_stays_signed_in_and_whoever_does_not_is_not_asked_for(
    context: BrowserContext, ruta: Ruta
) -> None:
    page = opened(context)
    page.fill("[name=name]", TYPED)
    page.clock.fast_forward("14:20")
    assert ruta.asked == 0, "that was a quarter of an hour ago"
    page.fill("[name=name]", f"{TYPED} y más")
    with page.expect_response("**/session"):
        page.clock.fast_forward(6000)
    page.clock.fast_forward("14:00")
    assert CANARY in page.inner_text("body")
    assert ruta.asked == 1
    page.clock.fast_forward("01:00")
    assert CANARY not in page.inner_text("body")


def test_what_is_on_a_page_is_sent_to_no_translator_and_what_is_written_to_no_corrector(
    context: BrowserContext,
) -> None:
    page = opened(context)
    assert not page.evaluate("document.querySelector('main').translate")
    assert page.locator("meta[name=google]").get_attribute("content") == "notranslate"
    assert not page.evaluate("document.querySelector('[name=name]').spellcheck")
    assert page.locator("[writingsuggestions=false] [name=name]").count() == 1
