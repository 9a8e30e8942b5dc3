"""The chunk size of an import does not change its report."""

from pathlib import Path
from typing import Any

import pytest
from common.db.session import Database
from directory.files.imports import service
from directory.files.imports.schemas import ImportState, Mode

from tests.services.directory.imports.test_package import DIRTY, package
from tests.services.directory.imports.test_taking_in import imported, report
from tests.support.hsds_packages import VERSIONS, official_packages, write_package
from tests.support.principals import principal
from tests.support.reference import reference_data

WHO = principal("im-officer")
SIZES = (1, 2, 7, 1_000)
ITS_OWN = {"id", "created_at", "started_at", "finished_at", "rows_url"}
"""What differs between two imports that do the same."""


async def told(database: Database, content: bytes, size: int, monkeypatch: Any) -> Any:
    """Return the whole report of a dry run with this chunk size."""
    monkeypatch.setattr(service, "JUDGED", size)
    done = await imported(database, WHO, content, dry_run=True, source="chunks", mode=Mode.SKIP_BAD)
    assert done.state is ImportState.FINISHED
    said = done.model_dump(exclude=ITS_OWN)
    rows = [tuple(row)[1:] for row in await report(database, WHO, done.id)]
    return said, rows


async def check(database: Database, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare on an empty directory, and on one that already has the package."""
    for stands in (False, True):
        if stands:
            await imported(database, WHO, content, source="chunks", mode=Mode.SKIP_BAD)
        all_at_once, *others = [
            await told(database, content, size, monkeypatch) for size in reversed(SIZES)
        ]
        assert all_at_once[1]
        for each in others:
            assert each == all_at_once


@pytest.mark.parametrize(
    "version",
    [VERSIONS[0], *(pytest.param(each, marks=pytest.mark.slow) for each in VERSIONS[1:])],
)
async def test_a_package_of_any_version_is_told_of_alike_in_chunks_of_any_size(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    content = write_package(tmp_path / "package.zip", version, 12).read_bytes()
    await check(database, content, monkeypatch)


async def test_so_is_a_dirty_one(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await check(database, package(tmp_path, DIRTY).read_bytes(), monkeypatch)


async def test_so_are_the_official_ones(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in official_packages(reference_data("hsds/examples"), tmp_path).values():
        await check(database, path.read_bytes(), monkeypatch)
