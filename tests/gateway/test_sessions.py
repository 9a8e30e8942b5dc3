"""A person's session at the front: where it is valid, how long it lasts, and how it ends."""

import re
import time

import httpx
import pytest
from common.crypto import key_from_base64, new_key
from common.ids import new_id
from common.pages.form_tokens import form_token
from gateway.front.browsers.sessions import Cookies, Former, PersonSession, Seen
from gateway.front.edge.heads import Head
from gateway.front.routes import ROUTES, RouteTable

from tests.gateway.test_account import next_code
from tests.gateway.test_sign_in import Somebody, begin, browser, enter, signed_in, somebody
from tests.gateway.whole_gateway import Gateway

__all__ = ["browser", "somebody"]

PUBLIC = [
    ("POST", "/directory/v1/help"),
    ("GET", "/directory/v1/help"),
    ("GET", "/directory/v1/posters/VE23/GBV"),
    ("GET", "/directory/v1/risk-messages/page"),
    ("GET", "/referrals/v1/line"),
    ("POST", "/referrals/v1/line"),
    ("POST", "/referrals/v1/line/thread"),
    ("POST", "/referrals/v1/line/reports"),
    ("POST", "/referrals/v1/answer/abcdefghijklmnopqrstuvwxyz"),
    ("POST", "/referrals/v1/withdrawals"),
    ("GET", "/reports/v1/bulletins/1/files/es/bulletin.html"),
    ("GET", "/reports/v1/exports/page"),
    ("POST", "/reports/v1/subscriptions"),
]
STAFF = [
    ("GET", "/directory/v1/services"),
    ("GET", "/directory/v1/risk-messages/own"),
    ("POST", "/directory/v1/risk-messages"),
    ("GET", "/referrals/v1/cases"),
    ("GET", "/referrals/v1/line/reports"),
    ("GET", "/referrals/v1/line/exceptions"),
    ("GET", "/referrals/v1/line/reports/1"),
    ("POST", "/referrals/v1/line/reports/1/take"),
    ("POST", "/reports/v1/bulletins/1/publish"),
]


@pytest.mark.parametrize(("method", "path"), PUBLIC)
def test_on_a_public_page_nobody_is_known_whoever_is_signed_in(
    browser: httpx.Client, somebody: Somebody, method: str, path: str
) -> None:
    signed_in(browser, somebody)
    answer = browser.request(method, path, headers={"Sec-Fetch-Mode": "navigate"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["claims"]["sub"] == "anonymous"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [*PUBLIC, *STAFF])
def test_which_paths_are_public_is_said_in_the_route_table(method: str, path: str) -> None:
    route = RouteTable(ROUTES).find(path)
    assert route is not None
    assert route.is_public(method, path) is ((method, path) in PUBLIC)


def test_a_link_that_a_person_follows_is_answered_as_to_everybody(
    browser: httpx.Client, somebody: Somebody
) -> None:
    signed_in(browser, somebody)
    path = "/directory/v1/services"
    navigated = browser.get(path, headers={"Sec-Fetch-Mode": "navigate"})
    assert navigated.json()["claims"]["sub"] == "anonymous"
    asked = browser.get(path, headers={"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"})
    assert asked.json()["claims"]["sub"] == somebody.id


@pytest.mark.parametrize("value", ["", "x", "A" * 4000, "Zm9yZ2Vk", '"quoted"'])
def test_a_cookie_that_says_nothing_is_nobody(gateway: Gateway, value: str) -> None:
    headers = {"Cookie": f"ruta-session={value}"}
    seen = httpx.get(f"{gateway.url}/directory/v1/services", headers=headers)
    assert (seen.status_code, seen.json()["claims"]["sub"]) == (200, "anonymous")
    staff = httpx.get(f"{gateway.url}/identity/v1/people", headers=headers)
    assert staff.status_code == 401


@pytest.fixture
def sealing(gateway: Gateway) -> Cookies:
    """Return the front's own cookie seal, which lets tests make older cookies."""
    key = gateway.processes["front"].environment["RUTA_SESSION_KEY"]
    return Cookies(key_from_base64(key), gateway.url, 900)


def head_of(browser: httpx.Client | httpx.AsyncClient) -> Head:
    text = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return Head(own={b"cookie": text.encode()})


def put(browser: httpx.Client, header: tuple[bytes, bytes]) -> None:
    name, _, value = header[1].decode().partition(";")[0].partition("=")
    browser.cookies.set(name, value, domain="127.0.0.1", path="/")


def aged(browser: httpx.Client, sealing: Cookies, **changes: float | str) -> PersonSession:
    """Change the times or tokens of the browser's session, and return the new session."""
    session = sealing.read(head_of(browser), PersonSession)
    assert session is not None
    made = PersonSession(**{**vars(session), **changes})
    put(browser, sealing.write(made))
    return made


def test_the_front_renews_by_itself_and_says_so_in_the_answer(
    browser: httpx.Client, somebody: Somebody, sealing: Cookies
) -> None:
    signed_in(browser, somebody)
    old = aged(browser, sealing, expires=time.time() + 30)
    answer = browser.get("/referrals/v1/cases")
    assert answer.json()["claims"]["sub"] == somebody.id
    assert answer.headers["cache-control"] == "no-store"
    renewed = sealing.read(head_of(browser), PersonSession)
    assert renewed is not None
    assert renewed.refresh_token != old.refresh_token
    assert renewed.csrf == old.csrf
    assert renewed.ends == old.ends
    assert browser.get("/referrals/v1/cases").status_code == 200


def test_a_browser_that_is_closed_keeps_no_session(
    browser: httpx.Client, somebody: Somebody
) -> None:
    """On a shared computer the next person may open the browser's history. For a while they can resend what the first
    person typed, but that reveals nothing."""
    signed_in(browser, somebody)
    kept = {cookie.name for cookie in browser.cookies.jar if not cookie.discard}
    assert kept == {"ruta-former"}


def test_a_session_that_nobody_used_is_over(
    browser: httpx.Client, somebody: Somebody, sealing: Cookies
) -> None:
    session = signed_in(browser, somebody)
    assert 0 < session["idle_in"] <= 900
    csrf = session["csrf_token"]
    put(browser, sealing.write(Seen(csrf, time.time() - 901)))
    answer = browser.get("/directory/v1/services")
    assert answer.json()["claims"]["sub"] == "anonymous"
    assert browser.get("/session").status_code == 401


@pytest.mark.parametrize("who", ["nobody", "another session"])
def test_a_session_without_its_own_idle_mark_is_over(
    browser: httpx.Client, somebody: Somebody, sealing: Cookies, who: str
) -> None:
    signed_in(browser, somebody)
    browser.cookies.delete("ruta-seen")
    if who != "nobody":
        put(browser, sealing.write(Seen(who, time.time())))
    assert browser.get("/session").status_code == 401


def test_a_session_ends_after_twelve_hours_however_busy(
    browser: httpx.Client, somebody: Somebody, sealing: Cookies
) -> None:
    assert signed_in(browser, somebody)["ends_in"] > 11 * 3600
    aged(browser, sealing, ends=time.time() - 1)
    assert browser.get("/session").status_code == 401


def test_the_session_says_who_is_signed_in(browser: httpx.Client, somebody: Somebody) -> None:
    session = signed_in(browser, somebody)
    assert session["sign_in_name"] == somebody.name
    assert session["organisation_name"]
    assert session["language"] == "es"


def test_signing_out_needs_no_script_and_leaves_nothing(
    browser: httpx.Client, somebody: Somebody
) -> None:
    token = signed_in(browser, somebody)["csrf_token"]
    page = browser.get("/session/end")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert page.headers["content-language"] == "es"
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    form = {"csrf_token": found[1]}
    assert found[1] != token, "what this page shows opens nothing else"
    assert browser.post("/session/end", data={"csrf_token": "x"}).status_code == 403
    other = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/session/end", data={"csrf_token": token}).status_code == 403
    assert browser.post("/session/end", data=form, headers=other).status_code == 403
    # From another site, browsers send these headers and no cookie.
    with httpx.Client(base_url=browser.base_url) as without_a_cookie:
        ended = without_a_cookie.post("/session/end", data={"a": "b"}, headers=other)
    assert (ended.status_code, ended.headers.get("clear-site-data")) == (403, None)
    assert "set-cookie" not in ended.headers
    left = browser.post("/session/end", data=form)
    assert (left.status_code, left.headers["location"]) == (303, "/")
    assert left.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert browser.get("/session").status_code == 401
    again = browser.post("/session/end", data=form)
    assert again.status_code == 303, "a form that is sent again after the end is no error"


def test_who_comes_back_after_an_idle_hour_still_sends_what_was_typed_before(
    browser: httpx.Client, somebody: Somebody, sealing: Cookies, gateway: Gateway
) -> None:
    token = signed_in(browser, somebody)["csrf_token"]
    put(browser, sealing.write(Seen(token, time.time() - 901)))
    assert browser.get("/session").status_code == 401
    entered = enter(browser, begin(browser), somebody, code=next_code(somebody))
    browser.get(entered.headers["location"])
    assert browser.get("/session").json()["csrf_token"] == token
    browser.post("/session/end", headers={"X-CSRF-Token": token})
    assert "ruta-former" not in browser.cookies, "whoever signs out leaves nothing"


def test_a_form_token_opens_the_forms_of_one_address_only_and_never_looks_the_same(
    browser: httpx.Client, somebody: Somebody
) -> None:
    whole = signed_in(browser, somebody)["csrf_token"]
    token = re.compile(r'name="csrf_token" value="([^"]+)"')
    pages = [browser.get(path).text for path in ("/account", "/account", "/session/end")]
    shown = [each for page in pages for each in token.findall(page)]
    assert len(set(shown)) == len(shown) > 6
    assert all(whole not in page for page in pages)
    of_sign_out = shown[-1]
    form = {"csrf_token": of_sign_out, "password": somebody.password}
    assert browser.post("/account/recovery-codes", data=form).status_code == 403
    api = browser.post("/session/refresh", headers={"X-CSRF-Token": of_sign_out})
    assert api.status_code == 403
    assert browser.post("/session/end", data={"csrf_token": shown[0]}).status_code == 403
    assert browser.post("/session/end", data={"csrf_token": of_sign_out}).status_code == 303


def test_a_name_typed_in_a_session_that_has_ended_is_shown_to_be_sent_again(
    browser: httpx.Client, somebody: Somebody, sealing: Cookies
) -> None:
    token = signed_in(browser, somebody)["csrf_token"]
    path = f"/account/passkeys/{new_id()}/name"
    form = form_token(token, path)
    put(browser, sealing.write(Seen(token, time.time() - 901)))
    sent = {"csrf_token": form, "name": "Teléfono <de> la oficina", "password": "secreta"}
    again = browser.post(f"{path}?language=es", data=sent, headers={"Sec-Fetch-Mode": "navigate"})
    assert again.status_code == 401
    assert 'value="Teléfono &lt;de&gt; la oficina"' in again.text
    assert f'action="{path}?language=es"' in again.text
    assert "secreta" not in again.text
    assert "no-store" in again.headers["cache-control"]
    entered = enter(browser, begin(browser), somebody, code=next_code(somebody))
    browser.get(entered.headers["location"])
    assert browser.post(path, data=sent).status_code == 303, "the same form counts now"
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    browser.cookies.clear()
    assert browser.post(path, data=sent, headers=elsewhere).status_code == 403


def test_behind_https_the_session_is_bound_to_this_host_and_hidden_from_scripts() -> None:
    """With the `__Host-` prefix, a page on a sibling domain cannot set the cookie or widen its scope."""
    cookies = Cookies(new_key(), "https://ruta.example", 60)
    for value in (PersonSession("a", "r", "c", 0, 0), Seen("c", 0), Former("s", "c")):
        (_, said) = cookies.write(value)
        name, *attributes = said.decode().split("; ")
        assert name.startswith("__Host-ruta-")
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(attributes)
