"""Runs the test functions of tests/services/referrals through the gateway of a running stack.

It uses access tokens of demo clients, and services that the directory announces through its own events. To let time
pass, it moves the whole stack's clock.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from stack.embedded.postgres import SUPERUSER
from stack.operate.service_commands import attached_postgres

from tests.services.directory.conftest import service_document
from tests.services.referrals.story import SALUD, Story
from tests.support.patience import PATIENCE
from tests.support.principals import CLIENTS, claims_of, keyed, organisation
from tests.support.system import System

V1 = "/referrals/v1"
_SHARED: dict[str, str] = {}


class GatewayStory(Story):
    def __init__(self, system: System, http: httpx.AsyncClient) -> None:
        self._system = system
        self.client = http
        self._others: dict[str, str] = {}
        self._engines: dict[str, AsyncEngine] = {}

    async def call(
        self,
        who: str,
        method: str,
        path: str,
        json: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **claims: Any,
    ) -> httpx.Response:
        bearer = {} if who == "anonymous" else self._bearer(who, claims)
        headers = {**(headers or {}), **bearer}
        if method != "GET":
            headers = keyed(headers, key)
        return await self.client.request(method, f"{V1}{path}", json=json, headers=headers)

    def _bearer(self, who: str, claims: dict[str, Any]) -> dict[str, str]:
        token = self._others_token(who, claims) if claims else self._system.running.token(who)
        return {"Authorization": f"Bearer {token}"}

    def _others_token(self, who: str, claims: dict[str, Any]) -> str:
        """Return the token of a client like `who` with other roles or another name, which the issuer creates only
        once."""
        known = f"{who} {sorted(claims.items())}"
        if known not in self._others:
            wanted = claims_of(who, **claims)
            made = self._identity(
                "/clients",
                {
                    "id": claims.get("client_id") or f"{who}-{new_id()}",
                    "organisation_id": wanted["org"],
                    "name": "of a scenario",
                    "roles": wanted["roles"],
                    "scopes": str(wanted["scope"]).split(),
                    "aors": wanted["aors"],
                    "areas": [],
                },
            )
            granted = self._system.running.http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(made["id"], made["secret"]),
            )
            self._others[known] = granted.json()["access_token"]
        return self._others[known]

    def _identity(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._system.running.request(
            "im-officer", "POST", f"/identity/v1{path}", json=body
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def service(
        self,
        owner: UUID = SALUD,
        categories: tuple[str, ...] = ("HLT",),
        areas: tuple[str, ...] = ("VE23",),
        **_ignored: Any,
    ) -> str:
        """Enter a service as a coordinator, and return once referrals has received it."""
        document = service_document(
            categories=list(categories),
            organization={"id": str(owner), "name": "De escena", "description": "De escena"},
            service_areas=[{"name": a, "extent": a, "extent_type": "pcode"} for a in areas],
        )
        if "VE23" not in areas:
            # The document's site is in Zulia, out of reach for people in other states.
            del document["service_at_locations"]
        answer = await self.client.post(
            "/directory/v1/records/services", json=document, headers=self.coordinator()
        )
        assert answer.status_code == 201, answer.text
        service_id: str = answer.json()["id"]

        async def known() -> bool:
            found = "SELECT 1 FROM directory_services WHERE service_id = :id AND referable"
            return bool(await self.rows(found, id=service_id))

        await self.eventually(known)
        return service_id

    async def any_service(self) -> str:
        """Return one service for all stories of a stack, because referrals needs a while to receive a new entry."""
        stack = self._system.state.url
        if stack not in _SHARED:
            _SHARED[stack] = await self.service()
        return _SHARED[stack]

    def keyed_as(self, client: str) -> dict[str, str]:
        return keyed(self._bearer(client, {}))

    def coordinator(self) -> dict[str, str]:
        return self.keyed_as("gbv-coordinator")

    async def suspended(self, service_id: str, owner: UUID = SALUD) -> None:
        who = next(name for name, (n, _, _) in CLIENTS.items() if organisation(n) == owner)
        answer = await self.client.put(
            f"/directory/v1/services/{service_id}/capacity",
            json={"functional_status": {"code": "suspended"}},
            headers=keyed(self._bearer(who, {})),
        )
        assert answer.status_code == 200, answer.text
        if _SHARED.get(self._system.state.url) == service_id:
            del _SHARED[self._system.state.url]

    async def told(self, event: Any) -> None:
        raise NotImplementedError("the directory tells by itself")

    async def eventually(self, holds: Callable[[], Awaitable[bool]]) -> None:
        until = time.monotonic() + PATIENCE
        while not await holds():
            assert time.monotonic() < until, "it did not arrive"
            await asyncio.sleep(0.02)

    async def form(self, path: str, fields: dict[str, str]) -> httpx.Response:
        return await self.client.post(f"{V1}{path}", data=fields)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        return await self.rows_of("referrals", statement, **values)

    async def rows_of(self, database: str, statement: str, **values: Any) -> list[Any]:
        """Return rows of a service's database as an operator sees them."""
        if database not in self._engines:
            server = attached_postgres(self._system.layout, self._system.state)
            url = server.url(database, SUPERUSER, server.password(SUPERUSER))
            self._engines[database] = create_async_engine(url, pool_size=1, pool_pre_ping=True)
        async with self._engines[database].connect() as connection:
            return list((await connection.execute(sa.text(statement), values)).all())

    async def changed(self, statement: str, **values: Any) -> None:
        """Change data that no caller can change, for example the day of a referral."""
        await self.rows("SELECT 1")  # opens it
        async with self._engines["referrals"].begin() as connection:
            await connection.execute(sa.text(statement), values)

    async def close(self) -> None:
        for engine in self._engines.values():
            await engine.dispose()


@asynccontextmanager
async def told_through_gateway(system: System) -> AsyncIterator[GatewayStory]:
    async with httpx.AsyncClient(base_url=system.state.url, timeout=30, trust_env=False) as http:
        story = GatewayStory(system, http)
        yield story
        await story.close()
