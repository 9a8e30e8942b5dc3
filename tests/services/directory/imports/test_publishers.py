"""Ids belong to their publisher, so two files with equal ids never affect each other's entries."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.files.imports.publishers.likeness import Likeness, likeness, signs_of
from directory.files.imports.schemas import Mode
from directory.record.locations.models import locations
from directory.record.organizations.models import organizations
from directory.record.records.models import services
from directory.record.taxonomies.models import taxonomy_terms

from tests.services.directory.imports.test_package import package
from tests.services.directory.imports.test_taking_in import imported, report
from tests.support.principals import organisation, principal

UUIDS = {key: f"0190c000-0000-7000-8000-00000000000{at}" for at, key in enumerate("ospt", 1)}
NUMBERS = dict.fromkeys("ospt", "1")


def publication(
    ids: Mapping[str, str], word: str, **service: str
) -> dict[str, list[dict[str, str]]]:
    """Return a package with one service at one place; `word` makes all its texts unique."""
    return {
        "organizations.csv": [{"id": ids["o"], "name": f"Org {word}", "description": word}],
        "services.csv": [{
            "id": ids["s"], "organization_id": ids["o"], "name": f"Servicio {word}",
            "description": f"Lo que hace {word}", "status": "active", **service,
        }],
        "locations.csv": [{
            "id": ids["p"], "location_type": "physical", "name": f"Sede {word}",
        }],
        "service_at_location.csv": [{
            "id": f"{ids['s']}@", "service_id": ids["s"], "location_id": ids["p"],
        }],
        "taxonomy_terms.csv": [{"id": ids["t"], "name": f"Tema {word}", "description": word}],
        "attributes.csv": [{
            "id": f"{ids['t']}a", "link_id": ids["s"], "taxonomy_term_id": ids["t"],
            "link_entity": "service",
        }],
    }  # fmt: skip


async def names(database: Database, table: sa.Table) -> list[str]:
    async with database.transaction() as session:
        rows = await session.scalars(sa.select(table.c.document["name"].astext))
        return sorted(rows)


async def stored(database: Database) -> dict[str, list[Any]]:
    async with database.transaction() as session:
        terms = sorted(await session.scalars(sa.select(taxonomy_terms.c.name)))
    tables = {"services": services, "organizations": organizations, "locations": locations}
    return {"terms": terms, **{key: await names(database, table) for key, table in tables.items()}}


@pytest.mark.parametrize("ids", [NUMBERS, UUIDS], ids=["numbers", "uuids"])
@pytest.mark.parametrize("source", [None, "otro"])
async def test_a_second_package_with_the_same_ids_stands_beside_the_first(
    database: Database, tmp_path: Path, ids: dict[str, str], source: str | None
) -> None:
    who = principal("im-officer")
    await imported(database, who, package(tmp_path, publication(ids, "A")).read_bytes())
    found = await imported(
        database, who, package(tmp_path, publication(ids, "B")).read_bytes(), source=source
    )
    assert (found.services.created, found.services.updated) == (1, 0)
    assert await stored(database) == {
        "services": ["Servicio A", "Servicio B"],
        "organizations": ["Org A", "Org B"],
        "locations": ["Sede A", "Sede B"],
        "terms": ["Tema A", "Tema B"],
    }


@pytest.mark.parametrize("ids", [NUMBERS, UUIDS], ids=["numbers", "uuids"])
async def test_each_publisher_changes_its_own_entry_afterwards(
    database: Database, tmp_path: Path, ids: dict[str, str]
) -> None:
    who = principal("im-officer")
    for word in "AB":
        await imported(database, who, package(tmp_path, publication(ids, word)).read_bytes())
    for word in "BA":
        changed = publication(ids, word, alternate_name=f"Nuevo {word}")
        found = await imported(database, who, package(tmp_path, changed).read_bytes())
        assert (found.services.created, found.services.updated) == (0, 1)
    assert await names(database, services) == ["Servicio A", "Servicio B"]
    async with database.transaction() as session:
        rows = await session.execute(
            sa.select(
                services.c.document["name"].astext, services.c.document["alternate_name"].astext
            )
        )
        assert {(name, other) for name, other in rows} == {
            ("Servicio A", "Nuevo A"), ("Servicio B", "Nuevo B"),
        }  # fmt: skip


@pytest.mark.parametrize("ids", [NUMBERS, UUIDS], ids=["numbers", "uuids"])
async def test_the_same_package_under_another_source_name_is_recognised(
    database: Database, tmp_path: Path, ids: dict[str, str]
) -> None:
    who = principal("im-officer")
    content = package(tmp_path, publication(ids, "A")).read_bytes()
    await imported(database, who, content, source="primero")
    found = await imported(database, who, content, source="segundo")
    assert (found.services.created, found.services.unchanged) == (0, 1)
    assert "publisher_recognised" in [each.code for each in found.notes]
    again = await imported(database, who, content)
    assert (again.services.created, again.services.unchanged) == (0, 1)


HEADER = "external_id,organisation,name,categories,visibility,phone\n"


async def test_equal_row_numbers_of_two_sheets_are_two_services(database: Database) -> None:
    who = principal("im-officer")
    for word in "AB":
        content = f"{HEADER}1,Org {word},Servicio {word},GP-INFO,public,04{word}\n".encode()
        found = await imported(database, who, content)
        assert found.services.created == 1
    assert await names(database, services) == ["Servicio A", "Servicio B"]


async def test_a_row_of_a_known_sheet_does_not_take_the_number_of_another_organisations(
    database: Database,
) -> None:
    who = principal("im-officer")
    rows = [f"{at},Org {at},Servicio {at},GP-INFO,public,0414000000{at}\n" for at in range(4)]
    await imported(database, who, (HEADER + "".join(rows)).encode())
    rows[3] = "3,Otra org,Otra cosa,GP-INFO,public,04249999999\n"
    found = await imported(database, who, (HEADER + "".join(rows)).encode(), mode=Mode.SKIP_BAD)
    assert (found.services.unchanged, found.rows.refused) == (3, 1)
    (refused,) = await report(database, who, found.id, "refused")
    assert "id_of_another" in [note["code"] for note in refused.notes]
    assert "Servicio 3" in await names(database, services)


async def test_a_file_reaches_no_entry_of_another_organisation_by_its_ids(
    database: Database,
) -> None:
    """A file never changes another organisation's entry, not even with a row of the same content."""
    content = f"{HEADER}1,Org,Servicio,GP-INFO,public,04140000001\n".encode()
    await imported(database, principal("im-officer"), content)
    other = principal("im-officer", org=str(organisation(5)))
    found = await imported(database, other, content)
    assert (found.services.created, found.services.unchanged) == (1, 0)


async def test_a_publisher_may_rename_its_service(database: Database) -> None:
    who = principal("im-officer")
    await imported(database, who, f"{HEADER}1,Org,Uno,GP-INFO,public,1234567\n".encode())
    found = await imported(database, who, f"{HEADER}1,Org,Otro,GP-INFO,public,\n".encode())
    assert (found.services.created, found.services.updated) == (0, 1)
    assert await names(database, services) == ["Otro"]


def test_likeness_needs_more_than_a_common_name() -> None:
    def signs(name: str, organisation: str, phone: str = "") -> Any:
        phones = [{"number": phone}] if phone else []
        return signs_of({"name": name, "organization": {"name": organisation}, "phones": phones})

    one = signs("Comedor", "Casa Abierta", "+58 212 5550101")
    assert likeness(one, signs("COMEDOR", "Casa abierta")) is Likeness.ALIKE
    assert likeness(one, signs("Comedor popular", "Casa Abierta")) is Likeness.PERHAPS
    assert likeness(one, signs("Comedor", "Cáritas", "0212 5550101")) is Likeness.ALIKE
    assert likeness(one, signs("Comedor", "Cáritas", "0212 5550199")) is Likeness.UNLIKE
    assert likeness(one, signs("Refugio", "Cáritas")) is Likeness.UNLIKE
