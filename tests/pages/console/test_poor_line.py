"""The golden path of the console on 2G, with a fifth of the requests cut and every other command: whoever
presses a button and reloads what did not come has done each thing once. Without script and with it."""

import re
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.pages.console.ways import CLINIC
from tests.pages.signed_in import signed_in
from tests.support.people_at_browsers import chromium
from tests.support.poor_line import BREAKS, PoorLine, poor_line
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
REFERRALS = "/referrals/v1/referrals"
_RELOADS = 20
# Whoever sees nothing come for so long asks again. It judges nothing: a page that is late is asked for twice.
_PATIENCE_MS = 20_000


@pytest.fixture(scope="module")
def line(system: System) -> Iterator[PoorLine]:
    """Whole, until a test lets it break: a code to sign in works once."""
    with poor_line(system.state.port, share=0, seed=21) as made:
        yield made


@pytest.fixture(scope="module")
def browsers(system: System, line: PoorLine) -> Iterator[Browser]:
    """They reach the front by its own address, over this line."""
    front = system.state.port
    with chromium(f"--host-resolver-rules=MAP 127.0.0.1:{front} 127.0.0.1:{line.port}") as browser:
        yield browser


def came(page: Page) -> bool:
    """The whole page: what stands at its end is there, and it is none of the browser's own."""
    try:
        return "/console" in page.url and page.locator("footer").count() == 1
    except Error:
        return False


def done(page: Page, act: Callable[[], object]) -> None:
    """Once, and whatever did not come is asked for again, as by F5: a form is sent again as it was."""

    def again() -> None:
        page.reload(wait_until="commit", timeout=_PATIENCE_MS)

    for step in (act, *[again] * _RELOADS):
        try:
            with page.expect_navigation(wait_until="commit", timeout=_PATIENCE_MS):
                step()
            page.wait_for_load_state("domcontentloaded", timeout=_PATIENCE_MS)
        except Error:
            continue
        if came(page):
            return
    raise AssertionError(f"nothing came: {page.url}")


def opened(page: Page, address: str) -> None:
    for _ in range(_RELOADS):
        try:
            page.goto(address, wait_until="domcontentloaded", timeout=_PATIENCE_MS)
        except Error:
            continue
        if came(page):
            return
    raise AssertionError(f"nothing came: {address}")


def press(page: Page, words: str) -> None:
    button = page.get_by_role("button", name=words, exact=True).first
    done(page, lambda: button.click(no_wait_after=True))


def referred(page: Page, name: str) -> str:
    """A new person, and a referral of theirs with its consent; its address."""
    opened(page, "/console/cases/new")
    page.fill('[name="identity/name"]', name)
    page.fill('[name="identity/age"]', "27")
    page.check('[name="attributes/sex"][value=female]')
    page.select_option("[name=area]", "VE2313")
    press(page, "Registrar el caso")
    assert re.search(r"/console/cases/[0-9a-f-]{36}$", page.url)
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    press(page, "Remitir")
    for label in (CLINIC, "NO LLAMAR", "De palabra"):
        page.get_by_label(label, exact=False).first.check()
    press(page, "Registrar consentimiento y remitir")
    assert "/console/referrals/" in page.url
    return page.url


@pytest.mark.parametrize("scripts", [False, True], ids=["without script", "with script"])
def test_each_command_of_a_person_is_carried_out_once_on_a_line_that_breaks(
    system: System, browsers: Browser, line: PoorLine, scripts: bool
) -> None:
    name = f"Prueba {uuid4().hex[:8]}"
    ask = system.running.request
    with (
        signed_in(browsers, system, "demo-caseworker", scripts=scripts) as sender,
        signed_in(browsers, system, "demo-recipient", scripts=scripts) as recipient,
        line.breaking(0.2),
    ):
        before = line.requests
        referral = referred(sender, name)
        opened(recipient, referral)
        press(recipient, "Acusar recibo y leer")
        press(recipient, "Aceptar")
        assert "Aceptada" in recipient.inner_text("main")
        case = ask("ngo-refugio", "POST", "/referrals/v1/cases/search", json={"name": name})
        (found,) = case.json()["items"]
        opened(sender, f"/console/cases/{found['id']}")
        link = sender.get_by_role("link", name="Ver o retirar").first
        done(sender, lambda: link.click(no_wait_after=True))
        press(sender, "Retirar ahora")
        assert all(line.commands_cut[place] for place in BREAKS), line.commands_cut
        # No storm: a person reloads what did not come, and a browser repeats nothing by itself for long.
        pages = 12
        assert line.requests - before <= 3 * (pages + sum(line.cuts.values()))
    made = referral.rsplit("/", 1)[-1]
    listed = ask("ngo-refugio", "GET", REFERRALS, params={"case_id": found["id"]}).json()["items"]
    assert [each["id"] for each in listed] == [made]
    grants = ask(
        "ngo-refugio", "GET", "/referrals/v1/consents", params={"case_id": found["id"]}
    ).json()["items"]
    assert [each["status"] for each in grants] == ["withdrawn"]
    steps = ask("ngo-refugio", "GET", f"{REFERRALS}/{made}/history").json()
    assert [step["command"] for step in steps][:4] == ["draft", "send", "acknowledge", "accept"]
    assert len({step["version"] for step in steps}) == len(steps) <= 5
