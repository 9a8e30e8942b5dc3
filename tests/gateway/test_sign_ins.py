"""Codes, refresh tokens and access tokens end with the sign-in that produced them, however it ends."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from fastapi import FastAPI
from gateway.issuer.revocations.queries import document
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.sign_ins.service import LOST_ANSWERS, REFRESH_IDLE
from gateway.issuer.throttle import service as throttle
from httpx import ASGITransport, AsyncClient, Response
from jose import jwt
from sqlalchemy.exc import DBAPIError
from stack.embedded.postgres import ServiceDatabase

from tests.gateway.conftest import ISSUER
from tests.support.principals import bearer, internal_token, organisation

CALLBACK = f"{ISSUER}/session/callback"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
ALL = ["directory:read", "referrals:read", "referrals:write"]
PUENTE = "https://puente.example/callback"


@dataclass
class Desk:
    """The issuer, its administrator, and one person with her credentials."""

    http: AsyncClient
    admin: AsyncClient
    person: dict[str, Any]
    client_id: str = "ruta-console"
    redirect_uri: str = CALLBACK
    secret: str | None = None

    async def page(self, language: str = "es") -> Response:
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "state": "s",
            "ui_locales": language,
        }
        return await self.http.get("/oauth/authorize", params=query)

    def form(self, page: Response) -> dict[str, str]:
        ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
        assert ticket, page.text
        totp = pyotp.parse_uri(self.person["second_factor_uri"])
        assert isinstance(totp, pyotp.TOTP)
        return {
            "ticket": ticket[1],
            "sign_in_name": self.person["sign_in_name"],
            "password": self.person["password"],
            "code": totp.at(clock.now()),
        }

    async def code(self) -> str:
        entered = await self.http.post("/oauth/authorize", data=self.form(await self.page()))
        assert entered.status_code == 303, entered.text
        return parse_qs(urlsplit(entered.headers["location"]).query)["code"][0]

    async def token(self, **form: str) -> Response:
        who = {"client_id": self.client_id}
        if self.secret is not None:
            who["client_secret"] = self.secret
        return await self.http.post("/oauth/token", data={**who, **form})

    async def exchanged(self, code: str) -> Response:
        return await self.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=VERIFIER,
        )

    async def refreshed(self, token: str) -> Response:
        return await self.token(grant_type="refresh_token", refresh_token=token)

    async def ended(self) -> list[str]:
        """Return the sign-ins that the front must no longer accept."""
        claims: dict[str, object] = {
            "sub": "ruta-gateway",
            "client_id": "ruta-gateway",
            "scope": "internal",
        }
        front = {"Authorization": f"Bearer {internal_token('ruta-issuer', claims)}"}
        answer = await self.http.get("/internal/issuer/revocations", headers=front)
        found: list[str] = answer.json()["sign_ins"]
        return found


async def through_puente(desk: Desk) -> Desk:
    """Sign the same person in to a newly registered partner application."""
    made = await desk.admin.post(
        "/identity/v1/clients",
        json={
            "id": "ngo-puente",
            "organisation_id": str(organisation(1)),
            "name": "Case management system",
            "roles": ["partner"],
            "scopes": ALL,
            "redirect_uris": [PUENTE],
        },
    )
    return Desk(desk.http, desk.admin, desk.person, "ngo-puente", PUENTE, made.json()["secret"])


@pytest.fixture
async def desk(issuer: AsyncClient, issuer_app: FastAPI) -> AsyncIterator[Desk]:
    headers = bearer("im-officer", audience="ruta-issuer")
    async with AsyncClient(
        transport=ASGITransport(issuer_app), base_url=ISSUER, headers=headers
    ) as admin:
        made = await admin.post(
            "/identity/v1/people",
            json={
                "sign_in_name": "m.rivas",
                "organisation_id": str(organisation(1)),
                "roles": ["caseworker"],
                "scopes": ALL,
            },
        )
        assert made.status_code == 201, made.text
        yield Desk(issuer, admin, made.json())


def claims_of(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(jwt.get_unverified_claims(answer.json()["access_token"]))


async def renewed(desk: Desk) -> None:
    path = f"/identity/v1/people/{desk.person['id']}/credentials"
    assert (await desk.admin.post(path)).status_code == 200


async def switched_off_and_on(desk: Desk) -> None:
    path = f"/identity/v1/people/{desk.person['id']}"
    for active in (False, True):
        etag = (await desk.admin.get(path)).headers["etag"]
        changed = await desk.admin.patch(path, json={"active": active}, headers={"If-Match": etag})
        assert changed.status_code == 200


@pytest.mark.parametrize("how", [renewed, switched_off_and_on])
async def test_what_was_issued_before_credentials_were_renewed_is_dead(
    desk: Desk, how: Any
) -> None:
    refresh = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    with clock.shifted(timedelta(seconds=60)):
        code = await desk.code()
        await how(desk)
        for answer in (await desk.exchanged(code), await desk.refreshed(refresh)):
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_that_comes_twice_kills_every_token_of_its_sign_in(desk: Desk) -> None:
    code = await desk.code()
    first = await desk.exchanged(code)
    sign_in = claims_of(first)["sid"]
    assert sign_in not in await desk.ended()
    assert (await desk.exchanged(code)).json()["error"] == "invalid_grant"
    assert sign_in in await desk.ended()
    answer = await desk.refreshed(first.json()["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(desk: Desk) -> None:
    first = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    one, other = await desk.refreshed(first), await desk.refreshed(first)
    assert one.json()["refresh_token"] == other.json()["refresh_token"] != first
    assert claims_of(one)["sid"] == claims_of(other)["sid"]
    assert (await desk.refreshed(one.json()["refresh_token"])).status_code == 200


async def test_a_refresh_token_that_comes_again_at_once_after_its_successor_was_used_ends_the_sign_in(
    desk: Desk,
) -> None:
    """The owner already has the successor, so a client that sends the old token copied it (decision 0024)."""
    former = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    successor = (await desk.refreshed(former)).json()["refresh_token"]
    last = (await desk.refreshed(successor)).json()["refresh_token"]
    assert (await desk.refreshed(former)).status_code == 400
    assert (await desk.refreshed(last)).status_code == 400


async def test_a_refresh_token_that_comes_again_later_ends_the_sign_in(desk: Desk) -> None:
    first = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    second = await desk.refreshed(first)
    third = await desk.refreshed(second.json()["refresh_token"])
    with clock.shifted(timedelta(seconds=31)):
        assert (await desk.refreshed(first)).status_code == 400
        assert (await desk.refreshed(third.json()["refresh_token"])).status_code == 400
        assert claims_of(second)["sid"] in await desk.ended()


async def test_whose_answer_was_lost_on_the_way_goes_on_with_what_they_have(desk: Desk) -> None:
    """On a bad connection the browser never received the successor and asks again."""
    kept = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    lost = (await desk.refreshed(kept)).json()["refresh_token"]
    with clock.shifted(timedelta(minutes=6)):
        again = await desk.refreshed(kept)
        assert again.json()["refresh_token"] == lost
        assert claims_of(again)["sid"] not in await desk.ended()
        assert (await desk.refreshed(lost)).status_code == 200


async def test_tabs_that_ask_again_together_have_lost_one_answer(desk: Desk) -> None:
    kept = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    lost = (await desk.refreshed(kept)).json()["refresh_token"]
    with clock.shifted(timedelta(minutes=6)):
        tabs = [await desk.refreshed(kept) for _ in range(LOST_ANSWERS + 1)]
    assert [tab.json().get("refresh_token") for tab in tabs] == [lost] * len(tabs)


async def test_answers_are_not_lost_for_ever(desk: Desk) -> None:
    """The issuer detects a thief who always stays one token behind the owner."""
    token = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    taken = []
    for turn in range(LOST_ANSWERS + 1):
        with clock.shifted(timedelta(minutes=4 * turn)):
            successor = (await desk.refreshed(token)).json()["refresh_token"]
        with clock.shifted(timedelta(minutes=4 * turn + 1)):
            taken.append((await desk.refreshed(token)).status_code)
        token = successor
    assert taken == [200] * LOST_ANSWERS + [400]
    assert (await desk.refreshed(token)).status_code == 400


async def test_an_answer_that_nobody_fetched_for_an_hour_is_over(desk: Desk) -> None:
    kept = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    await desk.refreshed(kept)
    with clock.shifted(REFRESH_IDLE + timedelta(seconds=1)):
        assert (await desk.refreshed(kept)).status_code == 400


async def test_no_refresh_token_is_stored_readable(desk: Desk, issuer_db: Database) -> None:
    first = (await desk.exchanged(await desk.code())).json()["refresh_token"]
    second = (await desk.refreshed(first)).json()["refresh_token"]
    async with issuer_db.transaction() as session:
        rows = (await session.execute(sa.text("SELECT * FROM refresh_tokens"))).all()
    assert rows
    assert not any(token in str(rows) for token in (first, second))


async def test_a_person_gets_no_more_than_the_client_holds(desk: Desk) -> None:
    made = await desk.admin.post(
        "/identity/v1/clients",
        json={
            "id": "ngo-puente",
            "organisation_id": str(organisation(1)),
            "name": "Case management system",
            "roles": ["partner"],
            "scopes": ["directory:read", "referrals:read"],
            "redirect_uris": [PUENTE],
        },
    )
    assert made.status_code == 201, made.text
    through = Desk(desk.http, desk.admin, desk.person, "ngo-puente", PUENTE, made.json()["secret"])
    tokens = await through.exchanged(await through.code())
    assert claims_of(tokens)["scope"].split() == ["directory:read", "referrals:read"]

    path = "/identity/v1/clients/ngo-puente"
    etag = (await desk.admin.get(path)).headers["etag"]
    less = await desk.admin.patch(path, json={"name": "Another name"}, headers={"If-Match": etag})
    assert less.status_code == 200
    assert (await through.refreshed(tokens.json()["refresh_token"])).status_code == 200


@pytest.mark.parametrize("what", ["secret", "revocation"])
async def test_what_people_began_through_a_client_ends_with_its_credentials(
    desk: Desk, what: str
) -> None:
    through = await through_puente(desk)
    tokens = (await through.exchanged(await through.code())).json()
    done = await desk.admin.post(f"/identity/v1/clients/ngo-puente/{what}")
    if what == "secret":
        through.secret = done.json()["secret"]
    assert (await through.refreshed(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_what_people_of_others_began_through_a_suspended_organisations_client_ends(
    desk: Desk, issuer_db: Database
) -> None:
    """Sign-ins through a suspended organisation's application end, even for people of other organisations, because that
    application holds their tokens."""
    suspended = organisation(7)
    made = await desk.admin.post(
        "/identity/v1/clients",
        json={
            "id": "ngo-puente",
            "organisation_id": str(suspended),
            "name": "Case management system",
            "roles": ["partner"],
            "scopes": ALL,
            "redirect_uris": [PUENTE],
        },
    )
    through = Desk(desk.http, desk.admin, desk.person, "ngo-puente", PUENTE, made.json()["secret"])
    tokens = await through.exchanged(await through.code())
    path = f"/identity/v1/organisations/{suspended}"
    for active in (False, True):
        etag = (await desk.admin.get(path)).headers["etag"]
        done = await desk.admin.patch(path, json={"active": active}, headers={"If-Match": etag})
        assert done.status_code == 200, done.text
        async with issuer_db.transaction() as session:
            revoked = (await document(session))["clients"]
        assert revoked.get("ngo-puente", 0) >= claims_of(tokens)["iat"]
    again = await through.refreshed(tokens.json()["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


async def test_the_browser_client_lets_people_have_all_that_they_hold(desk: Desk) -> None:
    tokens = await desk.exchanged(await desk.code())
    assert claims_of(tokens)["scope"].split() == ALL


SECRETS = ("password", "second_factor_uri", "secret")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/identity/v1/people/{person}/credentials", None),
        (
            "/identity/v1/people",
            {"sign_in_name": "l.paz", "roles": ["caseworker"], "scopes": ["directory:read"]},
        ),
        ("/identity/v1/clients", {"id": "ngo-otra", "name": "x", "roles": [], "scopes": []}),
        ("/identity/v1/clients/ngo-salud/secret", None),
    ],
)
async def test_a_repeated_command_shows_no_secret_again(
    desk: Desk, issuer_db: Database, path: str, body: dict[str, Any] | None
) -> None:
    if body is not None:
        body = {**body, "organisation_id": str(organisation(1))}
    url, key = path.format(person=desk.person["id"]), {"Idempotency-Key": "one-command"}
    first = await desk.admin.post(url, json=body, headers=key)
    again = await desk.admin.post(url, json=body, headers=key)
    assert first.status_code in (200, 201), first.text
    shown = {name: first.json()[name] for name in SECRETS if name in first.json()}
    assert shown
    assert all(shown.values())
    assert again.status_code == first.status_code
    assert again.json() == {**first.json(), **dict.fromkeys(shown)}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]


async def test_a_secret_is_not_in_the_stored_answer_whoever_opens_it(
    desk: Desk, issuer_app: FastAPI, issuer_db: Database
) -> None:
    from common.crypto import key_from_base64, open_sealed

    key = {"Idempotency-Key": "one-command"}
    made = await desk.admin.post("/identity/v1/clients/ngo-salud/secret", headers=key)
    async with issuer_db.transaction() as session:
        stored = await session.scalar(sa.text("SELECT result FROM stored_results"))
    sealing = key_from_base64(
        issuer_app.state.context.settings.stored_result_key.get_secret_value()
    )
    context = b"im-officer\nPOST /identity/v1/clients/ngo-salud/secret\none-command"
    opened = open_sealed(sealing, stored, context)
    assert b"ngo-salud" in opened
    assert made.json()["secret"].encode() not in opened


async def test_whoever_signs_in_for_an_application_of_somebody_else_reads_whose_it_is(
    desk: Desk,
) -> None:
    """The sign-in page names the application's owner. Anybody can send a link that opens this page, and the application
    could then act in the person's name."""
    made = await desk.admin.post(
        "/identity/v1/clients",
        json={
            "id": "ngo-puente",
            "organisation_id": str(organisation(1)),
            "name": "Puente & <Co>",
            "roles": ["partner"],
            "scopes": ALL,
            "redirect_uris": [PUENTE],
        },
    )
    path = f"/identity/v1/organisations/{organisation(1)}"
    named = escape((await desk.admin.get(path)).json()["name"])
    through = Desk(desk.http, desk.admin, desk.person, "ngo-puente", PUENTE, made.json()["secret"])
    for language, said in (("en", "an application of"), ("es", "una aplicación de")):
        page = await through.page(language)
        assert "Puente &amp; &lt;Co&gt;" in page.text
        assert f"{said} {named}" in page.text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
        assert ticket
        wrong = {"ticket": ticket[1], "sign_in_name": "nobody", "password": "x", "code": "000000"}
        again = await desk.http.post(f"/oauth/authorize?ui_locales={language}", data=wrong)
        assert f"{said} {named}" in again.text, "also where it is shown again"
        assert said not in (await desk.page(language)).text, "Ruta's own asks for nobody else"


async def test_a_code_goes_to_no_address_that_was_taken_away_meanwhile(desk: Desk) -> None:
    path = "/identity/v1/clients/ngo-puente"
    through = await through_puente(desk)
    form = through.form(await through.page())
    etag = (await desk.admin.get(path)).headers["etag"]
    taken = {"redirect_uris": ["https://new.puente.example/callback"]}
    assert (await desk.admin.patch(path, json=taken, headers={"If-Match": etag})).status_code == 200
    entered = await desk.http.post("/oauth/authorize", data=form)
    assert (entered.status_code, entered.headers.get("location")) == (400, None)


async def test_attempts_at_a_name_wait_for_those_of_the_same_source_and_for_nobody_else(
    issuer_database: ServiceDatabase,
) -> None:
    """Attempts at a name wait only for those of the same source. Otherwise the person would wait for all of fifty
    guesses from fifty addresses."""
    async with AsyncExitStack() as beside:
        database = Database.at(issuer_database.app_url)
        beside.push_async_callback(database.close)
        one = await beside.enter_async_context(database.transaction())
        other = await beside.enter_async_context(database.transaction())
        await throttle.take_turn(one, "somebody", "here")
        await throttle.take_turn(other, "somebody", "elsewhere")
        await other.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(DBAPIError):
            await throttle.take_turn(other, "somebody", "here")
        await other.rollback()


async def test_no_transaction_is_open_while_a_password_is_compared(
    desk: Desk, issuer_app: FastAPI, issuer_db: Database
) -> None:
    """Comparing a password is slow. During a flood of guesses, open transactions would use up all connections and
    locks."""
    connection = issuer_db._sessions.kw["bind"].sync_connection
    compared = []

    class Watched(SecretChecks):
        async def matches(self, stored: str | None, given: str) -> bool:
            compared.append(connection.in_nested_transaction())
            return await super().matches(stored, given)

    issuer_app.state.context.parts["secrets"] = Watched()
    wrong = desk.form(await desk.page()) | {"password": "a guess"}
    assert (await desk.http.post("/oauth/authorize", data=wrong)).status_code == 401
    await desk.code()
    assert compared == [False, False]


async def test_an_administrator_sees_who_signed_in_and_what_is_still_open(desk: Desk) -> None:
    await desk.exchanged(await desk.code())

    async def listed(query: str = "") -> list[dict[str, Any]]:
        asked = f"/identity/v1/sign-ins?person_id={desk.person['id']}{query}"
        found: list[dict[str, Any]] = (await desk.admin.get(asked)).json()["items"]
        return found

    (one,) = await listed("&active=true")
    assert one["person_name"].startswith("m.rivas")
    assert (one["client_id"], one["factor"], one["active"]) == ("ruta-console", "code", True)
    await switched_off_and_on(desk)
    assert await listed("&active=true") == []
    assert [each["id"] for each in await listed("&active=false")] == [one["id"]]
    refused = await desk.http.get(
        "/identity/v1/sign-ins", headers=bearer("auditor", audience="ruta-issuer")
    )
    assert refused.status_code == 403
