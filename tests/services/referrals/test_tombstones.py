"""The list of erased cases leaves the machine, only grows, and cannot be replaced by another list."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from common import chained
from common.chained import BrokenList, Signer
from common.crypto import new_key
from common.db.session import Database
from referrals.ground.keys import tombstones
from referrals.ground.keys.store import CaseKeys, create_tables
from stack.embedded.postgres import PostgresServer

from tests.services.referrals.test_key_encryption_keys import ring_text
from tests.support.full_disks import full_after

WHEN = "2026-11-26T10:00:00+00:00"


@pytest.fixture
def signer() -> Signer:
    return tombstones.signer_of(new_key())


@pytest.fixture
async def keys(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[CaseKeys]:
    made = postgres.create_service_database("tombstones")
    await create_tables(made.owner_url, made.app_role)
    postgres.psql("TRUNCATE case_keys, key_checks", database="tombstones")
    ring = tmp_path / "kek.json"
    await asyncio.to_thread(ring.write_text, ring_text("k1"))
    opened = CaseKeys(Database.at(made.app_url, pool_size=4), ring)
    yield opened
    await opened.close()


def some(count: int) -> list[tuple[UUID, str]]:
    return [(uuid4(), WHEN) for _ in range(count)]


def edited(line: str, **changes: object) -> str:
    return json.dumps(json.loads(line) | changes, separators=(",", ":"))


def test_a_list_grows_and_is_read_as_written(tmp_path: Path, signer: Signer) -> None:
    file, erased = tmp_path / "list.jsonl", some(5)
    tombstones.append(file, signer, erased[:2])
    head = tombstones.append(file, signer, erased[2:])
    known = chained.read(file, signer)
    assert list(tombstones.case_ids(known)) == [case_id for case_id, _ in erased]
    assert known.head == head == chained.end_of(file, signer)
    assert file.stat().st_mode & 0o077 == 0


def test_whatever_is_done_to_a_list_is_noticed(tmp_path: Path, signer: Signer) -> None:
    file = tmp_path / "list.jsonl"
    tombstones.append(file, signer, some(4))
    lines = file.read_text().splitlines()
    stranger = tombstones.signer_of(new_key()).line(1, tombstones.said(uuid4(), WHEN), "")
    for changed in (
        lines[:1] + lines[2:],
        lines[1:],
        [lines[0], lines[2], lines[1], lines[3]],
        [edited(lines[0], case=str(uuid4())), *lines[1:]],
        [edited(lines[0], at="2026-01-01T00:00:00+00:00"), *lines[1:]],
        [stranger, *lines[1:]],
        # The next line fits, so only the signature reveals the change.
        [*lines[:3], edited(lines[3], case=str(uuid4()))],
        [*lines, lines[3]],
        [*lines, "{}"],
    ):
        file.write_text("\n".join(changed) + "\n")
        with pytest.raises(BrokenList, match="line"):
            chained.read(file, signer)


def test_a_list_cut_at_its_end_does_not_reach_what_was_anchored(
    tmp_path: Path, signer: Signer
) -> None:
    file = tmp_path / "list.jsonl"
    head = tombstones.append(file, signer, some(4))
    assert chained.read(file, signer).reaches(head)
    file.write_text("\n".join(file.read_text().splitlines()[:3]) + "\n")
    assert not chained.read(file, signer).reaches(head)
    # With other lines added, it is still a different list.
    tombstones.append(file, signer, some(3))
    assert not chained.read(file, signer).reaches(head)


def test_a_line_that_a_kill_cut_off_is_written_again(tmp_path: Path, signer: Signer) -> None:
    file, erased = tmp_path / "list.jsonl", some(2)
    tombstones.append(file, signer, erased[:1])
    with file.open("a") as torn:
        torn.write('{"number":2,"ca')
    tombstones.append(file, signer, erased[1:])
    assert list(tombstones.case_ids(chained.read(file, signer))) == [
        case_id for case_id, _ in erased
    ]


def test_a_second_place_follows_and_is_never_overwritten(tmp_path: Path, signer: Signer) -> None:
    file, place = tmp_path / "list.jsonl", tmp_path / "usb"
    tombstones.append(file, signer, some(2))
    assert chained.carry_all([file], [place]) == {place: "it is missing"}, "nobody mounted it"
    place.mkdir()
    assert chained.carry_all([file], [place]) == {}
    tombstones.append(file, signer, some(2))
    assert chained.carry_all([file], [place]) == {}
    assert (place / file.name).read_bytes() == file.read_bytes()
    file.unlink()
    tombstones.append(file, signer, some(1))
    assert "is not a copy" in chained.carry_all([file], [place])[place]
    assert not chained.put_back_if_lost(file, [place], signer), "nor is it that of here"
    assert len(tombstones.case_ids(chained.read(place / file.name, signer))) == 4


async def test_what_was_erased_is_told_once_and_survives_the_loss_of_the_list(
    keys: CaseKeys, tmp_path: Path, signer: Signer
) -> None:
    file, place = tmp_path / "list.jsonl", tmp_path / "usb"
    await asyncio.to_thread(place.mkdir)
    gone, kept = uuid4(), uuid4()
    for case_id in (gone, kept):
        await keys.create(case_id)
    await keys.destroy(gone)
    assert await tombstones.count_untold(keys.database) == 1
    assert await tombstones.tell(keys.database, file, signer) == 1
    assert await tombstones.tell(keys.database, file, signer) == 0
    assert await tombstones.count_untold(keys.database) == 0
    assert tombstones.case_ids(chained.read(file, signer)) == (gone,)
    chained.carry_all([file], [place])
    await asyncio.to_thread(file.unlink)
    assert await asyncio.to_thread(chained.put_back_if_lost, file, [place], signer)
    assert tombstones.case_ids(chained.read(file, signer)) == (gone,)
    # Even without a second location, a new list contains everybody who was erased.
    await asyncio.to_thread(file.unlink)
    assert await tombstones.tell(keys.database, file, signer) == 1
    assert tombstones.case_ids(chained.read(file, signer)) == (gone,)


def test_a_list_that_lost_its_end_goes_on_from_its_copy(tmp_path: Path, signer: Signer) -> None:
    """The machine's disk went back an hour, but the second location did not."""
    file, place = tmp_path / "list.jsonl", tmp_path / "usb"
    place.mkdir()
    erased = some(3)
    tombstones.append(file, signer, erased[:1])
    before = file.read_bytes()
    tombstones.append(file, signer, erased[1:])
    chained.carry_all([file], [place])
    assert not chained.put_back_if_lost(file, [place], signer)
    for torn in (b"", b'{"number":2,"ca'):
        file.write_bytes(before + torn)
        assert chained.put_back_if_lost(file, [place], signer)
        assert list(tombstones.case_ids(chained.read(file, signer))) == [each for each, _ in erased]


def test_on_a_full_disk_half_a_list_passes_for_no_list(tmp_path: Path, signer: Signer) -> None:
    """Half a list counts as no list. It would lack the last people erased, and nobody reports them a second time."""
    file, place = tmp_path / "list.jsonl", tmp_path / "usb"
    place.mkdir()
    tombstones.append(file, signer, some(40))
    chained.carry_all([file], [place])
    file.unlink()
    with full_after(4096):
        with pytest.raises(OSError, match="File too large"):
            chained.put_back_if_lost(file, [place], signer)
        assert not file.exists()
    assert chained.put_back_if_lost(file, [place], signer)
    assert chained.read(file, signer).head.number == 40
    with full_after(file.stat().st_size + 100), pytest.raises(OSError, match="File too large"):
        tombstones.append(file, signer, some(1))
    assert chained.read(file, signer).head.number == 40
    assert tombstones.append(file, signer, some(1)).number == 41, "once there is room again"
    with full_after(file.stat().st_size - 100):
        tombstones.append(place / "other", signer, some(1))
        assert chained.carry_all([file], [place]) == {place: "cannot be written"}
    assert chained.carry_all([file], [place]) == {}


async def test_two_workers_that_tell_at_once_write_one_list(
    keys: CaseKeys, tmp_path: Path, signer: Signer
) -> None:
    file = tmp_path / "list.jsonl"
    erased = {uuid4() for _ in range(20)}
    for case_id in erased:
        await keys.destroy(case_id)
    await asyncio.gather(*(tombstones.tell(keys.database, file, signer) for _ in range(4)))
    await tombstones.tell(keys.database, file, signer)
    told = tombstones.case_ids(chained.read(file, signer))
    assert set(told) == erased
    assert len(told) == len(erased)


async def test_a_worker_that_is_overtaken_after_it_looked_tells_nothing_again(
    keys: CaseKeys, tmp_path: Path, signer: Signer
) -> None:
    file, erased = tmp_path / "list.jsonl", uuid4()
    await keys.destroy(erased)

    class Overtaken:
        """A worker's database that waits for its connection while another worker starts the list."""

        transaction = keys.database.transaction

        async def once(self, statement: str) -> Any:
            found = await keys.database.once(statement)
            assert await tombstones.tell(keys.database, file, signer) == 1
            return found

    assert await tombstones.tell(cast("Database", Overtaken()), file, signer) == 0
    assert tombstones.case_ids(chained.read(file, signer)) == (erased,)


def test_of_several_copies_the_longest_counts_and_a_stranger_is_refused(
    tmp_path: Path, signer: Signer
) -> None:
    old, new, other = (tmp_path / name for name in ("old", "new", "other"))
    tombstones.append(new, signer, some(2))
    shutil.copy(new, old)
    tombstones.append(new, signer, some(1))
    tombstones.append(other, signer, some(1))
    assert tombstones.newest([old, new, tmp_path / "absent"], signer).head.number == 3
    with pytest.raises(BrokenList, match="is not the same list"):
        tombstones.newest([new, other], signer)
