"""Only the console receives the person's token, and no other site's page can submit its forms."""

import base64
import json

import httpx
import pytest
from common.pages.form_tokens import form_token

from tests.gateway.test_sign_in import Somebody, browser, signed_in, somebody
from tests.gateway.whole_gateway import Gateway

__all__ = ["browser", "somebody"]
NAVIGATES = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}


def told(answer: httpx.Response) -> dict[str, str]:
    return dict(answer.json()["headers"])


def test_the_console_gets_the_persons_token_and_who_they_are(
    browser: httpx.Client, somebody: Somebody
) -> None:
    signed_in(browser, somebody)
    answer = browser.get("/console/x", headers=NAVIGATES)
    claims, headers = answer.json()["claims"], told(answer)
    assert (claims["aud"], claims["sub"]) == ("ruta-console", somebody.id)
    person = json.loads(base64.b64decode(headers["ruta-person"]))
    assert person["sign_in_name"] == somebody.name
    assert person["idle_until"] > 0
    seen = httpx.get(
        f"{browser.base_url}/directory/v1/services",
        headers={"Authorization": f"Bearer {headers['ruta-person-token']}"},
    ).json()
    assert seen["claims"]["sub"] == somebody.id


def test_no_other_service_gets_it(browser: httpx.Client, somebody: Somebody) -> None:
    signed_in(browser, somebody)
    for path in ("/directory/v1/services", "/referrals/v1/cases", "/reports/v1/releases"):
        names = told(browser.get(path))
        assert not {"ruta-person-token", "ruta-person", "ruta-csrf", "cookie"} & names.keys()


@pytest.mark.parametrize("signed", [True, False])
def test_a_client_cannot_say_who_somebody_is(gateway: Gateway, *, signed: bool) -> None:
    forged = {"ruta-person-token": "forged", "ruta-person": "Zm9yZ2Vk", "ruta-csrf": "forged"}
    bearer = gateway.bearer() if signed else {}
    names = told(httpx.get(f"{gateway.url}/console/x", headers=forged | bearer))
    assert not forged.keys() & names.keys()


def test_of_cookies_it_reads_and_sets_the_language_and_what_was_typed_alone(
    browser: httpx.Client, somebody: Somebody
) -> None:
    signed_in(browser, somebody)
    browser.cookies.set("ruta-language", "en", domain="127.0.0.1", path="/")
    browser.cookies.set("ruta-typed", "sealed", domain="127.0.0.1", path="/console/x")
    answer = browser.get("/console/x")
    assert told(answer)["cookie"] == "ruta-typed=sealed; ruta-language=en"
    assert "internal" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("signed", [True, False])
def test_a_form_of_another_site_is_refused(
    browser: httpx.Client, somebody: Somebody, *, signed: bool
) -> None:
    if signed:
        signed_in(browser, somebody)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        answer = browser.post("/console/x", data={"a": "b"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")


def test_what_pages_look_like_is_everybodys(browser: httpx.Client, somebody: Somebody) -> None:
    signed_in(browser, somebody)
    answer = browser.get("/console/static/x")
    assert answer.json()["claims"]["sub"] == "anonymous"
    assert "ruta-person-token" not in told(answer)


def test_signing_out_believes_the_token_of_a_form_made_for_it(
    browser: httpx.Client, somebody: Somebody
) -> None:
    signed_in(browser, somebody)
    csrf = browser.get("/session").json()["csrf_token"]
    for wrong in (form_token(csrf, "/console/x"), form_token("another", "/session/end"), "x"):
        assert browser.post("/session/end", data={"csrf_token": wrong}).status_code == 403
    masked = form_token(csrf, "/session/end")
    assert csrf not in masked
    answer = browser.post("/session/end", data={"csrf_token": masked}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["clear-site-data"] == '"cache", "cookies", "storage"'


def test_the_console_is_no_part_of_the_api_description(gateway: Gateway) -> None:
    before = gateway.counts("console")
    told = httpx.get(f"{gateway.url}/openapi.json")
    assert told.status_code == 200, "the console is not waited for"
    assert not any(path.startswith("/console") for path in told.json()["paths"])
    assert gateway.counts("console") == before
