"""A referral is sent, and a real browser that its recipient left open shows that something is new. Subscription, signed
message, delivery and notification are real. Only the push service is the test's own, on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from drills.restarts.test_restricted_again import REFERRALS, Person, entered, status_of
from tests.pages.signed_in import sign_in
from tests.support.people_at_browsers import own_browser
from tests.support.push_service import PushService, push_service
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
  .map(each => [each.title, each.body])"""
UNSUBSCRIBED = """async () => {
  const registration = await navigator.serviceWorker.ready;
  return (await registration.pushManager.getSubscription()).unsubscribe();
}"""
NEWS = [["Información", "Hay algo nuevo."]]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    stack = System(tmp_path_factory.mktemp("pushed"))
    stack.up("--demo")
    yield stack
    stack.down()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with push_service(tmp_path) as made:
        yield made


@pytest.fixture
def page(system: System, service: PushService, tmp_path: Path) -> Iterator[Page]:
    url = system.running.url
    with own_browser(tmp_path / "profile", url, *service.options) as browser:
        browser.grant_permissions(["notifications"], origin=url)
        browser.add_init_script(service.redirects)
        opened = browser.new_page()
        sign_in(opened, system, "demo-recipient")
        yield opened


def test_a_referral_is_shown_by_the_browser_that_its_recipient_left_open(
    system: System, service: PushService, page: Page
) -> None:
    point = entered(system, name="Punto de atención con aviso")
    known = f"{REFERRALS}/services/{point}/team"
    until(
        lambda: status_of(system, "ngo-salud-supervisor", "GET", known) == 200, "it may be chosen"
    )
    page.goto("/console/channels")
    with page.expect_navigation():
        page.get_by_role("button", name="Avisarme en este navegador").click()
    row = page.locator("ul.rows li", has_text="Navegador")
    assert "Activo" in row.inner_text()
    assert page.evaluate(SHOWN) == []

    service.statuses = [503, 429]  # It is asked again.
    Person(system, point, "emergency").sent(system)
    until(lambda: page.evaluate(SHOWN) == NEWS, "the notification is shown")
    (posted,) = service.posted
    assert (posted.body, posted.claims["sub"]) == (b"", "mailto:ruta@ruta.invalid")
    assert posted.headers["topic"] == "ruta"
    assert (service.statuses, service.refused) == ([], [])

    assert page.evaluate(UNSUBSCRIBED)
    until(lambda: not service.subscriptions, "the browser has left the push service")
    Person(system, point, "emergency").sent(system)

    def is_off() -> bool:
        page.goto("/console/channels")
        return "Activo" not in row.inner_text()

    until(is_off, "the channel is switched off")
    assert len(service.posted) == 1
