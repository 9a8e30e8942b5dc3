"""A publisher's own words in a sheet and unknown activities of a Services Advisor count as terms, like a package's."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.files.crosswalks import queries, service
from directory.files.imports.schemas import ImportState
from directory.ground.entries.models import history
from directory.record.documents.models import service_documents
from directory.record.records.models import services

from tests.services.directory.crosswalks.test_crosswalks import (
    SOURCE,
    WHO,
    bring,
    decide_by_name,
)
from tests.services.directory.imports.test_taking_in import imported, report
from tests.support.advisor_features import made_features

ROWS = {
    "uno": "Asesoría jurídica gratuita",
    "dos": "Asesoría jurídica gratuita; GBV-CM",
    "tres": "Casa de paso",
    "cuatro": "Taller de ópera",
}


def sheet(rows: Mapping[str, str] = ROWS, header: str = "Categorías") -> bytes:
    lines = [
        f"{name},Red Nacional,Servicio {name},{words},public,VE2313,10.64,-71.61"
        for name, words in rows.items()
    ]
    head = f"ID,Organización,Nombre,{header},Visibilidad,P-code,Latitud,Longitud"
    return "\n".join([head, *lines]).encode()


async def stored(database: Database) -> dict[str, Any]:
    async with database.transaction() as session:
        rows = await session.scalars(sa.select(services.c.document))
        return {row["name"].removeprefix("Servicio "): row for row in rows}


async def categories(database: Database) -> dict[str, list[str]]:
    found = await stored(database)
    return {name: found[name].get("categories", []) for name in sorted(found)}


async def names(database: Database, source: str = SOURCE) -> list[str]:
    async with database.transaction(WHO) as session:
        rows = await queries.terms_of(session, WHO, f"{WHO.organisation}:{source}")
        return [row.name for row in rows]


async def test_words_of_a_publisher_with_a_name_come_in_as_terms_and_stand_for_what_is_decided(
    database: Database,
) -> None:
    found = await bring(database, sheet())
    assert (found.state, found.rows.refused) == (ImportState.FINISHED, 0)
    assert await names(database) == [
        "Asesoría jurídica gratuita", "Casa de paso", "Taller de ópera"
    ]  # fmt: skip
    assert await categories(database) == {
        "cuatro": [], "dos": ["GBV-CM"], "tres": [], "uno": []
    }  # fmt: skip
    told = next(each for each in found.notes if each.code == "terms_undecided")
    assert (told.before, told.after) == ("3", "4")
    decided = {"Asesoría jurídica gratuita": ["GBV-LEGAL"], "Taller de ópera": []}
    assert await decide_by_name(database, decided) == (2, 0, 0)
    assert await categories(database) == {
        "cuatro": [], "dos": ["GBV-CM", "GBV-LEGAL"], "tres": [], "uno": ["GBV-LEGAL"]
    }  # fmt: skip


@pytest.mark.parametrize("decided", [{"Asesoría jurídica gratuita": ["GBV-LEGAL"]}, {}])
async def test_the_same_sheet_again_changes_nothing(
    database: Database, decided: Mapping[str, list[str]]
) -> None:
    await bring(database, sheet())
    if decided:
        await decide_by_name(database, decided)
    before = await stored(database)
    again = await bring(database, sheet())
    assert again.services.unchanged == len(ROWS)
    assert await stored(database) == before
    rows: Any = await report(database, WHO, again.id)
    told = {row.external_id: {each["code"] for each in row.notes} for row in rows}
    assert ("category_foreign" in told["uno"]) is not bool(decided)
    assert ("category_decided" in told["uno"]) is bool(decided)


async def test_a_word_that_the_sheet_no_longer_says_goes_with_what_was_decided_of_it(
    database: Database,
) -> None:
    await bring(database, sheet())
    await decide_by_name(database, {"Asesoría jurídica gratuita": ["GBV-LEGAL"]})
    await bring(database, sheet({**ROWS, "uno": "GP-INFO", "dos": "Taller de ópera; GBV-CM"}))
    found = await categories(database)
    assert (found["uno"], found["dos"]) == (["GP-INFO"], ["GBV-CM"])


async def test_what_somebody_added_here_stays_when_the_words_come_again(
    database: Database,
) -> None:
    await bring(database, sheet())
    async with database.transaction() as session:
        changed = sa.cast({"categories": ["CP-CM"]}, sa.JSON)
        await session.execute(
            sa.update(services)
            .where(services.c.document["name"].astext == "Servicio uno")
            .values(
                document=services.c.document.op("||")(sa.cast(changed, services.c.document.type))
            )
        )
    await bring(database, sheet())
    assert (await categories(database))["uno"] == ["CP-CM"]


async def test_until_it_is_decided_what_may_be_a_shelter_is_not_published(
    database: Database,
) -> None:
    await bring(database, sheet({"tres": "Casa de abrigo temporal", "cuatro": "Taller de ópera"}))
    async with database.transaction() as session:
        shown = await session.scalars(
            sa.select(service_documents.c.document).where(service_documents.c.level == 0)
        )
    assert [each["name"] for each in shown] == ["Servicio cuatro"]


async def test_without_a_name_for_the_publisher_an_unknown_category_is_a_mistake(
    database: Database,
) -> None:
    found = await imported(database, WHO, sheet())
    assert (found.state, found.rows.refused) == (ImportState.REFUSED, len(ROWS))
    assert await stored(database) == {}


async def test_an_activity_of_a_services_advisor_that_we_do_not_know_can_be_decided(
    database: Database,
) -> None:
    feature = made_features()[0]
    feature["properties"]["activityName"] = "Legal counselling for tenants"
    feature["properties"].pop("indicators", None)
    content = json.dumps([feature]).encode()

    async def brought() -> Any:
        return await bring(database, content, named_format="services-advisor")

    found = await brought()
    assert found.services.created == 1
    (name,) = await categories(database)
    space = f"{WHO.organisation}:{SOURCE}"
    async with database.transaction(WHO) as session:
        (term,) = await queries.terms_of(session, WHO, space)
        assert term.name == "Legal counselling for tenants"
        decision = service.Decision(term.id, ["GBV-LEGAL"])
        assert await service.decide(session, WHO, [decision]) == (1, 0, 0)
    assert await categories(database) == {name: ["GBV-LEGAL"]}
    assert (await brought()).services.unchanged == 1


async def test_a_decision_about_a_word_is_in_the_history(database: Database) -> None:
    await bring(database, sheet())
    await decide_by_name(database, {"Casa de paso": []})
    async with database.transaction() as session:
        kinds = await session.scalars(sa.select(history.c.kind))
        assert service.KIND in set(kinds)
