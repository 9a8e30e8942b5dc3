"""A database that went back in time, for example after the promotion of a lagging standby. The worker applies the lists
to it again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.events.directory import HiddenPart, SightChanged
from common.process.telemetry import Metrics
from referrals.ground.directory.queries import shown_services
from referrals.ground.keys.store import CaseKeys
from referrals.reconciliation import REMEDY, Holding
from referrals.settings import Settings
from referrals.telling.evidence import Evidence
from sqlalchemy.ext.asyncio import AsyncConnection
from stack.embedded.postgres import ServiceDatabase
from structlog.testing import capture_logs

from tests.services.referrals.story import SALUD, Story
from tests.services.referrals.test_restrictions import mark, reads
from tests.support.databases import undone
from tests.support.principals import principal


@pytest.fixture
async def connection(referrals_database: ServiceDatabase) -> AsyncIterator[AsyncConnection]:
    async with undone(referrals_database) as opened:
        yield opened


@pytest.fixture
def database(connection: AsyncConnection) -> Database:
    return Database.bound_to(connection)


class Worker:
    """The worker's rounds, with their own lists."""

    def __init__(
        self, settings: Settings, database: Database, keys: CaseKeys, folder: Path
    ) -> None:
        own = settings.model_copy(
            update={"tombstone_file": folder / "tombstones.jsonl", "audit_anchor_file": None}
        )
        self.metrics = Metrics()
        self.evidence = Evidence(own, database, keys, self.metrics)
        self.holding = Holding(own, database, keys, self.metrics)

    async def told(self) -> None:
        while await self.evidence.tell() or await self.evidence.tell_restrictions():
            pass

    def done_again(self) -> float:
        return self.metrics.registry.get_sample_value("ruta_record_went_back") or 0


@pytest.fixture
def worker(settings: Settings, database: Database, case_keys: CaseKeys, tmp_path: Path) -> Worker:
    return Worker(settings, database, case_keys, tmp_path)


async def erase(story: Story, case_id: str) -> None:
    case = (await story.get("ngo-refugio", f"/cases/{case_id}")).json()
    body = {"confirm": case["reference"], "basis": "person_request"}
    answer = await story.post("ngo-refugio-supervisor", f"/cases/{case_id}/erase", body)
    assert answer.status_code < 300, answer.text


async def status(story: Story, case_id: str) -> Any:
    return (await story.rows("SELECT status FROM cases WHERE id = :id", id=case_id))[0].status


async def test_what_a_promoted_standby_forgot_is_erased_and_restricted_again(
    story: Story, worker: Worker, connection: AsyncConnection, database: Database
) -> None:
    withdrawn, accused, erased = [await story.accepted() for _ in range(3)]
    service = await story.service()
    followed = await connection.begin_nested()
    kept = "SELECT max(at) FROM audit_entries"
    ((kept_until,),) = await story.rows(kept)
    await story.made("ngo-refugio", f"/consents/{withdrawn['grant_id']}/withdraw", {})
    await mark(story, accused["case_id"], SALUD)
    await erase(story, erased["case_id"])
    hidden = (HiddenPart(id=UUID(service), visibility="restricted"),)
    await story.told(SightChanged(version=9, entry_id=UUID(service), hidden=hidden))
    await worker.told()
    await worker.holding.look()
    assert worker.done_again() == 0
    await followed.rollback()
    assert await reads(story, withdrawn) == await reads(story, accused) == 200
    assert await status(story, erased["case_id"]) == "open"
    lost = "SELECT kept_until FROM restores"
    assert await story.rows(lost) == []
    with capture_logs() as said:
        await worker.holding.look()
    assert await reads(story, withdrawn) in (403, 410)
    assert await reads(story, accused) in (403, 404, 410)
    assert await status(story, erased["case_id"]) == "erased"
    async with database.transaction() as session:
        assert not await shown_services(session, principal("ngo-legal"), [UUID(service)])
    (told,) = [each for each in said if each["event"] == "record_went_back"]
    assert told["erased"] == 1
    assert told["remedy"] == REMEDY
    since = [row.kept_until for row in await story.rows(lost)]
    assert since == [kept_until], "a person who withdraws hears since when readings are missing"
    done = worker.done_again()
    assert done == told["erased"] + told["restricted"] >= 4
    await worker.told()
    await worker.holding.look()
    assert worker.done_again() == done, "once"


async def test_a_key_that_a_key_store_of_before_has_again_is_destroyed_again(
    story: Story, worker: Worker, case_keys: CaseKeys
) -> None:
    case_id = (await story.case())["id"]
    kept = "SELECT key_id, wrapped FROM case_keys WHERE case_id = :id"
    back = (
        "UPDATE case_keys SET key_id = :key, wrapped = :wrapped, destroyed_at = NULL, told_at = NULL"
        " WHERE case_id = :id"
    )
    async with case_keys.database.transaction() as session:
        before = (await session.execute(sa.text(kept), {"id": case_id})).one()
    await erase(story, case_id)
    await worker.told()
    async with case_keys.database.transaction() as session:
        values = {"id": case_id, "key": before.key_id, "wrapped": before.wrapped}
        await session.execute(sa.text(back), values)
    await worker.holding.look()
    async with case_keys.database.transaction() as session:
        after = (await session.execute(sa.text(kept), {"id": case_id})).one()
    assert (after.key_id, after.wrapped) == (None, None)
    assert worker.done_again() == 1


async def test_more_than_the_end_of_the_list_is_done_again_where_its_end_is(
    story: Story, worker: Worker, connection: AsyncConnection
) -> None:
    """If the database lost it, the worker repeats more than the end of the list. Normally each round reads only the
    end, because a list covers years."""
    first = await story.accepted()
    followed = await connection.begin_nested()
    await story.made("ngo-refugio", f"/consents/{first['grant_id']}/withdraw", {})
    for number in range(3):
        await story.told(
            *(
                SightChanged(
                    version=1,
                    entry_id=UUID(int=1000 * number + n + 1),
                    hidden=(HiddenPart(id=UUID(int=9), visibility="restricted"),),
                )
                for n in range(100)
            )
        )
    await worker.told()
    await followed.rollback()
    await worker.holding.look()
    assert await reads(story, first) in (403, 410)


async def test_what_was_forgotten_with_its_case_is_no_record_that_went_back(
    story: Story, worker: Worker
) -> None:
    referral = await story.accepted()
    await story.made("ngo-refugio", f"/consents/{referral['grant_id']}/withdraw", {})
    await mark(story, referral["case_id"], SALUD)
    await worker.told()
    await erase(story, referral["case_id"])
    await worker.told()
    await worker.holding.look()
    assert worker.done_again() == 0
