"""A person's own account page in a browser: password, second factor, recovery codes and sign-ins."""

import re
import time
from collections.abc import Iterator
from functools import partial
from html import unescape

import httpx
import pyotp
import pytest
from common.http import page_texts
from common.ids import new_id
from common.pages.form_tokens import FIELD, form_token
from gateway.issuer.people.factors import CODES_OF_A_PERSON, RecoveryCodes, new_codes
from gateway.issuer.secrets import password_fault
from stack.embedded.postgres import PostgresServer

from tests.gateway.test_sign_in import (
    Somebody,
    begin,
    browser,
    enter,
    new_person,
    signed_in,
    somebody,
)
from tests.gateway.whole_gateway import Gateway
from tests.support.patience import PATIENCE

__all__ = ["browser", "somebody"]
texts = partial(page_texts, "gateway.issuer.account")
NEW = "cuatro caballos bien guardados"


@pytest.fixture
def elsewhere(gateway: Gateway) -> Iterator[httpx.Client]:
    with gateway.client() as client:
        client.headers["Accept-Language"] = "es"
        yield client


class Page:
    """The account page in one browser."""

    def __init__(self, browser: httpx.Client, path: str = "/account") -> None:
        self.browser = browser
        self.read(browser.get(path))

    def read(self, answer: httpx.Response) -> httpx.Response:
        self.answer = answer
        self.html = unescape(answer.text)
        return answer

    def token(self, path: str) -> str:
        """Return the CSRF token of the form for that address, or any token of this session if the page has no such
        form."""
        form = (
            rf'action="{re.escape(path)}(?:\?[^"]*)?"[^>]*>\s*<input type="hidden" name="{FIELD}"'
        )
        found = re.search(rf'{form} value="([^"]+)"', self.html)
        if found:
            return found[1]
        return form_token(self.browser.get("/session").json()["csrf_token"], path)

    def send(self, path: str, **form: str) -> httpx.Response:
        whole = f"/account{path}"
        return self.read(self.browser.post(whole, data={FIELD: self.token(whole), **form}))


def until_out(browser: httpx.Client) -> None:
    deadline = time.monotonic() + PATIENCE
    while browser.get("/referrals/v1/cases").status_code != 401:
        assert time.monotonic() < deadline, "the access token must be void within seconds"
        time.sleep(0.2)


def next_code(who: Somebody) -> str:
    """Return the code of the next time step. The issuer accepts it because phones' clocks drift."""
    return who.totp.at(int(time.time()) + 30)


def both_in(browser: httpx.Client, elsewhere: httpx.Client, who: Somebody) -> None:
    signed_in(browser, who)
    entered = enter(elsewhere, begin(elsewhere), who, code=next_code(who))
    assert entered.status_code == 303
    assert elsewhere.get(entered.headers["location"]).status_code == 303


def test_both_languages_say_the_same_things() -> None:
    assert set(texts("es")) == set(texts("en"))


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("corta", "short"),
        ("a" * 201, "long"),
        ("abababababababab", "simple"),
        ("soy M.Rivas de verdad", "name"),
        (NEW, None),
    ],
)
def test_what_a_password_must_be(password: str, fault: str | None) -> None:
    assert password_fault(password, sign_in_name="m.rivas") == fault


def test_a_recovery_code_is_the_same_however_it_is_typed() -> None:
    codes, person = RecoveryCodes(b"k" * 32), new_id()
    code = new_codes()[0]
    same = {codes.digest(person, each) for each in (code, code.upper(), code.replace("-", " "))}
    assert len(same) == 1
    assert codes.digest(new_id(), code) not in same
    assert len(set(new_codes())) == CODES_OF_A_PERSON


def test_whoever_is_not_signed_in_is_led_to_sign_in(browser: httpx.Client) -> None:
    answer = browser.get("/account", headers={"Sec-Fetch-Mode": "navigate"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/session/start?return_to=/account"
    assert browser.post("/account/password", data={"password": "x"}).status_code == 303


def test_a_client_has_no_account_page(gateway: Gateway) -> None:
    answer = httpx.get(f"{gateway.url}/account", headers=gateway.bearer())
    assert answer.status_code == 403


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_page_is_read_where_a_browser_opens_it(
    browser: httpx.Client, somebody: Somebody, language: str
) -> None:
    signed_in(browser, somebody)
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
    answer = browser.get("/account", params={"language": language}, headers=headers)
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert somebody.name in answer.text
    assert texts(language)["this_one"] in answer.text
    assert '<a href="/console">' in answer.text, "a way back"
    assert "<script" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in answer.headers


def test_a_session_left_open_and_the_password_change_no_credential(
    browser: httpx.Client, somebody: Somebody, postgres: PostgresServer
) -> None:
    """An open session and the password are not enough to change a credential. A thief could otherwise take over the
    second factor."""
    signed_in(browser, somebody)
    page = Page(browser)
    for table in ("refresh_tokens", "sign_ins"):
        postgres.psql(
            f"UPDATE {table} SET signed_in_at = signed_in_at - interval '10 minutes'"
            f" WHERE person_id = '{somebody.id}'",
            database="issuer_of_gateway",
        )
    token = browser.get("/session").json()["csrf_token"]
    assert browser.post("/session/refresh", headers={"X-CSRF-Token": token}).status_code == 200
    again = "/session/start?fresh=true&return_to=/account"
    known = {"password": somebody.password}
    for path, more in (
        ("/second-factor", {}),
        ("/recovery-codes", {}),
        ("/password", {"new_password": NEW, "repeated": NEW}),
    ):
        led = page.send(path, **known, **more)
        assert (led.status_code, led.headers.get("location")) == (303, again), path
    page = Page(browser)
    assert texts("es")["fresh"] in page.html
    assert f'href="{again}"' in page.html
    assert "/account/second-factor" not in page.html
    entered = enter(browser, begin(browser), somebody, code=next_code(somebody))
    assert browser.get(entered.headers["location"]).status_code == 303
    page = Page(browser)
    assert texts("es")["fresh"] not in page.html
    assert page.send("/second-factor", **known).status_code == 200


def test_a_form_of_somebody_else_changes_nothing(
    browser: httpx.Client, somebody: Somebody, gateway: Gateway
) -> None:
    signed_in(browser, somebody)
    form = {"password": somebody.password, "new_password": NEW, "repeated": NEW}
    page = Page(browser)
    token_of_it = page.token("/account/password")
    for token, headers in (
        (None, {}),
        ("x" * len(token_of_it), {}),
        ("ñ", {}),
        (page.token("/account/second-factor"), {}),
        (token_of_it, {"Origin": "https://evil.example"}),
        (token_of_it, {"Sec-Fetch-Site": "cross-site"}),
    ):
        data = form if token is None else {**form, "csrf_token": token}
        answer = browser.post("/account/password", data=data, headers=headers)
        assert answer.status_code == 403, answer.text
    forged = {"csrf_token": "x", **form}
    told = browser.post("/account/password", data=forged, headers={"Ruta-Csrf": "x"})
    assert told.status_code == 403
    with gateway.client() as other:
        assert enter(other, begin(other), somebody, code=next_code(somebody)).status_code == 303


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"password": "wrong"}, 401, "password_wrong"),
        ({"new_password": "corta", "repeated": "corta"}, 422, "password_short"),
        ({"repeated": "otra cosa muy larga"}, 422, "password_repeated"),
        ({"new_password": "old", "repeated": "old"}, 422, "password_same"),
    ],
)
def test_a_refused_password_says_why_and_the_old_one_works(
    browser: httpx.Client, somebody: Somebody, form: dict[str, str], status: int, says: str
) -> None:
    signed_in(browser, somebody)
    whole = {"password": somebody.password, "new_password": NEW, "repeated": NEW, **form}
    whole = {k: somebody.password if v == "old" else v for k, v in whole.items()}
    page = Page(browser)
    assert page.send("/password", **whole).status_code == status
    assert texts("es")[says] in page.html
    assert re.search(r'id="error"[^>]*autofocus', page.html)
    again = enter(browser, begin(browser), somebody, code=next_code(somebody))
    assert again.status_code == 303


def test_a_new_password_ends_every_other_sign_in_and_keeps_this_one(
    browser: httpx.Client, elsewhere: httpx.Client, somebody: Somebody
) -> None:
    both_in(browser, elsewhere, somebody)
    token = elsewhere.get("/session").json()["csrf_token"]
    page = Page(browser)
    done = page.send("/password", password=somebody.password, new_password=NEW, repeated=NEW)
    assert done.status_code == 303, page.html
    assert texts("es")["done_password"] in unescape(browser.get(done.headers["location"]).text)
    refreshed = elsewhere.post("/session/refresh", headers={"X-CSRF-Token": token})
    assert refreshed.status_code == 401
    until_out(elsewhere)
    assert browser.get("/referrals/v1/cases").status_code == 200
    assert enter(elsewhere, begin(elsewhere), somebody).status_code == 401


def test_a_new_second_factor_holds_from_its_first_code_on(
    browser: httpx.Client, elsewhere: httpx.Client, somebody: Somebody
) -> None:
    both_in(browser, elsewhere, somebody)
    page = Page(browser)
    assert page.send("/second-factor", password="wrong").status_code == 401
    assert page.send("/second-factor", password=somebody.password).status_code == 200
    assert "<svg" in page.html
    found = re.search(r'href="(otpauth://[^"]+)"', page.html)
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.html)
    assert found
    assert ticket
    phone = pyotp.parse_uri(found[1])
    assert isinstance(phone, pyotp.TOTP)
    confirmation = "/second-factor/confirmation"
    assert page.send(confirmation, ticket=ticket[1], code="000000").status_code == 422
    assert texts("es")["factor_wrong"] in page.html
    used = phone.now()
    assert page.send(confirmation, ticket=ticket[1], code=used).status_code == 303
    until_out(elsewhere)
    assert browser.get("/referrals/v1/cases").status_code == 200
    old = enter(elsewhere, begin(elsewhere), somebody, code=somebody.totp.at(int(time.time()) + 30))
    assert old.status_code == 401
    again = enter(elsewhere, begin(elsewhere), somebody, code=used)
    assert again.status_code == 401, "the confirming code was used"
    new = enter(elsewhere, begin(elsewhere), somebody, code=phone.at(int(time.time()) + 30))
    assert new.status_code == 303
    page.read(browser.get("/account"))
    assert page.send(confirmation, ticket=ticket[1], code=phone.now()).status_code == 422
    assert texts("es")["factor_stale"] in page.html


def codes_of(page: Page, who: Somebody) -> list[str]:
    assert page.send("/recovery-codes", password=who.password).status_code == 200
    return re.findall(r"<li class=\"number\">([a-z0-9-]{14})</li>", page.html)


def with_code(browser: httpx.Client, who: Somebody, code: str, **changes: str) -> int:
    form = {"code": "", "recovery_code": code, **changes}
    return enter(browser, begin(browser), who, **form).status_code


def test_each_recovery_code_signs_in_once_and_the_page_tells(
    browser: httpx.Client, elsewhere: httpx.Client, somebody: Somebody, gateway: Gateway
) -> None:
    signed_in(browser, somebody)
    codes = codes_of(Page(browser), somebody)
    assert len(set(codes)) == CODES_OF_A_PERSON
    page = Page(browser)
    assert codes[0] not in page.html
    assert texts("es")["codes_left"].format(left=8, codes=8) in page.html
    assert with_code(elsewhere, somebody, codes[0], password="wrong") == 401
    assert with_code(elsewhere, somebody, codes[0].upper().replace("-", " ")) == 303
    assert with_code(elsewhere, somebody, codes[0]) == 401
    page = Page(browser)
    assert texts("es")["codes_left"].format(left=7, codes=8) in page.html
    assert texts("es")["code_used"] in page.html
    newer = codes_of(page, somebody)
    assert with_code(elsewhere, somebody, codes[1]) == 401
    assert with_code(elsewhere, somebody, newer[1]) == 303
    changes = httpx.get(
        f"{gateway.url}/identity/v1/changes", headers=gateway.bearer("im-officer")
    ).json()["items"]
    told = [change["what"] for change in changes if change["target"] == somebody.id]
    assert told.count("used a recovery code") == 2
    assert told.count("renewed own recovery codes") == 2


def test_credentials_from_an_administrator_void_the_recovery_codes(
    browser: httpx.Client, somebody: Somebody, gateway: Gateway
) -> None:
    signed_in(browser, somebody)
    codes = codes_of(Page(browser), somebody)
    path = f"{gateway.url}/identity/v1/people/{somebody.id}/credentials"
    renewed = httpx.post(path, headers=gateway.bearer("im-officer")).json()
    assert with_code(browser, somebody, codes[0], password=renewed["password"]) == 401


@pytest.mark.parametrize("others", [True, False])
def test_own_sign_ins_are_listed_and_ended(
    browser: httpx.Client, elsewhere: httpx.Client, somebody: Somebody, others: bool
) -> None:
    both_in(browser, elsewhere, somebody)
    page = Page(browser)
    ends = re.findall(r'action="/account(/sign-ins/[^"?]+/end)\?', page.html)
    assert len(ends) == 1, "this one is left by signing out"
    done = page.send("/sign-ins/end-others" if others else ends[0])
    assert done.status_code == 303
    until_out(elsewhere)
    assert browser.get("/referrals/v1/cases").status_code == 200


def test_nobody_ends_the_sign_in_of_another(
    browser: httpx.Client, elsewhere: httpx.Client, somebody: Somebody, gateway: Gateway
) -> None:
    both_in(browser, elsewhere, somebody)
    end = re.search(r'action="/account(/sign-ins/[^"?]+/end)', Page(browser).html)
    assert end
    with gateway.client() as stranger:
        signed_in(stranger, new_person(gateway))
        assert Page(stranger).send(end[1]).status_code == 303
    assert end[1] in Page(browser).html
