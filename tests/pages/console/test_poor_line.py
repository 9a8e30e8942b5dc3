"""The console's golden paths on 2G, with a fifth of the requests and every other command cut. A user who presses a
button and reloads does each thing exactly once. The tests run without JavaScript; the caseworker's also run with it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import pytest
from gateway.issuer.sign_ins.service import TOGETHER
from playwright.sync_api import Browser, Error, Page, Response
from stack.operate.service_commands import attached_postgres

from tests.pages.console.ways import CLINIC, SITUATION
from tests.pages.signed_in import signed_in
from tests.pages.world import aged
from tests.support.patience import PATIENCE
from tests.support.people_at_browsers import chromium
from tests.support.poor_line import BREAKS, PoorLine, poor_line
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
REFERRALS = "/referrals/v1/referrals"
_RELOADS = 20
# A cut is visible at once. Reloading a page that is only late could lose a command.
_PATIENCE_MS = PATIENCE * 1000
# A page with a script may never finish loading after a cut, but its request reports the cut. The retry sends the same
# request with the same key.
_WHOLE_MS, _GLANCE_MS = 20_000, 200
# Chromium needs a moment to show its own error page; until then there is nothing to reload.
_BREATH_MS = 1000
_LOOK_MS = 500


@pytest.fixture(scope="module")
def line(system: System) -> Iterator[PoorLine]:
    """Provide a connection that stays good until a test breaks it, because a sign-in code works only once."""
    with poor_line(system.state.port, share=0, seed=21) as made:
        yield made


@pytest.fixture(scope="module")
def browsers(system: System, line: PoorLine) -> Iterator[Browser]:
    """Provide browsers that reach the front at its own address over this connection."""
    front = system.state.port
    mapped = f"--host-resolver-rules=MAP 127.0.0.1:{front} 127.0.0.1:{line.port}"
    with chromium(mapped, whole=True) as browser:
        yield browser


asks: list[str] = []
"""What people asked for, in all: pages that they opened, buttons that they pressed, and what they asked again."""


@contextmanager
def breaking(system: System, line: PoorLine) -> Iterator[None]:
    """Check that requests are cut at every place, without a request storm. One user action sends a command and loads
    its page and its styles. Browsers repeat cut requests only for a while."""
    # The tests on this connection share sign-ins, and each sign-in has a limit on renewals.
    lost_answers(system, "UPDATE sign_ins SET lost_answers = 0")
    before, asked = line.requests, len(asks)
    with line.breaking(0.2):
        yield
        assert all(line.commands_cut[place] for place in BREAKS), line.commands_cut
        most = 3 * (len(asks) - asked + sum(line.cuts.values()))
        assert line.requests - before <= most


def came(page: Page, answer: Response | None) -> bool:
    """Return whether the whole page has loaded: its end is present and it is not the browser's own error page. A longer
    wait would only show half a page."""
    for _ in range(_WHOLE_MS // _GLANCE_MS):
        if answer is not None and answer.request.failure:
            return False
        with suppress(Error):
            page.wait_for_load_state("domcontentloaded", timeout=_GLANCE_MS)
            break
    try:
        page.locator("footer").wait_for(state="attached", timeout=_LOOK_MS)
    except Error:
        return False
    return "/console" in page.url


def done(page: Page, act: Callable[[], object]) -> None:
    """Act once, then reload any page that did not arrive. Like F5, this sends a form again unchanged."""

    def again() -> None:
        page.reload(wait_until="commit", timeout=_PATIENCE_MS)

    met = []
    for step in (act, *[again] * _RELOADS):
        asks.append(page.url)
        try:
            with page.expect_navigation(wait_until="commit", timeout=_PATIENCE_MS) as answer:
                step()
        except Error as error:
            met.append(error.message.splitlines()[0])
            page.wait_for_timeout(_BREATH_MS)
            continue
        if came(page, answer.value):
            return
        met.append(f"half of {page.url}")
    raise AssertionError(f"nothing came: {met}")


def opened(page: Page, address: str) -> None:
    met = []
    for _ in range(_RELOADS):
        asks.append(address)
        try:
            answer = page.goto(address, wait_until="commit", timeout=_PATIENCE_MS)
        except Error as error:
            met.append(error.message.splitlines()[0])
            # While Chromium replaces the page with its own error page, it interrupts every request.
            page.wait_for_timeout(_BREATH_MS)
            continue
        if came(page, answer):
            return
    raise AssertionError(f"nothing came of {address}: {met}")


def press(page: Page, words: str) -> None:
    button = page.get_by_role("button", name=words, exact=True).first
    done(page, lambda: button.click(no_wait_after=True))


def filled_in(page: Page, name: str) -> None:
    page.fill('[name="identity/name"]', name)
    page.fill('[name="identity/age"]', "27")
    page.check('[name="attributes/sex"][value=female]')
    page.select_option("[name=area]", "VE2313")


def referred(page: Page, name: str) -> str:
    """Refer a new person with consent; return the referral's address."""
    opened(page, "/console/cases/new")
    filled_in(page, name)
    press(page, "Registrar el caso")
    assert re.search(r"/console/cases/[0-9a-f-]{36}$", page.url)
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    press(page, "Remitir")
    page.fill('[name="payload/situation"]', SITUATION)
    for label in (CLINIC, "NO LLAMAR", "De palabra"):
        page.get_by_label(label, exact=False).first.check()
    press(page, "Registrar el consentimiento y remitir")
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
        breaking(system, line),
    ):
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


def lost_answers(system: System, sql: str) -> str:
    return attached_postgres(system.layout, system.state).psql(sql, database="issuer").strip()


def test_whose_renewed_session_was_lost_on_the_way_is_not_signed_out(
    system: System, browsers: Browser, line: PoorLine
) -> None:
    """The person asks again only after every request with the old token must have arrived."""
    name = f"Prueba {uuid4().hex[:8]}"
    # Other tests on this connection share the sign-in, which has a limit on renewals.
    lost_answers(system, "UPDATE sign_ins SET lost_answers = 0")
    with signed_in(browsers, system, "demo-caseworker", scripts=True) as page:
        page.goto("/console/cases/new")
        filled_in(page, name)
        aged(system, page.context, 600)  # The session's access token has expired.
        kept = session_of(page)
        button = page.get_by_role("button", name="Registrar el caso", exact=True).first
        with line.losing(), page.expect_event("requestfailed", lambda one: one.method == "POST"):
            button.click(no_wait_after=True)
        assert session_of(page) == kept
        page.wait_for_timeout((TOGETHER.total_seconds() + 1) * 1000)
        done(page, lambda: page.reload(wait_until="commit"))
        assert re.search(r"/console/cases/[0-9a-f-]{36}$", page.url)
        assert session_of(page) != kept
    assert lost_answers(system, "SELECT sum(lost_answers) FROM sign_ins") == "1"
    ask = system.running.request
    made = ask("ngo-refugio", "POST", "/referrals/v1/cases/search", json={"name": name})
    assert len(made.json()["items"]) == 1


def session_of(page: Page) -> str:
    return next(c["value"] for c in page.context.cookies() if c["name"].endswith("ruta-session"))
