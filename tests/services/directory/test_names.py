"""Names by id match what the directory shows for each entry, and reveal nothing hidden."""

import pytest
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_, reads_everything, service_document
from tests.services.directory.test_leaks import ABOVE, BELOW, ORGANIZATION, OWN, hidden

ELSEWHERE = "0190b000-0000-7000-8000-0000000000ff"


async def entered(api: AsyncClient, document: dict[str, object]) -> dict[str, object]:
    made = await api.post(f"{V1}/records/services", json=document, headers=reads_everything())
    assert made.json()["state"] == "approved", made.text
    found: dict[str, object] = made.json()
    return found


@pytest.mark.parametrize("level", list(BELOW))
async def test_a_hidden_service_has_no_name_for_who_may_not_see_it(
    api: AsyncClient, level: str
) -> None:
    await entered(api, hidden(level))
    asked = {"service_id": [OWN, ELSEWHERE], "organization_id": [ORGANIZATION, ELSEWHERE]}
    for client in (*BELOW[level], ABOVE[level]):
        by_get = await api.get(f"{V1}/names", params=asked, headers=as_(client))
        by_post = await api.post(f"{V1}/names", json=asked, headers=as_(client))
        assert by_get.status_code == by_post.status_code == 200
        assert by_get.json() == by_post.json()
        named = by_get.json()
        one = await api.get(f"{V1}/services/{OWN}", headers=as_(client))
        organization = await api.get(f"{V1}/organizations/{ORGANIZATION}", headers=as_(client))
        expected = [one.json()["name"]] if one.status_code == 200 else []
        assert [each["name"] for each in named["services"]] == expected
        assert bool(named["organizations"]) == (organization.status_code == 200)
        assert bool(expected) == (client == ABOVE[level])


async def test_a_reading_of_a_restricted_name_is_logged(api: AsyncClient) -> None:
    await entered(api, hidden("restricted"))
    who = as_("tip-coordinator")
    before = (await api.get(f"{V1}/records/services/{OWN}/reads", headers=who)).json()["items"]
    assert (await api.get(f"{V1}/names?service_id={OWN}", headers=who)).json()["services"]
    after = (await api.get(f"{V1}/records/services/{OWN}/reads", headers=who)).json()["items"]
    assert len(after) == len(before) + 1


async def test_many_are_named_at_once_in_the_language_that_is_asked(api: AsyncClient) -> None:
    ids = [str((await entered(api, service_document(name=f"Servicio {n}")))["id"]) for n in "ba"]
    named = (await api.get(f"{V1}/names?service_id={','.join(ids)}", headers=as_("auditor"))).json()
    assert [each["name"] for each in named["services"]] == ["Servicio a", "Servicio b"]
    one = (await api.get(f"{V1}/services/{ids[0]}", headers=as_("auditor"))).json()
    told = next(each for each in named["services"] if each["id"] == ids[0])
    assert told["organization_name"] == one["organization"]["name"]
    assert told["organization_id"] == one["organization"]["id"]
    too_many = ",".join([ids[0]] * 201)
    refused = await api.get(f"{V1}/names?service_id={too_many}", headers=as_("auditor"))
    assert refused.status_code == 422


async def test_own_services_tell_their_capacity_and_who_endorses_them(api: AsyncClient) -> None:
    """A coordinator also curates other organisations' services; `own` excludes those, and ended ones."""
    own = service_document(name="Propio", capacity_state="waitlist")
    made = await entered(api, own)
    owner = "ngo-salud"
    lines = (await api.get(f"{V1}/records/services?own=true", headers=as_(owner))).json()["items"]
    (line,) = (each for each in lines if each["id"] == made["id"])
    assert (line["capacity_state"], line["endorsed_by"]) == ("waitlist", ["GBV"])
    endorsed = f"{V1}/endorsements/{line['id']}/GBV"
    assert (await api.delete(endorsed, headers=as_("gbv-coordinator"))).status_code == 204
    lines = (await api.get(f"{V1}/records/services?own=true", headers=as_(owner))).json()["items"]
    assert [each["endorsed_by"] for each in lines if each["id"] == made["id"]] == [[]]
    curated = (await api.get(f"{V1}/records/services", headers=as_("gbv-coordinator"))).json()
    assert made["id"] in [each["id"] for each in curated["items"]]
    theirs = await api.get(f"{V1}/records/services?own=true", headers=as_("gbv-coordinator"))
    assert made["id"] not in [each["id"] for each in theirs.json()["items"]]
