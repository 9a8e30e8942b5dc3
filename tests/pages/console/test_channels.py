"""People manage their own channels: they confirm a mailbox with a code, change its hours and remove it."""

import re

import httpx
import pytest
from playwright.sync_api import Browser

from tests.pages.console.ways import submit
from tests.pages.signed_in import signed_in
from tests.support.patience import PATIENCE
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
WHOLE_BROWSER = True
ADDRESS = "guardia-refugio@example.org"


def test_a_mailbox_is_confirmed_with_the_code_that_came_and_left_in_peace_at_night(
    system: System, browsers: Browser
) -> None:
    caught = f"http://127.0.0.1:{system.state.ports['mailbox']}"

    def codes() -> list[str]:
        messages = httpx.get(f"{caught}/messages", timeout=PATIENCE, trust_env=False).json()
        texts = [each["text"] for each in messages if each["to"] == ADDRESS]
        return [found for text in texts for found in re.findall(r"[0-9]{8}", text)]

    with signed_in(browsers, system, "demo-recipient") as page:
        page.goto("/console/channels")
        page.get_by_label("Correo", exact=True).check()
        page.fill('[name="channel/address"]', "no es una dirección")
        submit(page, "Agregar")
        assert page.locator('.govuk-error-summary a[href="#f-channel-address"]').count() == 1
        assert page.input_value('[name="channel/address"]') == "no es una dirección"
        page.fill('[name="channel/address"]', ADDRESS)
        submit(page, "Agregar")
        assert "Por confirmar" in page.inner_text("main")
        assert ADDRESS not in page.content(), "a glance at the screen does not give it away"
        until(lambda: bool(codes()), "a code came")
        shown = httpx.get(caught, timeout=PATIENCE, trust_env=False).text
        assert ADDRESS in shown
        assert codes()[0] in shown
        page.fill('[name="confirm/code"]', "00000000" if codes()[0] != "00000000" else "1" * 8)
        submit(page, "Confirmar")
        assert page.locator(".govuk-error-summary").count() == 1
        page.fill('[name="confirm/code"]', codes()[0])
        submit(page, "Confirmar")
        assert "Activo" in page.inner_text("main")
        page.get_by_label("Una vez al día").check()
        page.fill('[name="wishes/quiet_from"]', "21:30")
        submit(page, "Guardar")
        page.goto("/console/channels")
        assert "sin avisos de 21:30 a 06:00" in page.inner_text("main")
        with page.expect_navigation():
            page.get_by_role("link", name="Cambiar").first.click()
        submit(page, "Quitar")
        assert "Todavía no recibe avisos" in page.inner_text("main")


SUBSCRIBED = """PushManager.prototype.subscribe = async function (options) {
  if (!options.userVisibleOnly || new Uint8Array(options.applicationServerKey).length !== 65) throw new Error('x');
  const found = {endpoint: 'https://push.example.org/x1', keys: {p256dh: 'BPw', auth: 'YWE'}};
  return {toJSON: () => found};
};"""


SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
  .map(each => [each.title, each.body])"""
GONE = """async () => { for (const each of await (await navigator.serviceWorker.ready).getNotifications()) each.close(); }"""


def test_a_browser_asks_to_be_told_and_shows_that_something_is_new(
    system: System, browsers: Browser
) -> None:
    """Everything is real except the push service: the test replaces its response and delivers its empty message by the
    browser's own protocol.

    The test proves that a page subscribes with our key, and that a browser shows our empty message.
    `drills/told/test_browser.py` covers the whole path from a referral, with a push service on loopback. No test proves
    that a vendor's push service accepts it.
    """
    with signed_in(browsers, system, "demo-recipient") as page:
        page.goto("/console/channels")
        assert not page.locator("#push-form").is_visible(), "without script there is no button"
        assert page.locator("#push-without").is_visible()
    with signed_in(browsers, system, "demo-recipient", scripts=True) as page:
        page.add_init_script(SUBSCRIBED)
        page.goto("/console/channels")
        page.get_by_role("button", name="Avisarme en este navegador").click()
        page.locator("#push-said", has_text="no permite mostrar avisos").wait_for()
        page.context.grant_permissions(["notifications"], origin=system.running.url)
        wire = page.context.new_cdp_session(page)
        registered: list[str] = []
        wire.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: registered.extend(r["registrationId"] for r in event["registrations"]),
        )
        wire.send("ServiceWorker.enable")
        with page.expect_navigation():
            page.get_by_role("button", name="Avisarme en este navegador").click()
        row = page.locator("ul.rows li", has_text="Navegador")
        assert "Activo" in row.inner_text()
        assert "push.example.org/x1" not in page.content()
        # Our message is empty, and a locked screen shows the same text for any message.
        for data in ("", '{"title": "Yolimar", "body": "Remisión urgente"}'):
            message = {"origin": system.running.url, "registrationId": registered[-1], "data": data}
            page.evaluate(GONE)
            until(lambda: page.evaluate(SHOWN) == [], "the former one is gone")

            def is_shown(message: dict[str, str] = message) -> bool:
                # Repeat as a push service does, because the browser may still be busy with the previous message.
                wire.send("ServiceWorker.deliverPushMessage", message)
                page.wait_for_timeout(500)
                shown: list[list[str]] = page.evaluate(SHOWN)
                assert shown in ([], [["Información", "Hay algo nuevo."]])
                return bool(shown)

            until(is_shown, "the notification is shown")
        row.get_by_role("link").click()
        page.wait_for_load_state()
        submit(page, "Quitar")


def test_a_supervisor_sees_who_can_be_told_and_no_address(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-supervisor") as page:
        page.goto("/console/channels")
        assert "Avisos del equipo" in page.inner_text("main")
    with signed_in(browsers, system, "demo-caseworker") as page:
        page.goto("/console/channels")
        assert "Avisos del equipo" not in page.inner_text("main")
