"""How a row changes the record that it represents."""

from pathlib import Path
from typing import Any

from directory.files.imports.package.said import said_onto
from directory.files.imports.workbook.merge import changed_onto

from tests.services.directory.imports.test_package import PLAIN, document, package, read


def test_what_a_package_has_no_column_or_table_for_stays(tmp_path: Path) -> None:
    (row,), _ = read(package(tmp_path, PLAIN))
    assert row.onto is not None
    record = document(row)
    curated = {
        **record,
        "alert": "Cierra en agosto",
        "categories": ["GP-DOC"],
        "visibility": "public",
        "phones": [{"id": "1", "number": "5"}],
    }
    after = row.onto(curated)
    for name in ("alert", "categories", "visibility", "phones"):
        assert after[name] == curated[name]
    assert after["name"] == "Comedor"


def test_what_only_differs_in_how_it_is_written_stays() -> None:
    record = {
        "id": "s",
        "description": "dos  espacios",
        "schedules": [{"id": "h", "opens_at": "08:00:00", "location_id": "p"}],
        "metadata": [{"id": "m", "field_name": "name", "visibility": "partners"}],
    }
    given = {
        "id": "s",
        "description": "dos espacios",
        "schedules": [{"id": "h", "opens_at": "08:00"}],
        "metadata": [{"id": "m", "field_name": "name"}],
    }
    assert said_onto(record, given, frozenset({"description", "schedules", "metadata"})) == record


def test_a_sheet_changes_the_first_site_and_keeps_the_others() -> None:
    def sites(name: str) -> dict[str, Any]:
        return {"service_at_locations": [{"location": {"name": name}}]}

    record = {
        "id": "s",
        "service_at_locations": [
            {"id": "a", "description": "martes", "location": {"id": "p", "name": "Sede"}},
            {"id": "b", "location": {"id": "q", "name": "Anexo"}},
        ],
        "phones": [{"number": "1", "type": "fax"}, {"number": "2"}],
    }
    base = {**sites("Sede"), "phones": [{"number": "1"}, {"number": "2"}]}
    given = {**sites("Sede nueva"), "phones": [{"number": "1"}, {"number": "3"}]}
    after = changed_onto(record, base, given)
    assert after["service_at_locations"] == [
        {"id": "a", "description": "martes", "location": {"id": "p", "name": "Sede nueva"}},
        {"id": "b", "location": {"id": "q", "name": "Anexo"}},
    ]
    assert after["phones"] == [{"number": "1", "type": "fax"}, {"number": "3"}]
