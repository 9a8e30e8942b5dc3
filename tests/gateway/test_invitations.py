"""An administrator invites a person by a link. The person opens it once, chooses a password and a second factor, and
signs in."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import unescape
from typing import Any

import httpx
import pyotp
import pytest
from common.auth import scopes_of
from common.http import page_texts
from common.ids import new_id
from common.pages.look import SWITCH
from gateway.front.telemetry import capability
from stack.embedded.postgres import PostgresServer

from tests.gateway.test_sign_in import Somebody, begin, browser, enter, signed_in, somebody
from tests.gateway.whole_gateway import Gateway
from tests.support.principals import organisation

__all__ = ["browser", "somebody"]
texts = partial(page_texts, "gateway.issuer.account")
NEW = "cuatro caballos bien guardados"
DATABASE = "issuer_of_gateway"


class Office:
    """An administrator of Ruta."""

    def __init__(self, gateway: Gateway) -> None:
        self._url, self._headers = gateway.url, gateway.bearer("im-officer")

    def asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = f"{self._url}/identity/v1{path}"
        return httpx.request(method, url, **{"headers": self._headers, **more})

    def invited(self, **changes: Any) -> dict[str, Any]:
        body = {
            "sign_in_name": f"p-{new_id()}",
            "organisation_id": str(organisation(1)),
            "roles": ["caseworker"],
            "invitation_days": 7,
            **changes,
        }
        made = self.asked("POST", "/people", json=body)
        assert made.status_code == 201, made.text
        assert made.headers["cache-control"] == "no-store"
        found: dict[str, Any] = made.json()
        assert found["password"] is found["second_factor_uri"] is None
        return found

    def change_at(self, path: str, **change: Any) -> None:
        etag = self.asked("GET", path).headers["etag"]
        headers = self._headers | {"If-Match": etag}
        assert self.asked("PATCH", path, json=change, headers=headers).status_code == 200

    def record_of(self, person: str) -> list[str]:
        listed = self.asked("GET", "/changes", params={"target": person}).json()["items"]
        return [change["what"] for change in reversed(listed)]


@pytest.fixture
def office(gateway: Gateway) -> Office:
    return Office(gateway)


class Letter:
    """The page behind a link, in one browser."""

    def __init__(self, browser: httpx.Client, made: dict[str, Any]) -> None:
        self.browser, self.made = browser, made
        self.path = httpx.URL(made["invitation_url"]).path
        self.read(browser.get(self.path))

    def read(self, answer: httpx.Response) -> int:
        self.html = unescape(answer.text)
        self.answer = answer
        found = re.search(r'href="(otpauth://[^"]+)"', self.html)
        if found:
            phone = pyotp.parse_uri(found[1])
            assert isinstance(phone, pyotp.TOTP)
            self.phone = phone
        ticket = re.search(r'name="ticket" value="([^"]+)"', self.html)
        self.ticket = ticket[1] if ticket else ""
        return answer.status_code

    def send(self, **changes: str) -> int:
        form = {
            "ticket": self.ticket,
            "new_password": NEW,
            "repeated": NEW,
            "code": self.phone.now(),
            **changes,
        }
        headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
        return self.read(self.browser.post(self.path, data=form, headers=headers))

    @property
    def person(self) -> Somebody:
        return Somebody(self.made["sign_in_name"], NEW, self.phone, self.made["id"])


def test_an_invited_person_chooses_their_credentials_and_signs_in(
    office: Office, browser: httpx.Client
) -> None:
    made = office.invited()
    letter = Letter(browser, made)
    assert letter.answer.status_code == 200
    assert made["sign_in_name"] in letter.html
    assert letter.path not in letter.html
    assert letter.answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in letter.answer.headers
    assert letter.send() == 200, letter.html
    assert texts("es")["invited_ready"] in letter.html
    assert signed_in(browser, letter.person)["subject"] == made["id"]
    assert office.record_of(made["id"]) == ["created", "invited", "accepted an invitation"]
    shown = office.asked("GET", f"/people/{made['id']}").json()
    assert shown["invited_until"] is None
    assert shown["scopes"] == scopes_of(["caseworker"])


def test_a_signed_in_administrator_who_opens_the_link_sees_the_page_of_the_invited(
    office: Office, browser: httpx.Client, somebody: Somebody
) -> None:
    signed_in(browser, somebody)
    letter = Letter(browser, office.invited())
    assert letter.send() == 200
    assert browser.get("/session").json()["subject"] == somebody.id


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_page_speaks_both_languages_and_a_switch_keeps_the_second_factor(
    office: Office, browser: httpx.Client, language: str
) -> None:
    letter = Letter(browser, office.invited())
    secret = letter.phone.secret
    letter.path = f"{letter.path}?language={language}&fbclid=x"
    assert letter.send(**{SWITCH: "yes"}) == 200
    assert texts(language)["invited"] in letter.html
    assert letter.phone.secret == secret
    assert letter.send() == 200
    assert texts(language)["invited_ready"] in letter.html
    assert letter.read(browser.get(letter.path)) == 410
    assert texts(language)["invited_spent"] in letter.html


def test_a_link_works_once(office: Office, gateway: Gateway, browser: httpx.Client) -> None:
    made = office.invited()
    with gateway.client() as elsewhere, ThreadPoolExecutor(2) as both:
        letters = [Letter(each, made) for each in (browser, elsewhere)]
        answers = list(both.map(Letter.send, letters))
    assert sorted(answers) == [200, 410]
    first = letters[answers.index(200)]
    with gateway.client() as later:
        assert enter(later, begin(later), first.person).status_code == 303


def test_a_link_ends_on_its_date(
    office: Office, browser: httpx.Client, postgres: PostgresServer
) -> None:
    made = office.invited(invitation_days=1)
    letter = Letter(browser, made)
    past = f"UPDATE people SET invited_until = invited_until - interval '1 day' WHERE id = '{made['id']}'"
    postgres.psql(past, database=DATABASE)
    assert letter.send() == 410
    assert letter.read(browser.get(letter.path)) == 410
    listed = office.asked(
        "GET", "/people", params={"invited": True, "search": made["sign_in_name"]}
    )
    assert [one["id"] for one in listed.json()["items"]] == [made["id"]], "the list shows it still"


def test_a_revoked_link_works_no_more(office: Office, browser: httpx.Client) -> None:
    made = office.invited()
    letter = Letter(browser, made)
    for _ in range(2):
        revoked = office.asked("POST", f"/people/{made['id']}/invitation/revocation")
        assert (revoked.status_code, revoked.json()["invited_until"]) == (200, None)
    assert letter.send() == 410
    assert office.record_of(made["id"]) == ["created", "invited", "revoked an invitation"]
    unused = office.asked("GET", "/people", params={"invited": False, "limit": 200}).json()["items"]
    assert made["id"] in {one["id"] for one in unused}


def test_a_newer_link_voids_the_former(office: Office, browser: httpx.Client) -> None:
    made = office.invited()
    letter = Letter(browser, made)
    again = office.asked("POST", f"/people/{made['id']}/invitation", json={"days": 30}).json()
    assert letter.send() == 410
    assert Letter(browser, again).send() == 200
    assert "renewed credentials" not in office.record_of(made["id"]), "there were none"


@pytest.mark.parametrize("of_organisation", [True, False])
def test_who_is_suspended_enters_by_no_link(
    office: Office, browser: httpx.Client, of_organisation: bool
) -> None:
    new = {"name": f"Fundación {new_id()}", "aors": ["CP"]}
    house = office.asked("POST", "/organisations", json=new).json()["id"]
    made = office.invited(organisation_id=house)
    letter = Letter(browser, made)
    path = f"/organisations/{house}" if of_organisation else f"/people/{made['id']}"
    office.change_at(path, active=False)
    assert letter.send() == 410
    office.change_at(path, active=True)
    # A link sent to a person who was disabled since stays void.
    assert letter.read(browser.get(letter.path)) == (200 if of_organisation else 410)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"new_password": "corta", "repeated": "corta"}, "password_short"),
        ({"repeated": "otra cosa muy larga"}, "password_repeated"),
        ({"code": "000000"}, "factor_wrong"),
        ({"code": "ñ"}, "factor_wrong"),
        ({"ticket": "x"}, "invited_stale"),
    ],
)
def test_a_refused_form_says_why_and_uses_nothing_up(
    office: Office, browser: httpx.Client, form: dict[str, str], says: str
) -> None:
    letter = Letter(browser, office.invited())
    secret = letter.phone.secret
    assert letter.send(**form) == 422
    assert texts("es")[says] in letter.html
    assert NEW not in letter.html
    assert (letter.phone.secret == secret) is (says != "invited_stale")
    assert letter.send() == 200


def test_the_token_is_stored_and_logged_nowhere(
    office: Office, browser: httpx.Client, postgres: PostgresServer
) -> None:
    made = office.invited()
    letter = Letter(browser, made)
    token = letter.path.rpartition("/")[2]
    stored = postgres.psql(
        f"SELECT p::text FROM people p WHERE id = '{made['id']}'"
        " UNION ALL SELECT c::text FROM identity_changes c UNION ALL SELECT s::text FROM stored_results s",
        database=DATABASE,
    )
    assert made["sign_in_name"] in stored
    assert token not in stored
    assert token.encode().hex() not in stored
    assert capability(letter.path, "/account") == "/account/invitations"


def test_an_invitation_voids_the_credentials_that_the_person_had(
    office: Office, browser: httpx.Client, gateway: Gateway, somebody: Somebody
) -> None:
    again = office.asked("POST", f"/people/{somebody.id}/invitation", json={})
    assert again.status_code == 200
    assert enter(browser, begin(browser), somebody).status_code == 401
    letter = Letter(browser, again.json())
    assert letter.send() == 200
    told = enter(browser, begin(browser), letter.person)
    assert told.status_code == 303
    assert "renewed credentials" in office.record_of(somebody.id)


def test_credentials_in_person_void_the_link(office: Office, browser: httpx.Client) -> None:
    made = office.invited()
    letter = Letter(browser, made)
    assert office.asked("POST", f"/people/{made['id']}/credentials").status_code == 200
    assert letter.send() == 410


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"roles": ["coordinator"]}, "/aors"),
        ({"invitation_days": 0}, "/invitation_days"),
        ({"invitation_days": 31}, "/invitation_days"),
    ],
)
def test_an_invitation_needs_what_an_account_needs(
    office: Office, changes: dict[str, Any], pointer: str
) -> None:
    body = {
        "sign_in_name": f"p-{new_id()}",
        "organisation_id": str(organisation(1)),
        "roles": ["caseworker"],
        "invitation_days": 7,
        **changes,
    }
    refused = office.asked("POST", "/people", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_a_forged_link_shows_the_same_page_as_a_used_one(browser: httpx.Client) -> None:
    answer = browser.get(f"/account/invitations/{'x' * 43}")
    assert answer.status_code == 410
    assert texts("es")["invited_spent"] in answer.text
    assert browser.post(f"/account/invitations/{'x' * 43}", data={"code": "1"}).status_code == 410
