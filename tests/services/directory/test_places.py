"""A place shared by several services: who may change it, and what it may not show. Closed places stay closed."""

from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.ground.entries.models import history
from httpx import AsyncClient, Response
from sqlalchemy.exc import IntegrityError

from tests.services.directory.conftest import V1, Publish, as_, service_document

OPEN: dict[str, Any] = service_document()["service_at_locations"][0]["location"]
CLOSED = {"location_type": "physical", "pcode": "VE23", "visibility": "restricted"}
INTAKE = {"location": {"location_type": "virtual", "name": "Línea de ingreso"}}
ADDRESS = "5 de Julio"


async def _place_of(api: AsyncClient, service: str) -> str:
    """Return the id of the service's physical place."""
    read = await api.get(f"{V1}/records/services/{service}", headers=as_("ngo-salud"))
    sites = [each["location"] for each in read.json()["document"]["service_at_locations"]]
    return str(next(each["id"] for each in sites if each["location_type"] == "physical"))


async def _put(api: AsyncClient, place: str, document: dict[str, Any], client: str) -> Response:
    path = f"{V1}/records/locations/{place}"
    read = await api.get(path, headers=as_(client))
    headers = {**as_(client), "If-Match": read.headers["etag"]}
    return await api.put(path, json=document, headers=headers)


async def _shown(api: AsyncClient, service: str) -> str:
    """Return its public form."""
    return (await api.get(f"{V1}/services/{service}", headers=as_("anonymous"))).text


async def _shelter(publish: Publish, **house: Any) -> str:
    return await publish(
        name="Casa de abrigo",
        categories=["GBV-SHELTER"],
        service_areas=[],
        service_at_locations=[INTAKE, {"location": {**CLOSED, **house}}],
    )


@pytest.mark.parametrize(("pcode", "left"), [("VE2317", ["GBV"]), ("VE231301", ["CP", "GBV"])])
@pytest.mark.parametrize("road", ["its record", "another service's"])
async def test_an_endorsement_ends_when_the_place_of_a_service_is_moved_to_another_municipality(
    api: AsyncClient, publish: Publish, pcode: str, left: list[str], road: str
) -> None:
    """Editing the service's own entry has the same effect. A person who moves the place's record approves the move for
    their own areas."""
    own = await publish(categories=["GBV-CM", "CP-CM"])
    both = as_("gbv-coordinator", aors=["CP", "GBV"])
    for aor in ("CP", "GBV"):
        await api.post(f"{V1}/endorsements", json={"service_id": own, "aor": aor}, headers=both)
    place = await _place_of(api, own)
    moved = {**OPEN, "pcode": pcode}
    if road == "its record":
        assert (await _put(api, place, moved, "gbv-coordinator")).status_code == 200
    else:
        await publish(name="Otra", service_at_locations=[{"location": {**moved, "id": place}}])
        left = [] if left == ["GBV"] else left
    shown = (await api.get(f"{V1}/services/{own}", headers=both)).json()
    assert shown["service_at_locations"][0]["location"]["pcode"] == pcode
    assert shown.get("endorsed_by", []) == left
    assert ("referable" in shown) is bool(left)


async def test_a_shelters_address_is_not_published_by_way_of_its_place(
    api: AsyncClient, publish: Publish
) -> None:
    """The entry refuses an address. The record of its place used to accept one and publish it at once."""
    own = await _shelter(publish)
    place = await _place_of(api, own)
    for client in ("gbv-coordinator", "ngo-salud"):
        refused = await _put(api, place, OPEN, client)
        assert refused.status_code == (422 if client == "gbv-coordinator" else 403), refused.text
        assert ADDRESS not in await _shown(api, own)
    record = await api.get(f"{V1}/records/services/{own}", headers=as_("gbv-coordinator"))
    assert ADDRESS not in record.text


async def test_another_service_at_a_shelters_place_does_not_publish_its_address(
    api: AsyncClient, publish: Publish
) -> None:
    own = await _shelter(publish)
    place = await _place_of(api, own)
    other = await publish(
        name="Consulta", service_at_locations=[{"location": {**OPEN, "id": place}}]
    )
    assert ADDRESS in await _shown(api, other)
    assert ADDRESS not in await _shown(api, own)
    record = await api.get(f"{V1}/records/services/{own}", headers=as_("gbv-coordinator"))
    assert ADDRESS not in record.text


async def test_whoever_may_not_publish_a_service_does_not_change_its_place_by_itself(
    api: AsyncClient, publish: Publish
) -> None:
    """A client that may not publish a service may not change its place either. Otherwise a partner's client, or a thief
    with its secret, could send people to another address without a coordinator's review."""
    own = await publish()
    place = await _place_of(api, own)
    elsewhere = {**OPEN, "latitude": 10.1, "name": "Otra puerta"}
    refused = await _put(api, place, elsewhere, "ngo-salud")
    assert refused.status_code == 403, refused.text
    assert "Otra puerta" not in await _shown(api, own)
    assert (await _put(api, place, elsewhere, "gbv-coordinator")).status_code == 200
    assert "Otra puerta" in await _shown(api, own)


async def test_a_draft_from_before_opens_no_place_that_was_closed_since(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    place = await _place_of(api, own)
    draft = await api.post(
        f"{V1}/records/services",
        json=service_document(name="Otra", service_at_locations=[{"location_id": place}]),
        headers=as_("ngo-salud"),
    )
    assert draft.json()["state"] == "draft", draft.text
    assert (await _put(api, place, CLOSED, "gbv-coordinator")).status_code == 200
    assert ADDRESS not in await _shown(api, own)
    other = draft.json()["id"]
    approve = f"{V1}/records/services/{other}/approve"
    approved = await api.post(approve, headers=as_("gbv-coordinator"))
    assert approved.json()["state"] == "approved", approved.text
    assert ADDRESS not in await _shown(api, own)
    assert ADDRESS not in await _shown(api, other)


async def test_whoever_read_the_entry_before_its_place_was_closed_reads_it_again(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    path = f"{V1}/records/services/{own}"
    read = await api.get(path, headers=as_("gbv-coordinator"))
    place = await _place_of(api, own)
    assert (await _put(api, place, CLOSED, "gbv-coordinator")).status_code == 200
    headers = {**as_("gbv-coordinator"), "If-Match": read.headers["etag"]}
    late = await api.put(path, json=read.json()["document"], headers=headers)
    assert late.status_code == 412, late.text
    assert ADDRESS not in await _shown(api, own)


@pytest.mark.parametrize("by", ["its place", "its entry", "its draft"])
async def test_history_tells_no_address_of_a_place_that_was_closed_since(
    api: AsyncClient, publish: Publish, database: Database, by: str
) -> None:
    """The history rows do not contain the address either, because it would survive in backups and copies."""
    own = await publish()
    path, reader = f"{V1}/records/services/{own}", as_("gbv-coordinator")

    async def told() -> str:
        return (await api.get(f"{path}/history", headers=reader)).text

    where = (ADDRESS, str(OPEN["latitude"]), str(OPEN["longitude"]))
    before = await told()
    assert all(each in before for each in where)
    if by == "its place":
        closed = await _put(api, await _place_of(api, own), CLOSED, "gbv-coordinator")
    else:
        read = await api.get(path, headers=reader)
        document = read.json()["document"]
        (site,) = document["service_at_locations"]
        site["location"] = {**CLOSED, "id": site["location"]["id"]}
        writer = as_("ngo-salud") if by == "its draft" else reader
        headers = {**writer, "If-Match": read.headers["etag"]}
        closed = await api.put(path, json=document, headers=headers)
    assert closed.status_code == 200, closed.text
    after = await told()
    assert not [each for each in where if each in after]
    assert "Atención psicológica" in after
    async with database.transaction() as session:
        rows = str((await session.execute(sa.select(history))).all())
        assert bool([each for each in where if each in rows]) is (by == "its draft")
        assert "Atención psicológica" in rows
        with pytest.raises(IntegrityError, match="history stays as it was written"):
            async with session.begin_nested():
                await session.execute(sa.update(history).values(new={"name": "Otra"}))
