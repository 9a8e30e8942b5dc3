"""People sign in through a browser: code with PKCE, second factor, cookie, CSRF and sign-out."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from common import clock
from common.ids import new_id
from common.pages.look import SWITCH
from gateway.issuer.authorize.tickets import Asked, NoTicket, OldTicket, Tickets
from stack.embedded.postgres import PostgresServer

from tests.gateway.whole_gateway import Gateway
from tests.support.patience import PATIENCE
from tests.support.principals import organisation

DATABASE = "issuer_of_gateway"


@dataclass
class Somebody:
    name: str
    password: str
    totp: pyotp.TOTP
    id: str

    def code(self) -> str:
        """Return a code of an unused time step; the issuer accepts the next step because clocks drift."""
        return self.totp.now()


@pytest.fixture
def somebody(gateway: Gateway) -> Somebody:
    return new_person(gateway)


def new_person(
    gateway: Gateway,
    roles: Sequence[str] = ("caseworker",),
    scopes: Sequence[str] = ("directory:read", "referrals:read", "referrals:write"),
) -> Somebody:
    name = f"p-{new_id()}"
    made = httpx.post(
        f"{gateway.url}/identity/v1/people",
        headers=gateway.bearer("im-officer"),
        json={
            "sign_in_name": name,
            "organisation_id": str(organisation(1)),
            "roles": list(roles),
            "scopes": list(scopes),
        },
    )
    assert made.status_code == 201, made.text
    person = made.json()
    totp = pyotp.parse_uri(person["second_factor_uri"])
    assert isinstance(totp, pyotp.TOTP)
    return Somebody(name, person["password"], totp, person["id"])


@pytest.fixture
def browser(gateway: Gateway) -> Iterator[httpx.Client]:
    with gateway.client() as client:
        client.headers["Accept-Language"] = "es-VE,es;q=0.9"
        yield client


def begin(browser: httpx.Client) -> str:
    """Follow the console's link and return the ticket in the sign-in form."""
    start = browser.get("/session/start", params={"return_to": "/docs"})
    assert start.status_code == 303
    page = browser.get(start.headers["location"])
    assert page.status_code == 200
    assert "Contraseña" in page.text
    assert "<script" not in page.text
    return ticket_on(page)


def ticket_on(page: httpx.Response) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert found
    return found[1]


def enter(browser: httpx.Client, ticket: str, who: Somebody, **changes: str) -> httpx.Response:
    form = {
        "ticket": ticket,
        "sign_in_name": who.name,
        "password": who.password,
        "code": who.code(),
        **changes,
    }
    # The headers that browsers send with a form, even if the person is signed in.
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
    page = browser.post("/oauth/authorize", data=form, headers=headers)
    if 'action="/oauth/told' not in page.text:
        return page
    # Confirm a notice of a change, as a person does, and continue.
    read = {"ticket": ticket_on(page), "answer": "read"}
    return browser.post("/oauth/told", data=read, headers=headers)


def signed_in(browser: httpx.Client, who: Somebody) -> dict[str, Any]:
    """Sign in completely, and return the response of GET /session."""
    entered = enter(browser, begin(browser), who)
    assert entered.status_code == 303, entered.text
    back = browser.get(entered.headers["location"])
    assert back.status_code == 303, back.text
    assert back.headers["location"] == "/docs"
    session: dict[str, Any] = browser.get("/session").json()
    return session


def test_a_person_signs_in_and_calls_the_api_with_the_cookie(
    browser: httpx.Client, somebody: Somebody
) -> None:
    session = signed_in(browser, somebody)
    assert session["subject"] == somebody.id
    assert session["roles"] == ["caseworker"]
    seen = browser.get("/referrals/v1/cases").json()
    assert seen["claims"]["sub"] == somebody.id
    assert seen["claims"]["client_id"] == "ruta-console"
    assert "cookie" not in {name for name, _ in seen["headers"]}
    cookie = next(c for c in browser.cookies.jar if c.name == "ruta-session")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert somebody.id not in str(cookie.value)


def test_a_change_needs_the_csrf_token_and_the_same_site(
    browser: httpx.Client, somebody: Somebody, gateway: Gateway
) -> None:
    token = signed_in(browser, somebody)["csrf_token"]
    without = browser.post("/referrals/v1/cases", json={})
    assert (without.status_code, without.json()["code"]) == (403, "csrf")
    for headers in (
        {"X-CSRF-Token": "x" * len(token)},
        {"X-CSRF-Token": token, "Origin": "https://evil.example"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": token, "Origin": "null"},
    ):
        assert browser.post("/referrals/v1/cases", json={}, headers=headers).status_code == 403
    good = {"X-CSRF-Token": token, "Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/referrals/v1/cases", json={}, headers=good).status_code == 200


def test_signing_out_ends_cookie_tokens_and_refresh(
    browser: httpx.Client, somebody: Somebody
) -> None:
    token = signed_in(browser, somebody)["csrf_token"]
    stolen = dict(browser.cookies)
    renewed = browser.post("/session/refresh", headers={"X-CSRF-Token": token})
    assert renewed.status_code == 200
    latest = dict(browser.cookies)
    assert latest["ruta-session"] != stolen["ruta-session"]
    assert browser.post("/session/end", headers={"X-CSRF-Token": token}).status_code == 204
    assert browser.get("/session").status_code == 401
    browser.cookies.clear()
    browser.cookies.update(latest)
    assert browser.post("/session/refresh", headers={"X-CSRF-Token": token}).status_code == 401
    deadline = time.monotonic() + PATIENCE
    while browser.get("/referrals/v1/cases").status_code != 401:
        assert time.monotonic() < deadline, "the access token must be void within seconds"
        time.sleep(0.2)


def test_a_code_that_comes_twice_voids_the_access_tokens_at_the_front(
    browser: httpx.Client, somebody: Somebody
) -> None:
    entered = enter(browser, begin(browser), somebody)
    before = dict(browser.cookies)
    assert browser.get(entered.headers["location"]).status_code == 303
    session = dict(browser.cookies)
    assert browser.get("/referrals/v1/cases").status_code == 200
    browser.cookies.update(before)
    assert browser.get(entered.headers["location"]).status_code == 401
    browser.cookies.clear()
    browser.cookies.update(session)
    deadline = time.monotonic() + PATIENCE
    while browser.get("/referrals/v1/cases").status_code != 401:
        assert time.monotonic() < deadline, "the access token must be void within seconds"
        time.sleep(0.2)


@pytest.mark.parametrize(
    "changes", [{"password": "wrong"}, {"code": "000000"}, {"sign_in_name": "nobody"}]
)
def test_wrong_name_password_or_code_look_the_same(
    browser: httpx.Client, somebody: Somebody, changes: dict[str, str]
) -> None:
    answer = enter(browser, begin(browser), somebody, **changes)
    assert answer.status_code == 401
    assert "no son correctos" in answer.text
    # The page keeps the typed values except secrets, and a screen reader reads the error first.
    assert f'value="{changes.get("sign_in_name", somebody.name)}"' in answer.text
    assert changes.get("password", somebody.password) not in answer.text
    assert re.search(r'id="error"[^>]*autofocus', answer.text)
    assert answer.text.count("autofocus") == 1


def test_the_language_is_changed_without_beginning_anew(
    browser: httpx.Client, somebody: Somebody
) -> None:
    ticket = begin(browser)
    for language, word in (("en", "Password"), ("es", "Contraseña")):
        form = {"ticket": ticket, "sign_in_name": somebody.name, "password": "x", SWITCH: "yes"}
        page = browser.post(f"/oauth/authorize?ui_locales={language}", data=form)
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert word in page.text
        assert f'value="{somebody.name}"' in page.text, "the name is kept"
        assert 'value="x"' not in page.text
        ticket = ticket_on(page)
    entered = enter(browser, ticket, somebody)
    assert browser.get(entered.headers["location"]).headers["location"] == "/docs"


def test_nobody_is_signed_in_without_being_asked(gateway: Gateway, browser: httpx.Client) -> None:
    answer = browser.get("/oauth/authorize", params=asked(gateway, prompt="none"))
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert found["error"] == ["login_required"]
    fresh = asked(gateway, prompt="login", max_age="0")
    assert browser.get("/oauth/authorize", params=fresh).status_code == 200


def test_another_browser_cannot_use_the_ticket(
    browser: httpx.Client, somebody: Somebody, gateway: Gateway
) -> None:
    ticket = begin(browser)
    with gateway.client() as other:
        begin(other)
        answer = enter(other, ticket, somebody)
    assert answer.status_code == 400


def test_a_callback_that_this_browser_did_not_begin_is_refused(
    browser: httpx.Client, somebody: Somebody, gateway: Gateway
) -> None:
    entered = enter(browser, begin(browser), somebody)
    for began in (False, True):  # The second tab's sign-in is separate.
        with gateway.client() as victim:
            if began:
                begin(victim)
            answer = victim.get(entered.headers["location"])
            assert answer.status_code == 400
            assert "started in another browser" in answer.text
            assert victim.get("/session").status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "docs",
        "/a/../b",
        "/docs?a=\r\nSet-Cookie: a=b",
    ],
)
def test_return_to_stays_on_this_server(browser: httpx.Client, target: str) -> None:
    assert browser.get("/session/start", params={"return_to": target}).status_code == 400


def asked(gateway: Gateway, **changes: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": "ruta-console",
        "redirect_uri": f"{gateway.url}/session/callback",
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
        "state": "s",
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": ""},
        {"client_id": "nobody"},
        {"client_id": "ngo-refugio"},
    ],
)
def test_an_unregistered_redirect_is_never_followed(
    gateway: Gateway, browser: httpx.Client, changes: dict[str, str]
) -> None:
    answer = browser.get("/oauth/authorize", params=asked(gateway, **changes))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
    ],
)
def test_a_faulty_request_goes_back_to_the_client_with_its_state(
    gateway: Gateway, browser: httpx.Client, changes: dict[str, str], error: str
) -> None:
    answer = browser.get("/oauth/authorize", params=asked(gateway, **changes))
    assert answer.status_code == 303
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (found["error"], found["state"], found["iss"]) == ([error], ["s"], [gateway.url])


def test_a_code_works_once_for_its_client_with_its_verifier(
    gateway: Gateway, browser: httpx.Client, somebody: Somebody
) -> None:
    entered = enter(browser, begin(browser), somebody)
    code = parse_qs(urlsplit(entered.headers["location"]).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "client_id": "ruta-console",
        "code": code,
        "redirect_uri": f"{gateway.url}/session/callback",
        "code_verifier": "v" * 43,
    }
    answer = browser.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json().get("error")) == (400, "invalid_grant")
    # The failed attempt used up the code, even with the right verifier in the browser's cookie.
    assert browser.get(entered.headers["location"]).status_code == 401


def test_a_sign_in_form_that_lay_for_an_hour_is_shown_anew_with_the_name(
    browser: httpx.Client, somebody: Somebody
) -> None:
    asked = Asked("ruta-console", "https://ruta.example/session/callback", "", "x" * 43, None, None)
    tickets = Tickets(b"m" * 32)
    made = tickets.make(asked, "this browser", clock.now() - timedelta(hours=1))
    with pytest.raises(OldTicket) as old:
        tickets.open(made, "this browser", clock.now())
    assert old.value.asked == asked
    with pytest.raises(NoTicket):
        tickets.open(made, "another browser", clock.now())
    begin(browser)
    browser.cookies.delete("ruta-sign-in")
    answer = enter(browser, made, somebody)
    assert answer.status_code == 400
    assert 'href="/session/start?ui_locales=es"' in answer.text


def from_elsewhere(gateway: Gateway, number: int) -> httpx.Client:
    """Return a browser that connects from another of this machine's addresses."""
    elsewhere = httpx.HTTPTransport(local_address=f"127.0.1.{number}")
    headers = {"Accept-Language": "es"}
    return httpx.Client(base_url=gateway.url, transport=elsewhere, headers=headers)


def tried(gateway: Gateway, number: int, who: Somebody, **changes: str) -> int:
    with from_elsewhere(gateway, number) as browser:
        return enter(browser, begin(browser), who, **changes).status_code


def test_whoever_has_the_password_guesses_codes_no_faster_from_many_places(
    gateway: Gateway, somebody: Somebody, postgres: PostgresServer
) -> None:
    for number in range(1, 8):
        assert tried(gateway, number, somebody, password="guess", code="000000") == 401
    assert tried(gateway, 10, somebody) == 303, "who has no password keeps nobody out"
    wrong = [tried(gateway, number, somebody, code="000000") for number in range(11, 11 + 5)]
    assert wrong == [401] * 5
    # Add many more failures, so that the delay does not end during the test.
    postgres.psql(
        "UPDATE failed_attempts SET failures = failures + 6 WHERE source = 'anywhere'",
        database=DATABASE,
    )
    assert tried(gateway, 30, somebody, code=next_code(somebody)) == 401, "as if it were wrong"
    changes = httpx.get(f"{gateway.url}/identity/v1/changes", headers=gateway.bearer("im-officer"))
    told = [each["what"] for each in changes.json()["items"] if each["target"] == somebody.id]
    assert told.count("refused several wrong codes") == 1
    postgres.psql("DELETE FROM failed_attempts", database=DATABASE)
    assert tried(gateway, 31, somebody, code=next_code(somebody)) == 303


def test_above_its_ceiling_a_name_is_open_only_to_a_second_factor_that_is_right(
    gateway: Gateway, somebody: Somebody, postgres: PostgresServer
) -> None:
    """Above the ceiling, guesses from many addresses fail, but an owner with the phone or a passkey can still sign
    in."""
    postgres.psql("DELETE FROM failed_attempts", database=DATABASE)
    assert tried(gateway, 41, somebody, password="guess", code="000000") == 401
    postgres.psql(
        "UPDATE failed_attempts SET failures = 60 WHERE source = 'anywhere'", database=DATABASE
    )
    # If the issuer compared the password first, each wrong code would cost an attempt.
    wrong = [tried(gateway, number, somebody, code="000000") for number in range(42, 50)]
    assert wrong == [401] * 8
    changes = httpx.get(f"{gateway.url}/identity/v1/changes", headers=gateway.bearer("im-officer"))
    told = [each["what"] for each in changes.json()["items"] if each["target"] == somebody.id]
    assert "refused several wrong codes" not in told
    assert tried(gateway, 50, somebody, password="guess") == 401
    assert tried(gateway, 51, somebody) == 303
    postgres.psql("DELETE FROM failed_attempts", database=DATABASE)


def next_code(who: Somebody) -> str:
    """Return the next time step's code, which the issuer accepts because clocks drift."""
    return who.totp.at(int(time.time()) + 30)
