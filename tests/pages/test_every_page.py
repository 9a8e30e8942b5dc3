"""Every page for people, found in the code and opened in a real browser in each language. Each is checked on a phone
and a wide screen (`looking`).

This module covers acceptance checks 22, 23, 24, 25 (sizes) and 27 for pages outside the console. RUTA_PICTURES names a
folder for pictures.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway.front.description.document import operations
from playwright.sync_api import Browser, Page, StorageState
from stack.reference.described import descriptions

from tests.pages.page_checks import Look
from tests.pages.tour import FRAMED, MADE, OF_PROGRAMMERS, PERSON, SERVED, Walk
from tests.pages.world import Sent, bulletin, risk_message, sent, sign_in
from tests.support.people_at_browsers import new_context, somebody_at
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
# Functions in the product's source that make HTML.
MAKES_HTML = re.compile(r"text/html|HTMLResponse|\bpage_headers\(|\bpage_response\(")
# The maximum size of a response's headers, including the policies.
HEAD_BYTES = 1_200


def made_in(package: Path) -> set[str]:
    """Return the modules that make HTML; the console's pages have a separate walk."""
    return {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if MAKES_HTML.search(file.read_text(encoding="utf-8"))
    }


def test_no_page_is_left_out() -> None:
    """Every operation or module that returns HTML has a stop in the walk."""
    served = {
        (method, path)
        for part in descriptions().values()
        for path, method, operation in operations(part)
        if "text/html" in operation["responses"].get("200", {}).get("content", {})
    }
    assert served == set(SERVED)
    sources = [
        *ROOT.glob("libs/*/src"),
        ROOT / "gateway/src",
        ROOT / "stack/src",
        *ROOT.glob("services/*/src"),
    ]
    made = set().union(*(made_in(s) for s in sources if "console" not in str(s)))
    assert made == set(MADE)


@pytest.fixture(scope="module")
def pictures() -> Path | None:
    wanted = os.environ.get("RUTA_PICTURES")
    if wanted is None:
        return None
    Path(wanted).mkdir(parents=True, exist_ok=True)
    return Path(wanted)


@pytest.fixture(scope="module")
def issue(system: System) -> str:
    risk_message(system)
    return bulletin(system)


@pytest.fixture(scope="module")
def referral(system: System) -> Sent:
    return sent(system)


@pytest.fixture(scope="module")
def signed_in(system: System, browsers: Browser) -> Iterator[StorageState]:
    """Return the cookies of a person who signed in with credentials from the command; each code works once."""
    context = new_context(browsers, system.running.url)
    page = context.new_page()
    sign_in(page, system, PERSON)
    assert page.url.endswith("/account"), page.content()
    yield context.storage_state()
    context.close()


def walked(
    system: System, page: Page, language: str, look: Any, sent: Sent, issue: str, *, inside: bool
) -> None:
    walk = Walk(system, page, language, sent, issue, look)
    if inside:
        walk.of_who_is_in()
        return
    parts = ("everybody", "a_reporter", "a_subscriber", "who_agreed", "a_recipient", "who_signs_in")
    for part in parts:
        getattr(walk, f"of_{part}")()


@pytest.mark.parametrize("language", ["es", "en"])
def test_22_24_27_each_page_is_accessible_whole_and_in_one_language(
    system: System,
    browsers: Browser,
    axe: str,
    pictures: Path | None,
    issue: str,
    referral: Sent,
    signed_in: StorageState,
    language: str,
) -> None:
    url, names, found, foreign = system.running.url, set[str](), list[str](), list[str]()
    for inside in (False, True):
        context = new_context(browsers, url, language=language, scripts=True)
        if inside:
            context.add_cookies(signed_in["cookies"])  # type: ignore[arg-type]  # as they were read
        page = context.new_page()
        page.on("request", lambda r: foreign.append(r.url) if not r.url.startswith(url) else None)
        look = Look(
            page,
            language,
            axe,
            pictures,
            framed=frozenset(FRAMED),
            foreign=frozenset(OF_PROGRAMMERS),
        )
        walked(system, page, language, look, referral, issue, inside=inside)
        names, found = names | look.names, found + look.found
        context.close()
    assert not found, "\n".join(found)
    assert [each for each in foreign if not each.startswith("data:")] == []
    shown = {name for stops in (*SERVED.values(), *MADE.values()) for name in stops}
    assert shown - names == set()


@pytest.mark.parametrize("language", ["es", "en"])
def test_18_a_published_bulletin_says_what_each_protected_number_may_be(
    system: System, browsers: Browser, issue: str, language: str
) -> None:
    """The bulletin never publishes a bare zero. Charts of people have an error bar on each bar; charts of activities
    have none."""
    files = f"/reports/v1/bulletins/{issue}/files/{language}"
    with somebody_at(browsers, system.running.url, language=language) as page:
        page.goto(f"{files}/bulletin.html")
        # A release's rounding error is not a count, so it may be zero.
        errors = re.compile("Múltiplo de|Multiple of")
        counts = page.locator("table").filter(has_not_text=errors).locator("td.number")
        numbers = counts.all_inner_texts()
        assert numbers
        assert [one for one in numbers if one.strip() == "0"] == []
        assert {"es": "pocas", "en": "few"}[language] in page.inner_text("body")
        listed = system.public(f"/reports/v1/bulletins/{issue}")["files"]
        charts = {each["name"] for each in listed if each["name"].endswith(".svg")}
        # Except for activities, the rounding of this stack's numbers decides which figures exist.
        assert "trained-by-state.svg" in charts
        for name in charts & {"referrals-states.svg", "gaps-needs.svg", "trained-by-state.svg"}:
            drawn = page.request.get(f"{files}/{name}").text()
            assert ("rule mark" in drawn) == (name != "trained-by-state.svg"), name


# Loaded without any state, as on a person's first visit.
PLAIN: dict[str, tuple[str | None, int, int]] = {
    "start": ("/", 10_000, 4_000),
    "line": ("/referrals/v1/line", 10_000, 4_000),
    "line-enter": ("/referrals/v1/line/thread", 10_000, 4_000),
    "help": ("/directory/v1/help", 10_000, 4_000),
    "risks": ("/directory/v1/risk-messages/page", 10_000, 4_000),
    "withdraw": ("/referrals/v1/withdraw", 10_000, 4_000),
    "answer": (None, 10_000, 10_000),  # Never compressed, because its address is a secret.
    "posters": ("/directory/v1/posters", 30_000, 4_000),
    "gaps": ("/directory/v1/gaps/page", 30_000, 5_000),
    "bulletins": ("/reports/v1/bulletins/page", 10_000, 4_000),
    "figures": ("/reports/v1/exports/page", 30_000, 4_000),
    "poster": ("/directory/v1/posters/VE23/GBV", 15_000, 6_000),
    "sign-in": ("/session/start?return_to=/account", 10_000, 10_000),
    "sign-out": ("/session/end", 10_000, 4_000),
}

# What a browser may cache. A publication may be withdrawn, and the start page is the same for everybody.
KEPT = {"bulletin": "public, max-age=3600", "start": "public, max-age=300"}


@pytest.mark.parametrize("language", ["es", "en"])
def test_25_each_page_is_one_small_request(
    system: System, browsers: Browser, referral: Sent, issue: str, language: str
) -> None:
    context = new_context(browsers, system.running.url, language=language)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    received: list[int] = []
    wire.on("Network.loadingFinished", lambda e: received.append(int(e["encodedDataLength"])))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    files = f"/reports/v1/bulletins/{issue}/files/{language}/bulletin.html"
    stops = {**PLAIN, "bulletin": (files, 700_000, 60_000)}
    over = []
    for name, (path, most, most_sent) in stops.items():
        received.clear()
        requests.clear()
        answer = page.goto(path or referral.answer)
        assert answer is not None
        assert answer.status in {200, 401}, name
        assert answer.headers["cache-control"] == KEPT.get(name, "no-store"), name
        raw, sent_bytes = len(answer.body()), sum(received)
        loaded = [
            each for each in requests if "favicon" not in each and not each.startswith("data:")
        ]
        redirected = 2 if name == "sign-in" else 1
        if raw > most or sent_bytes > most_sent + HEAD_BYTES or len(loaded) != redirected:
            over.append((name, raw, sent_bytes, loaded))
    context.close()
    assert over == []
