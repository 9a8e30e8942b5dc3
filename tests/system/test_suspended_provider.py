"""The issuer suspends an organisation, for example because its staff harmed people. Nobody is sent there, people
already there are not lost, and lifting the suspension restores everything."""

import json
from typing import Any

import pytest
from common.ids import new_id

from tests.services.directory.conftest import service_document
from tests.services.referrals.test_scenarios import code
from tests.system.gateway_story import GatewayStory

pytestmark = pytest.mark.system
DIRECTORY = "/directory/v1"


async def test_nobody_is_sent_to_a_suspended_organisation_until_that_has_ended(
    story: GatewayStory,
) -> None:
    provider = new_id()
    made = await story.client.post(
        "/identity/v1/organisations",
        headers=story.keyed_as("im-officer"),
        json={"id": str(provider), "name": "De escena", "aors": ["GBV"]},
    )
    assert made.status_code == 201, made.text
    service_id = await entered(story, str(provider))
    roads = roads_to(service_id)
    assert await open_roads(story, roads) == set(roads)
    # The test repeats this search while it waits for other services. Requests without a token would share one rate
    # limit.
    one_road = {"a coordinator's search": roads["a coordinator's search"]}
    cursor = await snapshot(story)
    referral = await story.sent(service_id=service_id)

    await switched(story, str(provider), active=False)

    async def gone() -> bool:
        return await open_roads(story, one_road) == set() == await open_roads(story, roads)

    await story.eventually(gone)
    changes = [change for change in await changed(story, cursor) if change["id"] == service_id]
    assert [change["op"] for change in changes] == ["delete"]
    record = await asked(story, "gbv-coordinator", f"/records/services/{service_id}")
    assert (record["state"], record["withheld"]) == ("approved", True)
    # Ruta notifies referrers, who choose another service, and sends no new person there.
    path = f"/referrals/{referral['id']}"

    async def flagged() -> bool:
        return bool((await story.get("ngo-refugio", path)).json()["service_flag"])

    await story.eventually(flagged)
    kinds = await story.told_to("ngo-refugio", referral["id"])
    assert kinds.count("referral.service_not_referable") == 1
    case = await story.case()
    body = story.consent_body(case["id"], service_id)
    assert code(await story.post("ngo-refugio", "/consents", body)) == (409, "not_referable")

    await switched(story, str(provider), active=True)

    async def back() -> bool:
        if await open_roads(story, one_road) != set(one_road) or await flagged():
            return False
        return await open_roads(story, roads) == set(roads)

    await story.eventually(back)
    changes = [change for change in await changed(story, cursor) if change["id"] == service_id]
    assert [change["op"] for change in changes] == ["upsert"]
    await story.consent(case["id"], service_id)


NAME = "Casa de escena"
AREA = "VE10"


async def entered(story: GatewayStory, provider: str) -> str:
    """Enter a service of the organisation, separate from the demo's, and wait until referrals has received it."""
    document = service_document(
        name=NAME,
        categories=["HLT"],
        organization={"id": provider, "name": "De escena", "description": "De escena"},
        service_areas=[{"name": AREA, "extent": AREA, "extent_type": "pcode"}],
    )
    del document["service_at_locations"]
    made = await story.client.post(
        f"{DIRECTORY}/records/services", json=document, headers=story.coordinator()
    )
    assert made.status_code == 201, made.text
    own: str = made.json()["id"]

    async def known() -> bool:
        found = "SELECT 1 FROM directory_services WHERE service_id = :id AND referable"
        return bool(await story.rows(found, id=own))

    await story.eventually(known)
    return own


def roads_to(service_id: str) -> dict[str, tuple[str | None, str]]:
    """Return each path by which a caller finds the service: the client and the request."""
    found = f"{DIRECTORY}/services?area={AREA}&category=HLT"
    return {
        "a search": (None, found),
        "a coordinator's search": ("gbv-coordinator", found),
        "its entry": (None, f"{DIRECTORY}/services/{service_id}"),
        "the page of help": (None, f"{DIRECTORY}/help?area={AREA}&need=health"),
        "an answer in short": (None, f"{DIRECTORY}/help/text?area={AREA}&need=health"),
        "its name": ("ngo-refugio", f"{DIRECTORY}/names?service_id={service_id}"),
    }


async def open_roads(story: GatewayStory, roads: dict[str, tuple[str | None, str]]) -> set[str]:
    found = set()
    for road, (who, path) in roads.items():
        headers = story.keyed_as(who) if who else {}
        answer = await story.client.get(path, headers=headers)
        assert answer.status_code in (200, 404), answer.text
        if NAME in answer.text:
            found.add(road)
    return found


async def asked(story: GatewayStory, who: str, path: str) -> dict[str, Any]:
    answer = await story.client.get(f"{DIRECTORY}{path}", headers=story.keyed_as(who))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def switched(story: GatewayStory, organisation: str, *, active: bool) -> None:
    path, headers = f"/identity/v1/organisations/{organisation}", story.keyed_as("im-officer")
    etag = (await story.client.get(path, headers=headers)).headers["etag"]
    done = await story.client.patch(
        path, headers=headers | {"If-Match": etag}, json={"active": active}
    )
    assert done.status_code == 200, done.text


async def snapshot(story: GatewayStory) -> str:
    """Return the sync cursor of a partner who keeps a copy."""
    answer = await story.client.get(
        f"{DIRECTORY}/sync/snapshot", headers=story.keyed_as("health-cluster")
    )
    cursor: str = json.loads(answer.text.splitlines()[0])["cursor"]
    return cursor


async def changed(story: GatewayStory, cursor: str) -> list[dict[str, Any]]:
    page = await asked(story, "health-cluster", f"/sync/changes?cursor={cursor}&limit=5000")
    items: list[dict[str, Any]] = page["items"]
    return items
