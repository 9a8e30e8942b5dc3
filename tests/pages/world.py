"""Creates the data that pages need: a referral with its codes, a risk message and a bulletin."""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from common import clock
from common.crypto import key_from_base64
from gateway.front.browsers.sessions import Cookies, PersonSession, Seen
from gateway.front.edge.heads import Head
from playwright.sync_api import BrowserContext, Page
from stack.demo.people import sign_in_of
from stack.private_files import read_private_map

from tests.support.system import System, until

SENDER, RECIPIENT = "ngo-refugio", "ngo-salud"
_RECIPIENTS = "0190a000-0000-7000-8000-000000000002"
CASES, CONSENTS, REFERRALS = (
    "/referrals/v1/cases",
    "/referrals/v1/consents",
    "/referrals/v1/referrals",
)


def must(system: System, client: str, method: str, path: str, **options: Any) -> Any:
    headers = {"Idempotency-Key": str(uuid4())}
    answer = system.running.request(client, method, path, headers=headers, **options)
    assert answer.status_code < 300, f"{method} {path}: {answer.text}"
    return answer.json()


@dataclass(frozen=True)
class Sent:
    """A sent referral: its id, its withdrawal code and the address of its answer page."""

    referral: str
    code: str
    answer: str


def first_service(system: System) -> Any:
    """Return the first recipient in the sender's list."""
    asked = {"organization_id": _RECIPIENTS, "referable": "true", "full": "true"}
    found = system.running.request(SENDER, "GET", "/directory/v1/services", params=asked).json()
    return found["contents"][0]


def sent(system: System, name: str = "Yolimar") -> Sent:
    case = must(system, SENDER, "POST", CASES, json={"identity": {"name": name}, "area": "VE2313"})
    service = first_service(system)
    consent = must(
        system,
        SENDER,
        "POST",
        CONSENTS,
        json={
            "case_id": case["id"],
            "service_id": service["id"],
            "purpose": service["categories"][0],
            "items": ["name", "situation"],
            "method": "verbal",
        },
    )
    draft = {
        "case_id": case["id"],
        "service_id": service["id"],
        "category": service["categories"][0],
        "urgency": "urgent",
        "payload": {"situation": "..."},
        "from_case": ["name"],
        "safe_contact": {"rule": "person_comes"},
    }
    drafted: list[str] = []

    def choosable() -> bool:
        headers = {"Idempotency-Key": str(uuid4())}
        answer = system.running.request(SENDER, "POST", REFERRALS, json=draft, headers=headers)
        if answer.status_code == 201:
            drafted.append(answer.json()["id"])
        return bool(drafted)

    until(choosable, "the service is known to referrals")
    referral = drafted[0]
    path = f"{REFERRALS}/{referral}"
    must(system, SENDER, "POST", f"{path}/send", json={"grant_id": consent["id"]})
    code = must(system, SENDER, "POST", f"{CONSENTS}/{consent['id']}/withdrawal-code", json={})
    link = must(system, SENDER, "POST", f"{path}/answer-links", json={"language": "es"})
    return Sent(referral, code["withdrawal_code"], link["url"].removeprefix(system.running.url))


def risk_message(system: System) -> None:
    """Create a current message in both languages."""
    texts = {
        "es": {"title": "Trabajo en la mina", "body": "Quitan los papeles.", "sms": "Ojo: quitan los papeles."},
        "en": {"title": "Work at the mine", "body": "They take papers.", "sms": "Beware: they take papers."},
    }  # fmt: skip
    until_day = (clock.today() + timedelta(days=60)).isoformat()
    body = {"aor": "TIP", "areas": [], "texts": texts, "valid_until": until_day}
    path = "/directory/v1/risk-messages"
    draft = must(system, "im-officer", "POST", path, json=body)
    must(system, "tip-coordinator", "POST", f"{path}/{draft['id']}/publish")


def bulletin(system: System) -> str:
    """Return the id of a published bulletin with numbers from the demo's history."""
    system.ruta("demo", "history", "--half-months", "2", "--people", "18", "--screened", "24")
    listed = must(system, "im-officer", "GET", "/reports/v1/releases?limit=200")
    period = max(each["period"] for each in listed["items"] if each["programme"] == "referrals")
    drafted, *_, read = system.ruta("bulletin", "draft", period).stdout.split()
    system.ruta("bulletin", "sign-off", drafted, read)
    system.ruta("bulletin", "publish", drafted)
    return drafted


def goes(page: Page, button: str) -> None:
    """Press a control and wait for the next page, because a click alone does not wait."""
    with page.expect_navigation():
        page.locator(button).first.click()


def sign_in(page: Page, system: System, name: str, return_to: str = "/account") -> None:
    """Sign in with credentials from the command; each code works once in its half minute."""
    password, code = sign_in_of(system.layout, name)
    page.goto(f"/session/start?return_to={return_to}")
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.locator("#code").fill(code)
    goes(page, "#sign-in button[type=submit]")
    if page.locator("#told").count():
        goes(page, "#told [value=read]")


def password_of(system: System, name: str) -> str:
    return sign_in_of(system.layout, name)[0]


def aged(system: System, context: BrowserContext, seconds: float) -> None:
    """Make the browser's session older by this time without using it."""
    key = read_private_map(system.layout.secrets_file)["session_key"]
    sealing = Cookies(key_from_base64(key), system.running.url, 900)
    jar = "; ".join(f"{c.get('name')}={c.get('value')}" for c in context.cookies())
    head = Head(own={b"cookie": jar.encode()})
    session = sealing.read(head, PersonSession)
    assert session is not None
    later = {
        **vars(session),
        "expires": session.expires - seconds,
        "ends": session.ends - seconds,
    }
    for value in (PersonSession(**later), Seen(session.csrf, time.time() - seconds)):
        name, _, content = sealing.write(value)[1].decode().partition(";")[0].partition("=")
        context.add_cookies([{"name": name, "value": content, "url": system.running.url}])
