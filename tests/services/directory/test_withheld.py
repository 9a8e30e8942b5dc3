"""While an organisation's access is suspended, no path offers its services."""

from pathlib import Path
from typing import Any

import pytest
from common.db.session import Database
from directory.ground.entries.offered import is_offered, is_published, is_withheld
from directory.record.documents.worker import withhold_some
from httpx import AsyncClient
from stack.embedded.postgres import ServiceDatabase

from tests.services.directory import test_leaks as leaks
from tests.services.directory.conftest import (
    V1,
    Publish,
    as_,
    ids_seen,
    reads_everything,
    service_document,
)
from tests.services.directory.test_curation import _events
from tests.support.databases import rolled_back
from tests.support.principals import organisation
from tests.support.rights import told

SALUD = str(organisation(2))
CURATOR = as_("gbv-coordinator")
EVERYBODY = (
    "anonymous", "health-cluster", "ngo-refugio", "ngo-salud", "gbv-coordinator", "im-officer",
)  # fmt: skip


async def suspended(api: AsyncClient, database: Database, *organisations: str) -> None:
    """Suspend exactly these organisations, as the front reports it and the worker records it."""
    await told(api, "directory", suspended={"organisation": list(organisations)})
    while await withhold_some(database):
        pass


@pytest.mark.parametrize(
    ("approved", "state", "said", "off", "so"),
    [
        ({}, "approved", {}, False, "offered"),
        ({}, "draft", {}, False, "offered"),  # A newer draft exists.
        ({}, "draft", None, False, "offered"),
        ({}, "approved", {}, True, "withheld"),
        ({}, "submitted", {"closed": "closed"}, True, "withheld"),
        ({}, "withdrawn", {}, False, "nothing"),
        ({}, "draft", {"withdrawn": True}, False, "nothing"),  # It is edited again.
        ({}, "submitted", {"withdrawn": True}, True, "nothing"),
        ({}, "approved", {"withdrawn": True}, False, "offered"),
        ({}, "merged", {}, True, "nothing"),
        (None, "draft", None, False, "nothing"),
        (None, "submitted", {}, True, "nothing"),
    ],
)
def test_what_is_published_is_offered_unless_its_organisation_is_suspended(
    approved: Any, state: str, said: Any, off: bool, so: str
) -> None:
    assert is_offered(approved, state, said, organisation_suspended=off) is (so == "offered")
    assert is_withheld(approved, state, said, organisation_suspended=off) is (so == "withheld")
    assert is_published(approved, state, said) is (so != "nothing")


@pytest.mark.parametrize("again", ["reopened", "written anew by its organisation"])
async def test_what_was_withdrawn_and_is_worked_on_again_is_offered_to_nobody_until_it_is_approved(
    api: AsyncClient, publish: Publish, database: Database, again: str
) -> None:
    """Reporting a withdrawn service as full, verifying it or lifting a suspension used to return it to every list
    without an approval."""
    own = await publish()
    record, keeper = f"{V1}/records/services/{own}", as_("ngo-salud")
    await api.post(f"{record}/withdraw", headers=CURATOR)
    if again == "reopened":
        await api.post(f"{record}/reopen", headers=keeper)
    else:
        etag = (await api.get(record, headers=keeper)).headers["etag"]
        changed = service_document(name="Otro nombre")
        await api.put(record, json=changed, headers=keeper | {"If-Match": etag})
    await api.put(f"{V1}/services/{own}/capacity", json={"state": "full"}, headers=keeper)
    await api.post(f"{record}/verify", json={}, headers=keeper)
    await suspended(api, database, SALUD)
    await suspended(api, database)
    shown = (await api.get(record, headers=CURATOR)).json()
    assert (shown["state"], shown["published"], shown["withheld"]) == ("draft", False, False)
    assert await ids_seen(api, "gbv-coordinator") == []
    approved = await api.post(f"{record}/approve", headers=CURATOR)
    assert approved.json()["state"] == "approved", approved.text
    assert await ids_seen(api, "anonymous") == [own]


async def test_a_suspended_organisations_services_are_offered_to_nobody_and_again_once_that_has_ended(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own, other = await publish(), await publish(organization={"name": "Otra", "description": "x"})
    address = f"{V1}/services/{own}"
    before = {who: (await api.get(address, headers=as_(who))).json() for who in EVERYBODY}
    await suspended(api, database, SALUD)
    for who in EVERYBODY:
        assert (await api.get(address, headers=as_(who))).status_code == 404, who
        assert await ids_seen(api, who) == [other], who
    await suspended(api, database)
    for who in EVERYBODY:
        again = (await api.get(address, headers=as_(who))).json()
        assert again | {"last_modified": ""} == before[who] | {"last_modified": ""}, who


async def test_copies_are_told_that_it_was_withdrawn_and_that_it_is_there_again(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    """Referrals and reporting receive the events. Otherwise people would still be sent to the service."""
    own = await publish()
    await suspended(api, database, SALUD)
    # The directory stores writes during the suspension, but publishes no event.
    await api.put(f"{V1}/services/{own}/capacity", json={"state": "full"}, headers=CURATOR)
    await suspended(api, database)
    events = await _events(database, own)
    assert [(name, data["referable"]) for name, data in events] == [
        ("service.published.v1", True), ("service.withdrawn.v1", False), ("service.published.v1", True),
    ]  # fmt: skip
    assert [data["version"] for _, data in events] == [1, 2, 3]
    assert events[-1][1]["capacity_state"] == "full"


async def test_its_stewards_read_why_it_is_offered_to_nobody(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()
    record, listed = f"{V1}/records/services/{own}", f"{V1}/records/services"

    async def withheld(who: str) -> list[bool]:
        line, *_ = (await api.get(listed, headers=as_(who))).json()["items"]
        return [line["withheld"], (await api.get(record, headers=as_(who))).json()["withheld"]]

    for who in ("gbv-coordinator", "im-officer"):
        assert await withheld(who) == [False, False]
    await suspended(api, database, SALUD)
    for who in ("gbv-coordinator", "im-officer"):
        assert await withheld(who) == [True, True]
    assert (await api.get(record, headers=as_("ngo-refugio"))).status_code == 404


async def test_what_is_entered_or_approved_meanwhile_is_offered_once_the_suspension_has_ended(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    await publish()
    await suspended(api, database, SALUD)
    own = await publish(name="Casa nueva")
    assert await ids_seen(api, "gbv-coordinator") == []
    await suspended(api, database)
    assert own in await ids_seen(api, "ngo-refugio")


async def test_what_is_withdrawn_meanwhile_stays_so(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()
    await suspended(api, database, SALUD)
    await api.post(f"{V1}/records/services/{own}/withdraw", headers=CURATOR)
    await suspended(api, database)
    assert await ids_seen(api, "gbv-coordinator") == []


async def test_a_suspended_person_or_client_takes_no_service_off_the_lists(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = await publish()
    await told(api, "directory", suspended={"subject": [SALUD], "client": [SALUD, "ngo-salud"]})
    assert await withhold_some(database) is False
    await api.put(f"{V1}/services/{own}/capacity", json={"state": "full"}, headers=CURATOR)
    assert own in await ids_seen(api, "anonymous")


async def test_of_the_organisation_itself_its_name_is_left_for_those_who_sent_somebody_there(
    api: AsyncClient, database: Database
) -> None:
    ways = {"phones": [{"number": "+58 261 555 0199"}], "email": "casa@salud.example.org"}
    own = {
        "id": SALUD,
        "name": "Salud para Todas",
        "description": "Calle 5, +58 261 555 0199",
        **ways,
    }
    entered = service_document(organization=own)
    await api.post(f"{V1}/records/services", json=entered, headers=CURATOR)
    address, names = f"{V1}/organizations/{SALUD}", f"{V1}/names?organization_id={SALUD}"
    await suspended(api, database, SALUD)
    assert (await api.get(address, headers=as_("anonymous"))).status_code == 404
    shown = (await api.get(address, headers=as_("ngo-refugio"))).json()
    assert shown == {"id": SALUD, "name": own["name"], "description": own["name"]}
    told_name = (await api.get(names, headers=as_("ngo-refugio"))).json()["organizations"]
    assert [each["name"] for each in told_name] == [own["name"]]
    await suspended(api, database)
    shown = (await api.get(address, headers=as_("anonymous"))).json()
    assert shown["email"] == own["email"]
    assert [each["number"] for each in shown["phones"]] == ["+58 261 555 0199"]


async def test_nobody_takes_the_place_of_a_site_that_is_off_the_lists_for_now(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    """No new site may replace one that is temporarily off the lists. Otherwise its service could not come back."""
    site = {"id": leaks.SITE, **service_document()["service_at_locations"][0]}
    await api.post(
        f"{V1}/records/services",
        json=service_document(service_at_locations=[site]),
        headers=reads_everything(),
    )
    await suspended(api, database, SALUD)
    other = service_document(
        service_at_locations=[site], organization={"name": "Otra", "description": "x"}
    )
    made = await api.post(f"{V1}/records/services", json=other, headers=reads_everything())
    assert made.status_code == 201, made.text
    await suspended(api, database)
    assert len(await ids_seen(api, "anonymous")) == 2


@pytest.mark.slow
async def test_nothing_tells_that_there_is_a_service_of_a_suspended_organisation(
    directory_database: ServiceDatabase, internal_jwks: Path
) -> None:
    """Every list, page, file and parameter behaves as if the service had never been entered."""
    async with rolled_back(directory_database) as database:
        api = await leaks._client(database, directory_database, internal_jwks)
        readers = ("anonymous", "health-cluster", "ngo-refugio")
        before = {who: await leaks._everything(api, who) for who in readers}
        await leaks._enter_hidden(api, "public")
        assert leaks.OWN in await ids_seen(api, "anonymous")
        await suspended(api, database, leaks.ORGANIZATION)
        for who in readers:
            after = await leaks._everything(api, who)
            named = () if who == "anonymous" else ("organizations", "names?")
            differ = [key for key in after if after[key] != before[who][key]]
            assert [key for key in differ if not any(each in key for each in named)] == [], who
