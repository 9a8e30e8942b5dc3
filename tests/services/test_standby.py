"""Readings that a standby answers: the same answers, and never an older one than somebody was told of.

The standby is a real one. Where it lags on purpose, the tests ask it directly, too: it does show there what
nobody may be shown any longer.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
import sqlalchemy as sa
from common import positions as states
from common.database import Database
from common.positions import Position
from fastapi import APIRouter, FastAPI
from httpx import AsyncClient
from pydantic import SecretStr
from reporting.app import ROUTERS as REPORTS
from reporting.app import create_app as reporting_app
from reporting.settings import Settings as ReportingSettings
from services_directory.app import ROUTERS as DIRECTORY
from services_directory.app import create_app as directory_app
from services_directory.followers_service import declare_followers
from services_directory.settings import Settings as DirectorySettings
from stack.postgres import ServiceDatabase

from tests.services.directory.conftest import V1, as_, service_document
from tests.services.directory.pathways.scenario import load
from tests.support.databases import MigratedDatabases, common_settings, random_key
from tests.support.patience import PATIENCE
from tests.support.principals import bearer, keyed
from tests.support.standbys import (
    Pair,
    answered_by,
    client_of,
    following,
    questions,
    readings,
    settled,
    used_by,
)

pytestmark = pytest.mark.slow
REPORTING = "ruta-reporting"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with following(tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture(scope="module")
async def directory(pair: Pair) -> ServiceDatabase:
    declare_followers()
    made = await MigratedDatabases(pair.primary).of("services_directory", "directory")
    database = Database.at(made.app_url)
    async with database.transaction() as session:
        await load(session)
    await database.close()
    return made


@pytest.fixture(scope="module")
async def reporting(pair: Pair) -> ServiceDatabase:
    return await MigratedDatabases(pair.primary).of("reporting", "reporting")


@dataclass
class Replica:
    app: FastAPI
    client: AsyncClient

    async def sees(self, service: str, client: str = "anonymous") -> bool:
        answer = await self.client.get(f"{V1}/services/{service}", headers=as_(client))
        assert answer.status_code in {200, 404}, answer.text
        return answer.status_code == 200

    async def answered_there(self, path: str, headers: dict[str, str]) -> bool:
        """Whether the standby answers a GET, and the primary nothing of it but how far it is."""
        before = readings(self.app).get("standby", 0)
        assert (await self.client.get(path, headers=headers)).status_code == 200
        return readings(self.app).get("standby", 0) > before

    async def is_answered_there(self, path: str, headers: dict[str, str]) -> None:
        """Sooner or later: just after a change the primary may still do it."""
        async with asyncio.timeout(PATIENCE):
            while not await self.answered_there(path, headers):  # noqa: ASYNC110 - it asks
                await asyncio.sleep(0.05)


def _directory_app(
    pair: Pair, database: ServiceDatabase, jwks: Path, *, read_url: SecretStr | None
) -> FastAPI:
    given: dict[str, Any] = common_settings(database, jwks, "nats://127.0.0.1:1")
    return directory_app(DirectorySettings(**given, database_read_url=read_url))


@pytest.fixture
async def replicas(
    pair: Pair, directory: ServiceDatabase, internal_jwks: Path
) -> AsyncIterator[list[Replica]]:
    """Two of the directory that know nothing of each other; both read from the standby."""
    url = pair.read_url(directory)
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            app = _directory_app(pair, directory, internal_jwks, read_url=url)
            made.append(Replica(app, await stack.enter_async_context(client_of(app))))
            await settled(used_by(app), states.OK)
        yield made


async def _published(replica: Replica) -> str:
    answer = await replica.client.post(
        f"{V1}/records/services", json=service_document(), headers=as_("gbv-coordinator")
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _hidden(replica: Replica, service: str) -> None:
    """By somebody who read it just before, as an editor does."""
    path, editor = f"{V1}/records/services/{service}", as_("gbv-coordinator")
    etag = (await replica.client.get(path, headers=editor)).headers["etag"]
    answer = await replica.client.patch(
        path, json={"visibility": "partners"}, headers={**editor, "If-Match": etag}
    )
    assert answer.status_code == 200, answer.text


async def _shown_at(url: SecretStr, service: str) -> bool:
    """Whether that server, asked directly, has something for the public."""
    database = Database.at(url.get_secret_value())
    try:
        rows = await database.once(
            "SELECT 1 FROM service_documents_0 WHERE service_id = $1", service
        )
    finally:
        await database.close()
    return bool(rows)


async def test_what_was_hidden_is_shown_to_nobody_though_the_standby_still_shows_it(
    pair: Pair, directory: ServiceDatabase, replicas: list[Replica]
) -> None:
    writer, other = replicas
    service = await _published(writer)
    assert await other.sees(service)
    for replica in replicas:
        await settled(used_by(replica.app), states.OK)
    with pair.replay_paused():
        await _hidden(writer, service)
        assert await _shown_at(pair.read_url(directory), service), "or this would prove nothing"
        assert not await other.sees(service)
        assert not await writer.sees(service)
        listed = await other.client.get(f"{V1}/services?per_page=100", headers=as_("anonymous"))
        assert service not in [each["id"] for each in listed.json()["contents"]]
        assert await other.sees(service, "health-cluster"), "whoever may still see it does"
    for replica in replicas:
        await settled(used_by(replica.app), states.OK)
        assert not await replica.sees(service)
        await replica.is_answered_there(f"{V1}/services", as_("anonymous"))


async def test_whoever_wrote_sees_it_at_once_at_every_replica(replicas: list[Replica]) -> None:
    one, other = replicas
    for turn in range(8):
        service = await _published(one if turn % 2 else other)
        assert await other.sees(service)
        assert await one.sees(service)
        await _hidden(one, service)
        assert not await other.sees(service)
    assert readings(other.app)["standby"] > 0, "or the primary answered everything"


async def test_no_later_reading_is_older_though_answers_come_from_both(
    pair: Pair, replicas: list[Replica]
) -> None:
    """Whoever has seen a change sees it again, wherever the next answer comes from."""
    one, other = replicas
    service = await _published(one)
    for name in range(4):
        path, editor = f"{V1}/records/services/{service}", as_("gbv-coordinator")
        etag = (await one.client.get(path, headers=editor)).headers["etag"]
        changed = await one.client.patch(
            path, json={"name": f"Nombre {name}"}, headers={**editor, "If-Match": etag}
        )
        assert changed.status_code == 200, changed.text
        if name % 2:
            with pair.replay_paused():
                answers = [await _name(each, service) for each in (one, other, one)]
        else:
            answers = [await _name(each, service) for each in (one, other, one)]
        assert answers == [f"Nombre {name}"] * 3
        for each in replicas:
            await settled(used_by(each.app), states.OK)


async def _name(replica: Replica, service: str) -> str:
    answer = await replica.client.get(f"{V1}/services/{service}", headers=as_("anonymous"))
    return str(answer.json()["name"])


async def test_a_standby_that_died_is_replaced_by_the_primary_and_used_again_when_it_is_back(
    pair: Pair, replicas: list[Replica]
) -> None:
    replica = replicas[0]
    service = await _published(replica)
    await replica.is_answered_there(f"{V1}/services", as_("anonymous"))
    try:
        pair.standby.stop(immediate=True)
        answers = await asyncio.gather(
            *(replica.client.get(f"{V1}/services", headers=as_("anonymous")) for _ in range(8))
        )
        assert {each.status_code for each in answers} == {200}
        assert await replica.sees(service)
        await settled(used_by(replica.app), states.AWAY)
        assert not await replica.answered_there(f"{V1}/services", as_("anonymous"))
        ready = (await replica.client.get("/readyz")).json()
        assert (ready["status"], ready["parts"]["standby"]) == ("degraded", states.AWAY)
        assert "RutaStandbyUnused" in ready["parts"]["remedy"]
    finally:
        pair.standby.start()
    await settled(used_by(replica.app), states.OK)
    await replica.is_answered_there(f"{V1}/services", as_("anonymous"))
    assert (await replica.client.get("/readyz")).json()["parts"]["standby"] == states.OK


async def test_a_reading_that_is_recorded_is_answered_by_the_standby_and_recorded_at_the_primary(
    pair: Pair, directory: ServiceDatabase, replicas: list[Replica]
) -> None:
    """Its row is committed before the answer leaves, as without a standby."""
    replica = replicas[0]
    shelter = service_document(
        visibility="restricted", categories=["GBV-SHELTER"], phones=[], service_areas=[],
        service_at_locations=[],
    )  # fmt: skip
    made = await replica.client.post(
        f"{V1}/records/services", json=shelter, headers=as_("gbv-coordinator")
    )
    assert made.status_code == 201, made.text
    own = made.json()["id"]
    await replica.is_answered_there(f"{V1}/services/{own}", as_("gbv-coordinator"))
    count = f"SELECT count(*) FROM restricted_reads WHERE service_id = '{own}'"
    before = int(pair.primary.psql(count, database="directory"))
    assert before > 0
    answer = await replica.client.get(f"{V1}/services/{own}", headers=as_("gbv-coordinator"))
    assert answer.status_code == 200
    assert int(pair.primary.psql(count, database="directory")) == before + 1


async def test_an_address_that_leads_to_a_primary_is_not_read_from(
    pair: Pair, directory: ServiceDatabase, internal_jwks: Path
) -> None:
    """What was promoted, or never followed, cannot say whether it is still the one that counts."""
    url = SecretStr(directory.app_url)
    app = _directory_app(pair, directory, internal_jwks, read_url=url)
    async with client_of(app) as client:
        await settled(used_by(app), states.NO_STANDBY)
        assert not await Replica(app, client).answered_there(f"{V1}/services", as_("anonymous"))


async def test_before_it_was_looked_at_nothing_is_read_from_it(
    pair: Pair, directory: ServiceDatabase, internal_jwks: Path
) -> None:
    app = _directory_app(pair, directory, internal_jwks, read_url=pair.read_url(directory))
    async with client_of(app, watched=False) as client:
        assert not await Replica(app, client).answered_there(f"{V1}/services", as_("anonymous"))
        assert used_by(app).state == states.UNKNOWN


async def test_what_replay_stands_in_the_way_of_is_done_again_at_the_primary(
    pair: Pair, replicas: list[Replica]
) -> None:
    """A standby cancels a reading that holds up what its primary did long ago."""
    used = used_by(replicas[0].app)
    pair.primary.psql("CREATE TABLE short_lived (n integer)", database="directory")
    pair.primary.psql("GRANT SELECT ON short_lived TO PUBLIC", database="directory")
    pair.standby.psql("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    pair.standby.psql("SELECT pg_reload_conf()")
    await settled(used, states.OK)

    async def there(wanted: Position) -> str:
        async with used.transaction(None, wanted) as session:
            await session.execute(sa.text("SELECT * FROM short_lived"))
            pair.primary.psql("DROP TABLE short_lived", database="directory")
            async with asyncio.timeout(PATIENCE):
                while True:  # until replay has lost its patience
                    await session.execute(sa.text("SELECT 1"))
                    await asyncio.sleep(0.02)

    async def here() -> str:
        return "the primary"

    try:
        assert await used.reading().either(there, here) == "the primary"
    finally:
        pair.standby.psql("ALTER SYSTEM RESET max_standby_streaming_delay")
        pair.standby.psql("SELECT pg_reload_conf()")
    await settled(used, states.OK)


async def test_a_reading_that_writes_after_all_is_done_at_the_primary(
    replicas: list[Replica],
) -> None:
    app = replicas[0].app
    used = used_by(app)
    await settled(used, states.OK)

    async def there(wanted: Position) -> str:
        async with used.transaction(None, wanted) as session:
            await session.execute(sa.text("DELETE FROM outbox"))
        return "the standby"

    async def here() -> str:
        return "the primary"

    assert await used.reading().either(there, here) == "the primary"
    assert readings(app)["refused"] == 1
    assert used.is_used, "the next one may well be answered"


async def test_once_the_primary_has_answered_it_answers_the_rest_of_the_request(
    replicas: list[Replica],
) -> None:
    used = used_by(replicas[0].app)
    await settled(used, states.OK)
    reading = used.reading()

    async def refused(_wanted: Position) -> str:
        async with used.transaction(None, _wanted) as session:
            await session.execute(sa.text("DELETE FROM outbox"))
        return "the standby"

    async def answered(_wanted: Position) -> str:
        return "the standby"

    async def here() -> str:
        return "the primary"

    assert await reading.either(answered, here) == "the standby"
    assert await reading.either(refused, here) == "the primary"
    assert await reading.either(answered, here) == "the primary"


def _as(client: str) -> dict[str, str]:
    return bearer(client, audience=REPORTING)


@pytest.fixture
async def reports(
    pair: Pair, reporting: ServiceDatabase, internal_jwks: Path
) -> AsyncIterator[Replica]:
    given: dict[str, Any] = common_settings(reporting, internal_jwks, "nats://127.0.0.1:1")
    keys: dict[str, Any] = {
        name: SecretStr(random_key()) for name in ("rounding_key", "pseudonym_key")
    }
    app = reporting_app(
        ReportingSettings(**given, **keys, database_read_url=pair.read_url(reporting))
    )
    async with client_of(app) as client:
        await settled(used_by(app), states.OK)
        yield Replica(app, client)


async def test_reports_are_read_from_the_standby_and_exact_numbers_at_the_primary(
    pair: Pair, reports: Replica
) -> None:
    await reports.is_answered_there("/reports/v1/releases", _as("im-officer"))
    assert not await reports.answered_there("/reports/v1/indicators", _as("gbv-coordinator"))
    await reports.is_answered_there("/reports/v1/bulletins", _as("im-officer"))


async def test_a_report_written_a_moment_ago_is_read_though_the_standby_lacks_it(
    pair: Pair, reports: Replica
) -> None:
    series = {
        "code": "ipc-phase-3", "title": {"es": "Fase 3", "en": "Phase 3"},
        "unit": {"es": "personas", "en": "people"}, "source": "IPC",
        "url": "https://www.ipcinfo.org/", "licence": "CC BY 4.0", "retrieved_on": "2026-11-01",
        "method": "x", "points": [{"day": "2026-10-01", "area": None, "value": 1}],
    }  # fmt: skip
    with pair.replay_paused():
        made = await reports.client.post(
            "/reports/v1/context/series", json=series, headers=keyed(_as("im-officer"))
        )
        assert made.status_code == 201, made.text
        listed = await reports.client.get("/reports/v1/context/series", headers=_as("im-officer"))
        assert [each["code"] for each in listed.json()] == ["ipc-phase-3"]
    assert readings(reports.app)["behind"] > 0
    await settled(used_by(reports.app), states.OK)


_KNOWN = {
    "area": "VE2313",
    "aor": "GBV",
    "language": "es",
    "name": "service",
    "period": "2026-11a",
    "programme": "referrals",
    "programme_id": "referrals",
    "from": "2026-10-01",
    "to": "2026-11-30",
    "code": "awareness-sessions",
    "text": "salud",
    "number": "1",
}
_BY_PERIOD = {"from": "2026-10a", "to": "2026-11b"}


def _address(route: Any, ids: dict[str, str]) -> str:
    """Of something that is there, as far as the scenario has it."""
    path = re.sub(
        r"{(\w+)}", lambda m: ids.get(m[1]) or _KNOWN.get(m[1], str(UUID(int=7))), route.path
    )
    needed = [each.alias for each in route.dependant.query_params if each.field_info.is_required()]
    known = {**_KNOWN, **(_BY_PERIOD if "/programmes/" in path else {})}
    return f"{path}?{urlencode({name: known.get(name, '') for name in needed})}".rstrip("?")


async def _answers_alike(
    routers: Sequence[APIRouter],
    plain: AsyncClient,
    read: Replica,
    audience: str,
    ids: dict[str, str],
) -> Counter[int]:
    """Every route that a standby may answer, asked by both roads; how often which status."""
    statuses: Counter[int] = Counter()
    for route in questions(routers):
        if answered_by(route) == "primary" or "GET" not in route.methods:
            continue
        address = _address(route, ids)
        for client in ("anonymous", "im-officer"):
            headers = bearer(client, audience=audience)
            expected = await plain.get(address, headers=headers)
            answer = await read.client.get(address, headers=headers)
            assert answer.status_code == expected.status_code, address
            if not answer.headers["content-type"].startswith("application/pdf"):
                assert answer.content == expected.content, address
            statuses[answer.status_code] += 1
    return statuses


async def test_every_route_of_the_directory_answers_alike_from_the_standby(
    pair: Pair, directory: ServiceDatabase, replicas: list[Replica], internal_jwks: Path
) -> None:
    shown = replicas[0]
    first = (await shown.client.get(f"{V1}/services", headers=as_("im-officer"))).json()
    listed = first["contents"][0]
    sites = (await shown.client.get(f"{V1}/service_at_locations", headers=as_("im-officer"))).json()
    ids = {
        "service_id": listed["id"],
        "organization_id": listed["organization"]["id"],
        "service_at_location_id": sites["contents"][0]["id"],
    }
    app = _directory_app(pair, directory, internal_jwks, read_url=None)
    async with client_of(app) as plain:
        statuses = await _answers_alike(DIRECTORY, plain, shown, "ruta-directory", ids)
    assert statuses[200] > 40, statuses
    assert not statuses[500]
    assert "refused" not in readings(shown.app), "a route that writes is marked as reading"


async def test_every_route_of_reporting_answers_alike_from_the_standby(
    pair: Pair, reporting: ServiceDatabase, reports: Replica, internal_jwks: Path
) -> None:
    app = reporting_app(
        reports.app.state.context.settings.model_copy(update={"database_read_url": None})
    )
    async with client_of(app) as plain:
        statuses = await _answers_alike(REPORTS, plain, reports, REPORTING, {})
    assert statuses[200] > 15, statuses
    assert not statuses[500]
    assert "refused" not in readings(reports.app), "a route that writes is marked as reading"
