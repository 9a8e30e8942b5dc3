"""Services: how people write, approve, read and find them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from common import clock
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_, ids_seen, service_document
from tests.support.principals import organisation


async def test_a_published_service_is_read_by_anybody(api: AsyncClient, publish: Publish) -> None:
    own = await publish()
    answer = await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["name"] == "Atención psicológica"
    assert body["organization"]["name"] == "Salud para Todas"
    assert body["service_at_locations"][0]["location"]["latitude"] == 10.65
    assert body["referable"] is True
    assert body["endorsed_by"] == ["GBV"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"search": "atencion psicologica"}, True),
        ({"search": "ATENCIÓN"}, True),
        ({"search": "sicologica"}, True),
        ({"search": "psychosocial support"}, True),
        ({"search": "carpintería"}, False),
        ({"category": "GBV-PSS"}, True),
        ({"category": "GBV-LEGAL"}, False),
        ({"aor": "GBV"}, True),
        ({"aor": "TIP"}, False),
        ({"area": "VE23"}, True),
        ({"area": "VE2313"}, True),
        ({"area": "VE231301"}, True),
        ({"area": "VE20"}, False),
        ({"near": "10.66,-71.61", "radius": "5000"}, True),
        ({"near": "10.66,-71.61", "radius": "100"}, False),
        ({"bbox": "-72,10,-71,11"}, True),
        ({"bbox": "-70,10,-69,11"}, False),
        ({"language": "spa"}, True),
        ({"language": "guc"}, False),
        ({"capacity_state": "accepting,waitlist"}, True),
        ({"capacity_state": "full"}, False),
        ({"functional_status": "fully_functional"}, True),
        ({"referable": "true"}, True),
        ({"referable": "false"}, False),
        ({"verified_after": "2026-10-01"}, True),
        ({"verified_after": "2026-11-02"}, False),
        ({"modified_after": "2020-01-01T00:00:00Z"}, True),
        ({"modified_after": "2100-01-01T00:00:00Z"}, False),
        ({"age": "30", "sex": "female", "population": "REF", "nationality": "COL"}, True),
    ],
)
async def test_filters(
    api: AsyncClient, publish: Publish, params: dict[str, str], found: bool
) -> None:
    own = await publish()
    assert (await ids_seen(api, "anonymous", **params) == [own]) is found


async def test_a_partners_entry_waits_for_the_coordinator(api: AsyncClient) -> None:
    answer = await api.post(
        f"{V1}/records/services", json=service_document(), headers=as_("ngo-salud")
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "draft"
    own, etag = answer.json()["id"], answer.headers["etag"]
    assert await ids_seen(api, "ngo-salud") == []
    record = f"{V1}/records/services/{own}"
    refused = await api.post(f"{record}/approve", headers=as_("ngo-salud"))
    assert refused.status_code == 403
    submitted = await api.post(f"{record}/submit", headers={**as_("ngo-salud"), "If-Match": etag})
    assert submitted.json()["state"] == "submitted"
    other = await api.post(f"{record}/approve", headers=as_("tip-coordinator"))
    assert other.status_code == 404
    approved = await api.post(f"{record}/approve", headers=as_("gbv-coordinator"))
    assert approved.json()["state"] == "approved", approved.text
    assert await ids_seen(api, "anonymous") == [own]


async def test_two_editors_cannot_overwrite_each_other(api: AsyncClient, publish: Publish) -> None:
    own = await publish()
    record = f"{V1}/records/services/{own}"
    read = await api.get(record, headers=as_("ngo-salud"))
    etag = read.headers["etag"]
    headers = {**as_("gbv-coordinator"), "If-Match": etag}
    first = await api.patch(record, json={"alert": "Cerrado el lunes"}, headers=headers)
    assert first.status_code == 200, first.text
    second = await api.patch(record, json={"alert": "Abierto"}, headers=headers)
    assert second.status_code == 412
    without = await api.patch(record, json={"alert": "Abierto"}, headers=as_("gbv-coordinator"))
    assert without.status_code == 428
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["alert"] == "Cerrado el lunes"


async def test_capacity_is_a_one_line_call(api: AsyncClient, publish: Publish) -> None:
    own = await publish()
    answer = await api.put(
        f"{V1}/services/{own}/capacity", json={"state": "full"}, headers=as_("ngo-salud")
    )
    assert answer.status_code == 200, answer.text
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["capacity_state"] == "full"
    foreign = await api.put(
        f"{V1}/services/{own}/capacity", json={"state": "accepting"}, headers=as_("ngo-legal")
    )
    assert foreign.status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"unknown": 1}, "/unknown"),
        ({"categories": ["NOPE"]}, "/categories/0"),
        ({"name": "a\x00b"}, "/name"),
        ({"minimum_age": 30, "maximum_age": 10}, ""),
        ({"organization": None, "organization_id": "0190a000-0000-7000-8000-0000000fffff"},
         "/organization_id"),
        ({"categories": ["GBV-SHELTER"]}, "/service_at_locations/0/location/visibility"),
        ({"visibility": "restricted"}, "/service_at_locations/0/location/latitude"),
    ],
)  # fmt: skip
async def test_bad_input_is_refused_with_a_pointer(
    api: AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await api.post(
        f"{V1}/records/services", json=service_document(**changes), headers=as_("gbv-coordinator")
    )
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.text
    assert await ids_seen(api, "gbv-coordinator") == []


async def test_beyond_the_last_page_is_an_empty_envelope(
    api: AsyncClient, publish: Publish
) -> None:
    await publish()
    body = (await api.get(f"{V1}/services?page=9", headers=as_("anonymous"))).json()
    assert (body["empty"], body["total_items"], body["contents"]) == (True, 1, [])


async def test_a_translation_changes_texts_alone(api: AsyncClient, publish: Publish) -> None:
    """A closed service used to appear open in English, with another service's id."""
    own = await publish(
        functional_status={"code": "closed"},
        translations={
            "en": {
                "name": "Counselling", "status": "active", "id": str(uuid4()), "phones": "x",
                "referable": "yes", "visibility": "pathway",
            }
        },
    )  # fmt: skip
    english = {**as_("anonymous"), "Accept-Language": "en"}
    plain = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    shown = (await api.get(f"{V1}/services/{own}", headers=english)).json()
    assert shown == {**plain, "name": "Counselling"}
    (listed,) = (await api.get(f"{V1}/services", headers=english)).json()["contents"]
    assert (listed["id"], listed["name"], listed["status"]) == (own, "Counselling", "defunct")


async def test_what_anybody_reads_of_a_verification_is_no_person(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    person = str(uuid4())
    writer = as_("ngo-salud", sub=person)
    verified = await api.post(f"{V1}/records/services/{own}/verify", json={}, headers=writer)
    assert verified.json()["outcome"] == "changed", verified.text
    shown = await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))
    assert shown.json()["verification"]["by"] == str(organisation(2))
    assert person not in shown.text
    history = await api.get(f"{V1}/records/services/{own}/history", headers=writer)
    assert person in history.text


@pytest.mark.parametrize(("days", "status"), [(-1, 422), (0, 200), (365, 200), (366, 422)])
async def test_a_verification_ends(
    api: AsyncClient, publish: Publish, days: int, status: int
) -> None:
    """An organisation claimed that its entry was valid until 2999, so people would be sent there for ever without a
    check."""
    own = await publish()
    until = (clock.today() + timedelta(days=days)).isoformat()
    path, body = f"{V1}/records/services/{own}/verify", {"valid_until": until}
    answer = await api.post(path, json=body, headers=as_("ngo-salud"))
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["pointer"] == "/valid_until"
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert (shown["verification"]["valid_until"] == until) is (status == 200)
