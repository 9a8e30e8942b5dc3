"""Paths through the console that several tests share. They find controls by their texts, as a person would."""

import re

from playwright.sync_api import Browser, Page

from tests.pages.signed_in import Taps
from tests.pages.world import goes
from tests.support.people_at_browsers import somebody_at
from tests.support.system import System

NAME, PHONE_NUMBER = "Kwyjibonia Zanzolqui", "584127770137913"
SITUATION = "Necesita atención hoy."
CLINIC = "Atención clínica posviolación"


def registered(page: Page, *, age: str = "27") -> str:
    """Register a case with its form; return its address."""
    page.goto("/console/cases/new")
    page.fill('[name="identity/name"]', NAME)
    page.fill('[name="identity/age"]', age)
    page.check('[name="attributes/sex"][value=female]')
    page.fill('[name="identity/contact/phone"]', PHONE_NUMBER)
    page.select_option("[name=area]", "VE2313")
    submit(page, "Registrar el caso")
    if page.locator("[name=another]").count():  # other tests use the same name
        submit(page, "Registrar como otra persona")
    page.wait_for_url(re.compile(r"/console/cases/[0-9a-f-]{36}$"))
    return page.url


def choose(page: Page) -> Taps:
    """Go from the case's page to the filled form; return the presses so far."""
    taps = Taps(page)
    taps.count += 1
    page.select_option('[name="facts/situations[]"]', "sexual_violence")
    taps.press("button", "Remitir")
    taps.tick(CLINIC)
    page.fill('[name="payload/situation"]', SITUATION)
    taps.tick("NO LLAMAR")
    taps.tick("De palabra")
    return taps


def sent(page: Page) -> str:
    """Send a referral to the clinic from the case's page; return its address."""
    taps = choose(page)
    taps.press("button", "Registrar el consentimiento y remitir")
    return page.url


def submit(page: Page, words: str) -> None:
    """Press a button and wait for the next page."""
    with page.expect_navigation():
        page.get_by_role("button", name=words, exact=True).first.click()


def id_of(system: System, person: str) -> str:
    """Return the id that records use for a person of the demo."""
    listed = system.running.request(
        "im-officer", "GET", "/identity/v1/people", params={"limit": 200}
    )
    found: str = next(o["id"] for o in listed.json()["items"] if o["sign_in_name"] == person)
    return found


def unfold(page: Page, words: str) -> None:
    page.locator("summary", has_text=words).first.click()


LINE = "/referrals/v1/line"
SEND_ON_LINE = "#typed button[type=submit]"


def reported(system: System, browser: Browser, text: str, *, wish: bool = False) -> tuple[str, str]:
    """Send a report on the line; return the reporter's number and the last part of the report's address at the desk."""
    before = {one["id"] for one in _queue(system)}
    with somebody_at(browser, system.running.url) as page:
        page.goto(LINE)
        page.locator("[name=kind][value=gender_violence]").check()
        page.locator("#text").fill(text)
        if wish:
            page.locator("[name=wants_case]").first.check()
        goes(page, SEND_ON_LINE)
        number = page.locator(".number").inner_text()
    made = {one["id"] for one in _queue(system)} - before
    assert len(made) == 1
    return number, str(made.pop())


def _queue(system: System) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for status in ("new", "suspected"):
        answer = system.running.request(
            "gbv-coordinator", "GET", f"{LINE}/reports", params={"status": status, "limit": 200}
        )
        found += answer.json()["items"]
    return found
