"""Two people withdraw a mistaken publication, and everybody can read why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from httpx import AsyncClient
from reporting.publish.bulletins.models import bulletin_files, bulletins
from reporting.recording.service import Recorder
from reporting.tables import COMMON

from tests.services.reporting.bulletins.test_bulletins_api import as_, drafted
from tests.services.reporting.events import caseload, record_together
from tests.services.reporting.releases.test_story import PERIOD, published
from tests.services.reporting.subscribers.test_subscribers import World, world

__all__ = ["world"]
BULLETINS = "/reports/v1/bulletins"
REASON = {
    "reason": {
        "es": "Una organización registró los mismos casos dos veces.",
        "en": "One organisation recorded the same cases twice.",
    }
}


@pytest.fixture
async def release(api: AsyncClient, database: Database, recorder: Recorder) -> str:
    await record_together(database, recorder, list(caseload(persons=400, seed=7)))
    made = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    return await published(api, made.json())


@pytest.fixture
async def bulletin(api: AsyncClient, database: Database) -> str:
    """Publish without the layout, which takes long and has its own tests."""
    made = await drafted(api)
    async with database.transaction() as session:
        row = bulletins.update().where(bulletins.c.id == made["id"])
        at = datetime(2026, 11, 2, 7, tzinfo=UTC)
        await session.execute(row.values(state="published", published_at=at))
        file: dict[str, Any] = {
            "bulletin_id": made["id"], "language": "es", "name": "bulletin.pdf",
            "media_type": "application/pdf", "content": b"%PDF", "sha256": "0",
        }  # fmt: skip
        await session.execute(bulletin_files.insert().values(**file))
    return f"{BULLETINS}/{made['id']}"


async def withdrawn(api: AsyncClient, url: str) -> None:
    for end, client, body in (
        ("", "im-officer", REASON), ("/agreement", "gbv-coordinator", None),
    ):  # fmt: skip
        done = await api.post(f"{url}/withdrawal{end}", json=body, headers=as_(client))
        assert done.status_code == 200, done.text


async def subjects(database: Database) -> set[str]:
    async with database.transaction() as session:
        return set(await session.scalars(sa.select(COMMON.outbox.c.type)))


async def test_no_door_gives_the_numbers_of_a_withdrawn_release(
    api: AsyncClient, database: Database, release: str
) -> None:
    doors = (
        f"{release}/query?by=area",
        "/reports/v1/exports/counts?programme=referrals&period=2026-10a",
    )
    span = "/reports/v1/programmes/referrals/query?from=2026-10a&to=2026-10a"
    anybody = as_("anonymous")
    for door in (*doors, span):
        assert (await api.get(door, headers=anybody)).status_code == 200
    await withdrawn(api, release)
    for client in ("anonymous", "im-officer", "ngo-salud"):
        for door in doors:
            gone = await api.get(door, headers=as_(client))
            assert gone.status_code == 410, door
            assert gone.json()["code"] == "withdrawn"
            assert gone.json().get("reason") == REASON["reason"]
    missing = await api.get(span, headers=anybody)
    assert (missing.status_code, missing.json()["missing"]) == (404, ["2026-10a"])
    tombstone = (await api.get(release, headers=anybody)).json()
    assert (tombstone["status"], tombstone["withdrawal"]["reason"]) == (
        "withdrawn", REASON["reason"],
    )  # fmt: skip
    for status, many in (("withdrawn", 1), ("published", 0), ("draft", 0)):
        listed = await api.get(f"/reports/v1/releases?status={status}", headers=anybody)
        assert len(listed.json()["items"]) == many
    page = await api.get("/reports/v1/exports/page?language=en", headers=anybody)
    assert f"Withdrawn: {REASON['reason']['en']}" in page.text
    again = await api.post(f"{release}/publish", headers=as_("im-officer"))
    assert again.json()["code"] == "already_published"
    assert "ruta.reporting.release.withdrawn.v1" in await subjects(database)


async def test_two_people_withdraw_and_one_alone_changes_nothing(
    api: AsyncClient, release: str
) -> None:
    url = f"{release}/withdrawal"
    nobody = await api.post(f"{url}/agreement", headers=as_("im-officer"))
    assert nobody.status_code == 404
    for client in ("ngo-salud", "health-cluster"):
        assert (await api.post(url, json=REASON, headers=as_(client))).status_code == 403
    half = await api.post(url, json={"reason": {"es": "Error."}}, headers=as_("im-officer"))
    assert (half.status_code, half.json()["errors"][0]["pointer"]) == (422, "/reason/en")
    assert (await api.post(url, json=REASON, headers=as_("im-officer"))).status_code == 200
    alone = await api.post(f"{url}/agreement", headers=as_("im-officer"))
    assert (alone.status_code, alone.json().get("code")) == (403, "second_person_needed")
    seen = {
        client: (await api.get(release, headers=as_(client))).json()["withdrawal"]
        for client in ("anonymous", "ngo-salud", "tip-coordinator")
    }
    assert seen["anonymous"] is seen["ngo-salud"] is None, "a request is not public"
    assert seen["tip-coordinator"]["withdrawn_at"] is None
    read = await api.get(f"{release}/query", headers=as_("anonymous"))
    assert read.status_code == 200
    await withdrawn(api, release)
    after = await api.post(url, json=REASON, headers=as_("im-officer"))
    assert after.status_code == 410


async def test_a_withdrawn_bulletin_leaves_a_tombstone_in_list_feed_and_page(
    api: AsyncClient, database: Database, bulletin: str
) -> None:
    file, anybody = f"{bulletin}/files/es/bulletin.pdf", as_("anonymous")
    before = await api.get(file, headers=anybody)
    assert before.status_code == 200
    assert "immutable" not in before.headers["cache-control"], "copies have to end"
    await withdrawn(api, bulletin)
    for client in ("anonymous", "im-officer"):
        for end in ("", "/trace", "/files/es/bulletin.pdf", "/files/en/bulletin.html"):
            gone = await api.get(f"{bulletin}{end}", headers=as_(client))
            assert (gone.status_code, gone.json().get("reason")) == (410, REASON["reason"]), end
    (listed,) = (await api.get(f"{BULLETINS}?state=withdrawn", headers=anybody)).json()["items"]
    assert (listed["withdrawal"]["reason"], listed["files"]) == (REASON["reason"], [])
    assert (await api.get(f"{BULLETINS}?state=published", headers=anybody)).json()["items"] == []
    feed = (await api.get(f"{BULLETINS}/feed?language=en", headers=anybody)).text
    page = (await api.get(f"{BULLETINS}/page?language=en", headers=anybody)).text
    for text in (feed, page):
        assert f"Withdrawn: {REASON['reason']['en']}" in text
        assert "bulletin.pdf" not in text
    assert "ruta.reporting.bulletin.withdrawn.v1" in await subjects(database)
    assert (await drafted(api))["edition"] == 2, "a correction is a new edition"


async def test_a_draft_is_not_withdrawn(api: AsyncClient) -> None:
    url = f"{BULLETINS}/{(await drafted(api))['id']}"
    refused = await api.post(f"{url}/withdrawal", json=REASON, headers=as_("im-officer"))
    assert refused.status_code == 409


async def test_mailboxes_are_told_that_a_bulletin_was_withdrawn(world: World) -> None:
    await world.subscribed()
    with clock.shifted(timedelta(days=1)):
        await world.published()
        await world.sent()
        assert "bulletin.html" in world.relay.mails.pop().get_content()
    (made,) = (await world.api.get(BULLETINS, headers=as_("anonymous"))).json()["items"]
    with clock.shifted(timedelta(days=2)):
        await withdrawn(world.api, f"{BULLETINS}/{made['id']}")
        await world.sent()
        told = world.relay.mails.pop().get_content()
        assert f"Retirado: {REASON['reason']['es']}" in told
        assert "bulletin.html" not in told
        assert await world.sent() == 0, "once"


async def test_the_bulletins_that_quote_a_release_are_found(
    api: AsyncClient, release: str, bulletin: str
) -> None:
    for asked, many in ((release.rsplit("/", 1)[-1], 1), (bulletin.rsplit("/", 1)[-1], 0)):
        found = await api.get(f"{BULLETINS}?quotes={asked}", headers=as_("im-officer"))
        assert len(found.json()["items"]) == many
