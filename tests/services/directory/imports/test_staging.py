"""Rows of a package wait in memory or on disk: both say the same, memory has its bound, and on disk rows are
looked up by the index that fits (a wrong one made imports quadratic)."""

import gc
import random
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from directory.files.imports.package import open_package
from directory.files.imports.package import staged as staged_module
from directory.files.imports.package import staging as staging_module
from directory.files.imports.package.in_memory import InMemory
from directory.files.imports.package.on_disk import OnDisk
from directory.files.imports.package.staging import MOST_CHILDREN, Staging
from directory.files.imports.source import Options

from tests.services.directory.imports.test_many_lines import with_phones
from tests.support.damaged_packages import all_of, damaged
from tests.support.hsds_packages import VERSIONS, write_package

MOST_IN_MEMORY = staging_module._MOST_IN_MEMORY
ALL_ON_DISK, SOME_BEFORE_THE_REST = 0, 60_000


@pytest.fixture(params=[MOST_IN_MEMORY, ALL_ON_DISK], ids=["memory", "disk"])
def most_in_memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(staging_module, "_MOST_IN_MEMORY", request.param)
    return int(request.param)


def filled(staging: Staging, services: int) -> int:
    """SQLite steps (in hundreds) that reading every service with its children takes."""
    for at in range(services):
        staging.add("organization", at + 2, {"id": f"o{at}", "name": "O"})
        staging.add("service", at + 2, {"id": f"s{at}", "organization_id": f"o{at}", "name": "S"})
        staging.add("phone", at + 2, {"id": f"p{at}", "service_id": f"s{at}", "number": "1"})
    staging.index()
    steps = 0

    def counted() -> int:
        nonlocal steps
        steps += 1
        return 0

    assert isinstance(staging._store, OnDisk)
    staging._store._db.set_progress_handler(counted, 100)
    staging.dangling()
    staging.unused()
    for each in staging.services():
        assert len(staging.children("phone", "service", each.row["id"])) == 1
        assert staging.find("organization", each.row["organization_id"]) is not None
    return steps


def test_the_work_grows_with_the_package_and_not_with_its_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging_module, "_MOST_IN_MEMORY", ALL_ON_DISK)
    counts = []
    for services in (500, 2000):
        (folder := tmp_path / str(services)).mkdir()
        staging = Staging(folder)
        counts.append(filled(staging, services))
        staging.close()
    few, many = counts
    assert many < few * 4 * 1.5


def found_in(package: Path) -> list[object]:
    with open_package(package, Options(date(2026, 11, 25), source="x")) as source:
        rows = [(each.document, each.notes, each.fates) for each in source.rows]
        return [*rows, source.notes]


@pytest.mark.parametrize("version", VERSIONS)
def test_where_rows_wait_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Nor does it that they are moved while they are read, or that of so many kinds none is known."""
    whole = write_package(tmp_path / "whole.zip", version, 12)
    packages = [whole] + [
        damaged(whole, tmp_path / f"{seed}.zip", random.Random(seed))  # noqa: S311 - no secret
        for seed in range(6)
    ]
    stores: set[type] = set()
    own = Staging.close

    def watched(staging: Staging) -> None:
        stores.add(type(staging._store))
        own(staging)

    monkeypatch.setattr(Staging, "close", watched)
    in_memory = [all_of(path) for path in packages]
    assert stores == {InMemory}
    stores.clear()
    for most in (ALL_ON_DISK, SOME_BEFORE_THE_REST):
        monkeypatch.setattr(staging_module, "_MOST_IN_MEMORY", most)
        assert [all_of(path) for path in packages] == in_memory
    assert stores == {OnDisk}
    monkeypatch.setattr(staged_module, "_MOST_SHAPES", 3)
    assert [all_of(path) for path in packages] == in_memory


def test_what_waits_in_memory_needs_no_more_of_it_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 4 * 2**20
    monkeypatch.setattr(staging_module, "_MOST_IN_MEMORY", most)
    peaks = []
    for phones in (12_000, 60_000):  # the first wait in memory; of the second the first fifth did
        path = with_phones(tmp_path / f"{phones}.zip", phones)
        gc.collect()
        tracemalloc.start()
        try:
            with open_package(path, Options(date(2026, 11, 25), source="x")) as source:
                assert len(list(source.rows)) == 2
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert most / 2 < peaks[0]
    assert max(peaks) < most + 4 * 2**20  # beside it the file's own piece, and the rows of a batch


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_read_beside_its_parents_is_what_each_would_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_in_memory: int, version: str
) -> None:
    package = write_package(tmp_path / "package.zip", version, 30)
    together = found_in(package)
    monkeypatch.setattr(staging_module, "_MOST_NEAR", 5)
    assert found_in(package) == together


def test_a_row_with_a_crowd_is_read_apart_from_the_others_and_only_as_far_as_it_is_refused(
    tmp_path: Path, most_in_memory: int
) -> None:
    staging = Staging(tmp_path)
    for at in range(2):
        staging.add("service", at + 2, {"id": f"s{at}", "name": "S"})
    for at in range(2_000):
        staging.add("phone", at + 2, {"id": f"p{at}", "service_id": "s0", "number": "1"})
    staging.add("phone", 2_002, {"id": "last", "service_id": "s1", "number": "1"})
    staging.index()
    counts = [
        len(staging.children_of("service", each.row["id"])["phone"]) for each in staging.services()
    ]
    assert counts == [MOST_CHILDREN, 1]
    assert staging._near == {"s1"}
    staging.close()
