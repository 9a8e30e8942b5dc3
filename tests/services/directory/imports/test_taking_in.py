"""Imports into a real database: what they write, what they undo, and what the report says."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.auth import Principal
from common.auth.ended import Named
from common.db.ended_rights import take_in as take_in_rights
from common.db.session import Database
from directory.files.imports import queries
from directory.files.imports.models import IMPORTS
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.report import Report
from directory.files.imports.schemas import ImportOut, ImportState, Mode, import_out
from directory.files.imports.service import Order, take_in
from directory.files.imports.worker import work_one
from directory.files.imports.writer import Writer
from directory.ground.demo_data import demo_services
from directory.record.records.models import services
from directory.tables import ENDED_RIGHTS

from tests.services.directory.imports.test_package import DIRTY, package
from tests.support.advisor_features import ROWS, made_features
from tests.support.principals import organisation, principal
from tests.support.reference import reference_data
from tests.support.rights import said

HEADER = "external_id,organisation,name,categories,visibility,pcode\n"


def order(content: bytes, **changes: object) -> Order:
    plain: dict[str, object] = {
        "file_name": "upload",
        "content": content,
        "named_format": None,
        "mode": Mode.ALL,
        "dry_run": False,
        "visibility": None,
        "country": "",
        "source": None,
    }
    return Order(**{**plain, **changes})  # type: ignore[arg-type]  # the names are those of Order


async def imported(
    database: Database, who: Principal, content: bytes, **changes: object
) -> ImportOut:
    """Return the finished import, even if the worker had to finish it."""
    queued = await taken_in(database, who, content, **changes)
    while await work_one(database):
        pass
    return await read_again(database, who, queued.id)


async def taken_in(
    database: Database, who: Principal, content: bytes, **changes: object
) -> ImportOut:
    async with database.transaction(who) as session:
        import_id = await take_in(session, who, order(content, **changes))
        return import_out(await queries.import_of(session, who, import_id))


async def read_again(database: Database, who: Principal, import_id: UUID) -> ImportOut:
    async with database.transaction() as session:
        return import_out(await queries.import_of(session, who, import_id))


async def stored_services(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(services)) or 0


async def report(
    database: Database, who: Principal, import_id: UUID, verdict: str | None = None
) -> list[sa.Row[tuple[object, ...]]]:
    async with database.transaction(who) as session:
        rows = await queries.rows_of(session, import_id, verdict=verdict, after=0, limit=1000)
        return list(rows)


async def imported_twice(database: Database, content: bytes, rows: int) -> None:
    who = principal("im-officer")
    first = await imported(database, who, content)
    assert first.state is ImportState.FINISHED
    assert (first.rows.read, first.rows.refused) == (rows, 0)
    assert first.services.created == rows
    assert await stored_services(database) == rows
    told = await report(database, who, first.id)
    assert len(told) == rows
    assert all(row.service_id for row in told)
    again = await imported(database, who, content)
    assert (again.services.created, again.services.updated) == (0, 0)
    assert again.services.unchanged == rows
    assert await stored_services(database) == rows


async def test_a_services_advisor_file_is_imported_whole_and_again_without_a_change(
    database: Database,
) -> None:
    await imported_twice(database, json.dumps(made_features()).encode(), ROWS)


@pytest.mark.slow
async def test_so_is_the_jordan_file(database: Database) -> None:
    content = reference_data("jordan-services/services.json").read_bytes()
    await imported_twice(database, content, 562)


async def test_a_dirty_package_is_written_as_its_report_says(
    database: Database, tmp_path: Path
) -> None:
    content = package(tmp_path, DIRTY).read_bytes()
    who = principal("im-officer")
    whole = await imported(database, who, content)
    assert (whole.state, whole.rows.refused) == (ImportState.REFUSED, 3)
    assert await stored_services(database) == 0
    found = await imported(database, who, content, mode=Mode.SKIP_BAD)
    assert (found.services.created, found.rows.changed, found.rows.refused) == (2, 2, 3)
    assert await stored_services(database) == 2
    refused = await report(database, who, found.id, "refused")
    assert {note["code"] for row in refused for note in row.notes} >= {
        "organisation_dangling", "duplicate_id", "value_missing",
    }  # fmt: skip
    again = await imported(database, who, content, mode=Mode.SKIP_BAD)
    assert (again.services.created, again.services.unchanged) == (0, 2)


async def test_the_demo_services_are_imported_and_published(database: Database) -> None:
    who = principal("im-officer")
    found = await imported(database, who, demo_services(), source="demo")
    assert (found.rows.accepted, found.rows.read) == (63, 63)
    async with database.transaction() as session:
        states = await session.execute(sa.select(services.c.state).distinct())
        assert states.scalars().all() == ["approved"]
    again = await imported(database, who, demo_services(), source="demo")
    assert again.services.unchanged == 63


BAD = (
    HEADER
    + "1,Org,Uno,GP-INFO,public,VE2313\n"
    + "2,Org,Dos,NO-SUCH,public,VE2313\n"
    + "3,Org,Tres,GP-DOC,public,VE2313\n"
).encode()


async def test_a_partner_may_not_write_for_another_organisation(database: Database) -> None:
    who = principal("ngo-refugio")
    content = (
        "external_id,organisation_id,organisation,name,categories\n"
        f"1,{who.organisation},Fundación Refugio,Propio,GP-INFO\n"
        "2,0190a000-0000-7000-8000-000000000002,Ajena,Ajeno,GP-INFO\n"
    ).encode()
    found = await imported(database, who, content, mode=Mode.SKIP_BAD)
    assert (found.services.created, found.rows.refused) == (1, 1)
    (refused,) = await report(database, who, found.id, "refused")
    assert refused.external_id == "2"


def large(rows: int, padding: int = 9_000, level: str = "public") -> bytes:
    lines = [
        f"{n},Org {n % 7},Servicio {n},GP-INFO,{level},VE2313,{'x' * padding}\n"
        for n in range(rows)
    ]
    return (HEADER.strip() + ",description\n" + "".join(lines)).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "padding"), [(Mode.ALL, 9_000), (Mode.SKIP_BAD, 9_000), (Mode.ALL, 1)]
)
async def test_a_long_file_waits_for_the_worker_and_is_worked_through(
    database: Database, mode: Mode, padding: int
) -> None:
    who = principal("im-officer")
    queued = await taken_in(database, who, large(120, padding), mode=mode)
    assert queued.state is ImportState.QUEUED
    assert await stored_services(database) == 0
    assert await work_one(database)
    assert not await work_one(database)
    async with database.transaction() as session:
        done = import_out(await queries.import_of(session, who, queued.id))
        kept = await session.scalar(sa.select(IMPORTS.c.content))
    assert done.state is ImportState.FINISHED
    assert (done.rows.read, done.services.created) == (120, 120)
    assert kept is None
    assert len(await report(database, who, queued.id)) == 120


@pytest.mark.slow
async def test_a_large_file_that_breaks_off_fails_and_says_so(database: Database) -> None:
    who = principal("im-officer")
    content = large(120) + b"119,Org," + b"y" * 5_000_000
    queued = await taken_in(database, who, content)
    assert await work_one(database)
    async with database.transaction() as session:
        done = import_out(await queries.import_of(session, who, queued.id))
    assert done.state is ImportState.FAILED
    assert done.notes[-1].code == "unreadable_file"
    assert await stored_services(database) == 0


async def test_a_file_that_we_fail_on_does_not_hold_up_the_queue(database: Database) -> None:
    who = principal("im-officer")
    broken = await taken_in(database, who, large(120, 1, ""))
    behind = await taken_in(database, who, large(110, 1))
    async with database.transaction() as session:  # Only a bug could write this option.
        await session.execute(
            sa.update(IMPORTS)
            .where(IMPORTS.c.id == broken.id)
            .values(options={"visibility": "nonsense", "country": "", "source": "x"})
        )
    assert await work_one(database)
    assert (await read_again(database, who, broken.id)).state is ImportState.FAILED
    assert await work_one(database)
    assert (await read_again(database, who, behind.id)).state is ImportState.FINISHED


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("how", ["suspended", "narrowed"])
async def test_a_queued_file_is_not_written_once_the_rights_of_its_sender_have_ended(
    database: Database, mode: Mode, how: str
) -> None:
    who = principal("im-officer")
    queued = await taken_in(database, who, large(110, 1), mode=mode)
    off = {Named.ORGANISATION: [str(organisation(8))]} if how == "suspended" else {}
    until = {Named.SUBJECT: {"im-officer": time.time()}} if how == "narrowed" else {}
    await said(database, ENDED_RIGHTS, suspended=off, changed=until)
    assert await work_one(database)
    refused = await read_again(database, who, queued.id)
    assert refused.state is ImportState.REFUSED
    assert [each.code for each in refused.notes] == ["rights_ended"]
    assert await stored_services(database) == 0
    await said(database, ENDED_RIGHTS)
    assert not await work_one(database)


async def test_a_sender_who_is_suspended_while_the_file_is_written_writes_no_more_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = principal("im-officer")
    queued = await taken_in(database, who, large(210, 1), mode=Mode.SKIP_BAD)
    write = Writer.write

    async def written(self: Writer, rows: list[Mapped], report: Report) -> None:
        await write(self, rows, report)
        async with database.transaction() as session:
            off = {Named.SUBJECT: ["im-officer"]}
            await take_in_rights(session, ENDED_RIGHTS, time.time(), off, {})

    monkeypatch.setattr(Writer, "write", written)
    assert await work_one(database)
    refused = await read_again(database, who, queued.id)
    assert refused.state is ImportState.REFUSED
    assert refused.notes[-1].code == "rights_ended"
    assert await stored_services(database) == 100


async def test_a_dry_run_says_of_each_row_what_the_import_then_does(
    database: Database, tmp_path: Path
) -> None:
    who = principal("im-officer")
    content = package(tmp_path, DIRTY).read_bytes()
    for _ in range(2):  # First on an empty directory, then on one with these entries.
        dry = await imported(database, who, content, mode=Mode.SKIP_BAD, dry_run=True)
        wet = await imported(database, who, content, mode=Mode.SKIP_BAD)
        assert (dry.rows, dry.services) == (wet.rows, wet.services)
        told = [
            [(row.verdict, row.outcome, row.notes) for row in await report(database, who, each.id)]
            for each in (dry, wet)
        ]
        assert told[0] == told[1]


async def test_a_report_that_cannot_be_kept_does_not_hold_up_the_files_after_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker used to repeat that import for ever and never reached the later files."""
    who = principal("im-officer")
    features = made_features()
    features[40]["properties"]["partnerName"] = "Red \0 Propia"  # PostgreSQL rejects this text.
    told = await imported(database, who, json.dumps(features * 2).encode(), mode=Mode.SKIP_BAD)
    assert told.state is ImportState.FINISHED
    queued = await taken_in(database, who, json.dumps(features * 2).encode(), source="otra")
    broken = iter([True])
    rows = Report.rows

    def unwritable(self: Report) -> Iterator[dict[str, Any]]:
        for row in rows(self):
            yield {**row, "name": "\0"} if next(broken, False) else row

    monkeypatch.setattr(Report, "rows", unwritable)
    assert await work_one(database)
    assert not await work_one(database)
    assert (await read_again(database, who, queued.id)).state is ImportState.FAILED


async def test_a_dry_run_tells_of_double_rows_and_of_entries_that_look_alike(
    database: Database,
) -> None:
    who = principal("im-officer")
    stands = HEADER + "a1,Org,Apoyo psicosocial en grupo,GP-INFO,public,VE2313\n"
    await imported(database, who, stands.encode(), source="una")
    content = HEADER + (
        "b1,Org,Apoyo psicosocial en grupo (nueva),GP-INFO,public,VE2313\n"
        "b2,Org,Asesoría legal,GP-INFO,public,VE2313\n"
        "b3,Org,Asesoría  LEGAL,GP-INFO,public,VE2313\n"
        "b4,Org,Asesoría legal,GP-INFO,public,VE2308\n"
    )
    tried = await imported(database, who, content.encode(), source="otra", dry_run=True)
    rows = await report(database, who, tried.id)
    told = [[note["code"] for note in row.notes if note["code"].startswith("row_")] for row in rows]
    assert told == [["row_alike"], [], ["row_doubled"], []]
    (alike,) = (note for note in rows[0].notes if note["code"] == "row_alike")
    assert "Apoyo psicosocial en grupo" in alike["es"]
    assert {note.code for note in tried.notes} >= {"row_alike_some", "row_doubled_some"}
