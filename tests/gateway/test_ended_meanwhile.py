"""Rights that end while the issuer makes a token. A thief with a stolen secret sends requests constantly, so one is
always in progress at that moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from common.ids import new_id
from gateway.issuer.throttle.service import FREE_FAILURES
from jose import jwt

from tests.gateway.test_sign_in import new_person, ticket_on
from tests.gateway.test_two_fronts import WAITING, database
from tests.gateway.whole_gateway import Gateway
from tests.support.patience import PATIENCE

__all__ = ["database"]


@pytest.fixture
async def front(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE) as http:
        yield http


class Partner:
    """A separate organisation with one client, and the administrator of both."""

    def __init__(self, front: httpx.AsyncClient, admin: dict[str, str]) -> None:
        self._front, self._admin = front, admin
        self.organisation, self.id, self.secret = "", f"p-{new_id()}", ""

    async def made(self) -> "Partner":
        organisation = {"name": "x", "aors": ["GBV"]}
        made = await self._front.post(
            "/identity/v1/organisations", headers=self._admin, json=organisation
        )
        self.organisation = made.json()["id"]
        client = {
            "id": self.id, "organisation_id": self.organisation, "name": "x",
            "roles": ["partner"], "scopes": ["directory:read"],
        }  # fmt: skip
        made = await self._front.post("/identity/v1/clients", headers=self._admin, json=client)
        assert made.status_code == 201, made.text
        self.secret = made.json()["secret"]
        return self

    async def token(self, secret: str | None = None) -> httpx.Response:
        return await self._front.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self.id, self.secret if secret is None else secret),
        )

    async def ended(self, how: str) -> None:
        if how == "a new secret":
            path = f"/identity/v1/clients/{self.id}/secret"
            done = await self._front.post(path, headers=self._admin)
            assert done.status_code == 200, done.text
        else:
            kind = f"clients/{self.id}" if "client" in how else f"organisations/{self.organisation}"
            await self.changed(kind, {"active": False})

    async def changed(self, kind: str, wanted: dict[str, Any]) -> None:
        path = f"/identity/v1/{kind}"
        etag = (await self._front.get(path, headers=self._admin)).headers["etag"]
        done = await self._front.patch(path, headers=self._admin | {"If-Match": etag}, json=wanted)
        assert done.status_code == 200, done.text


ENDED = ["the client is switched off", "a new secret", "the organisation is switched off"]


@pytest.fixture
async def partner(gateway: Gateway, front: httpx.AsyncClient) -> Partner:
    return await Partner(front, gateway.bearer("im-officer")).made()


@asynccontextmanager
async def under_way(
    database: asyncpg.Connection, held: str, asking: Any
) -> AsyncIterator[asyncio.Task[Any]]:
    """Keep a request waiting for the row that `held` locks until the block ends."""
    async with database.transaction():
        await database.execute(held)
        before = await database.fetchval(WAITING)
        asked = asyncio.create_task(asking)
        while await database.fetchval(WAITING) <= before:
            assert not asked.done(), "answered without waiting"
            await asyncio.sleep(0.02)
        yield asked


REFUSED = (401, "invalid_client")


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "a token")


@pytest.mark.parametrize("how", ENDED)
async def test_what_ends_while_the_secret_is_compared_gives_no_token(
    partner: Partner, database: asyncpg.Connection, how: str
) -> None:
    assert (
        said(await partner.token("wrong")) == REFUSED
    )  # Create the counter row that the test locks.
    held = "SELECT FROM failed_attempts FOR UPDATE"
    async with under_way(database, held, partner.token()) as asked:
        await partner.ended(how)
    assert said(await asked) == REFUSED


@pytest.mark.parametrize("how", ENDED)
async def test_whoever_asks_while_it_ends_waits_for_the_end(
    partner: Partner, database: asyncpg.Connection, how: str
) -> None:
    assert said(await asked_meanwhile(partner, database, partner.ended(how))) == REFUSED


async def test_whoever_asks_while_the_organisation_changes_its_areas_of_responsibility_is_told_the_new_ones(
    partner: Partner, database: asyncpg.Connection
) -> None:
    """Here the token request waits for the organisation's row, since no client row is locked."""
    change = partner.changed(f"organisations/{partner.organisation}", {"aors": ["CP"]})
    answer = await asked_meanwhile(partner, database, change)
    claims = jwt.get_unverified_claims(answer.json()["access_token"])
    assert claims["aors"] == ["CP"]


async def asked_meanwhile(
    partner: Partner, database: asyncpg.Connection, ending: Any
) -> httpx.Response:
    """Return the response to a token request that runs after an ending writes its changes and before it commits."""
    held = "LOCK TABLE identity_changes IN SHARE MODE"  # An ending writes to this table last.
    async with under_way(database, held, ending) as ends:
        asked = asyncio.create_task(partner.token())
        while not asked.done():
            if await database.fetchval(WAITING) == 2:
                break
            await asyncio.sleep(0.02)
    await ends
    return await asked


@pytest.mark.parametrize("known", [True, False])
async def test_guesses_that_are_sent_at_once_are_slowed_down_as_one_after_another(
    gateway: Gateway, front: httpx.AsyncClient, database: asyncpg.Connection, known: bool
) -> None:
    """The delay also applies to unknown names; a difference would reveal who has an account."""
    name = new_person(gateway).name if known else f"p-{new_id()}"
    await database.execute("DELETE FROM failed_attempts")  # All tests share one source.
    start = await front.get("/session/start")
    guess = {"ticket": ticket_on(await front.get(start.headers["location"])), "sign_in_name": name}

    async def guessed(number: int) -> int:
        form = guess | {"password": f"guess {number}", "code": "000000"}
        return (await front.post("/oauth/authorize", data=form)).status_code

    answers = await asyncio.gather(*(guessed(number) for number in range(16)))
    await database.execute("DELETE FROM failed_attempts")
    assert sorted(answers) == [401] * FREE_FAILURES + [429] * (16 - FREE_FAILURES)


async def test_guesses_that_wait_leave_the_issuer_to_those_who_end_rights(
    gateway: Gateway, front: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Waiting guesses leave the issuer free to end rights, and the front can still read the revoked tokens. A burst
    from many addresses used to block both for half a minute."""
    admin = gateway.bearer("im-officer")
    guess = {"grant_type": "client_credentials", "client_secret": "a guess"}
    async with database.transaction():
        await database.execute("LOCK TABLE failed_attempts")
        asked = [
            asyncio.create_task(
                front.post("/oauth/token", data=guess | {"client_id": f"p-{number}"})
            )
            for number in range(40)
        ]
        async with asyncio.timeout(PATIENCE):
            while True:
                if await database.fetchval(WAITING) >= 8:
                    break
                await asyncio.sleep(0.02)
        people = await front.get("/identity/v1/people", headers=admin)
    answers = await asyncio.gather(*asked)
    await database.execute("DELETE FROM failed_attempts")
    assert people.status_code == 200
    assert {answer.status_code for answer in answers} <= {401, 429}


async def told(gateway: Gateway, service: str) -> dict[str, Any]:
    """Return the last list of ended rights that the service received."""
    async with httpx.AsyncClient() as http:
        found: dict[str, Any] = (await http.get(f"{gateway.witnesses[service]}/told")).json()
    return found


async def until_told(gateway: Gateway, kind: str, target: str, *, suspended: bool) -> None:
    for service in ("directory", "referrals", "reporting"):
        async with asyncio.timeout(PATIENCE):
            while True:
                off = (await told(gateway, service)).get("suspended", {}).get(kind, ())
                if (target in off) is suspended:
                    break
                await asyncio.sleep(0.1)


async def test_every_service_is_told_who_is_suspended_and_that_it_has_ended(
    gateway: Gateway, partner: Partner
) -> None:
    """Every service learns who is suspended. Otherwise it would continue their pending or standing work without a
    token."""
    organisation = f"organisations/{partner.organisation}"
    await partner.changed(organisation, {"active": False})
    await until_told(gateway, "organisation", partner.organisation, suspended=True)
    changed = (await told(gateway, "directory"))["changed"]
    assert partner.organisation in changed["organisation"]
    assert partner.id in changed["client"]
    await partner.changed(organisation, {"active": True})
    await until_told(gateway, "organisation", partner.organisation, suspended=False)
    await partner.changed(f"clients/{partner.id}", {"active": False})
    await until_told(gateway, "client", partner.id, suspended=True)
