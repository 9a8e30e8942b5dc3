"""One person with two tabs, each connected to another replica of the front. The replicas share only the cookies' key
and the issuer. Both tabs renew the session at once with the same refresh token."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest
from gateway.front.browsers.sessions import Cookies, PersonSession
from gateway.issuer.sign_ins.service import LOST_ANSWERS
from stack.embedded.postgres import SUPERUSER, PostgresServer

from tests.gateway.test_sessions import aged, head_of, sealing
from tests.gateway.test_sign_in import Somebody, browser, signed_in, somebody
from tests.gateway.whole_gateway import Gateway, another_front
from tests.support.patience import PATIENCE

__all__ = ["browser", "sealing", "somebody"]
DATABASE = "issuer_of_gateway"
WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def fronts(gateway: Gateway) -> Iterator[list[str]]:
    with another_front(gateway) as other:
        yield [gateway.url, other.url]


@pytest.fixture
async def tabs(browser: httpx.Client, somebody: Somebody) -> AsyncIterator[list[httpx.AsyncClient]]:
    signed_in(browser, somebody)
    made = [httpx.AsyncClient(timeout=PATIENCE, cookies=browser.cookies) for _ in range(2)]
    yield made
    for each in made:
        await each.aclose()


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to the issuer's database, whose rows a test locks until both replicas wait."""
    password = postgres.password(SUPERUSER)
    url = postgres.url(DATABASE, SUPERUSER, password, driver="postgresql")
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def until_gone(tab: httpx.AsyncClient, front: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (await tab.get(f"{front}/session")).status_code != 401:
        assert time.monotonic() < deadline, "still signed in"
        await asyncio.sleep(0.1)


async def together(
    tabs: list[httpx.AsyncClient], fronts: list[str], database: asyncpg.Connection, who: Somebody
) -> list[httpx.Response]:
    """Send a request from each tab to its front; the issuer responds only after both requests have arrived."""
    async with database.transaction():
        await database.execute("SELECT FROM sign_ins WHERE person_id = $1 FOR UPDATE", who.id)
        asked = [
            asyncio.create_task(tab.get(f"{front}/referrals/v1/cases"))
            for tab, front in zip(tabs, fronts, strict=True)
        ]
        while await database.fetchval(WAITING) < len(asked):
            assert not any(each.done() for each in asked), "answered without the issuer"
            await asyncio.sleep(0.02)
    return await asyncio.gather(*asked)


async def test_two_tabs_at_two_fronts_renew_at_once_and_both_go_on(
    browser: httpx.Client,
    somebody: Somebody,
    sealing: Cookies,
    fronts: list[str],
    tabs: list[httpx.AsyncClient],
    database: asyncpg.Connection,
) -> None:
    # The loop exceeds the limit for lost responses, so these renewals cannot count as lost.
    for renewals in range(1, LOST_ANSWERS + 2):
        # The access token has expired, so only its successor can sign anybody in.
        old = aged(browser, sealing, access_token="over", expires=time.time() - 1)
        for tab in tabs:
            tab.cookies.update(browser.cookies)
        for answer in await together(tabs, fronts, database, somebody):
            assert answer.json()["claims"]["sub"] == somebody.id
            assert "set-cookie" in answer.headers, "each front says its own"
            browser.cookies.update(answer.cookies)
        sessions = [sealing.read(head_of(tab), PersonSession) for tab in tabs]
        assert all(sessions)
        successors = {each.refresh_token for each in sessions if each}
        assert len(successors) == 1
        assert old.refresh_token not in successors
        used = (
            "SELECT count(used_at) || ' of ' || count(*) FROM refresh_tokens WHERE person_id = $1"
        )
        assert await database.fetchval(used, somebody.id) == f"{renewals} of {renewals + 1}"
        for tab in tabs:
            for front in fronts:
                answer = await tab.get(f"{front}/referrals/v1/cases")
                assert answer.json()["claims"]["sub"] == somebody.id
        fronts.reverse()


@pytest.mark.slow
async def test_an_old_refresh_token_ends_the_session_at_every_front(
    browser: httpx.Client,
    somebody: Somebody,
    sealing: Cookies,
    fronts: list[str],
    tabs: list[httpx.AsyncClient],
    gateway: Gateway,
    database: asyncpg.Connection,
) -> None:
    """The cookie was copied before its renewal and is replayed after every earlier request must have arrived."""
    aged(browser, sealing, access_token="over", expires=time.time() - 1)
    copied = dict(browser.cookies)
    for tab in tabs:
        tab.cookies.update(copied)
    for answer in await together(tabs, fronts, database, somebody):
        browser.cookies.update(answer.cookies)
    for tab, front in zip(tabs, fronts, strict=True):
        assert (await tab.get(f"{front}/session")).status_code == 200
    aged(browser, sealing, access_token="over", expires=time.time() - 1)
    assert (await asyncio.to_thread(browser.get, f"{fronts[0]}/session")).status_code == 200
    half_a_minute = (
        "UPDATE refresh_tokens SET used_at = used_at - interval '31 s' WHERE person_id = $1"
    )
    await database.execute(half_a_minute, somebody.id)
    with another_front(gateway) as third, third.client() as thief:
        thief.cookies.update(copied)
        assert thief.get("/session").status_code == 401
    for tab, front in zip(tabs, fronts, strict=True):
        await until_gone(tab, front)
    ended = "SELECT bool_and(ended_at IS NOT NULL) FROM sign_ins WHERE person_id = $1"
    assert await database.fetchval(ended, somebody.id)
