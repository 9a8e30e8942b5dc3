"""The directory publishes restrictions as they change, and a restored entry becomes as restricted as before."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.db.session import Database
from common.events.directory import SightChanged
from directory.record.organizations import service as organizations
from directory.record.records.models import services
from directory.record.services.restored_restrictions import restrict_again, words_now
from directory.tables import COMMON
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_
from tests.support.principals import organisation

HIDDEN = {
    "visibility": "restricted",
    "phones": [],
    "service_areas": [],
    "service_at_locations": [{"location": {"location_type": "physical", "pcode": "VE23"}}],
}


async def told(database: Database, service: str) -> list[dict[str, Any]]:
    outbox = COMMON.outbox.c
    async with database.transaction() as session:
        return list(
            await session.scalars(
                sa.select(outbox.payload)
                .where(outbox.aggregateid == service, outbox.type == SightChanged.SUBJECT)
                .order_by(outbox.version)
            )
        )


async def changed(api: AsyncClient, service: str, **changes: Any) -> None:
    record = f"{V1}/records/services/{service}"
    etag = (await api.get(record, headers=as_("gbv-coordinator"))).headers["etag"]
    headers = {**as_("gbv-coordinator"), "If-Match": etag}
    answer = await api.patch(record, json=changes, headers=headers)
    assert answer.status_code == 200, answer.text


async def again(database: Database, service: str, word: dict[str, Any]) -> int:
    async with database.transaction() as session:
        return await restrict_again(session, UUID(service), word)


async def seen(api: AsyncClient, service: str, who: str = "anonymous") -> int:
    return (await api.get(f"{V1}/services/{service}", headers=as_(who))).status_code


async def test_what_is_hidden_is_told_and_what_is_opened_again_too(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()
    assert await told(database, own) == [], "nothing of it was ever restricted"
    await changed(api, own, **HIDDEN)
    events = await told(database, own)
    assert [event["entry_id"] for event in events] == [own]
    hidden = {part["id"]: part["visibility"] for part in events[0]["hidden"]}
    assert hidden[own] == "restricted"
    await changed(api, own, visibility="public")
    assert (await told(database, own))[-1]["hidden"] == []
    await api.post(f"{V1}/records/services/{own}/withdraw", headers=as_("ngo-salud"))
    assert (await told(database, own))[-1]["withdrawn"] is True


async def test_an_entry_becomes_as_hidden_as_it_was_and_keeps_no_address(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()
    assert await again(database, own, {"hidden": {own: 3}}) == 1
    assert await seen(api, own) == 404
    assert await seen(api, own, "ngo-legal") == 404
    found = await api.get(f"{V1}/services?per_page=100", headers=as_("ngo-legal"))
    assert own not in {each["id"] for each in found.json()["contents"]}
    record = await api.get(f"{V1}/records/services/{own}", headers=as_("gbv-coordinator"))
    place = record.json()["document"]["service_at_locations"][0]["location"]
    assert place["pcode"] == "VE23"
    assert not {"latitude", "addresses"} & place.keys()
    assert (await told(database, own))[-1]["hidden"] == [{"id": own, "visibility": "restricted"}]
    assert await again(database, own, {"hidden": {own: 3}}) == 0


async def test_a_part_alone_becomes_hidden_again(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    place = shown["service_at_locations"][0]["location"]["id"]
    assert await again(database, own, {"hidden": {place: 2}}) == 1
    now = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert place not in str(now)
    assert now["name"] == shown["name"]


async def test_what_was_withdrawn_or_closed_is_so_again(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    left, closed = await publish(), await publish(name="Otra")
    assert await again(database, left, {"withdrawn": True}) == 1
    assert await seen(api, left) == 404
    assert await again(database, closed, {"closed": "suspended"}) == 1
    shown = (await api.get(f"{V1}/services/{closed}", headers=as_("anonymous"))).json()
    assert shown["functional_status"]["code"] == "suspended"
    assert await again(database, left, {"withdrawn": True}) == 0


async def test_what_the_backup_hides_is_not_opened_by_a_word(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish(**HIDDEN, categories=["GBV-SHELTER"])
    assert await again(database, own, {}) == 0
    assert await again(database, own, {"hidden": {own: 1}}) == 0
    assert await seen(api, own) == 404


async def test_a_possible_house_hides_its_place_again_only_where_the_backup_shows_it(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    """Readers see the place masked. A restore must not write the mask into the record, which still waits for its
    review."""
    house, shown = await publish(name="Casa segura para mujeres"), await publish(name="Consulta")
    async with database.transaction() as session:
        word = {service: word async for service, word in words_now(session)}[UUID(house)]
    assert word == {"held": 1}
    assert (await told(database, house))[-1]["held"] == "partners"
    assert await again(database, house, dict(word)) == 0
    assert await again(database, house, {"held": 1, "hidden": {house: 1}}) == 1, "an editor hid it"
    assert await again(database, house, {"held": 3}) == 1, "a reviewer confirmed it"
    assert await again(database, shown, dict(word)) == 1
    assert await seen(api, shown) == 404
    record = await api.get(f"{V1}/records/services/{shown}", headers=as_("gbv-coordinator"))
    place = record.json()["document"]["service_at_locations"][0]["location"]
    assert place["visibility"] == "partners"


async def test_the_record_says_what_it_restricts_without_having_told_it(
    publish: Publish, database: Database
) -> None:
    """A record that an earlier release wrote still reports what it restricts."""
    own, other = await publish(**HIDDEN, categories=["GBV-SHELTER"]), await publish(name="Otra")
    async with database.transaction() as session:
        await session.execute(sa.update(services).values(restricted=None))
        now = {service: word async for service, word in words_now(session)}
    assert now[UUID(own)]["hidden"][own] == 3
    assert UUID(other) not in now


async def test_a_hidden_organisation_is_told_and_hidden_again(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    await publish()
    own, path = str(organisation(2)), f"{V1}/organizations/{organisation(2)}"
    async with database.transaction() as session:
        assert await organizations.restrict_again(session, UUID(own), {"hidden": {own: 3}}) == 1
        assert await organizations.restrict_again(session, UUID(own), {"hidden": {own: 3}}) == 0
        assert (UUID(own), {"hidden": {own: 3}}) in await organizations.words_now(session)
    assert (await api.get(path, headers=as_("anonymous"))).status_code == 404
    (event,) = await told(database, own)
    assert (event["entry"], event["hidden"]) == (
        "organisation",
        [{"id": own, "visibility": "restricted"}],
    )
