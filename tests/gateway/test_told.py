"""Ruta shows a person each change to their sign-in until they confirm that they have read it."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from typing import Any

import pytest
from common import clock
from common.http import page_texts
from common.pages.form_tokens import FIELD, form_token
from common.pages.look import SWITCH
from fastapi import FastAPI
from gateway.issuer.changes.news import NEWS, By, Part, by_whom, is_news, last_of_each, lines
from httpx import ASGITransport, AsyncClient, Response

from tests.gateway.conftest import ISSUER
from tests.gateway.test_sign_ins import Desk, desk, renewed, switched_off_and_on
from tests.support.principals import internal_token, organisation

__all__ = ["desk"]
texts = partial(page_texts, "gateway.issuer.authorize")
ME, ADMIN = "0190a000-0000-7000-8000-00000000000a", "0190a000-0000-7000-8000-00000000000b"
CSRF = "the token of this session"


def change(
    what: str, by: str = ADMIN, through: str = "ruta-console", **more: str
) -> dict[str, Any]:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return {
        "at": at,
        "kind": "person",
        "what": what,
        "by_client": through,
        "by_subject": by,
        **more,
    }


@pytest.mark.parametrize(
    ("what", "by", "through", "whose"),
    [
        ("renewed credentials", ADMIN, "ruta-console", By.OTHER),
        ("renewed credentials", "im-officer", "im-officer", By.OTHER),
        ("added a passkey", ME, "ruta-console", By.OWN),
        ("used a recovery code", ME, "sign-in", By.PAGE),
        ("held to the list", "issuer", "issuer", By.RUTA),
    ],
)
def test_whoever_changes_how_somebody_signs_in_it_is_news_to_them(
    what: str, by: str, through: str, whose: By
) -> None:
    """People also see a notice of their own changes, because a thief can make them in the person's session."""
    assert is_news("person", what)
    assert not is_news("client", what)
    assert by_whom(change(what, by, through), ME) == whose


@pytest.mark.parametrize(
    "what", ["created", "gave credentials", "changed roles scopes", "ended own sign-in", "read"]
)
def test_the_first_credentials_rights_and_ended_sign_ins_are_no_news(what: str) -> None:
    assert not is_news("person", what)


def test_the_last_change_of_each_part_is_found_and_what_was_done_often_stands_in_one_line() -> None:
    newest_first = [
        change("changed active roles"),
        change("refused several wrong codes", ME, "sign-in"),
        change("refused several wrong codes", ME, "sign-in"),
        change("changed own password", ME),
        change("renewed credentials"),
        change("changed", kind="organisation"),
        change("created"),
    ]
    last = last_of_each(newest_first, ME)
    assert {part: line.what for part, line in last.items()} == {
        Part.ACCESS: "changed active roles",
        Part.RIGHTS: "changed active roles",
        Part.PASSWORD: "changed own password",
        Part.FACTOR: "renewed credentials",
        Part.PASSKEYS: "renewed credentials",
        Part.CODES: "renewed credentials",
        Part.ORGANISATION: "changed",
    }
    told = lines(newest_first[1:4], ME)
    assert [(line.what, line.times) for line in told] == [
        ("refused several wrong codes", 2),
        ("changed own password", 1),
    ]


@pytest.mark.parametrize("package", ["authorize", "changes"])
def test_both_languages_say_the_same_things(package: str) -> None:
    es, en = (page_texts(f"gateway.issuer.{package}", language) for language in ("es", "en"))
    assert set(es) == set(en)
    for name, words in es.items():
        assert not isinstance(words, dict) or set(words) == set(en[name])


def test_all_news_has_words() -> None:
    for language in ("es", "en"):
        assert set(page_texts("gateway.issuer.changes", language)["what"]) == NEWS


async def entered(desk: Desk, language: str = "es") -> Response:
    """Sign in with the right password and code, and return the page."""
    form = desk.form(await desk.page(language))
    return await desk.http.post(f"/oauth/authorize?ui_locales={language}", data=form)


async def answered(desk: Desk, page: Response, answer: str, **more: str) -> Response:
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert ticket, page.text
    return await desk.http.post("/oauth/told", data={"ticket": ticket[1], "answer": answer, **more})


async def given_anew(desk: Desk) -> None:
    """Give the person new credentials, as an administrator does."""
    path = f"/identity/v1/people/{desk.person['id']}"
    desk.person = (await desk.admin.post(f"{path}/credentials")).json()


async def of(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = (
        await desk.admin.get(f"/identity/v1/people/{desk.person['id']}")
    ).json()
    return found


async def recorded(desk: Desk) -> list[str]:
    items = (await desk.admin.get("/identity/v1/changes")).json()["items"]
    return [each["what"] for each in items if each["target"] == desk.person["id"]]


async def test_a_change_by_somebody_else_is_told_at_each_sign_in_until_it_was_read(
    desk: Desk,
) -> None:
    assert (await entered(desk)).status_code == 303, "the first credentials are no change"
    await given_anew(desk)
    since = (await of(desk))["unread_since"]
    assert since is not None
    listed = (await desk.admin.get("/identity/v1/people")).json()["items"]
    assert since in [each["unread_since"] for each in listed]
    page = await entered(desk, "en")
    assert page.status_code == 200
    assert texts("en")["title"] in unescape(page.text)
    assert "New password and second factor" in page.text
    assert "by im-officer" in page.text
    assert page.headers["cache-control"] == "no-store"
    with clock.shifted(timedelta(seconds=60)):
        page = await entered(desk)
        assert texts("es")["title"] in unescape(page.text), "nobody has read it yet"
        let_in = await answered(desk, page, "read")
        assert let_in.status_code == 303
        assert "code=" in let_in.headers["location"]
        assert (await of(desk))["unread_since"] is None
        assert (await recorded(desk))[0] == "read what was changed"
        again = await answered(desk, page, "read")
        assert (again.status_code, again.headers.get("location")) == (400, None), "once"
    with clock.shifted(timedelta(seconds=120)):
        assert (await entered(desk)).status_code == 303


async def test_the_language_is_changed_and_what_came_meanwhile_is_shown_before_it_counts_as_read(
    desk: Desk,
) -> None:
    await entered(desk)
    await given_anew(desk)
    page = await entered(desk)
    switched = await desk.http.post(
        "/oauth/told?ui_locales=en",
        data={SWITCH: "yes", **dict(re.findall(r'name="(ticket)" value="([^"]+)"', page.text))},
    )
    assert texts("en")["read"] in unescape(switched.text)
    assert (await answered(desk, switched, "anything")).status_code == 200
    with clock.shifted(timedelta(seconds=60)):
        for _ in range(5):
            form = desk.form(await desk.page()) | {"code": "000000"}
            await desk.http.post("/oauth/authorize", data=form)
        shown = await answered(desk, page, "read")
        assert shown.status_code == 200
        assert "varios códigos equivocados" in shown.text
        assert (await answered(desk, shown, "read")).status_code == 303


async def test_who_did_not_ask_for_it_ends_all_sessions_and_administrators_read_so(
    desk: Desk,
) -> None:
    tokens = (await desk.exchanged(await desk.code())).json()
    with clock.shifted(timedelta(seconds=60)):
        for _ in range(5):
            form = desk.form(await desk.page()) | {"code": "000000"}
            await desk.http.post("/oauth/authorize", data=form)
    with clock.shifted(timedelta(hours=1, seconds=70)):
        page = await entered(desk)
        ended = await answered(desk, page, "not_asked_for")
        assert ended.status_code == 200
        name = (await desk.admin.get(f"/identity/v1/organisations/{organisation(1)}")).json()
        assert texts("es")["call"].format(organisation=name["name"]) in unescape(ended.text)
        assert (await desk.refreshed(tokens["refresh_token"])).status_code == 400
        assert (await recorded(desk))[0] == "did not ask for what was changed"
        found = await of(desk)
        assert found["unread_since"] < found["not_asked_for_at"]


@pytest.mark.parametrize("how", [renewed, switched_off_and_on])
async def test_what_is_changed_while_the_page_is_read_lets_nobody_in(desk: Desk, how: Any) -> None:
    await entered(desk)
    await given_anew(desk)
    page = await entered(desk)
    await how(desk)
    answer = await answered(desk, page, "read")
    assert (answer.status_code, answer.headers.get("location")) == (400, None)


async def test_the_page_of_another_browser_lets_nobody_in(desk: Desk) -> None:
    await entered(desk)
    await given_anew(desk)
    page = await entered(desk)
    desk.http.cookies.clear()
    assert (await answered(desk, page, "read")).status_code == 400


@pytest.fixture
async def account(issuer_app: FastAPI, desk: Desk) -> AsyncIterator[AsyncClient]:
    """Yield a client for the person's own account page, as the front forwards it."""
    claims: dict[str, object] = {
        "sub": desk.person["id"],
        "client_id": "ruta-console",
        "scope": "referrals:read",
        "auth_time": clock.now().timestamp(),
    }
    headers = {
        "Authorization": f"Bearer {internal_token('ruta-issuer', claims)}",
        "Ruta-Csrf": CSRF,
        "Accept-Language": "es",
    }
    transport = ASGITransport(issuer_app)
    async with AsyncClient(transport=transport, base_url=ISSUER, headers=headers) as http:
        yield http


async def test_whoever_comes_with_a_recovery_code_does_not_say_that_it_was_read(
    desk: Desk, account: AsyncClient
) -> None:
    """Somebody who found the paper with the codes sees the notice first. The owner sees it again at the next sign-in
    with the phone."""
    path = "/account/recovery-codes"
    form = {FIELD: form_token(CSRF, path), "password": desk.person["password"]}
    codes = re.findall(r'"number">([a-z0-9-]{14})<', (await account.post(path, data=form)).text)
    assert codes
    form = desk.form(await desk.page()) | {"code": "", "recovery_code": codes[0]}
    assert (await desk.http.post("/oauth/authorize", data=form)).status_code == 303
    page = await entered(desk)
    assert "Alguien entró con un código de recuperación" in page.text
    assert "Códigos de recuperación nuevos" in page.text


async def test_the_account_page_says_what_was_changed_by_whom_and_how_they_signed_in(
    desk: Desk, account: AsyncClient
) -> None:
    await entered(desk)
    path = f"/identity/v1/people/{desk.person['id']}"
    etag = (await desk.admin.get(path)).headers["etag"]
    wider = {"roles": ["caseworker", "supervisor"]}
    assert (await desk.admin.patch(path, json=wider, headers={"If-Match": etag})).is_success
    await given_anew(desk)
    page = unescape((await account.get("/account")).text)
    said = page_texts("gateway.issuer.account", "es")
    assert said["unread"] in page
    assert said["with_code"] in page
    part = page_texts("gateway.issuer.changes", "es")["part"]
    for each in ("password", "factor", "passkeys", "codes", "rights"):
        assert re.search(rf"<strong>{part[each]}</strong>: [^<]*por im-officer", page), each
    assert "sin cambios en el registro" in page, "their access was never switched off"
