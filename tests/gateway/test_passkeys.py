"""People add passkeys after a fresh sign-in and use them instead of the code. The signature covers this page, this
challenge and this person. The tests use Chromium's own key and a software key that can misbehave."""

import asyncio
import base64
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from common.http import page_texts
from gateway.issuer.people.factors import Passkeys, is_copied
from stack.embedded.postgres import PostgresServer

from tests.gateway.test_account import Page, next_code, texts, until_out
from tests.gateway.test_sign_in import Somebody, enter, new_person, ticket_on
from tests.gateway.whole_gateway import Gateway, running_gateway
from tests.support.axe import asking, axe_source
from tests.support.browser import Browser
from tests.support.passkeys import Key
from tests.support.patience import PATIENCE

DATABASE = "issuer_with_a_name"
ES = texts("es")


def sign_in_texts(language: str) -> dict[str, str]:
    found: dict[str, str] = page_texts("gateway.issuer.authorize", language)["sign_in"]
    return found


@pytest.fixture(scope="module")
def named(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Start a gateway with a host name, because browsers allow no passkeys for IP addresses."""
    folder = tmp_path_factory.mktemp("named")
    with running_gateway(postgres, folder, database=DATABASE, host="localhost") as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_has_guessed(named: Gateway, postgres: PostgresServer) -> None:
    """Delete failed attempts. All tests share one source, and one test's failures must not count in the next."""
    assert named
    postgres.psql("DELETE FROM failed_attempts", database=DATABASE)


@pytest.fixture
def browser(named: Gateway) -> Iterator[httpx.Client]:
    with named.client() as client:
        client.headers["Accept-Language"] = "es"
        yield client


@pytest.fixture
def somebody(named: Gateway) -> Somebody:
    return new_person(named)


def opened(browser: httpx.Client, return_to: str = "/docs") -> httpx.Response:
    """Open the sign-in page."""
    query = {"return_to": return_to, "fresh": "true"}
    start = browser.get("/session/start", params=query)
    return browser.get(start.headers["location"])


def question_on(page: httpx.Response | str) -> str:
    found = re.search(r'data-question="([^"]+)"', page if isinstance(page, str) else page.text)
    assert found
    return unescape(found[1])


def entered(browser: httpx.Client, who: Somebody, **form: str) -> httpx.Response:
    """Sign in with a code, up to the redirect back to the page."""
    answer = enter(browser, ticket_on(opened(browser)), who, **form)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"])


def with_key(
    browser: httpx.Client,
    who: Somebody,
    key: Key,
    page: httpx.Response | None = None,
    **wrong: Any,
) -> httpx.Response:
    page = page or opened(browser)
    credential = key.answer(question_on(page), **wrong)
    return enter(browser, ticket_on(page), who, code="", credential=credential)


def add(browser: httpx.Client, key: Key, name: str = "Teléfono", **changes: Any) -> Page:
    """Add a passkey on the person's page; return the page's message."""
    page = Page(browser, "/account/passkeys")
    answer = key.register(question_on(page.answer), **changes)
    page.send("/passkeys", ticket=ticket_on(page.answer), name=name, credential=answer)
    return page


@pytest.fixture
def key(named: Gateway, browser: httpx.Client, somebody: Somebody) -> Key:
    """Return the passkey of a person who signed in with a code to add it."""
    entered(browser, somebody)
    made = Key(named.url)
    assert add(browser, made).answer.status_code == 303
    return made


@pytest.mark.parametrize(
    ("address", "offered"),
    [
        ("https://ruta.example", True),
        ("http://localhost:8080", True),
        ("http://127.0.0.1:8080", False),
        ("https://[::1]", False),
        ("http://ruta.example", False),
    ],
)
def test_where_browsers_offer_passkeys(address: str, offered: bool) -> None:
    assert Passkeys(address).offered is offered


def test_a_copied_key_is_known_by_its_count() -> None:
    assert [is_copied(*each) for each in ((0, 0), (3, 4), (4, 4), (4, 3), (4, 0))] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_passkey_signs_in_instead_of_the_code_and_everything_else_goes_on(
    named: Gateway, browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    for _ in range(2):
        answer = with_key(browser, somebody, key)
        assert answer.status_code == 303, answer.text
        assert browser.get(answer.headers["location"]).headers["location"] == "/docs"
        assert browser.get("/session").json()["sign_in_name"] == somebody.name
    assert entered(browser, somebody, code=next_code(somebody)).status_code == 303
    page = Page(browser)
    page.send("/recovery-codes", password=somebody.password)
    codes = re.findall(r"<li class=\"number\">([a-z0-9-]{14})</li>", page.html)
    entered(browser, somebody, code="", recovery_code=codes[0])
    assert with_key(browser, somebody, key).status_code == 303
    log = named.log_of("issuer") + named.log_of("front")
    credential = json.loads(key.answer(question_on(opened(browser))))
    assert credential["id"] not in log
    assert key.id.hex() not in log


def test_the_id_token_says_how_somebody_signed_in(
    named: Gateway, browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    query = {
        "response_type": "code",
        "client_id": "ruta-console",
        "redirect_uri": f"{named.url}/session/callback",
        "scope": "openid",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    for by_key, means in ((True, "pop"), (False, "otp")):
        page = browser.get("/oauth/authorize", params=query)
        answer = (
            with_key(browser, somebody, key, page)
            if by_key
            else enter(browser, ticket_on(page), somebody, code=next_code(somebody))
        )
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": "ruta-console",
            "code": code,
            "redirect_uri": query["redirect_uri"],
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        }
        with named.client() as plain:
            token = plain.post("/oauth/token", data=form).json()
        payload = token["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        assert claims["amr"] == ["pwd", means, "mfa"]


def test_several_keys_each_sign_in_and_one_can_be_renamed_and_removed(
    named: Gateway, browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    second = Key(named.url, counts=False)
    assert add(browser, second, name="  Llave <USB> ").answer.status_code == 303
    page = Page(browser, "/account/passkeys")
    assert "Llave &lt;USB&gt;" in page.answer.text
    first = re.search(r'action="/account(/passkeys/[^"?]+)/name', page.html)
    assert first
    assert page.send(f"{first[1]}/name", name=" ").status_code == 422
    assert ES["passkey_name"] in page.html
    page = Page(browser, "/account/passkeys")
    assert page.send(f"{first[1]}/name", name="Oficina").status_code == 303
    page = Page(browser, "/account/passkeys")
    assert "Oficina" in page.html
    for each in (key, second, second):
        assert with_key(browser, somebody, each).status_code == 303
    with named.client() as stranger:
        entered(stranger, new_person(named))
        Page(stranger, "/account/passkeys").send(f"{first[1]}/remove")
    assert with_key(browser, somebody, key).status_code == 303
    assert page.send(f"{first[1]}/remove").status_code == 303
    assert with_key(browser, somebody, key).status_code == 401
    assert with_key(browser, somebody, second).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://ruta.example.evil.example"},
        {"origin": "http://localhost"},
        {"host": "evil.example"},
        {"verified": False},
        {"holder": b"somebody else's!"},
        {"signature": b"0" * 70},
    ],
    ids=str,
)
def test_an_answer_for_another_page_or_person_signs_nobody_in(
    browser: httpx.Client, somebody: Somebody, key: Key, wrong: dict[str, Any]
) -> None:
    refused = with_key(browser, somebody, key, **wrong)
    assert refused.status_code == 401
    assert sign_in_texts("es")["wrong"].split(".", maxsplit=1)[0] in unescape(refused.text)
    assert with_key(browser, somebody, key).status_code == 303


@pytest.mark.parametrize(
    "credential",
    [
        "x",
        "{}",
        "[]",
        "null",
        '{"id": 1}',
        "é",
        '{"id":"a","rawId":"a","type":"public-key"}',
        "9" * 4000,
    ],
)
def test_what_is_no_answer_signs_nobody_in(
    browser: httpx.Client, somebody: Somebody, credential: str
) -> None:
    ticket = ticket_on(opened(browser))
    refused = enter(browser, ticket, somebody, code="", credential=credential)
    assert refused.status_code == 401
    bent = {
        "id": "YQ",
        "rawId": "YQ",
        "type": "public-key",
        "response": dict.fromkeys(("clientDataJSON", "authenticatorData", "signature"), "%%%"),
    }
    again = enter(browser, ticket, somebody, code="", credential=json.dumps(bent))
    assert again.status_code == 401


def test_an_answer_that_was_given_before_or_to_another_question_is_not_taken(
    browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    older = opened(browser)
    cookies = dict(browser.cookies)
    page = opened(browser)
    credential = key.answer(question_on(page))
    form = {"code": "", "credential": credential}
    assert enter(browser, ticket_on(older), somebody, **form).status_code == 401
    assert enter(browser, ticket_on(page), somebody, **form).status_code == 303
    browser.cookies.update(cookies)
    assert enter(browser, ticket_on(page), somebody, **form).status_code == 401
    # This key's counter increases, so only the challenge's age can cause the refusal.
    assert with_key(browser, somebody, key, older).status_code == 401


def test_the_key_of_another_person_and_a_key_without_the_password_sign_nobody_in(
    named: Gateway, browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    other = new_person(named)
    assert with_key(browser, other, key).status_code == 401
    assert with_key(browser, other, key, holder=b"").status_code == 401
    page = opened(browser)
    form = {"code": "", "credential": key.answer(question_on(page)), "password": "wrong"}
    assert enter(browser, ticket_on(page), somebody, **form).status_code == 401
    with named.client() as elsewhere:
        entered(elsewhere, other)
        assert ES["passkey_taken"] in add(elsewhere, key).html


def test_the_same_key_is_not_taken_twice_and_goes_on(
    browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    page = add(browser, key, name="Otra vez")
    assert page.answer.status_code == 422
    assert ES["passkey_taken"] in page.html
    assert page.html.count(ES["passkey_made"]) == 1
    assert with_key(browser, somebody, key).status_code == 303


def test_a_key_that_did_not_count_on_is_refused_and_told(
    named: Gateway, browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    assert with_key(browser, somebody, key).status_code == 303
    key.count -= 1
    assert with_key(browser, somebody, key).status_code == 401
    changes = browser.get("/identity/v1/changes", headers=named.bearer("im-officer"))
    told = [each["what"] for each in changes.json()["items"] if each["target"] == somebody.id]
    assert "refused a copied passkey" in told
    assert "added a passkey" in told


def grow_old(postgres: PostgresServer, who: Somebody) -> None:
    for table in ("refresh_tokens", "sign_ins"):
        postgres.psql(
            f"UPDATE {table} SET signed_in_at = signed_in_at - interval '10 minutes'"
            f" WHERE person_id = '{who.id}'",
            database=DATABASE,
        )


def test_a_session_left_open_adds_and_removes_nothing_and_a_passkey_is_a_fresh_sign_in(
    named: Gateway,
    browser: httpx.Client,
    somebody: Somebody,
    key: Key,
    postgres: PostgresServer,
) -> None:
    page = Page(browser, "/account/passkeys")
    remove = re.search(r'action="/account(/passkeys/[^"?]+/remove)', page.html)
    assert remove
    grow_old(postgres, somebody)
    token = browser.get("/session").json()["csrf_token"]
    assert browser.post("/session/refresh", headers={"X-CSRF-Token": token}).status_code == 200
    led = page.send(remove[1])
    assert led.headers["location"] == "/session/start?fresh=true&return_to=/account/passkeys"
    page = Page(browser, "/account/passkeys")
    assert ES["passkeys_fresh"] in page.html
    assert "data-question" not in page.html
    assert "<script" not in page.html
    answer = with_key(browser, somebody, key, opened(browser, "/account/passkeys"))
    back = browser.get(answer.headers["location"])
    assert back.headers["location"] == "/account/passkeys"
    page = Page(browser, "/account/passkeys")
    assert "data-question" in page.html
    assert page.send(remove[1]).status_code == 303
    assert ES["passkeys_none"] in Page(browser, "/account/passkeys").html


@pytest.mark.parametrize(
    "wrong", [{"origin": "https://evil.example"}, {"verified": False}], ids=str
)
def test_a_registration_for_another_page_or_without_a_person_is_refused(
    named: Gateway, browser: httpx.Client, somebody: Somebody, wrong: dict[str, Any]
) -> None:
    entered(browser, somebody)
    page = add(browser, Key(named.url), **wrong)
    assert page.answer.status_code == 422
    assert ES["passkey_wrong"] in page.html
    assert 'value="Teléfono"' in page.html, "what was typed stays"
    assert ES["passkeys_none"] in page.html


def test_a_registration_is_taken_once_and_of_the_person_who_was_asked(
    named: Gateway, browser: httpx.Client, somebody: Somebody
) -> None:
    entered(browser, somebody)
    page, first = Page(browser, "/account/passkeys"), Key(named.url)
    question, ticket = question_on(page.answer), ticket_on(page.answer)
    form = {"ticket": ticket, "name": "a", "credential": first.register(question)}
    with named.client() as elsewhere:
        elsewhere.headers["Accept-Language"] = "es"
        entered(elsewhere, new_person(named))
        stolen = Page(elsewhere, "/account/passkeys")
        assert stolen.send("/passkeys", **form).status_code == 422
        assert ES["factor_stale"] in stolen.html
    assert page.send("/passkeys", **form).status_code == 303
    page = Page(browser, "/account/passkeys")
    again = Key(named.url).register(question)
    assert page.send("/passkeys", ticket=ticket, name="b", credential=again).status_code == 422
    assert ES["factor_stale"] in page.html


def test_a_new_passkey_ends_the_other_sign_ins_and_new_credentials_void_it(
    named: Gateway, browser: httpx.Client, somebody: Somebody
) -> None:
    entered(browser, somebody)
    with named.client() as elsewhere:
        entered(elsewhere, somebody, code=next_code(somebody))
        key = Key(named.url)
        assert add(browser, key).answer.status_code == 303
        until_out(elsewhere)
    assert browser.get("/referrals/v1/cases").status_code == 200
    path = f"/identity/v1/people/{somebody.id}/credentials"
    renewed = browser.post(path, headers=named.bearer("im-officer")).json()
    page = opened(browser)
    form = {
        "code": "",
        "credential": key.answer(question_on(page)),
        "password": renewed["password"],
    }
    assert enter(browser, ticket_on(page), somebody, **form).status_code == 401


def test_forms_of_other_pages_change_no_passkey(
    named: Gateway, browser: httpx.Client, somebody: Somebody, key: Key
) -> None:
    page = Page(browser, "/account/passkeys")
    remove = re.search(r'action="(/account/passkeys/[^"?]+/remove)', page.html)
    assert remove
    token = page.token(remove[1])
    forged = [
        ({}, {}),
        ({"csrf_token": "x" * len(token)}, {}),
        ({"csrf_token": token}, {"Origin": "https://evil.example"}),
        ({"csrf_token": token}, {"Origin": "null"}),
        ({"csrf_token": token}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
        (
            {"csrf_token": token},
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        ),
        ({"csrf_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ]
    for form, headers in forged:
        assert browser.post(remove[1], data=form, headers=headers).status_code == 403
    assert with_key(browser, somebody, key).status_code == 303


def test_without_a_name_of_its_own_ruta_offers_none_and_codes_go_on(gateway: Gateway) -> None:
    with gateway.client() as browser:
        browser.headers["Accept-Language"] = "es"
        page = opened(browser)
        assert "<script" not in page.text
        assert "script-src" not in page.headers["content-security-policy"]
        entered(browser, new_person(gateway))
        assert ES["passkeys_not_here"] in Page(browser, "/account/passkeys").html


def test_one_script_of_our_own_is_all_that_may_run(browser: httpx.Client, named: Gateway) -> None:
    address = f"{named.url}/account/passkeys.js"
    page = opened(browser)
    policy = page.headers["content-security-policy"]
    assert f"script-src {address};" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script[^>]*>", page.text) == [f'<script src="{address}">']
    assert not re.search(r"\son[a-z]+=|\sstyle=", page.text)
    script = browser.get("/account/passkeys.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert len(script.content) < 4_000


@pytest.fixture
async def chromium(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = Browser(tmp_path, scripts=True)
    await browser.start()
    yield browser
    await browser.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_source(tmp_path_factory.mktemp("axe"))


async def with_authenticator(chromium: Browser) -> dict[str, Any]:
    """Add a virtual device that stores passkeys and verifies its owner."""
    await chromium.call("WebAuthn.enable")
    return await chromium.call(
        "WebAuthn.addVirtualAuthenticator",
        options={
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        },
    )


async def fill(chromium: Browser, **fields: str) -> None:
    for name, value in fields.items():
        found = f"document.querySelector('[name={name}], [id={name}]')"
        await chromium.evaluate(f"{found}.value = {json.dumps(value)}; {found}.focus()")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "width"), [("es", 360), ("es", 1280), ("en", 360), ("en", 1280)]
)
async def test_a_person_adds_a_passkey_in_chromium_and_signs_in_with_it(
    named: Gateway, chromium: Browser, axe: str, tmp_path: Path, language: str, width: int
) -> None:
    who, say, sign = new_person(named), texts(language), sign_in_texts(language)
    folder = Path(os.environ.get("RUTA_PICTURES") or tmp_path)

    async def seen(name: str) -> None:
        await chromium.picture(folder / f"passkeys-{name}-{language}-{width}.png")
        assert not await chromium.too_wide(), name
        await chromium.evaluate(f"{axe};0")
        asked = {"expression": asking(), "awaitPromise": True, "returnByValue": True}
        assert (await chromium.call("Runtime.evaluate", **asked))["result"]["value"] == [], name

    await chromium.width(width)
    authenticator = await with_authenticator(chromium)
    start = f"{named.url}/session/start?ui_locales={language}&return_to=/account/passkeys"
    await chromium.open(f"{start}%3Flanguage={language}")
    await seen("sign-in")
    await fill(chromium, sign_in_name=who.name, password=who.password, code=who.totp.now())
    await chromium.tab_to(sign["enter"])
    await chromium.press("Enter", leaves=True)
    assert say["passkey_add_title"] in await chromium.text()
    await seen("none")
    await fill(chromium, name="Teléfono de la oficina")
    await chromium.tab_to(say["passkey_add"])
    await chromium.press("Enter", leaves=True)
    assert say["done_passkey"] in await chromium.text()
    await seen("added")
    kept = await chromium.call("WebAuthn.getCredentials", **authenticator)
    assert len(kept["credentials"]) == 1
    await chromium.call("Network.clearBrowserCookies")
    await chromium.open(f"{start}%3Flanguage={language}")
    await fill(chromium, sign_in_name=who.name, password=who.password)
    await chromium.tab_to(sign["passkey"])
    await chromium.press("Enter", leaves=True)
    assert page_texts("gateway.issuer.changes", language)["what"]["added a passkey"] in (
        await chromium.text()
    )
    await seen("told")
    await chromium.tab_to(page_texts("gateway.issuer.authorize", language)["read"])
    await chromium.press("Enter", leaves=True)
    assert say["passkey_used"] in await chromium.text()
    await seen("used")
    assert not [each for each in chromium.requests if not each.startswith(named.url)]


@pytest.mark.slow
async def test_a_device_whose_key_is_there_already_adds_no_second_one(
    named: Gateway, chromium: Browser
) -> None:
    """The browser refuses a second passkey. The page reports this, keeps the typed name and stays usable."""
    who = new_person(named)
    authenticator = await with_authenticator(chromium)
    await chromium.open(
        f"{named.url}/session/start?ui_locales=es&return_to=/account/passkeys%3Flanguage=es"
    )
    await fill(chromium, sign_in_name=who.name, password=who.password, code=who.totp.now())
    await chromium.tab_to(sign_in_texts("es")["enter"])
    await chromium.press("Enter", leaves=True)
    await fill(chromium, name="Teléfono")
    await chromium.tab_to(ES["passkey_add"])
    await chromium.press("Enter", leaves=True)
    assert ES["done_passkey"] in await chromium.text()
    await fill(chromium, **{"new-name": "Otra vez"})
    await chromium.tab_to(ES["passkey_add"])
    await chromium.press("Enter")
    alert = "!document.querySelector('[data-passkey] [role=alert]').hidden"
    for _ in range(int(PATIENCE * 20)):
        if await chromium.evaluate(alert):
            break
        await asyncio.sleep(0.05)
    assert await chromium.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert await chromium.evaluate("document.querySelector('#new-name').value") == "Otra vez"
    kept = await chromium.call("WebAuthn.getCredentials", **authenticator)
    assert len(kept["credentials"]) == 1
