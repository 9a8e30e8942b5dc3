"""The public pages: small, self-contained and strict, in both languages; and the line's scenarios through the
gateway."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from common.pages.look import EXIT_SCRIPT

from tests.support.system import System

pytestmark = pytest.mark.system

LINE, HELP, RISKS = "/referrals/v1/line", "/directory/v1/help", "/directory/v1/risk-messages"
MOST_BYTES = 30_000
TIP = "tip-coordinator"
LANGUAGES = ("es", "en")


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
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_small_alone_and_strict(system: System, path: str, language: str) -> None:
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
    """A person in need, a partner and a journalist each find their page on the start page."""
    opened = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    for language in LANGUAGES:
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
            # The desk's account page requires a sign-in.
            assert answer.status_code in {200, 401}, address
            assert answer.headers["content-type"].startswith("text/html")


class Phone:
    """A person without an account at their own address, because the front counts by address."""

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
    """Create phones at given addresses; close all of them at the end."""
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
        """Return the reports by status. A program sends within three seconds, so its report is marked and listed
        separately."""
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
    """The front allows one source only a few messages a minute, and counts them only in memory."""
    guesser = phone("127.9.9.2")
    assert guesser.open("0" * 20).status_code == 404
    # Malformed numbers count too, and save the test the cost of Argon2id.
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
