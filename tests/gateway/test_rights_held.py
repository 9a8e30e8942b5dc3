"""An issuer whose database went back in time, for example after the promotion of a lagging standby. Ended rights, a
stolen password and its sign-ins do not come back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common import chained
from common.chained import BrokenList
from common.db.session import Database
from common.process.telemetry import Metrics
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from gateway.issuer.app import create_app
from gateway.issuer.registry import REMEDY, Registry
from gateway.issuer.settings import IssuerSettings
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection
from stack.embedded.postgres import ServiceDatabase
from structlog.testing import capture_logs

from tests.gateway.conftest import ISSUER, secret_of
from tests.gateway.test_client_keys import P384, ask, assertion, public
from tests.gateway.test_identity import NEW_CLIENT, token_of
from tests.support.apps import with_built_routes
from tests.support.databases import undone
from tests.support.principals import bearer


@pytest.fixture
async def connection(issuer_database: ServiceDatabase) -> AsyncIterator[AsyncConnection]:
    async with undone(issuer_database) as opened:
        yield opened


class Issuer:
    """An issuer with its own rights list."""

    def __init__(self, settings: IssuerSettings, connection: AsyncConnection, file: Path) -> None:
        self.file = file
        self.settings = settings.model_copy(update={"rights_file": file})
        self.database = Database.bound_to(connection)
        self.app: FastAPI = with_built_routes(create_app(self.settings, database=self.database))
        self.metrics = Metrics()
        self.holding = Registry(self.settings, self.database, self.metrics)

    @asynccontextmanager
    async def asked_by(self, client: str) -> AsyncIterator[AsyncClient]:
        headers = bearer(client, audience="ruta-issuer") | {"Ruta-Source": "here"}
        transport = ASGITransport(self.app)
        async with AsyncClient(transport=transport, base_url=ISSUER, headers=headers) as opened:
            yield opened

    async def admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        async with self.asked_by("im-officer") as http:
            path = f"/identity/v1{path}"
            headers = {}
            if method == "PATCH":
                headers = {"If-Match": (await http.get(path)).headers["etag"]}
            answer = await http.request(method, path, json=body, headers=headers)
            assert answer.status_code < 300, answer.text
            return answer.json() if answer.content else None

    async def token(self, client: str, secret: str) -> int:
        async with self.asked_by("anonymous") as http:
            return await token_of(http, client, secret)

    async def person(self) -> str:
        body = {"sign_in_name": "m.rivas", "roles": ["caseworker"], "scopes": ["directory:read"]}
        found = await self.one("SELECT organisation_id FROM clients WHERE id = 'ngo-salud'")
        made = await self.admin("POST", "/people", {**body, "organisation_id": str(found)})
        await self.admin("POST", f"/people/{made['id']}/credentials")
        return str(made["id"])

    async def one(self, statement: str, **values: Any) -> Any:
        async with self.database.transaction() as session:
            return await session.scalar(sa.text(statement), values)

    async def told(self) -> None:
        while await self.holding.look():
            pass

    def done_again(self) -> float:
        return self.metrics.registry.get_sample_value("ruta_record_went_back") or 0


@pytest.fixture
def running(issuer_settings: IssuerSettings, connection: AsyncConnection, tmp_path: Path) -> Issuer:
    return Issuer(issuer_settings, connection, tmp_path / "rights.jsonl")


async def test_who_was_suspended_and_which_secret_was_renewed_stays_so(
    running: Issuer, connection: AsyncConnection
) -> None:
    await running.told()
    followed = await connection.begin_nested()
    organisation_of = "SELECT organisation_id FROM clients WHERE id = :id"
    suspended = str(await running.one(organisation_of, id="ngo-salud"))
    await running.admin("PATCH", f"/organisations/{suspended}", {"active": False})
    await running.admin("PATCH", "/clients/ngo-legal", {"active": False})
    renewed = (await running.admin("POST", "/clients/ngo-refugio/secret"))["secret"]
    await running.told()
    assert running.done_again() == 0, "a record that is whole is not touched"
    assert await running.token("ngo-refugio", renewed) == 200
    await followed.rollback()
    assert [await running.token(each, secret_of(each)) for each in CHANGED] == [200] * 3
    with capture_logs() as said:
        await running.holding.look()
    assert [await running.token(each, secret_of(each)) for each in CHANGED] == [401] * 3
    (told,) = [each for each in said if each["event"] == "record_went_back"]
    assert told["remedy"] == REMEDY
    assert (told["changes"], told["held"]) == (3, 3)
    assert running.done_again() == 3
    await running.told()
    assert running.done_again() == 3, "once"


CHANGED = ("ngo-salud", "ngo-legal", "ngo-refugio")


async def test_rights_are_the_last_ones_and_the_record_says_again_who_changed_them(
    running: Issuer, connection: AsyncConnection
) -> None:
    await running.admin("POST", "/clients", NEW_CLIENT)
    await running.told()
    followed = await connection.begin_nested()
    narrower = {"scopes": ["directory:read"], "aors": ["CP"], "areas": ["VE23"]}
    await running.admin("PATCH", "/clients/ngo-puente", narrower)
    await running.told()
    before = await running.admin("GET", "/changes")
    await followed.rollback()
    await running.told()
    client = await running.admin("GET", "/clients/ngo-puente")
    assert {name: client[name] for name in narrower} == narrower
    after = await running.admin("GET", "/changes")
    assert before["items"][0] in after["items"]
    assert after["items"][0]["what"] == "held to the list"


async def test_a_credential_that_was_changed_since_opens_nothing(
    running: Issuer, connection: AsyncConnection
) -> None:
    person = await running.person()
    await running.told()
    kept = "SELECT (password_hash IS NOT NULL, second_factor IS NOT NULL)::text FROM people WHERE id = :id"
    followed = await connection.begin_nested()
    await running.admin("POST", f"/people/{person}/credentials")
    await running.told()
    assert await running.one(kept, id=person) == "(t,t)"
    await followed.rollback()
    assert await running.one(kept, id=person) == "(t,t)"
    await running.told()
    assert await running.one(kept, id=person) == "(f,f)"


async def test_an_invitation_that_was_revoked_since_opens_nothing(
    running: Issuer, connection: AsyncConnection
) -> None:
    person = await running.person()
    await running.admin("POST", f"/people/{person}/invitation", {"days": 7})
    await running.told()
    kept = "SELECT invitation_digest IS NOT NULL FROM people WHERE id = :id"
    followed = await connection.begin_nested()
    await running.admin("POST", f"/people/{person}/invitation/revocation")
    await running.told()
    await followed.rollback()
    assert await running.one(kept, id=person)
    await running.told()
    assert not await running.one(kept, id=person)


async def test_whatever_was_signed_in_is_over(running: Issuer, connection: AsyncConnection) -> None:
    signed_in = (
        "INSERT INTO sign_ins (id, client_id, person_id, signed_in_at)"
        " VALUES (gen_random_uuid(), 'ruta-console', :person, now()) RETURNING id"
    )
    sign_in = await running.one(signed_in, person=await running.person())
    await running.told()
    followed = await connection.begin_nested()
    await running.admin("POST", "/clients/ngo-legal/revocation")
    await running.told()
    await followed.rollback()
    await running.told()
    assert await running.one("SELECT ended_at FROM sign_ins WHERE id = :id", id=sign_in)
    async with running.asked_by("anonymous"):
        void = "SELECT count(*) FROM revocations WHERE (kind, target) IN (('sign_in', :id), ('client', 'ngo-legal'))"
    assert await running.one(void, id=str(sign_in)) == 2


async def test_who_is_suspended_in_the_moment_before_the_look_stays_so(
    running: Issuer, connection: AsyncConnection
) -> None:
    await running.told()
    followed = await connection.begin_nested()
    await running.admin("PATCH", "/clients/ngo-legal", {"name": "Another"})
    await running.told()
    await followed.rollback()
    await running.admin("PATCH", "/clients/ngo-legal", {"active": False})
    await running.told()
    assert await running.token("ngo-legal", secret_of("ngo-legal")) == 401


async def test_a_list_that_was_edited_is_not_believed_and_one_that_is_gone_begins_anew(
    running: Issuer, connection: AsyncConnection
) -> None:
    followed = await connection.begin_nested()
    await running.admin("PATCH", "/clients/ngo-legal", {"active": False})
    await running.told()
    await followed.rollback()
    whole = running.file.read_text()
    running.file.write_text(whole.replace('"active":false', '"active":true'))
    with pytest.raises(BrokenList):
        await running.holding.look()
    running.file.unlink()
    await running.admin("PATCH", "/clients/ngo-legal", {"name": "Another"})
    await running.told()
    assert chained.latest(running.file)[-1]["what"] == "changed name"


async def test_the_list_names_nobody_and_holds_no_secret(running: Issuer) -> None:
    renewed = (await running.admin("POST", "/clients/ngo-legal/secret"))["secret"]
    stored = await running.one("SELECT secret_hash FROM clients WHERE id = 'ngo-legal'")
    await running.told()
    text = running.file.read_text()
    assert "ngo-legal" in text
    for hidden in (renewed, stored, "Organisation of"):
        assert hidden not in text


async def test_a_key_that_was_replaced_since_signs_nothing(
    running: Issuer, connection: AsyncConnection
) -> None:
    """The secret that the client had before its keys does not work again either."""
    old, new = P384, ec.generate_private_key(ec.SECP384R1())
    keys = {"jwks": {"keys": [public(old, "ES384")]}}
    await running.admin("POST", "/clients", {**NEW_CLIENT, **keys})
    await running.told()
    replaced = await connection.begin_nested()
    keys = {"jwks": {"keys": [public(new, "ES384")]}}
    await running.admin("PATCH", "/clients/ngo-puente", keys)
    await running.told()
    await replaced.rollback()

    async def status(key: Any) -> int:
        async with running.asked_by("anonymous") as http:
            return (await ask(http, assertion(key))).status_code

    assert await status(old) == 200
    await running.holding.look()
    assert [await status(key) for key in (old, new)] == [401, 401]
