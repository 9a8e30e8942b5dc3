"""Malformed requests from browsers and other sites' pages get the right status. The responses keep what a person typed
and reveal nothing. Each kind of request has a table."""

import base64
import re
import secrets
import time
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from common.pages.form_tokens import form_token
from gateway.front.browsers.sessions import Cookies, Former, PersonSession, Seen, SignIn
from gateway.front.edge.heads import Head, cookie, prefers_html

from tests.gateway.test_sessions import put, sealing
from tests.gateway.test_sign_in import Somebody, browser, signed_in, somebody
from tests.gateway.whole_gateway import Gateway, another_front, wait_for

__all__ = ["browser", "sealing", "somebody"]
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
SECRET_SIGNS = ("Traceback", "session_key", "RUTA_", "cryptography", "CannotOpen", "postgresql")


def value_of(header: tuple[bytes, bytes]) -> str:
    return header[1].decode().partition(";")[0].partition("=")[2]


def session_of(whoever: str = "x.y.z") -> PersonSession:
    return PersonSession(whoever, "r", "c", time.time() + 600, time.time() + 3600)


def foreign(sealing: Cookies) -> str:
    """Return a session cookie's value made for another front."""
    return value_of(Cookies(secrets.token_bytes(32), "http://x", 900).write(session_of()))


# Each of these replaces the session cookie; the idle cookie beside it stays valid.
COOKIES: dict[str, Callable[[Cookies], str]] = {
    "empty": lambda _: "",
    "no base64": lambda _: "%%%",
    "another alphabet": lambda _: "sesión",
    "base64 of nothing": lambda _: base64.urlsafe_b64encode(b"").decode(),
    "base64 of noise": lambda _: base64.urlsafe_b64encode(secrets.token_bytes(300)).decode(),
    "json in clear": lambda _: base64.urlsafe_b64encode(b'{"access_token":"a"}').decode(),
    "foreign": foreign,
    "truncated": lambda sealing: value_of(sealing.write(session_of()))[:-9],
    "one bit turned": lambda sealing: turned(value_of(sealing.write(session_of()))),
    "of another kind": lambda sealing: value_of(sealing.write(Seen("c", time.time()))),
    "of a sign-in": lambda sealing: value_of(sealing.write(SignIn("s", "v", "/"))),
    "of who was here before": lambda sealing: value_of(sealing.write(Former("s", "c"))),
    "a token that is none": lambda sealing: value_of(sealing.write(session_of("not.a.token"))),
    "as long as a head may be": lambda _: "A" * 7000,
}


def turned(value: str) -> str:
    sealed = bytearray(base64.urlsafe_b64decode(value))
    sealed[20] ^= 1
    return base64.urlsafe_b64encode(sealed).decode()


@pytest.mark.parametrize("kind", COOKIES)
def test_a_bad_cookie_is_nobody_everywhere(gateway: Gateway, sealing: Cookies, kind: str) -> None:
    cookie = f"ruta-session={COOKIES[kind](sealing)}; ruta-seen={value_of(sealing.write(Seen('c', time.time())))}"
    headers = [(b"cookie", cookie.encode("utf-8"))]
    for path, status in (
        ("/directory/v1/services", 200),
        ("/referrals/v1/line", 200),
        ("/identity/v1/people", 401),
        ("/session", 401),
        ("/account", 303),
        ("/session/end", 200),
    ):
        answer = httpx.get(f"{gateway.url}{path}", headers=headers)
        expected = {status, 401} if kind == "a token that is none" else {status}
        assert answer.status_code in expected, (path, answer.text)
        if answer.headers.get("content-type", "").startswith("application/json"):
            assert answer.json()["claims"]["sub"] == "anonymous", path
        assert not [sign for sign in SECRET_SIGNS if sign in answer.text], path
        kept = [c for c in answer.headers.get_list("set-cookie") if "Max-Age=0" not in c]
        assert kept == [], "nobody is given a session"


@pytest.mark.parametrize(
    ("brought", "found"),
    [
        (b"", None),
        (b"a=1; ruta-seen=x", None),
        (b"ruta-session=", b""),
        (b"a=1;ruta-session=x=; b", b"x="),
        (b"ruta-session=x; ruta-session=y", b"y"),
        (b"not-ruta-session=x; ruta-session-2=y; ruta-session", None),
        (b"\xff=\xff; ;=; ruta-session=x", b"x"),
    ],
)
def test_a_cookie_is_found_among_all_that_a_browser_brings(
    brought: bytes, found: bytes | None
) -> None:
    assert cookie(Head(own={b"cookie": brought}), "ruta-session") == found


def test_a_head_of_cookies_beyond_all_measure_is_refused(gateway: Gateway) -> None:
    headers = {"Cookie": f"ruta-session={'A' * 40_000}"}
    try:
        answer = httpx.get(f"{gateway.url}/directory/v1/services", headers=headers)
    except httpx.RemoteProtocolError:
        return  # A connection closed without a response also counts as a refusal.
    assert answer.status_code in {400, 431}


# (headers, whether the request may change something)
SITES: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "none"}, False),
    ({"Sec-Fetch-Site": "SAME-ORIGIN"}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
]


@pytest.mark.parametrize(("headers", "counts"), SITES, ids=str)
@pytest.mark.parametrize("target", ["api", "form", "sign-out"])
def test_a_change_counts_only_from_our_own_pages(
    browser: httpx.Client, somebody: Somebody, headers: dict[str, str], counts: bool, target: str
) -> None:
    csrf = signed_in(browser, somebody)["csrf_token"]
    if target == "api":
        sent = {**headers, "X-CSRF-Token": csrf}
        answer = browser.post("/referrals/v1/cases", json={}, headers=sent)
    else:
        path = "/account/sign-ins/end-others" if target == "form" else "/session/end"
        form = {"csrf_token": form_token(csrf, path)}
        answer = browser.post(path, data=form, headers=headers)
    assert answer.status_code == ((200 if target == "api" else 303) if counts else 403)
    assert counts or answer.json()["code"] == "csrf"
    if target == "sign-out":
        assert (browser.get("/session").status_code == 401) is counts


# (Accept, Sec-Fetch-Mode, whether the caller gets a page)
ACCEPTS: list[tuple[str | None, str | None, bool]] = [
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "navigate", True),
    ("text/html", None, True),
    ("TEXT/HTML", None, True),
    ("text/html;q=0.1", "navigate", True),
    ("application/json;q=0.5, text/html", "navigate", True),
    ("text/html;charset=utf-8;q=0.9", "navigate", True),
    ("text/html", "cors", False),
    ("text/html;q=0", "navigate", False),
    ("text/html;q=0.000", "navigate", False),
    ("text/html;q=high", "navigate", False),
    ("text/html;q=nan", "navigate", False),
    ("application/json, text/html;q=0.9", "navigate", False),
    ("application/problem+json, text/html;q=0.9", "navigate", False),
    ("*/*", "navigate", False),
    ("text/*", "navigate", False),
    ("text/htmlx", "navigate", False),
    ("application/json", None, False),
    ("", "navigate", False),
    (",,;;q=,", "navigate", False),
    ("ñ" * 50, "navigate", False),
    (None, None, False),
]


@pytest.mark.parametrize(("accept", "mode", "page"), ACCEPTS, ids=str)
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/ayuda", 404, "not_found"),
        ("GET", "/identity/v1/people", 401, "unauthenticated"),
        ("PUT", "/", 405, "method_not_allowed"),
        ("GET", "/directory/v1/problem", 404, "not_found"),
    ],
)
def test_a_refusal_is_a_page_for_people_and_data_for_programs(
    gateway: Gateway,
    accept: str | None,
    mode: str | None,
    page: bool,
    method: str,
    path: str,
    status: int,
    code: str,
) -> None:
    given = {"accept": accept, "sec-fetch-mode": mode}
    headers = [(n.encode(), v.encode("utf-8")) for n, v in given.items() if v is not None]
    request = httpx.Request(method, f"{gateway.url}{path}", headers=headers)
    with httpx.Client() as client:
        answer = client.send(request)
    assert answer.status_code == status
    kind = answer.headers["content-type"]
    assert kind.startswith("text/html" if page else "application/problem+json"), kind
    if page:
        assert answer.text.startswith("<!doctype html>")
        assert f"{status} {code}" in answer.text
    else:
        assert answer.json()["code"] == code


def test_a_refused_head_is_answered_as_its_get_without_the_page(gateway: Gateway) -> None:
    for headers, kind in ((PAGE, "text/html"), ({}, "application/problem+json")):
        with httpx.Client(base_url=gateway.url, headers=headers) as client:
            for path in ("/directory/v1/problem", "/referrals/v1/answer/problem", "/ayuda"):
                answer = client.head(path)
                assert (answer.status_code, answer.content) == (404, b""), path
                assert answer.headers["content-type"].startswith(kind), path
                assert client.get("/directory/v1/services").status_code == 200, "and goes on"


def test_a_star_names_nothing() -> None:
    assert not prefers_html(b"*/*")
    assert prefers_html(b"text/html, */*;q=0.1")


TYPED = "Siete personas <en> una finca\r\n& «nadie» las vio: 100%"


def sent_form(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """Return the form that the page offers for resending."""
    form = re.search(r'<form method="post" action="([^"]+)".*?</form>', answer.text, re.DOTALL)
    assert form, answer.text
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0])
    return unescape(form[1]), {unescape(name): unescape(value) for name, value in fields}


@pytest.fixture
def narrow(gateway: Gateway) -> Iterator[Gateway]:
    """Start a front that allows one form a minute from one source."""
    with another_front(gateway, rate_line="1/minute") as front:
        yield front


def send(url: str, path: str, **changes: Any) -> httpx.Response:
    form = {"kind": "other", "text": TYPED, "area": "", **changes}
    return httpx.post(f"{url}{path}?language=es", data=form, headers=PAGE)


def test_what_was_typed_survives_a_refusal_of_the_front(narrow: Gateway) -> None:
    path = "/referrals/v1/line"
    first = send(narrow.url, path)
    assert first.status_code == 200
    refused = send(narrow.url, path)
    assert refused.status_code == 429
    assert sent_form(refused) == (f"{path}?language=es", {"kind": "other", "text": TYPED})
    assert "no se perdió" in refused.text


def test_what_was_typed_survives_a_refusal_of_the_service(gateway: Gateway) -> None:
    path = "/referrals/v1/answer/problem"
    refused = send(gateway.url, path, text=TYPED * 200)
    assert refused.status_code == 404
    assert sent_form(refused)[1]["text"] == TYPED * 200
    program = httpx.post(f"{gateway.url}{path}", data={"text": TYPED})
    assert "finca" not in program.text


def test_a_button_alone_is_nothing_that_was_typed(gateway: Gateway) -> None:
    """A form with only a button contains nothing to send again. The e-mail link's key is in the address, and a used
    link is not offered again."""
    headers = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    path = "/reports/v1/subscriptions/problem?key=spent"
    refused = httpx.post(f"{gateway.url}{path}", content=b"", headers=headers)
    assert refused.status_code == 404
    assert "<form" not in refused.text
    assert "spent" not in refused.text


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/oauth/problem", {"password": "secreta"}),
        ("/account/password", {"password": "secreta"}),
        ("/reports/v1/problem", {"text": "secreta"}),
        ("/referrals/v1/answer/problem", {"text": "x" * 70_000}),
    ],
)
def test_what_is_secret_or_too_long_is_not_shown_again(
    browser: httpx.Client, somebody: Somebody, path: str, form: dict[str, str]
) -> None:
    signed_in(browser, somebody)
    refused = browser.post(path, data=form, headers=PAGE)
    assert refused.status_code >= 400
    assert next(iter(form.values())) not in refused.text


def test_a_service_that_is_away_loses_nothing_that_was_typed(gateway: Gateway) -> None:
    witness = gateway.processes["referrals"]
    with another_front(gateway) as front:
        witness.stop()
        try:
            refused = send(front.url, "/referrals/v1/line")
        finally:
            witness.start()
            wait_for(f"{gateway.witnesses['referrals']}/healthz", witness)
            wait_for(f"{gateway.url}/referrals/v1/line", gateway.processes["front"])
        assert refused.status_code in {502, 503, 504}
        assert sent_form(refused)[1]["text"] == TYPED
        assert "retry-after" in refused.headers


def test_a_description_without_one_of_its_parts_is_not_given(gateway: Gateway) -> None:
    witness = gateway.processes["directory"]
    with another_front(gateway) as front:
        witness.stop()
        try:
            refused = httpx.get(f"{front.url}/openapi.json")
        finally:
            witness.start()
            wait_for(f"{gateway.witnesses['directory']}/healthz", witness)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert "paths" not in refused.json()


def test_whoever_is_sent_away_is_shown_where_to_sign_in(gateway: Gateway) -> None:
    for path, link in (
        ("/identity/v1/people", "/session/start?return_to=/console&ui_locales=es"),
        ("/session/callback?state=x", "/session/start?return_to=/console&ui_locales=es"),
    ):
        page = httpx.get(f"{gateway.url}{path}", headers={**PAGE, "Accept-Language": "es"})
        assert f'href="{link}"' in unescape(page.text), path


def test_nobody_else_is_asked_for_a_cookie_twice(
    browser: httpx.Client, somebody: Somebody, sealing: Cookies
) -> None:
    """If two cookies have the same name, the last one counts, and a bad duplicate does not affect other people."""
    signed_in(browser, somebody)
    put(browser, sealing.write(Seen("another", time.time())))
    assert browser.get("/session").status_code == 401
    assert browser.get("/referrals/v1/line", headers=PAGE).status_code == 200
