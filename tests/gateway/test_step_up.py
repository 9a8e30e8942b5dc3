"""Dangerous actions need more than an open session, and signing in again loses no work."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from common.ids import new_id
from common.pages.form_tokens import FIELD
from stack.embedded.postgres import PostgresServer

from tests.gateway.test_account import next_code
from tests.gateway.test_sign_in import Somebody, browser, enter, new_person, signed_in, ticket_on
from tests.gateway.whole_gateway import Gateway

__all__ = ["browser"]


@pytest.fixture
def administrator(gateway: Gateway) -> Somebody:
    return new_person(gateway, roles=["admin"], scopes=["directory:read", "admin"])


def grow_old(postgres: PostgresServer, who: Somebody) -> None:
    """Set the sign-in's time to ten minutes ago."""
    for table in ("refresh_tokens", "sign_ins"):
        postgres.psql(
            f"UPDATE {table} SET signed_in_at = signed_in_at - interval '10 minutes'"
            f" WHERE person_id = '{who.id}'",
            database="issuer_of_gateway",
        )


def test_who_signed_in_long_ago_signs_in_again_and_sends_the_same_again(
    browser: httpx.Client, administrator: Somebody, gateway: Gateway, postgres: PostgresServer
) -> None:
    colleague = new_person(gateway)
    headers = {"X-CSRF-Token": signed_in(browser, administrator)["csrf_token"]}
    act = f"/identity/v1/people/{colleague.id}/credentials"
    assert browser.post(act, headers=headers).status_code == 200
    grow_old(postgres, administrator)
    assert browser.post("/session/refresh", headers=headers).status_code == 200
    refused = browser.post(act, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (
        401,
        "insufficient_user_authentication",
    )
    assert "max_age=300" in refused.headers["www-authenticate"]
    assert browser.get("/identity/v1/people", headers=headers).status_code == 200
    start = browser.get("/session/start", params={"fresh": "true", "return_to": "/docs"})
    query = parse_qs(urlsplit(start.headers["location"]).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    ticket = ticket_on(browser.get(start.headers["location"]))
    entered = enter(browser, ticket, administrator, code=next_code(administrator))
    assert browser.get(entered.headers["location"]).headers["location"] == "/docs"
    # The other tab's page is still open, and its token still works.
    assert browser.post(act, headers=headers).status_code == 200


# The headers that browsers send with a form on the page, depending on their support for Fetch Metadata.
SHAPES = {
    "Chrome 120": {
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Dest": "document",
    },
    "Safari 15, Firefox ESR 78": {},
}


def sent_from(page: httpx.Response, shape: str) -> dict[str, str]:
    """Return the headers of a form on `page`. By Fetch §3.2, a page without a referrer has no origin either."""
    bare = page.headers["referrer-policy"] == "no-referrer"
    own = f"{page.url.scheme}://{page.url.netloc.decode()}"
    return {"Origin": "null" if bare else own, **SHAPES[shape]}


@pytest.mark.parametrize("shape", SHAPES)
def test_signing_in_again_and_out_works_in_browsers_of_every_age(
    browser: httpx.Client, administrator: Somebody, postgres: PostgresServer, shape: str
) -> None:
    signed_in(browser, administrator)
    grow_old(postgres, administrator)
    start = browser.get("/session/start", params={"fresh": "true", "return_to": "/docs"})
    page = browser.get(start.headers["location"])
    entered = browser.post(
        "/oauth/authorize",
        headers=sent_from(page, shape),
        data={
            "ticket": ticket_on(page),
            "sign_in_name": administrator.name,
            "password": administrator.password,
            "code": next_code(administrator),
        },
    )
    assert entered.status_code == 303, entered.text
    assert browser.get(entered.headers["location"]).headers["location"] == "/docs"
    page = browser.get("/session/end")
    found = re.search(rf'name="{FIELD}" value="([^"]+)"', page.text)
    assert found
    ended = browser.post("/session/end", headers=sent_from(page, shape), data={FIELD: found[1]})
    assert (ended.status_code, ended.headers["location"]) == (303, "/")


def test_somebody_else_at_the_same_browser_does_not_inherit_the_token(
    browser: httpx.Client, administrator: Somebody, gateway: Gateway
) -> None:
    former = signed_in(browser, administrator)["csrf_token"]
    refresh = dict(browser.cookies)
    assert signed_in(browser, new_person(gateway))["csrf_token"] != former
    browser.cookies.clear()
    browser.cookies.update(refresh)
    ended = browser.post("/session/refresh", headers={"X-CSRF-Token": former})
    assert ended.status_code == 401, "what was signed in before in this browser has ended"


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("clients", {"scopes": ["admin"], "roles": ["admin"]}), ("organisations", {"aors": ["TIP"]})],
    ids=["clients", "organisations"],
)
def test_a_session_left_open_gives_nobody_more_rights(
    browser: httpx.Client,
    administrator: Somebody,
    gateway: Gateway,
    postgres: PostgresServer,
    kind: str,
    wanted: dict[str, object],
) -> None:
    """This rule includes the rights of clients and organisations, because somebody at an unattended session could
    obtain their secrets."""
    admin = gateway.bearer("im-officer")

    def made(what: str, body: Mapping[str, object]) -> str:
        answer = httpx.post(f"{gateway.url}/identity/v1/{what}", headers=admin, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    identifier = made("organisations", {"name": "x", "aors": ["GBV"]})
    if kind == "clients":
        rights = {"roles": ["partner"], "scopes": ["directory:read"]}
        client = {"id": f"p-{new_id()}", "organisation_id": identifier, "name": "x", **rights}
        identifier = made("clients", client)
    path = f"/identity/v1/{kind}/{identifier}"
    headers = {"X-CSRF-Token": signed_in(browser, administrator)["csrf_token"]}
    grow_old(postgres, administrator)
    assert browser.post("/session/refresh", headers=headers).status_code == 200
    before = browser.get(path, headers=headers)
    headers["If-Match"] = before.headers["etag"]
    refused = browser.patch(path, json=wanted, headers=headers)
    assert refused.status_code == 401, refused.text
    assert refused.json()["code"] == "insufficient_user_authentication"
    assert browser.get(path).json() == before.json()
