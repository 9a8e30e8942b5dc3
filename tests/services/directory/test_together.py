"""Services entered together end up as if each had been entered alone."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.db.session import Database
from common.ids import new_id
from directory.ground.hsds.schemas import ServiceDocument
from directory.record.locations.models import service_locations
from directory.record.services.upsert import Finish, upsert_service
from httpx import AsyncClient

from tests.services.directory.conftest import V1, reads_everything, service_document
from tests.support.databases import MigratedDatabases
from tests.support.principals import claims_of

EVERYTHING = Principal.from_claims(claims_of("tip-coordinator", aors=["CP", "GBV", "TIP", "GP"]))
PLACE = {"name": "Centro", "location_type": "physical", "latitude": 10.65, "longitude": -71.62}


async def enter(database: Database, documents: Sequence[dict[str, Any]]) -> list[UUID]:
    async with database.transaction(EVERYTHING) as session:
        finish = Finish()
        made = [
            await upsert_service(
                session, EVERYTHING, ServiceDocument.model_validate(document), finish=finish
            )
            for document in documents
        ]
        await finish.write(session)
    return [each.id for each in made]


async def places_of(api: AsyncClient, ids: Sequence[UUID]) -> list[Any]:
    shown = []
    for each in ids:
        answer = await api.get(f"{V1}/services/{each}", headers=reads_everything())
        sites = answer.json()["service_at_locations"]
        shown.append([(s["location"]["id"], s["location"]["name"]) for s in sites])
    return shown


async def test_a_place_that_several_bring_is_shown_as_the_last_has_it(
    api: AsyncClient, database: Database
) -> None:
    known = {**PLACE, "id": str(new_id())}
    (before,) = await enter(
        database, [service_document(service_at_locations=[{"location": known}])]
    )
    fresh = {**PLACE, "id": str(new_id())}
    ids = await enter(
        database,
        [
            service_document(
                service_at_locations=[
                    {"location": {**known, "name": f"Centro {number}"}},
                    {"location": {**fresh, "name": f"Casa {number}"}},
                ]
            )
            for number in (1, 2, 3)
        ],
    )
    both = [(known["id"], "Centro 3"), (fresh["id"], "Casa 3")]
    assert await places_of(api, [before, *ids]) == [both[:1], both, both, both]


async def test_a_place_that_one_brings_is_named_by_the_next(
    api: AsyncClient, database: Database
) -> None:
    place = {**PLACE, "id": str(new_id())}
    first = service_document(service_at_locations=[{"location": place}])
    second = service_document(service_at_locations=[{"location_id": place["id"]}])
    ids = await enter(database, [first, second])
    assert await places_of(api, ids) == [[(place["id"], "Centro")]] * 2


async def test_a_service_that_is_entered_twice_keeps_its_last_places(
    api: AsyncClient, database: Database
) -> None:
    own = str(new_id())
    moved = [
        service_document(
            id=own, service_at_locations=[{"location": {**PLACE, "name": name}} for name in names]
        )
        for names in (("Antes", "También"), ("Ahora",))
    ]
    ids = await enter(database, moved)
    shown = await places_of(api, ids)
    assert [[name for _, name in one] for one in shown] == [["Ahora"]] * 2
    async with database.transaction() as session:
        kept = await session.scalars(
            sa.select(service_locations.c.location_id).where(
                service_locations.c.service_id == ids[0]
            )
        )
    assert [str(each) for each in kept] == [place for place, _ in shown[0]]


async def test_two_sites_of_one_id_are_two(api: AsyncClient, database: Database) -> None:
    place = {**PLACE, "id": str(new_id())}
    site = {"id": str(new_id()), "location": place}
    doubled = service_document(service_at_locations=[site, site, {"location": place}] * 2)
    again = {**doubled, "id": str(new_id())}
    ids = await enter(database, [doubled, again])
    assert await places_of(api, ids) == [[(place["id"], "Centro")] * 6] * 2
    for each in ids:
        answer = await api.get(f"{V1}/services/{each}", headers=reads_everything())
        assert len({site["id"] for site in answer.json()["service_at_locations"]}) == 6


async def test_what_is_recorded_of_a_new_entry_is_its_record(database: Database) -> None:
    ids = await enter(database, [service_document(), service_document()])
    async with database.transaction(EVERYTHING) as session:
        rows = await session.execute(
            sa.text(
                "SELECT h.version, h.pointer, h.new = s.document, s.approved = s.document FROM services s"
                " JOIN history h ON h.entity_id = s.id WHERE s.id = ANY(:ids)"
            ).bindparams(sa.bindparam("ids", ids, sa.ARRAY(sa.Uuid)))
        )
        assert [tuple(row) for row in rows] == [(1, "", True, True)] * 2


async def test_what_is_entered_together_lies_by_place(
    databases: MigratedDatabases, followers: None
) -> None:
    """A town's services are stored together, on few pages at each level, including those copied between levels."""
    made = await databases.of("directory", "directory_by_place")
    opened = Database.at(made.app_url)
    towns = ["VE2313", "VE2004"]
    sent = [
        service_document(
            name=f"Servicio {number}",
            service_areas=[{"extent": town, "extent_type": "pcode", "name": town}],
            service_at_locations=[{"location": {**PLACE, "name": town, "pcode": town}}],
        )
        for number in range(20)
        for town in towns
    ]
    await enter(opened, sent)
    async with opened.transaction() as session:
        for table, town in (("service_documents", "areas[1]"), ("site_documents", "pcode")):
            for level in range(4):
                lying = (
                    await session.scalars(
                        sa.text(f"SELECT {town} FROM {table}_{level} ORDER BY ctid")
                    )
                ).all()
                assert sorted(set(lying)) == sorted(towns)
                changes = sum(one != other for one, other in pairwise(lying))
                assert changes == 1, (table, level)
    await opened.close()
