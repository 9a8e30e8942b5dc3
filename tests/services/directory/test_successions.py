"""An organisation ends, merges or gives services away. One person proposes it and another confirms it."""

from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.events.directory import OrganizationRecorded, OrganizationSucceeded, ServiceChanged
from common.ids import new_id
from common.sight import RESTRICTED
from directory.record.organizations.models import organizations
from directory.tables import COMMON
from httpx import AsyncClient, Response

from tests.services.directory.conftest import V1, Publish, as_, reads_everything
from tests.support.principals import organisation

PATH = f"{V1}/successions"
SALUD, LEGAL = str(organisation(2)), str(organisation(3))


@pytest.fixture
async def legal(api: AsyncClient) -> str:
    """The other organisation's record."""
    body = {"id": LEGAL, "name": "Alianza Legal", "description": "Legal aid"}
    made = await api.put(f"{V1}/records/organizations/{LEGAL}", json=body, headers=as_("ngo-legal"))
    assert made.status_code == 201, made.text
    return LEGAL


async def propose(api: AsyncClient, who: str = "im-officer", **changes: Any) -> Response:
    body = {"organisation_id": SALUD, "successor_id": LEGAL, "kind": "merged", **changes}
    return await api.post(PATH, json=body, headers=as_(who))


async def decide(
    api: AsyncClient, proposed: Response, who: str = "gbv-coordinator", step: str = "confirm"
) -> Response:
    assert proposed.status_code == 201, proposed.text
    return await api.post(f"{PATH}/{proposed.json()['id']}/{step}", headers=as_(who))


async def owner(api: AsyncClient, service_id: str) -> tuple[str, str]:
    row = (await api.get(f"{V1}/records/services/{service_id}", headers=reads_everything())).json()
    return row["document"]["organization_id"], row["state"]


async def events(database: Database, *kinds: str) -> list[dict[str, Any]]:
    outbox = COMMON.outbox.c
    async with database.transaction() as session:
        rows = await session.execute(
            sa.select(outbox.payload).where(outbox.type.in_(kinds)).order_by(outbox.occurred_at)
        )
        return [row.payload for row in rows]


async def test_nobody_confirms_their_own_and_nothing_changes_before(
    api: AsyncClient, publish: Publish, legal: str, database: Database
) -> None:
    own = await publish()
    proposed = await propose(api)
    refused = await decide(api, proposed, "im-officer")
    assert (refused.status_code, refused.json().get("code")) == (403, "second_person_needed")
    assert (await owner(api, own))[0] == SALUD
    assert await events(database, OrganizationSucceeded.SUBJECT) == []
    assert (await propose(api, "ngo-salud")).status_code == 403
    limited = as_("gbv-coordinator", areas=["VE23"])
    confirmed = await api.post(f"{PATH}/{proposed.json()['id']}/confirm", headers=limited)
    assert confirmed.json()["detail_code"] == "only_mandate_for_whole_country_decides"
    assert (await decide(api, proposed, step="refuse")).json()["status"] == "refused"
    assert (await decide(api, proposed)).status_code == 409


async def test_the_old_spelling_still_works_and_answers_tell_that_it_ends(
    api: AsyncClient, publish: Publish, legal: str
) -> None:
    await publish()
    proposed = await propose(api, organisation_id=None, organization_id=SALUD)
    assert proposed.status_code == 422
    body = {"organization_id": SALUD, "successor_id": LEGAL, "kind": "merged"}
    proposed = await api.post(PATH, json=body, headers=as_("im-officer"))
    assert proposed.status_code == 201, proposed.text
    assert proposed.headers["Deprecation"].startswith("@")
    for one in (
        proposed.json(),
        (await api.get(PATH, headers=as_("im-officer"))).json()["items"][0],
    ):
        assert one["organization_id"] == one["organisation_id"] == SALUD
    itself = await propose(api, successor_id=str(organisation(99)))
    assert [each["pointer"] for each in itself.json()["errors"]] == ["/successor_id"]
    unknown = await propose(api, organisation_id=str(organisation(98)))
    assert [each["pointer"] for each in unknown.json()["errors"]] == ["/organisation_id"]


async def test_in_a_merger_all_services_are_the_successors_with_their_ids(
    api: AsyncClient, publish: Publish, legal: str, database: Database
) -> None:
    own = await publish()
    confirmed = await decide(api, await propose(api))
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")
    assert await owner(api, own) == (LEGAL, "approved")
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("ngo-refugio"))).json()
    assert shown["organization"]["name"] == "Alianza Legal"
    edited = await api.put(
        f"{V1}/services/{own}/capacity", json={"state": "full"}, headers=as_("ngo-legal")
    )
    assert edited.status_code == 200
    assert (
        await api.put(
            f"{V1}/services/{own}/capacity", json={"state": "full"}, headers=as_("ngo-salud")
        )
    ).status_code in (403, 404)
    told = await events(database, OrganizationSucceeded.SUBJECT)
    assert [(t["organisation_id"], t["successor_id"], t["kind"]) for t in told] == [
        (SALUD, LEGAL, "merged")
    ]
    changed = [e for e in await events(database, ServiceChanged.SUBJECT) if e["service_id"] == own]
    assert changed[0]["organisation_id"] == LEGAL
    assert (
        await api.get(f"{V1}/organizations/{SALUD}", headers=as_("anonymous"))
    ).status_code == 404, "it is no more"
    again = await propose(api)
    assert (again.status_code, again.json()["detail_code"]) == (422, "organisation_has_ended")


async def test_one_that_ends_offers_nothing_any_more(
    api: AsyncClient, publish: Publish, legal: str
) -> None:
    own = await publish()
    await decide(api, await propose(api, kind="ended"))
    assert await owner(api, own) == (SALUD, "withdrawn")
    assert (await api.get(f"{V1}/services/{own}", headers=as_("ngo-refugio"))).status_code == 404


async def test_nobody_hands_over_a_house_that_they_may_not_see(
    api: AsyncClient, publish: Publish, legal: str
) -> None:
    """The house is withdrawn, and the successor does not learn its address. A person who may see it can hand it
    over."""
    house = await publish(visibility="restricted", service_at_locations=[])
    decided = await decide(api, await propose(api), "cp-coordinator")
    assert (decided.status_code, decided.json()["status"]) == (200, "confirmed")
    assert await owner(api, house) == (SALUD, "withdrawn")
    record = await api.get(f"{V1}/records/services/{house}", headers=as_("ngo-legal"))
    assert record.status_code == 404


async def test_who_may_see_a_house_hands_it_over(
    api: AsyncClient, publish: Publish, legal: str
) -> None:
    house = await publish(visibility="restricted", service_at_locations=[])
    await decide(api, await propose(api))
    assert await owner(api, house) == (LEGAL, "approved")


async def test_a_split_gives_away_what_it_names_and_nothing_else(
    api: AsyncClient, publish: Publish, legal: str
) -> None:
    given, kept = await publish(), await publish(name="Otra consulta")
    foreign = await propose(api, kind="split", service_ids=[str(organisation(1))])
    assert (foreign.status_code, foreign.json()["detail_code"]) == (422, "it_has_no_such_service")
    for wrong in ({"kind": "split"}, {"service_ids": [given]}, {"successor_id": SALUD}):
        assert (await propose(api, **wrong)).status_code == 422
    await decide(api, await propose(api, kind="split", service_ids=[given], areas=["VE23"]))
    assert (await owner(api, given))[0] == LEGAL
    assert (await owner(api, kept))[0] == SALUD
    assert (
        await api.get(f"{V1}/organizations/{SALUD}", headers=as_("anonymous"))
    ).status_code == 200
    listed = (await api.get(PATH, headers=as_("im-officer"))).json()["items"]
    assert [(each["kind"], each["areas"]) for each in listed] == [("split", ["VE23"])]


async def test_a_house_is_named_only_by_who_may_see_it(
    api: AsyncClient, publish: Publish, legal: str
) -> None:
    """Neither a refusal nor the list reveals whether a hidden id exists or who owns it."""
    house = await publish(visibility="restricted", service_at_locations=[])
    hidden = await propose(api, "cp-coordinator", kind="split", service_ids=[house])
    unknown = await propose(api, "cp-coordinator", kind="split", service_ids=[str(new_id())])
    assert hidden.status_code == unknown.status_code == 422
    assert hidden.json()["detail_code"] == unknown.json()["detail_code"]
    made = await propose(api, "gbv-coordinator", kind="split", service_ids=[house])
    assert made.json()["service_ids"] == [house]
    for who, seen in (("gbv-coordinator", [house]), ("cp-coordinator", []), ("im-officer", [])):
        (listed,) = (await api.get(PATH, headers=as_(who))).json()["items"]
        assert listed["service_ids"] == seen, who
    path = f"{PATH}/{made.json()['id']}/refuse"
    limited = await api.post(path, headers=as_("gbv-coordinator", areas=["VE23"]))
    assert limited.json()["detail_code"] == "only_mandate_for_whole_country_decides"


async def test_a_hidden_organisation_is_no_other_than_one_that_does_not_exist(
    api: AsyncClient, publish: Publish, legal: str, database: Database
) -> None:
    await publish()
    async with database.transaction() as session:
        row = organizations.c
        hide = sa.update(organizations).where(row.id == LEGAL).values(visibility=RESTRICTED)
        await session.execute(hide)
    for ended in (False, True):
        hidden = await propose(api, "cp-coordinator")
        unknown = await propose(api, "cp-coordinator", successor_id=str(new_id()))
        assert (hidden.status_code, hidden.json()) == (422, unknown.json()), ended
        async with database.transaction() as session:
            end = sa.update(organizations).where(row.id == LEGAL).values(ended_at=sa.func.now())
            await session.execute(end)


async def test_a_record_of_an_organisation_is_told(
    api: AsyncClient, legal: str, database: Database
) -> None:
    told = await events(database, OrganizationRecorded.SUBJECT)
    assert [each["organisation_id"] for each in told] == [LEGAL]
