"""The pages for anybody, as a person uses them: a real browser, by keyboard, without scripts, on a
small phone and on a wide screen, in both languages; and the line's scenarios through the gateway.

Pictures of every page lie in the test's temporary folder, or in RUTA_PICTURES if that is set.
"""

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from common import clock
from common.pages.look import EXIT_SCRIPT

from tests.support.browser import Browser
from tests.support.system import System

pytestmark = pytest.mark.system

LINE, HELP, RISKS = "/referrals/v1/line", "/directory/v1/help", "/directory/v1/risk-messages"
MOST_BYTES = 30_000
TIP = "tip-coordinator"
WORDS = {
    "es": {
        "kind": "explotado", "text": "¿Qué está pasando?", "send": "Enviar", "back": "Volver a mi",
        "number": "Su número", "answer": "Respuesta", "exit": "Salir de esta página",
        "search": "Buscar", "found": "Servicios encontrados",
    },
    "en": {
        "kind": "exploited", "text": "What is happening?", "send": "Send", "back": "Return to my",
        "number": "Your number", "answer": "Answer", "exit": "Leave this page",
        "search": "Search", "found": "Services found",
    },
}  # fmt: skip
SIZES = [(language, width) for language in WORDS for width in (360, 1280)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("RUTA_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = Browser(tmp_path)
    await browser.start()
    yield browser
    await browser.close()


@pytest.fixture(scope="module")
def risk(system: System) -> str:
    """A published warning."""
    texts = {
        "es": {"title": "Trabajo en la mina", "body": "Quitan los papeles.", "sms": "Ojo: quitan los papeles."},
        "en": {"title": "Work at the mine", "body": "They take your papers.", "sms": "Beware: they take papers."},
    }  # fmt: skip
    from datetime import timedelta

    until = (clock.today() + timedelta(days=60)).isoformat()
    body = {"aor": "TIP", "areas": [], "texts": texts, "valid_until": until}
    key = {"Idempotency-Key": "risk-of-the-pages"}
    draft = system.running.request("im-officer", "POST", RISKS, json=body, headers=key).json()
    published = system.running.request(TIP, "POST", f"{RISKS}/{draft['id']}/publish")
    assert published.status_code == 200, published.text
    return str(draft["id"])


@pytest.mark.slow
@pytest.mark.parametrize(("language", "width"), SIZES)
async def test_a_report_is_sent_and_read_again_by_keyboard(
    system: System, browser: Browser, pictures: Path, language: str, width: int
) -> None:
    words, url = WORDS[language], system.running.url
    await browser.width(width)

    async def seen(page: str) -> None:
        await browser.picture(pictures / f"line-{page}-{language}-{width}.png")
        assert not await browser.too_wide(), page
        names = {name for role, name, _ in await browser.accessible() if role == "link"}
        assert words["exit"] in names, page

    await browser.open(f"{url}{LINE}?language={language}")
    assert 0 < browser.bytes <= MOST_BYTES
    assert [address for address in browser.requests if not address.startswith(url)] == []
    assert len(browser.requests) <= 2, "the page, and at most the browser's own look for an icon"
    await seen("start")
    await browser.tab_to(words["kind"])
    await browser.press(" ")
    await browser.tab_to(words["text"])
    await browser.type(f"Siete personas en una finca ({language}, {width})")
    await browser.tab_to(words["send"])
    await browser.press("Enter", leaves=True)
    await seen("receipt")
    receipt = re.search(r"(?:\d{4} ){4}\d{4}", await browser.html())
    assert receipt
    await browser.tab_to(words["back"])
    await browser.press("Enter", leaves=True)
    await seen("enter")
    await browser.tab_to(words["number"])
    await browser.type(receipt.group())
    await browser.press("Enter", leaves=True)
    await seen("thread")
    assert f"({language}, {width})" in await browser.text()
    await browser.tab_to(words["exit"])


@pytest.mark.slow
@pytest.mark.parametrize(("language", "width"), SIZES)
async def test_help_and_warnings_are_found(
    system: System, browser: Browser, pictures: Path, risk: str, language: str, width: int
) -> None:
    assert risk
    words, url = WORDS[language], system.running.url
    await browser.width(width)
    await browser.open(f"{url}{HELP}?language={language}")
    assert browser.bytes <= MOST_BYTES
    await browser.tab_to(words["search"])
    await browser.press("Enter", leaves=True)
    assert words["found"] in await browser.text()
    assert "need=" not in str(browser.requests), "no need stands in an address"
    await browser.picture(pictures / f"help-{language}-{width}.png")
    assert not await browser.too_wide()
    for page in ("page", "snippet"):
        await browser.open(f"{url}{RISKS}/{page}?language={language}")
        assert ("mina" if language == "es" else "mine") in await browser.text()
        await browser.picture(pictures / f"risks-{page}-{language}-{width}.png")
        assert not await browser.too_wide()


PAGES = [
    LINE,
    f"{LINE}/thread",
    HELP,
    f"{HELP}?need=health",
    f"{RISKS}/page",
    f"{RISKS}/snippet",
    "/",
    "/referrals/v1/withdraw",
    "/directory/v1/posters",
    "/directory/v1/gaps/page",
    "/reports/v1/bulletins/page",
    "/reports/v1/exports/page",
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", list(WORDS))
def test_every_page_is_small_alone_and_strict(system: System, path: str, language: str) -> None:
    import base64
    import hashlib

    asked = {"Accept-Language": language, "Accept": "text/html"}
    answer = system.running.http.get(path, headers=asked)
    assert answer.status_code == 200
    assert len(answer.content) <= MOST_BYTES
    page = answer.text
    policy = answer.headers["content-security-policy"]
    assert f'<html lang="{language}">' in page
    scripts = re.findall(r"<script>(.*?)</script>", page)
    assert scripts == ([EXIT_SCRIPT] if 'class="exit"' in page else [])
    digest = base64.b64encode(hashlib.sha256(EXIT_SCRIPT.encode()).digest()).decode()
    assert ("script-src" in policy) is bool(scripts)
    assert not scripts or f"script-src 'sha256-{digest}';" in policy
    page = page.replace(f"<script>{EXIT_SCRIPT}</script>", "")
    unwanted = r'<script|<img|<link(?! rel="alternate")|<iframe|javascript:|\son\w+='
    assert not re.search(unwanted, page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy, "the browser would show the page undressed"
    assert policy.startswith("default-src 'none'")
    assert "set-cookie" not in answer.headers
    for label in re.findall(
        r'<(?:textarea|select|input(?! type="(?:hidden|radio|checkbox)"))[^>]*id="(\w+)"', page
    ):
        assert f'for="{label}"' in page, label


def test_short_addresses_lead_to_the_pages(system: System) -> None:
    for short, page in (
        ("/line", LINE),
        ("/help", HELP),
        ("/withdraw", "/referrals/v1/withdraw"),
        ("/posters", "/directory/v1/posters"),
        ("/gaps", "/directory/v1/gaps/page"),
        ("/bulletins", "/reports/v1/bulletins/page"),
        ("/figures", "/reports/v1/exports/page"),
        ("/", "/docs"),
    ):
        answer = system.running.http.get(short)
        assert (answer.status_code, answer.headers["location"]) == (307, page)


def test_the_start_leads_everybody_in_one_step(system: System) -> None:
    """A person in need, a partner and a journalist each find what they came for on the first page."""
    opened = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    for language in WORDS:
        asked = opened | {"Accept-Language": language}
        page = system.running.http.get("/", headers=asked).text
        lists = re.findall(r'<ul class="ways">(.*?)</ul>', page, re.DOTALL)
        ways = [re.findall(r'<a href="([^"]+)"', each) for each in lists]
        assert len(ways) == 3
        for of_whom, wanted in zip(
            ways,
            (
                {HELP, LINE, "/referrals/v1/withdraw"},
                {"/session/start?return_to=/console", "/directory/v1/posters", "/docs"},
                {"/reports/v1/bulletins/page", "/reports/v1/exports/page"},
            ),
            strict=True,
        ):
            there = {unescape(each).removesuffix(f"?language={language}") for each in of_whom}
            assert there >= wanted
        for address in (each for of_whom in ways for each in of_whom):
            answer = system.running.http.get(
                unescape(address), headers=asked, follow_redirects=True
            )
            # The account asks who it is.
            assert answer.status_code in {200, 401}, address
            assert answer.headers["content-type"].startswith("text/html")


class Phone:
    """Somebody without account, from an address of their own (the front counts by address)."""

    def __init__(self, system: System, address: str) -> None:
        transport = httpx.HTTPTransport(local_address=address)
        self.http = httpx.Client(base_url=system.running.url, transport=transport, timeout=60)

    def report(self, **changes: Any) -> str:
        form = self.http.get(f"{LINE}/form").json()["form"]
        body = {"form": form, "kind": "trafficking", "text": "x", "area": "VE2313", **changes}
        answer = self.http.post(f"{LINE}/reports", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["receipt"])

    def open(self, receipt: str) -> httpx.Response:
        return self.http.post(f"{LINE}/threads/open", json={"receipt": receipt})


@pytest.fixture
def phone(system: System) -> Iterator[Callable[[str], Phone]]:
    """Makes a phone at an address; all are put away at the end."""
    made: list[Phone] = []

    def make(address: str) -> Phone:
        made.append(Phone(system, address))
        return made[-1]

    yield make
    for each in made:
        each.http.close()


Phones = Callable[[str], Phone]


def test_22_to_24_a_report_is_answered_and_becomes_a_case_by_wish(
    system: System, phone: Phones
) -> None:
    reporter, run = phone("127.9.9.1"), system.running

    def waiting() -> dict[str, str]:
        """A program sends within three seconds: then it is suspected, and in a list of its own."""
        lists = [
            run.request(TIP, "GET", f"{LINE}/reports", params=asked).json()["items"]
            for asked in ({"status": "suspected"}, {"area": "VE23"})
        ]
        return {each["id"]: each["status"] for found in lists for each in found}

    before = waiting()
    receipt = reporter.report(text="retienen a siete personas", wants_case=True)
    ((report, status),) = (one for one in waiting().items() if one[0] not in before)
    if status == "suspected":
        run.request(TIP, "POST", f"{LINE}/reports/{report}/not-spam", json={})
    queue = run.request(TIP, "GET", f"{LINE}/reports", params={"area": "VE23"}).json()["items"]
    assert report in {item["id"] for item in queue}
    key = {"Idempotency-Key": f"answer-{report}"}
    answered = run.request(
        TIP, "POST", f"{LINE}/reports/{report}/messages", json={"text": "gracias"}, headers=key
    )
    assert answered.status_code == 201, answered.text
    assert [m["text"] for m in reporter.open(receipt).json()["messages"]][-1] == "gracias"
    legal = "0190a000-0000-7000-8000-000000000003"
    handed = run.request(
        TIP, "POST", f"{LINE}/reports/{report}/hand-over", json={"organisation_id": legal}
    )
    assert handed.status_code == 200, handed.text
    case = run.request(
        "ngo-legal", "POST", f"{LINE}/handed-over/{report}/case", json={"area": "VE2313"},
        headers={"Idempotency-Key": f"case-{report}"},
    )  # fmt: skip
    assert case.status_code == 201, case.text
    assert reporter.open(receipt).json()["status"] == "handed_over"


def test_24_guessing_is_refused_long_before_it_could_succeed(phone: Phones) -> None:
    """The front lets one source send some times a minute, and knows it only in memory."""
    guesser = phone("127.9.9.2")
    assert guesser.open("0" * 20).status_code == 404
    # Malformed ones count as well, and cost the test no Argon2id.
    statuses = [guesser.open("not digits").status_code for _ in range(45)]
    assert set(statuses) == {422, 429}
    assert statuses.count(422) <= 30
    refused = guesser.open("1" * 20)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert guesser.http.get(LINE).status_code == 200, "looking is still possible"
    assert phone("127.9.9.3").open("1" * 20).status_code == 404, "others are not hindered"


def test_attachments_and_huge_texts_are_refused_and_nothing_typed_is_lost(
    phone: Phones,
) -> None:
    http = phone("127.9.9.4").http
    files = {"photo": ("a.jpg", b"\xff\xd8\xff", "image/jpeg")}
    refused = http.post(f"{LINE}?language=es", files=files)
    assert refused.status_code == 415
    assert "No se pueden enviar archivos" in refused.text
    long = http.post(
        f"{LINE}?language=es", data={"kind": "other", "text": "palabra " * 700, "form": "x"}
    )
    assert long.status_code == 422
    assert long.text.count("palabra") >= 700
    megabyte = http.post(f"{LINE}/reports", json={"text": "x" * 1_000_000})
    assert megabyte.status_code in (413, 422)
    stale = http.post(
        f"{LINE}?language=en", data={"kind": "other", "text": "it happened", "form": "old"}
    )
    assert stale.status_code == 409
    assert "it happened" in stale.text
