"""A package's rows wait on disk and an index finds them (a wrong index made imports quadratic)."""

from pathlib import Path

from directory.files.imports.package.staging import MOST_CHILDREN, Staging


def filled(staging: Staging, services: int) -> int:
    """Return the SQLite steps (in hundreds) that it takes to read every service with its children."""
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
        assert len(staging.children_of("service", each.row["id"])["phone"]) == 1
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


def test_of_a_crowd_on_a_row_no_more_is_read_than_it_is_refused_for(tmp_path: Path) -> None:
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
    staging.close()
