"""My work with much in it, parts of the system away, a poor line, and a keyboard alone: checks 12, 23, 26 and 30."""

import json
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from common import clock
from playwright.sync_api import Browser, Page, Route
from stack.private_files import write_private

from tests.pages.console.ways import CLINIC, choose, registered
from tests.pages.signed_in import (
    at_both_widths,
    findings,
    follows_the_rules,
    signed_in,
    too_wide,
)
from tests.pages.world import CASES, CONSENTS, REFERRALS, must
from tests.support.patience import PATIENCE
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
REFUGIO, SALUD = "ngo-refugio", "ngo-salud"
_IDS = {
    REFUGIO: "0190a000-0000-7000-8000-000000000001",
    SALUD: "0190a000-0000-7000-8000-000000000002",
}
# What is to be done → what the page of it offers, by the words on a button or a link.
OFFERED = {
    "acknowledge": "Acusar recibo",
    "decide": "Aceptar|Aprobar",
    "start": "Iniciar",
    "close": "Cerrar",
    "resume": "Retomar",
    "answer": "Responder",
    "choose_another": "Remitir aquí|Elegir|Buscar",
    "confirm": "Confirmar",
    "send_or_discard": "Enviar|Anular por error",
    "review": "revisión|Guardar|Registrar",
}
# What is decided on one page for all of them; its address names none.
TOGETHER = {
    "consent_to_decide": "/console/decisions",
    "exception_to_decide": "/console/decisions",
    "break_glass_to_decide": "/console/decisions",
    "line_exception_to_decide": "/console/line/exceptions",
}
# By kind: who sends, the steps of the recipient, and how many.
MADE: tuple[tuple[str, str, tuple[tuple[str, dict[str, Any]], ...], int], ...] = (
    ("referral_draft", REFUGIO, (), 4),
    ("referral_asked_back", REFUGIO, (("acknowledge", {}), ("request-information", {"question": "?"})), 4),
    ("referral_unmet", REFUGIO, (("decline", {"reason": "capacity"}),), 3),
    ("referral_to_confirm", REFUGIO, (("accept", {"focal_point": "x"}), ("start", {}),
                                      ("complete", {"outcome": "delivered"})), 3),
    ("referral_to_acknowledge", SALUD, (), 7),
    ("referral_to_decide", SALUD, (("acknowledge", {}),), 4),
    ("referral_to_start", SALUD, (("accept", {"focal_point": "x"}),), 4),
    ("referral_to_close", SALUD, (("accept", {"focal_point": "x"}), ("start", {})), 4),
    ("referral_on_hold", SALUD, (("accept", {"focal_point": "x"}), ("start", {}),
                                 ("hold", {"reason": "other", "review_on": "2099-01-01"})), 2),
)  # fmt: skip


def case_of(system: System, client: str, age: int = 30) -> str:
    body = {"identity": {"name": "Yolimar", "age": age}, "area": "VE2313"}
    found: str = must(system, client, "POST", CASES, json=body)["id"]
    return found


def service_of(system: System, owner: str, asker: str) -> Any:
    asked = {"organization_id": _IDS[owner], "referable": "true", "full": "true"}
    found = system.running.request(asker, "GET", "/directory/v1/services", params=asked).json()
    return found["contents"][0]


def draft_of(system: System, sender: str, urgency: str) -> tuple[str, str, Any]:
    """Case, draft and service."""
    recipient = SALUD if sender == REFUGIO else REFUGIO
    service, case = service_of(system, recipient, sender), case_of(system, sender)
    body = {
        "case_id": case,
        "service_id": service["id"],
        "category": service["categories"][0],
        "urgency": urgency,
        "payload": {"situation": "..."},
        "safe_contact": {"rule": "person_comes"},
    }
    return case, must(system, sender, "POST", REFERRALS, json=body)["id"], service


def referral_of(
    system: System, sender: str, steps: tuple[tuple[str, dict[str, Any]], ...], urgency: str
) -> None:
    case, referral, service = draft_of(system, sender, urgency)
    grant = must(
        system, sender, "POST", CONSENTS,
        json={"case_id": case, "service_id": service["id"], "purpose": service["categories"][0],
              "items": ["situation"], "method": "verbal"},
    )["id"]  # fmt: skip
    must(system, sender, "POST", f"{REFERRALS}/{referral}/send", json={"grant_id": grant})
    recipient = SALUD if sender == REFUGIO else REFUGIO
    for step, body in steps:
        must(system, recipient, "POST", f"{REFERRALS}/{referral}/{step}", json=body)


@pytest.fixture(scope="module")
def much(system: System) -> None:
    """Forty things of twelve kinds that wait for one organisation."""
    until(lambda: _is_known(system), "services are known to referrals")
    urgencies = ("routine", "emergency", "urgent")
    for kind, sender, steps, count in MADE:
        for number in range(count):
            urgency = urgencies[number % 3]
            if kind == "referral_draft":
                draft_of(system, sender, urgency)
            else:
                referral_of(system, sender, steps, urgency)
    for days in (0, 1, 20):  # in the last hour of a day nothing else falls due on it
        case, due = case_of(system, REFUGIO), clock.today() + timedelta(days=days)
        must(system, REFUGIO, "POST", f"{CASES}/{case}/reviews", json={"due_on": due.isoformat()})
    for _ in range(2):
        service = service_of(system, SALUD, REFUGIO)
        must(
            system, REFUGIO, "POST", CONSENTS,
            json={"case_id": case_of(system, REFUGIO, age=13), "service_id": service["id"],
                  "purpose": service["categories"][0], "items": ["age"], "method": "verbal",
                  "decided_by": "best_interest", "child_assent": "agrees"},
        )  # fmt: skip
    for _ in range(3):
        case = case_of(system, SALUD)
        grant = must(
            system, SALUD, "POST", CONSENTS,
            json={"case_id": case, "kind": "transfer", "recipient_organisation_id": _IDS[REFUGIO],
                  "method": "verbal"},
        )["id"]  # fmt: skip
        body = {"case_id": case, "to_organisation": _IDS[REFUGIO], "grant_id": grant}
        must(system, SALUD, "POST", "/referrals/v1/transfers", json=body)


def _is_known(system: System) -> bool:
    service = service_of(system, REFUGIO, SALUD)
    draft = {
        "case_id": case_of(system, SALUD),
        "service_id": service["id"],
        "category": service["categories"][0],
        "urgency": "routine",
        "payload": {"situation": "..."},
        "safe_contact": {"rule": "person_comes"},
    }
    headers = {"Idempotency-Key": draft["case_id"]}
    answer = system.running.request(SALUD, "POST", REFERRALS, json=draft, headers=headers)
    return answer.status_code == 201


def listed(page: Page) -> list[tuple[str, str, str, str]]:
    """Of each row in order: its group, verb, code and address."""
    rows = []
    for _ in range(10):
        for heading in page.locator("main h2").all():
            group = heading.inner_text().split(" (")[0]
            for row in heading.locator("xpath=following-sibling::ul[1]/li").all():
                verb = row.locator("strong").first.inner_text()
                code = row.locator(".row__code").first.inner_text()
                link = row.locator("a")
                rows.append((group, verb, code, link.get_attribute("href") or ""))
        more = page.get_by_role("link", name="Ver más")
        if not more.count():
            break
        more.click()
        page.wait_for_load_state()
    return rows


RANKS = ["Primero: emergencias y peligro", "Urgente", "Después", "Directorio, cifras y archivos"]


def test_12_forty_things_of_twelve_kinds_stand_in_the_order_of_the_work_list(
    system: System, browsers: Browser, much: None
) -> None:
    with signed_in(browsers, system, "demo-supervisor") as page:
        page.goto("/console")
        badge = int((re.search(r"\d+", page.locator("main p strong").first.inner_text()) or [0])[0])
        rows = listed(page)
        items: list[Any] = []
        cursor = None
        while cursor is not None or not items:
            found = system.running.request(
                "ngo-refugio-supervisor", "GET", "/referrals/v1/work",
                params={"of": "organisation", "limit": 200, **({"cursor": cursor} if cursor else {})},
            ).json()  # fmt: skip
            items, cursor = [*items, *found["items"]], found["next_cursor"]
        kinds = {one["kind"] for one in items}
        assert kinds >= {kind for kind, *_ in MADE} | {
            "review", "consent_to_decide", "transfer_offered",
        }  # fmt: skip
        assert len(items) >= 40
        ranks = ["first", "urgent", "routine", "upkeep"]
        places = [(ranks.index(one["rank"]), one["due"]) for one in items]
        assert places == sorted(places)
        headings = [RANKS.index(group) for group, *_ in rows]
        assert headings[:50] == sorted(headings[:50]), "on one page, which holds fifty"
        assert [path.rsplit("/", 1)[-1] for *_, path in rows if "/referrals/" in path] == [
            one["ids"]["referral_id"] for one in items if one["kind"].startswith("referral_")
        ]
        assert badge == sum(one["group"] in {"overdue", "today"} for one in items)
        assert badge > 0
        opened: set[str] = set()
        lacking = []
        for item in items:
            if item["kind"] in opened or item["verb"] not in OFFERED:
                continue
            opened.add(item["kind"])
            values = item["ids"].values()
            of_it = (path for *_, path in rows if any(one in path for one in values))
            path = TOGETHER.get(item["kind"]) or next(of_it, None)
            assert path, f"no row leads to {item['kind']}"
            page.goto(path)
            verb = re.compile(OFFERED[item["verb"]])
            offered = page.locator("main button, main summary, main a", has_text=verb)
            if not offered.count():
                lacking.append((item["kind"], item["verb"], path))
        assert lacking == []
        assert len(opened) >= 12


# Whose pages have nothing in them in an organisation in which nobody has done anything yet.
EMPTY = (
    "/console", "/console/cases", "/console/decisions", "/console/sent", "/console/certificates",
    "/console/intake", "/console/retention", "/console/transfers", "/console/matches",
    "/console/emergency", "/console/handed-over", "/console/received", "/console/services",
    "/console/channels", "/console/screenings",
)  # fmt: skip
# What is away, who opens what, and whether a part of it is missing or all that it is about.
FAILING = (
    ("reporting", "demo-coordinator", (("/console", 200), ("/console/figures", 503))),
    ("directory", "demo-coordinator", (("/console", 200), ("/console/endorsements", 503))),
    (
        "referrals",
        "demo-supervisor",
        (("/console", 200), ("/console/decisions", 200), ("/console/cases", 503)),
    ),
)
REFUSED = (
    ("/console/cases/0190a000-0000-7000-8000-00000000ffff", 404),
    ("/console/cases?foo=1", 422),
    ("/console/people", 403),
)


@pytest.fixture(scope="module")
def newcomer(system: System) -> str:
    """Whoever supervises in an organisation that was added a moment ago; the stack knows what they sign in with,
    as it does of the people of its demo."""
    body = {"name": "Fundación Recién Llegada", "aors": ["GBV"]}
    organisation = must(system, "im-officer", "POST", "/identity/v1/organisations", json=body)
    name = f"recien-llegada-{uuid4().hex[:8]}"
    wanted = {
        "sign_in_name": name,
        "organisation_id": organisation["id"],
        "roles": ["supervisor"],
        "scopes": ["directory:read", "directory:write", "referrals:read", "referrals:write",
                   "reports:read"],
    }  # fmt: skip
    made = must(system, "im-officer", "POST", "/identity/v1/people", json=wanted)
    known = json.loads(system.layout.people_file.read_text())
    known[name] = {each: made[each] for each in ("password", "second_factor_uri")}
    write_private(system.layout.people_file, json.dumps(known))
    return name


def without_findings(
    system: System, browsers: Browser, axe: str, person: str, pages: Iterable[tuple[str, int]]
) -> list[str]:
    """What is wrong with these pages, in each language and at each width; with what status they come."""
    found: list[str] = []
    for language in ("es", "en"):
        with signed_in(browsers, system, person, language=language) as page:
            page.goto(f"/console?lang={language}")
            for path, status in pages:
                answer = page.goto(path)
                follows_the_rules(answer, page)
                assert answer is not None
                if answer.status != status:
                    found.append(f"{path} in {language}: {answer.status}")
                if page.locator("html").get_attribute("lang") != language:
                    found.append(f"{path} in {language}: is in another language")
                for width in at_both_widths(page):
                    where = f"{path} in {language} at {width}"
                    found += [f"{where}: {one}" for one in findings(page, axe)]
                    if too_wide(page):
                        found.append(f"{where}: is too wide")
            page.goto("/console?lang=es")
    return found


def test_22_pages_in_which_there_is_nothing_yet_have_no_finding(
    system: System, browsers: Browser, axe: str, newcomer: str
) -> None:
    pages = [(path, 200) for path in EMPTY]
    assert without_findings(system, browsers, axe, newcomer, pages) == []
    assert without_findings(system, browsers, axe, newcomer, REFUSED) == []
    with signed_in(browsers, system, newcomer) as page:
        for path, _ in pages:
            page.goto(path)
            assert page.locator("main .rows li, main tbody tr").count() == 0, path
            assert page.locator("main p").first.inner_text(), "it says that there is nothing"


@contextmanager
def away(system: System, name: str) -> Iterator[None]:
    """A service that ended and does not come back before the end."""
    system.hold(name)
    former = system.kill(name, signal.SIGKILL)
    try:
        yield
    finally:
        system.release(name)
        until(lambda: system.restarted(name, former), f"{name} is there again")


def test_30_with_a_part_away_the_rest_of_the_work_stands_and_the_part_is_named(
    system: System, browsers: Browser, much: None
) -> None:
    with signed_in(browsers, system, "demo-coordinator") as page:
        page.goto("/console")
        assert page.locator(".part-away").count() == 0
        with away(system, "reporting"):
            page.reload()
            assert page.locator(".part-away").count() == 1
            assert page.get_by_role("heading", level=1).inner_text() == "Mi trabajo"
    with signed_in(browsers, system, "demo-supervisor") as page, away(system, "directory"):
        page.goto("/console")
        assert "Acusar recibo" in page.inner_text("main"), "what waits of referrals stands"


def test_22_pages_of_which_a_part_is_away_have_no_finding(
    system: System, browsers: Browser, axe: str
) -> None:
    found: list[str] = []
    for name, person, pages in FAILING:
        with signed_in(browsers, system, person):
            pass  # while all of it is there
        with away(system, name):
            found += without_findings(system, browsers, axe, person, pages)
            with signed_in(browsers, system, person) as page:
                assert page.locator(".part-away").count() == 1, name
    assert found == []


def test_30_what_was_typed_and_its_key_outlive_a_send_that_nobody_took(
    system: System, browsers: Browser
) -> None:
    with signed_in(browsers, system, "demo-caseworker") as page:
        case = registered(page).rsplit("/", 1)[-1]
        choose(page)
        page.fill('[name="payload/situation"]', "Necesita atención hoy.")
        key = page.locator("#main-form [name=key]").first.get_attribute("value")
        with away(system, "referrals"):
            with page.expect_response(lambda r: r.request.method == "POST") as sending:
                page.get_by_role("button", name="Registrar consentimiento y remitir").click()
            assert sending.value.status == 303, "neither Back nor a reload sends it again"
            page.wait_for_load_state()
            kept = page.content()
            assert "Necesita atención hoy." in kept
            assert f'value="{key}"' in kept
        page.get_by_role("button", name="Enviar", exact=True).click()
        page.wait_for_url("**/console/referrals/*")
    path = {"case_id": case}
    found = system.running.request(REFUGIO, "GET", REFERRALS, params=path).json()["items"]
    assert [one["state"] for one in found] == ["sent"]


def test_26_on_a_poor_line_a_send_whose_answer_was_lost_is_one_referral(
    system: System, browsers: Browser
) -> None:
    """On 2G. Its answer does not come: what the browser offers then is to send again."""
    with signed_in(browsers, system, "demo-caseworker") as page:
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        line = {"offline": False, "latency": 300, "downloadThroughput": 31_250,
                "uploadThroughput": 31_250}  # fmt: skip
        wire.send("Network.emulateNetworkConditions", line)
        case = registered(page).rsplit("/", 1)[-1]
        choose(page)
        lost: list[int] = []

        def drop(route: Route) -> None:
            if route.request.method == "POST" and not lost:
                headers = {**route.request.all_headers(), "sec-fetch-site": "same-origin"}
                lost.append(route.fetch(max_redirects=0, headers=headers).status)
                route.abort("connectionreset")
            else:
                route.continue_()

        page.route("**/refer", drop)
        page.get_by_role("button", name="Registrar consentimiento y remitir").click()
        page.wait_for_url("chrome-error://**")
        page.reload()
        page.wait_for_url("**/console/referrals/*")
        assert lost == [303]
    for path in (REFERRALS, CONSENTS):
        found = system.running.request(REFUGIO, "GET", path, params={"case_id": case})
        assert len(found.json()["items"]) == 1, path


def reach(page: Page, holds: Callable[[], bool], what: str) -> None:
    """Tab until it is there; on the way each place that has the focus shows a ring and is not behind the bar."""
    for _ in range(300):
        page.keyboard.press("Tab")
        fault = page.evaluate(RING)
        assert not fault, fault
        if holds():
            return
    raise AssertionError(f"Tab does not come to {what}")


RING = """(() => { const e = document.activeElement;
  if (!e || e === document.body) return '';
  const shown = e.matches('input[type=radio], input[type=checkbox]') ? getComputedStyle(e.nextElementSibling, '::before')
    : getComputedStyle(e);
  const ring = shown.outlineStyle !== 'none' && parseFloat(shown.outlineWidth) >= 2 || shown.boxShadow !== 'none';
  if (!ring) return 'no ring: ' + e.outerHTML.slice(0, 120);
  const bar = document.querySelector('header.bar'), box = e.getBoundingClientRect();
  const sticky = bar && ['sticky', 'fixed'].includes(getComputedStyle(bar).position);
  if (sticky && !bar.contains(e) && !e.classList.contains('govuk-skip-link') && box.bottom > 0 && box.bottom <= bar.getBoundingClientRect().bottom)
    return 'behind the bar: ' + e.outerHTML.slice(0, 120);
  return ''; })()"""


@pytest.mark.parametrize("width", [320, 1280])
def test_23_a_case_is_referred_by_keyboard_alone(
    system: System, browsers: Browser, width: int
) -> None:
    with signed_in(browsers, system, "demo-caseworker", width=width, scripts=True) as page:
        page.set_default_timeout(PATIENCE * 1000)
        registered(page)

        def on(selector: str) -> Callable[[], bool]:
            return lambda: bool(page.evaluate("s => document.activeElement.matches(s)", selector))

        def says(words: str) -> Callable[[], bool]:
            ask = "w => document.activeElement.textContent.includes(w)"
            return lambda: bool(page.evaluate(ask, words))

        def labelled(words: str) -> Callable[[], bool]:
            ask = "w => (document.activeElement.labels?.[0]?.textContent || '').includes(w)"
            return lambda: bool(page.evaluate(ask, words))

        reach(page, on('[name="facts/situations[]"]'), "the situation")
        page.evaluate("document.activeElement.multiple")
        page.keyboard.type("Violencia sexual")
        reach(page, says("Remitir"), "the button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.locator("h1").count() == 1
        # Of the radio buttons of one question Tab reaches one, and arrows go to the others.
        for name, words in (("service_id", CLINIC), ("safe_contact/rule", "NO LLAMAR"),
                            ("method", "De palabra")):  # fmt: skip
            reach(page, on(f'[name="{name}"]'), name)
            page.keyboard.press("Space")
            for _ in range(40):
                if labelled(words)():
                    break
                page.keyboard.press("ArrowDown")
            assert labelled(words)(), words
            if name == "service_id":
                reach(page, on('[name="payload/situation"]'), "what is shared")
                page.keyboard.type("Necesita ayuda hoy.")
        reach(page, says("Registrar consentimiento y remitir"), "the button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert re.search(r"/console/referrals/[0-9a-f-]{36}$", page.url), page.inner_text("main")
