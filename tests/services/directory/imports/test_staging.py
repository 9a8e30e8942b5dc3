"""Looking up rows of a package goes by the index that fits: a wrong one made imports quadratic."""

from datetime import date
from pathlib import Path

import pytest
from services_directory.imports.package import open_package
from services_directory.imports.package import staging as staging_module
from services_directory.imports.package.staging import MOST_CHILDREN, Staging
from services_directory.imports.source import Options

from tests.support.hsds_packages import VERSIONS, write_package


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

    staging._db.set_progress_handler(counted, 100)
    staging.dangling()
    staging.unused()
    for each in staging.services():
        assert len(staging.children("phone", "service", each.row["id"])) == 1
        assert staging.find("organization", each.row["organization_id"]) is not None
    return steps


def test_the_work_grows_with_the_package_and_not_with_its_square(tmp_path: Path) -> None:
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
def test_what_is_read_beside_its_parents_is_what_each_would_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    package = write_package(tmp_path / "package.zip", version, 30)
    together = found_in(package)
    monkeypatch.setattr(staging_module, "_MOST_NEAR", 5)
    assert found_in(package) == together


def test_a_row_with_a_crowd_is_read_apart_from_the_others_and_only_as_far_as_it_is_refused(
    tmp_path: Path,
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
