"""All paths agree on who may read and decide on an entry: single reads and lists, entering and approving, approving and
endorsing."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.services.directory.conftest import (
    V1,
    Publish,
    as_,
    reads_everything,
    service_document,
)
from tests.support.principals import keyed, organisation

ELSEWHERE = {
    "service_areas": [{"name": "Bolívar", "extent": "VE07", "extent_type": "pcode"}],
    "service_at_locations": [],
    "phones": [],
}
CALLERS: list[tuple[str, dict[str, Any]]] = [
    ("gbv-coordinator", {}),
    ("gbv-coordinator", {"areas": ["VE23"]}),
    ("gbv-coordinator", {"areas": ["VE2313"]}),
    ("gbv-coordinator", {"areas": ["XX99"]}),
    ("cp-coordinator", {"aors": ["GP"]}),
    ("cp-coordinator", {"areas": ["VE07"]}),
    ("im-officer", {}),
    ("im-officer", {"areas": ["VE07"]}),
    ("ngo-salud", {}),
    ("ngo-legal", {}),
]


async def _changed(api: AsyncClient, own: str, document: dict[str, Any], client: str) -> str:
    path = f"{V1}/records/services/{own}"
    read = await api.get(path, headers=as_(client))
    headers = {**as_(client), "If-Match": read.headers["etag"]}
    answer = await api.put(path, json=document, headers=headers)
    return str(answer.json()["state"])


@pytest.mark.parametrize(("client", "changes"), CALLERS)
async def test_a_list_of_records_holds_those_that_each_may_be_read(
    api: AsyncClient, client: str, changes: dict[str, Any]
) -> None:
    """The name of a restricted house in another state used to be in the list of every coordinator of its area of
    responsibility, although reading it gave them 404."""
    for given in (
        {"categories": ["GBV-PSS"]},
        {"categories": ["GBV-PSS"], **ELSEWHERE},
        {"categories": ["GBV-PSS"], "visibility": "restricted", **ELSEWHERE},
        {"categories": ["GP-INFO"], **ELSEWHERE},
        {"categories": ["GBV-PSS", "GP-INFO"], "visibility": "restricted", **ELSEWHERE},
        {"categories": ["CP-CM"]},
    ):
        made = await api.post(
            f"{V1}/records/services", json=service_document(**given), headers=reads_everything()
        )
        assert made.json()["state"] == "approved", made.text
    everything = await api.get(f"{V1}/records/services", headers=reads_everything())
    ids = [each["id"] for each in everything.json()["items"]]
    assert len(ids) == 6
    headers = as_(client, **changes)
    listed = await api.get(f"{V1}/records/services", headers=headers)
    single = {
        own
        for own in ids
        if (await api.get(f"{V1}/records/services/{own}", headers=headers)).status_code == 200
    }
    assert {each["id"] for each in listed.json()["items"]} == single


async def test_a_draft_that_belongs_to_others_is_not_approved_by_whom_the_entry_belonged_to(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish("cp-coordinator", categories=["CP-CM"])
    moved = service_document(categories=["GBV-CM"])
    assert await _changed(api, own, moved, "ngo-salud") == "draft"
    approve = f"{V1}/records/services/{own}/approve"
    refused = await api.post(approve, headers=as_("cp-coordinator"))
    assert refused.status_code == 403, refused.text
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["categories"] == ["CP-CM"]
    both = await api.post(approve, headers=as_("cp-coordinator", aors=["CP", "GBV"]))
    assert both.json()["state"] == "approved", both.text
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert (shown["categories"], shown["endorsed_by"]) == (["GBV-CM"], ["GBV"])


OTHERS = {"id": str(organisation(1)), "name": "Refugio", "description": "Otra organización"}
BOTH = {"categories": ["GBV-CM", "CP-CM"]}


def _at(pcode: str, **place: Any) -> dict[str, Any]:
    return {
        "service_at_locations": [
            {"location": {"location_type": "physical", "pcode": pcode, **place}}
        ]
    }


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        (BOTH | {"name": "Otro nombre", "phones": []}, ["CP", "GBV"]),
        (BOTH | {"visibility": "restricted"} | _at("VE23"), ["CP", "GBV"]),
        ({"categories": ["GBV-LEGAL", "CP-CM", "CP-CFS"]}, ["CP", "GBV"]),
        ({"categories": ["GBV-CM", "CP-CFS"]}, ["GBV"]),
        (BOTH | {"organization": OTHERS}, ["GBV"]),
        (BOTH | _at("VE2317"), ["GBV"]),
    ],
)
@pytest.mark.parametrize("drafted", [False, True])
async def test_an_endorsement_does_not_outlive_what_it_was_given_to(
    api: AsyncClient, publish: Publish, changes: dict[str, Any], left: list[str], drafted: bool
) -> None:
    """An endorsement ends when the service moves to another organisation or place, or changes its kind."""
    # An organisation cannot give its service away, so a coordinator does it.
    who = "ngo-salud" if drafted and "organization" not in changes else "gbv-coordinator"
    approves = as_("gbv-coordinator", aors=["CP", "GBV"])
    own = await publish(**BOTH)
    for aor in ("CP", "GBV"):
        body = {"service_id": own, "aor": aor}
        made = await api.post(f"{V1}/endorsements", json=body, headers=approves)
        assert made.status_code == 201, made.text
    state = await _changed(api, own, service_document(**changes), who)
    if state == "draft":
        approved = await api.post(
            f"{V1}/records/services/{own}/approve", headers=as_("gbv-coordinator")
        )
        state = approved.json()["state"]
    assert state == "approved"
    shown = await api.get(f"{V1}/services/{own}", headers=approves)
    assert shown.json()["endorsed_by"] == left


async def test_a_draft_that_leaves_the_state_is_approved_by_a_coordinator_of_both(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    assert await _changed(api, own, service_document(**ELSEWHERE), "ngo-salud") == "draft"
    approve = f"{V1}/records/services/{own}/approve"
    refused = await api.post(approve, headers=as_("gbv-coordinator", areas=["VE23"]))
    assert refused.status_code == 403, refused.text
    assert (await api.post(approve, headers=as_("gbv-coordinator"))).status_code == 200


async def test_a_draft_that_is_to_be_restricted_is_read_by_named_coordinators_alone(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    secret = service_document(
        visibility="restricted", description="Casa secreta", service_at_locations=[]
    )
    assert await _changed(api, own, secret, "ngo-salud") == "draft"
    im = as_("im-officer")
    for road in ("", "/review", "/history"):
        path = f"{V1}/records/services/{own}{road}"
        assert (await api.get(path, headers=im)).status_code == 404, road
        assert "secreta" in (await api.get(path, headers=as_("gbv-coordinator"))).text, road
    assert (await api.get(f"{V1}/records/services", headers=im)).json()["items"] == []
    # Everybody still sees the published entry.
    shown = await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))
    assert shown.status_code == 200


async def test_nobody_endorses_or_ends_an_endorsement_outside_their_areas(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish()
    elsewhere = as_("gbv-coordinator", areas=["VE07"])
    refused = await api.delete(f"{V1}/endorsements/{own}/GBV", headers=elsewhere)
    assert refused.status_code == 403, refused.text
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert shown["referable"] is True
    here = as_("gbv-coordinator", areas=["VE23"])
    ended = await api.delete(f"{V1}/endorsements/{own}/GBV", headers=here)
    assert ended.status_code == 204, ended.text
    body = {"service_id": own, "aor": "GBV"}
    refused = await api.post(f"{V1}/endorsements", json=body, headers=elsewhere)
    assert refused.status_code == 403, refused.text
    shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    assert "referable" not in shown
    assert (await api.post(f"{V1}/endorsements", json=body, headers=here)).status_code == 201


@pytest.mark.parametrize("areas", [["VE20"], ["VE20", "VE23"], []])
async def test_a_warning_for_others_is_published_changed_and_ended_by_none_but_those_of_all_its_areas(
    api: AsyncClient, areas: list[str]
) -> None:
    text = {"title": "Falsas ofertas", "body": "Cuidado con las ofertas.", "sms": "Cuidado"}
    body = {
        "aor": "GBV",
        "areas": areas,
        "texts": {"es": text, "en": text},
        "valid_until": "2027-01-01",
    }
    messages = f"{V1}/risk-messages"
    made = await api.post(messages, json=body, headers=keyed(as_("im-officer")))
    own = f"{messages}/{made.json()['id']}"
    limited = as_("gbv-coordinator", areas=["VE23"])
    for answer in (
        await api.put(own, json={**body, "areas": ["VE23"]}, headers=limited),
        await api.post(f"{own}/publish", headers=limited),
    ):
        assert answer.status_code == 403, answer.text
    published = await api.post(f"{own}/publish", headers=as_("gbv-coordinator"))
    assert published.json()["state"] == "published", published.text
    assert (await api.post(f"{own}/withdraw", headers=limited)).status_code == 403
    assert (await api.get(own, headers=as_("anonymous"))).status_code == 200
    assert (await api.post(f"{own}/withdraw", headers=as_("gbv-coordinator"))).status_code == 200
