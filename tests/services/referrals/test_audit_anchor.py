"""The anchor file survives two writers at once and a killed writer."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from common import clock
from common.chained import Head
from common.db.session import Database
from common.ids import new_id
from referrals.ground.audit.anchors import (
    ERASED,
    RESTRICTED,
    BrokenAnchor,
    anchor,
    anchored_list,
    lost_entries,
    mark_restored,
    restores,
    verify,
)
from referrals.ground.audit.queries import restores_since
from referrals.ground.audit.service import record
from referrals.ground.row_security import act_as_service
from stack.embedded.postgres import PostgresServer
from structlog.testing import capture_logs

from tests.support.principals import principal


@pytest.fixture
async def database(databases: Any, postgres: PostgresServer) -> AsyncIterator[Database]:
    service = await databases.of("referrals", "referrals_anchor")
    # Each test starts with its own anchor and audit.
    postgres.psql(
        "DELETE FROM key_checks; ALTER TABLE audit_entries DISABLE TRIGGER audit_refuse;"
        "DELETE FROM audit_entries; ALTER TABLE audit_entries ENABLE TRIGGER audit_refuse;"
        "DELETE FROM audit_heads",
        database="referrals_anchor",
    )
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


async def test_five_entries_deleted_with_their_head_moved_back_are_found(
    database: Database, postgres: PostgresServer, tmp_path: Path
) -> None:
    """The owner of the database can make the chain consistent, but cannot make it match its anchor."""
    file, chain = tmp_path / "anchor.jsonl", new_id()
    for _ in range(8):
        await entry(database, chain)
    await anchor(database, file)
    cut_back(postgres, chain, to=3)
    _, findings = await verify(database, file)
    assert [(f.chain, f.code) for f in findings] == [(str(chain), "cut_off")]
    # Reusing the deleted numbers does not help.
    for _ in range(5):
        await entry(database, chain)
    assert {f.code for f in (await verify(database, file))[1]} == {"differs_from_anchor"}
    # Without an external anchor the change would be invisible.
    assert (await verify(database, None))[1] == []


async def test_an_anchor_that_vanished_or_was_exchanged_is_not_begun_anew(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "anchor.jsonl"
    await entry(database, new_id())
    await anchor(database, file)
    content = file.read_text()
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(json.loads(content) | {"heads": {}}) + "\n")
    for harm in (file.unlink, lambda: shutil.copy(other, file)):
        harm()
        await entry(database, new_id())
        with pytest.raises(BrokenAnchor, match=r"anchor\.jsonl"):
            await anchor(database, file)
        with pytest.raises(BrokenAnchor):
            await verify(database, file)
    file.write_text(content)
    assert await anchor(database, file) >= 1
    assert (await verify(database, file))[1] == []


async def test_a_restore_is_told_from_a_forgery(
    database: Database, postgres: PostgresServer, tmp_path: Path
) -> None:
    file, chain, later = tmp_path / "anchor.jsonl", new_id(), new_id()
    told_since = clock.now()
    for _ in range(8):
        await entry(database, chain)
    await entry(database, later)
    await anchor(database, file)
    cut_back(postgres, chain, to=3)
    cut_back(postgres, later, to=0)
    assert len((await verify(database, file))[1]) == 2, "as a forger would leave it"
    before = clock.now()
    async with database.transaction() as session:
        await act_as_service(session)
        await record(session, None, "test.ended-again", chain=new_id(), target_type="case")
    await mark_restored(database, file, "backup of Tuesday")
    assert (await verify(database, file))[1] == []
    (told,) = restores(file)
    assert (told.source, told.lost_entries) == ("backup of Tuesday", 6)
    async with database.transaction() as session:
        await act_as_service(session)
        (restore,) = await restores_since(session, told_since)
        assert restore.kept_until < before < restore.at, "no reading between them is known"
    # From here on the chain must match its anchor again.
    for _ in range(4):
        await entry(database, chain)
    assert await anchor(database, file) >= 1
    cut_back(postgres, chain, to=5)
    assert [f.code for f in (await verify(database, file))[1]] == ["cut_off"]


async def test_the_lost_end_of_a_promoted_standby_is_counted_until_a_person_marks_it(
    database: Database, postgres: PostgresServer, tmp_path: Path
) -> None:
    file, long, short, untouched = tmp_path / "anchor.jsonl", new_id(), new_id(), new_id()
    began = clock.now()
    for chain in (untouched, long, long, long, short):
        await entry(database, chain)
    await anchor(database, file)
    kept = clock.now()
    for chain in (long, short):
        await entry(database, chain)
    await anchor(database, file)
    # On an idle system the worker anchors only its lists.
    await anchor(database, file, Head(1, "one"))
    assert lost_entries(file) == 0
    cut_back(postgres, long, to=3)
    cut_back(postgres, short, to=0)
    # Other processes write to the promoted standby before the worker checks it, with the numbers of lost
    # transactions.
    for chain in (long, long, short):
        await entry(database, chain)
    postgres.psql("UPDATE audit_heads SET position = '3'", database="referrals_anchor")
    with capture_logs() as said:
        await anchor(database, file)
    assert [each["entries"] for each in said if each["event"] == "audit_lost"] == [3]
    for _ in range(2):
        await anchor(database, file)
        assert lost_entries(file) == 3, "until somebody marks it"
    async with database.transaction() as session:
        await act_as_service(session)
        (lost,) = await restores_since(session, began)
        assert lost.kept_until < kept, "readings since then may be missing"
    codes = {"cut_off", "differs_from_anchor"}
    assert {f.code for f in (await verify(database, file))[1]} == codes
    await mark_restored(database, file, "failover")
    assert lost_entries(file) == 0
    assert [(each.source, each.lost_entries) for each in restores(file)] == [("failover", 3)]
    assert await anchor(database, file) == 3, "what was written since is anchored, too"
    assert (await verify(database, file))[1] == []
    cut_back(postgres, untouched, to=0)
    assert [f.code for f in (await verify(database, file))[1]] == ["cut_off"]


async def test_the_anchor_says_how_far_the_list_of_the_erased_reached(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "anchor.jsonl"
    await entry(database, new_id())
    await anchor(database, file, Head(1, "one"))
    assert await anchor(database, file, Head(1, "one")) == 0
    lines = len(file.read_text().splitlines())
    await anchor(database, file, Head(2, "two"))
    assert len(file.read_text().splitlines()) == lines + 1, "an erasure alone is anchored, too"
    await entry(database, new_id())
    await anchor(database, file)
    known = anchored_list(file, ERASED)
    assert (known.number, known.digest) == (2, "two")


async def test_a_list_that_lost_its_end_does_not_become_what_the_anchor_knows(
    database: Database, tmp_path: Path
) -> None:
    """A shortened list does not become the anchored one. Otherwise an attacker who shortens it could wait ten seconds,
    and a restore would accept it."""
    file = tmp_path / "anchor.jsonl"
    await anchor(database, file, None, Head(4, "four"))
    for shorter in (Head(3, "three"), Head()):
        await entry(database, new_id())
        await anchor(database, file, None, shorter)
        assert anchored_list(file, RESTRICTED).number == 4
    await anchor(database, file, None, Head(5, "five"))
    assert anchored_list(file, RESTRICTED).digest == "five"


def cut_back(postgres: PostgresServer, chain: UUID, to: int) -> None:
    """Remove entries and move the head back, as only the owner of the server can."""
    postgres.psql(
        "ALTER TABLE audit_entries DISABLE TRIGGER audit_refuse;"
        f"DELETE FROM audit_entries WHERE chain = '{chain}' AND sequence > {to};"
        "ALTER TABLE audit_entries ENABLE TRIGGER audit_refuse;"
        f"UPDATE audit_heads h SET sequence = {to}, hash = e.hash FROM audit_entries e"
        f" WHERE h.chain = '{chain}' AND e.chain = h.chain AND e.sequence = {to};"
        f"DELETE FROM audit_heads h WHERE h.chain = '{chain}' AND {to} = 0;",
        database="referrals_anchor",
    )
