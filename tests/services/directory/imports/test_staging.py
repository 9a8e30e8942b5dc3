"""Looking up rows of a package goes by the index that fits: a wrong one made imports quadratic."""

from pathlib import Path

from services_directory.imports.package.staging import Staging


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
