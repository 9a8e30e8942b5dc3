"""The anchor file survives two writers at once and a writer that was killed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from common.database import Database
from common.ids import new_id
from referrals.audit.anchoring import anchor, verify
from referrals.audit.service import record

from tests.support.principals import principal


@pytest.fixture
async def database(databases: Any) -> AsyncIterator[Database]:
    service = await databases.of("referrals", "referrals_anchor")
    made = Database.at(service.app_url)
    yield made
    await made.close()


async def entry(database: Database, chain: UUID) -> None:
    who = principal("ngo-refugio")
    async with database.transaction(who) as session:
        await record(session, who, "test.one", chain=chain, target_type="case", target_id=chain)


async def test_two_replicas_that_anchor_at_once_follow_each_other(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "anchor.jsonl"
    for _ in range(5):
        await entry(database, new_id())
        await asyncio.gather(*(anchor(database, file) for _ in range(4)))
    _, findings = await verify(database, file)
    assert findings == []


async def test_a_line_that_a_kill_cut_off_is_dropped(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchor.jsonl"
    await entry(database, new_id())
    await anchor(database, file)
    whole = file.read_text()
    file.write_text(whole + '{"at": "2026-01-01T00:00:00+00:00", "until": "12", "hea')
    assert (await verify(database, file))[1] == []
    await entry(database, new_id())
    assert await anchor(database, file) >= 1
    assert file.read_text().startswith(whole)
    assert (await verify(database, file))[1] == []
