"""OGC API - Features shows services and gaps for maps, never more than the service list shows."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_, service_document
from tests.services.directory.exports.test_exports import demo

__all__ = ["demo"]  # The fixture from the export tests.
FEATURES = f"{V1}/features"
ITEMS = f"{FEATURES}/collections/services/items"


async def read(client: AsyncClient, who: str, path: str, **query: Any) -> dict[str, Any]:
    found = await client.get(path, params=query or None, headers=as_(who))
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json()
    return body


async def pages(
    client: AsyncClient, who: str, collection: str = "services", **query: Any
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = await read(client, who, f"{FEATURES}/collections/{collection}/items", **query)
    while True:
        assert page["numberReturned"] == len(page["features"])
        found += page["features"]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            return found
        page = await read(client, who, following[0])


@pytest.mark.parametrize("who", ["anonymous", "health-cluster", "gbv-coordinator"])
async def test_a_map_shows_what_the_list_shows(demo: AsyncClient, who: str) -> None:
    listed = await read(demo, who, f"{V1}/services", per_page=100)
    found = await pages(demo, who, limit=7)
    ids = [each["id"] for each in found]
    assert sorted(ids) == sorted(each["id"] for each in listed["contents"])
    assert len(set(ids)) == len(ids)
    one = await read(demo, who, f"{ITEMS}/{ids[0]}")
    assert one == found[0]


async def test_a_box_finds_no_hidden_site(api: AsyncClient, publish: Publish) -> None:
    """A public search by bounding box does not find a service by a site that only partners may see."""
    site = service_document()["service_at_locations"][0]
    closed = {**site, "location": {**site["location"], "visibility": "partners"}}
    service_id = str(await publish(service_at_locations=[closed]))
    for who, ids in (("anonymous", []), ("health-cluster", [service_id])):
        assert [each["id"] for each in await pages(api, who)] == [service_id]
        boxed = await pages(api, who, bbox="-71.63,10.64,-71.61,10.66")
        assert [each["id"] for each in boxed] == ids, who
        assert bool((await read(api, who, f"{ITEMS}/{service_id}"))["geometry"]) == bool(ids)


async def test_collections_name_services_and_the_gaps_of_countries(demo: AsyncClient) -> None:
    landing = await read(demo, "anonymous", FEATURES)
    assert {link["rel"] for link in landing["links"]} >= {"service-desc", "conformance", "data"}
    conformance = await read(demo, "anonymous", f"{FEATURES}/conformance")
    assert any(each.endswith("/conf/geojson") for each in conformance["conformsTo"])
    listed = await read(demo, "anonymous", f"{FEATURES}/collections", language="en")
    titles = {each["id"]: each["title"] for each in listed["collections"]}
    assert titles["services"] == "Services"
    assert titles["gaps-VE"].startswith("Gaps: ")
    gaps = await pages(demo, "anonymous", "gaps-VE", limit=900)
    asked = {"area": "VE", "level": 1}
    rows = (await read(demo, "anonymous", f"{V1}/gaps", **asked))["items"]
    assert len({each["id"] for each in gaps}) == len(gaps) == len(rows)
    part = await read(
        demo, "anonymous", f"{FEATURES}/collections/gaps-VE/items", bbox="-73,9,-71,12"
    )
    assert {each["properties"]["area"] for each in part["features"]} == {"VE23"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ITEMS}?bbox=1,2,3", 422),
        (f"{ITEMS}?bbox=10,10,1,1", 422),
        (f"{ITEMS}?limit=0", 422),
        (f"{ITEMS}?cursor=x", 400),
        (f"{ITEMS}?colour=red", 422),
        (f"{FEATURES}/collections/cases", 404),
        (f"{FEATURES}/collections/cases/items", 404),
        (f"{ITEMS}/0190a000-0000-7000-8000-0000000000ff", 404),
    ],
)
async def test_bad_questions_are_refused(demo: AsyncClient, path: str, status: int) -> None:
    answer = await demo.get(path, headers=as_("anonymous"))
    assert answer.status_code == status, answer.text
