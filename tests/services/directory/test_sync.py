"""Copies of the directory: a snapshot first, then only changes. The tests use real commits, because positions are
transactions."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from directory.app import create_app
from directory.find.sync.feeds import GONE
from directory.settings import Settings
from httpx import ASGITransport, AsyncClient
from stack.embedded.postgres import PostgresServer, ServiceDatabase
from stack.operate.backup import contents

from tests.services.directory.conftest import V1, as_, service_document
from tests.support.databases import MigratedDatabases, common_settings


@pytest.fixture(scope="module")
async def committed(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("directory", "directory_sync")


@pytest.fixture
async def live(
    committed: ServiceDatabase, postgres: PostgresServer, internal_jwks: Path
) -> AsyncIterator[AsyncClient]:
    """Start the app as in production, with real commits."""
    postgres.psql(
        "TRUNCATE services, organizations, locations, service_documents, site_documents,"
        " organization_documents, service_changes, service_translations CASCADE",
        database="directory_sync",
    )
    async with _serving(committed, internal_jwks) as client:
        yield client


@asynccontextmanager
async def _serving(database: ServiceDatabase, jwks: Path) -> AsyncIterator[AsyncClient]:
    given: dict[str, Any] = common_settings(database, jwks, "nats://127.0.0.1:1")
    app = create_app(Settings(**given))
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://directory"
    ) as client:
        yield client
    await app.state.context.database.close()


async def _enter(api: AsyncClient, **changes: Any) -> str:
    answer = await api.post(
        f"{V1}/records/services",
        json=service_document(**changes),
        headers=as_("gbv-coordinator"),
    )
    assert answer.json()["state"] == "approved", answer.text
    return str(answer.json()["id"])


async def _snapshot(api: AsyncClient, client: str) -> tuple[dict[str, Any], str]:
    answer = await api.get(f"{V1}/sync/snapshot", headers=as_(client))
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[-1]["end"] is True
    assert lines[-1]["services"] == len(lines) - 2
    return {line["id"]: line for line in lines[1:-1]}, lines[0]["cursor"]


async def _follow(
    api: AsyncClient, client: str, copy: dict[str, Any], cursor: str, limit: int = 1000
) -> tuple[int, str]:
    """Update the copy; return the number of items."""
    count = 0
    while True:
        answer = await api.get(
            f"{V1}/sync/changes", params={"cursor": cursor, "limit": limit}, headers=as_(client)
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        for item in body["items"]:
            count += 1
            if item["op"] == "delete":
                copy.pop(item["id"], None)
            else:
                copy[item["id"]] = item["document"]
        cursor = body["next_cursor"]
        if not body["more"]:
            return count, cursor


async def test_a_copy_follows_every_change_by_the_feed_alone(live: AsyncClient) -> None:
    own = [await _enter(live, name=f"Servicio {number}") for number in range(7)]
    copy, cursor = await _snapshot(live, "anonymous")
    assert set(copy) == set(own)
    assert (await _follow(live, "anonymous", copy, cursor))[0] == 0

    await live.put(
        f"{V1}/services/{own[0]}/capacity", json={"state": "full"}, headers=as_("ngo-salud")
    )
    await live.post(f"{V1}/records/services/{own[1]}/withdraw", headers=as_("ngo-salud"))
    own.append(await _enter(live, name="Nuevo"))
    count, cursor = await _follow(live, "anonymous", copy, cursor, limit=1)
    assert count == 3
    fresh, _ = await _snapshot(live, "anonymous")
    assert copy == fresh
    assert own[1] not in copy
    assert (await _follow(live, "anonymous", copy, cursor))[0] == 0


async def test_feed_readers_see_the_last_changes_that_they_may_see(live: AsyncClient) -> None:
    own = [await _enter(live, name=name) for name in ("Uno", "Dos & <tres>")]
    shelter = await _enter(live, **confidential())
    await live.post(f"{V1}/records/services/{own[0]}/withdraw", headers=as_("ngo-salud"))
    for who in ("anonymous", "health-cluster"):
        feed = (await live.get(f"{V1}/sync/feed.json", headers=as_(who))).json()
        found = [(item["id"], item["title"]) for item in feed["items"]]
        assert [each for each, _ in found] == [f"urn:uuid:{id_}" for id_ in own]
        assert [title for _, title in found] == [GONE, "Dos & <tres>"]
        answer = await live.get(f"{V1}/sync/feed.atom", headers=as_(who))
        assert answer.headers["content-type"].startswith("application/atom+xml")
        atom = ET.fromstring(answer.content)  # noqa: S314 - our own
        names = {"a": "http://www.w3.org/2005/Atom"}
        read = [
            (entry.findtext("a:id", "", names), entry.findtext("a:title", "", names))
            for entry in atom.findall("a:entry", names)
        ]
        assert read == found
        assert atom.findtext("a:updated", "", names) == feed["items"][0]["date_modified"]
        assert shelter not in answer.text
        same = {**as_(who), "If-None-Match": answer.headers["etag"]}
        assert (await live.get(f"{V1}/sync/feed.atom", headers=same)).status_code == 304
    partner = (await live.get(f"{V1}/sync/feed.json", headers=as_("gbv-coordinator"))).json()
    assert f"urn:uuid:{shelter}" in {item["id"] for item in partner["items"]}


async def test_a_change_of_what_is_hidden_does_not_show_in_the_feed(live: AsyncClient) -> None:
    own = await _enter(live)
    copies = {who: await _snapshot(live, who) for who in ("anonymous", "health-cluster")}
    record = f"{V1}/records/services/{own}"
    etag = (await live.get(record, headers=as_("gbv-coordinator"))).headers["etag"]
    phones = [
        {"number": "+58 261 555 0101"},
        {"number": "+58 414 999 0000", "visibility": "pathway"},
    ]
    answer = await live.patch(
        record, json={"phones": phones}, headers={**as_("gbv-coordinator"), "If-Match": etag}
    )
    assert answer.status_code == 200
    shelter = await _enter(live, **confidential())
    for who, (copy, cursor) in copies.items():
        assert (await _follow(live, who, copy, cursor))[0] == 0, who
        assert shelter not in copy
    members, _ = await _snapshot(live, "ngo-refugio")
    assert members[own]["phones"][1]["number"] == "+58 414 999 0000"


async def test_hiding_a_service_is_a_tombstone_for_those_who_saw_it(live: AsyncClient) -> None:
    own = await _enter(live)
    copy, cursor = await _snapshot(live, "anonymous")
    record = f"{V1}/records/services/{own}"
    etag = (await live.get(record, headers=as_("gbv-coordinator"))).headers["etag"]
    answer = await live.patch(
        record,
        json={"visibility": "partners"},
        headers={**as_("gbv-coordinator"), "If-Match": etag},
    )
    assert answer.status_code == 200, answer.text
    assert (await _follow(live, "anonymous", copy, cursor))[0] == 1
    assert copy == {}
    partner, _ = await _snapshot(live, "health-cluster")
    assert list(partner) == [own]


async def test_a_member_whose_area_the_service_leaves_gets_what_others_see(
    live: AsyncClient,
) -> None:
    phones = [{"number": "+58 414 999 0000", "visibility": "pathway"}]
    own = await _enter(live, phones=phones)
    who = {"areas": ["VE23"]}
    answer = await live.get(f"{V1}/sync/snapshot", headers=as_("ngo-refugio", **who))
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[1]["phones"]
    record = f"{V1}/records/services/{own}"
    etag = (await live.get(record, headers=as_("gbv-coordinator"))).headers["etag"]
    area = [{"name": "San Cristóbal", "extent": "VE20", "extent_type": "pcode"}]
    moved = await live.patch(
        record,
        json={"service_areas": area, "service_at_locations": None},
        headers={**as_("gbv-coordinator"), "If-Match": etag},
    )
    assert moved.status_code == 200, moved.text
    changes = await live.get(
        f"{V1}/sync/changes",
        params={"cursor": lines[0]["cursor"]},
        headers=as_("ngo-refugio", **who),
    )
    assert [item["op"] for item in changes.json()["items"]] == ["upsert"]
    assert "phones" not in changes.json()["items"][0]["document"]


async def test_a_cursor_of_another_audience_asks_for_a_new_snapshot(live: AsyncClient) -> None:
    _, cursor = await _snapshot(live, "anonymous")
    answer = await live.get(
        f"{V1}/sync/changes", params={"cursor": cursor}, headers=as_("health-cluster")
    )
    assert answer.status_code == 410
    assert answer.json()["code"] == "resync_needed"
    for wrong in ("x", "WyJhIl0", ""):
        answer = await live.get(
            f"{V1}/sync/changes", params={"cursor": wrong}, headers=as_("anonymous")
        )
        assert answer.status_code == 400, wrong


async def test_a_copy_of_before_a_restore_asks_for_a_new_snapshot(
    live: AsyncClient, postgres: PostgresServer, internal_jwks: Path, tmp_path: Path
) -> None:
    """A copy from before a restore needs a new snapshot. The restored server continues from another position, and the
    copy contains entries that the server has never had."""
    contents.dump(postgres, ("directory_sync",), tmp_path)
    house = await _enter(live)
    copy, cursor = await _snapshot(live, "anonymous")
    assert house in copy
    restored = PostgresServer(tmp_path / "restored", durable=False)
    restored.start()
    try:
        contents.load(restored, ("directory_sync",), tmp_path)
        async with _serving(restored.create_service_database("directory_sync"), internal_jwks) as (
            app
        ):
            answer = await app.get(
                f"{V1}/sync/changes", params={"cursor": cursor}, headers=as_("anonymous")
            )
            assert answer.status_code == 410, answer.text
            assert answer.json()["code"] == "resync_needed"
            copy, cursor = await _snapshot(app, "anonymous")
            assert house not in copy
            assert (await _follow(app, "anonymous", copy, cursor))[0] == 0
    finally:
        restored.stop(immediate=True)


async def test_what_did_not_change_is_not_sent_again(live: AsyncClient) -> None:
    own = await _enter(live)
    for path in (f"/services/{own}", "/services", "/organizations", "/taxonomies"):
        first = await live.get(f"{V1}{path}", headers=as_("anonymous"))
        again = await live.get(
            f"{V1}{path}", headers={**as_("anonymous"), "If-None-Match": first.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b""), path


def confidential() -> dict[str, Any]:
    """Make the service a shelter: restricted, with only its state."""
    return {
        "name": "Casa de abrigo Zzyzx",
        "visibility": "restricted",
        "categories": ["GBV-SHELTER"],
        "service_at_locations": [{"location": {"location_type": "physical", "pcode": "VE23"}}],
        "service_areas": [{"name": "Zulia", "extent": "VE23", "extent_type": "pcode"}],
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("services/not-a-uuid", 422),
        ("services/%00", 400),
        ("services/0190b000-0000-7000-8000-00000000beef", 404),
        ("services?page=0", 422),
        ("services?page=99999999999999999999", 422),
        ("services?per_page=501", 422),
        ("services?search=%00", 400),
        ("services?search=%22", 200),
        ("services?search=%27%3B%20DROP%20TABLE%20services%3B--", 200),
        ("services?search=%26%20%7C%20%21%20%28%29%3A%2A", 200),
        ("services?near=95,0", 422),
        ("services?near=1", 422),
        ("services?near=nan,0", 422),
        ("services?near=90,180&radius=20000000", 200),
        ("services?bbox=-180,-90,180,90", 200),
        ("services?category=NOPE", 422),
        ("services?area=XX99", 422),
        ("services?open_at=2026-11-25T10:00:00Z", 422),
        ("services?modified_after=yesterday", 422),
        ("services?facets=nope", 422),
        ("services?format=xml", 422),
        ("services?full=perhaps", 422),
        ("organizations/x", 422),
        ("organizations?taxonomy_id=x", 422),
        ("service_at_locations?postcode=%00", 400),
        ("service_at_locations?postcode=4001&proximity=1e3", 200),
        ("taxonomies/x", 422),
        ("taxonomy_terms?parent_id=x", 422),
        ("profile/schemas/nope.json", 404),
    ],
)
async def test_no_parameter_makes_a_read_fail(live: AsyncClient, path: str, status: int) -> None:
    answer = await live.get(f"{V1}/{path}", headers=as_("anonymous"))
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.json()["code"]


async def test_a_restricted_read_is_logged(live: AsyncClient) -> None:
    own = await _enter(live, **confidential())
    answer = await live.get(f"{V1}/services/{own}", headers=as_("gbv-coordinator"))
    assert answer.status_code == 200
    log = await live.get(f"{V1}/records/services/{own}/reads", headers=as_("gbv-coordinator"))
    assert len(log.json()["items"]) == 1


async def test_an_area_that_is_not_known_is_not_everywhere(live: AsyncClient) -> None:
    """An unknown area does not count as everywhere. It comes from an external provider, or the renewed area table no
    longer contains it."""
    own = await _enter(live, **confidential())
    for areas, status in ([], 200), (["VE23"], 200), (["XX23"], 404), (["XX23", "VE20"], 404):
        answer = await live.get(
            f"{V1}/services/{own}", headers=as_("tip-coordinator", aors=["GBV"], areas=areas)
        )
        assert answer.status_code == status, areas


async def test_totals_are_exact_after_each_change(live: AsyncClient) -> None:
    for number in range(1, 4):
        await _enter(live, name=f"Servicio {number}")
        for _ in range(2):
            page = await live.get(f"{V1}/services?per_page=1", headers=as_("anonymous"))
            assert page.json()["total_items"] == number


async def test_a_merged_id_leads_on(live: AsyncClient) -> None:
    first, second = await _enter(live), await _enter(live, name="Otra")
    await live.post(
        f"{V1}/records/services/{second}/merge",
        json={"into": first},
        headers=as_("gbv-coordinator"),
    )
    answer = await live.get(f"{V1}/services/{second}", headers=as_("anonymous"))
    assert answer.status_code == 308
