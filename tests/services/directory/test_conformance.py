"""HSDS 3.2.3: the API returns official examples unchanged, and every response validates against the official schemas.
The Level 1 and 2 checks of the Open Referral UK validator pass."""

import json
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import jsonschema
import pytest
from directory.record.services.comparison import merged
from httpx import AsyncClient

from tests.services.directory import official
from tests.services.directory.conftest import V1, Publish, as_, reads_everything

LISTS = ("services", "service_at_locations", "organizations", "taxonomies", "taxonomy_terms")
SINGULAR = {
    "services": "service",
    "service_at_locations": "service_at_location",
    "organizations": "organization",
    "taxonomies": "taxonomy",
    "taxonomy_terms": "taxonomy_term",
}
LISTED = {
    "services": "service_list",
    "service_at_locations": "service_at_location_list",
    "organizations": "organization_list",
    "taxonomies": "taxonomy",
    "taxonomy_terms": "taxonomy_term",
}
ENVELOPE = ("total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty")


async def _enter_example(api: AsyncClient) -> dict[str, Any]:
    return await _enter(api, official_service())


async def _enter(api: AsyncClient, given: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(f"{V1}/records/services", json=given, headers=reads_everything())
    assert answer.status_code == 201, answer.text
    return dict(given)


def _without_date(document: dict[str, Any]) -> dict[str, Any]:
    """Remove `last_modified`, which only the directory sets, so that a hidden edit does not show in it."""
    return {key: value for key, value in document.items() if key != "last_modified"}


def official_service() -> dict[str, Any]:
    return dict(official.example("service_full"))


@pytest.mark.parametrize("service", [official.made_service, official_service])
async def test_a_service_with_all_members_round_trips(
    api: AsyncClient, service: Callable[[], dict[str, Any]]
) -> None:
    given = await _enter(api, service())
    read = await api.get(f"{V1}/services/{given['id']}", headers=as_("anonymous"))
    shown = {k: v for k, v in read.json().items() if k != "endorsed_by"}
    assert _without_date(shown) == _without_date(given)


async def test_the_lists_of_a_service_with_all_members_hold_what_lists_have(
    api: AsyncClient,
) -> None:
    given = await _enter(api, official.made_service())
    for path, whole, answer in (
        ("services", given, "service_list"),
        ("organizations", given["organization"], "organization_list"),
    ):
        listed = await api.get(f"{V1}/{path}", headers=as_("anonymous"))
        (shown,) = listed.json()["contents"]
        shown.pop("endorsed_by", None)
        assert _without_date(shown) == _without_date(official.cut(whole, answer))


async def test_the_official_list_forms_round_trip(api: AsyncClient) -> None:
    given = await _enter_example(api)
    services = await api.get(f"{V1}/services", headers=as_("anonymous"))
    expected = official.example("service_list")["contents"][0]
    (shown,) = services.json()["contents"]
    shown.pop("endorsed_by", None)
    assert _without_date(shown) == _without_date(expected)
    sites = await api.get(f"{V1}/service_at_locations", headers=as_("anonymous"))
    (site,) = sites.json()["contents"]
    site["service"].pop("endorsed_by", None)
    wanted = official.example("service_at_location_list")["contents"][0]
    site["service"], wanted["service"] = map(_without_date, (site["service"], wanted["service"]))
    assert site == wanted
    organizations = await api.get(f"{V1}/organizations", headers=as_("anonymous"))
    assert organizations.json()["contents"] == official.example("organization_list")["contents"]
    assert given["organization"]["id"] == organizations.json()["contents"][0]["id"]


async def test_the_official_full_site_and_organization_round_trip(api: AsyncClient) -> None:
    given = await _enter_example(api)
    site_id = given["service_at_locations"][0]["id"]
    site = (await api.get(f"{V1}/service_at_locations/{site_id}", headers=as_("anonymous"))).json()
    wanted = official.example("service_at_location_full")
    site["service"].pop("endorsed_by", None)
    site["service"], wanted["service"] = map(_without_date, (site["service"], wanted["service"]))
    assert site == wanted
    own = given["organization"]["id"]
    organization = (
        await api.get(f"{V1}/organizations/{own}?full_service=true", headers=as_("anonymous"))
    ).json()
    expected = official.example("organization_full")
    (shown,) = organization["services"]
    shown.pop("endorsed_by", None)
    organization["services"] = [_without_date(shown)]
    expected["services"] = [_without_date(each) for each in expected["services"]]
    assert organization == expected


async def test_official_taxonomies_round_trip(api: AsyncClient) -> None:
    await _enter_example(api)
    for name, path in (("taxonomy", "taxonomies"), ("taxonomy_term", "taxonomy_terms")):
        wanted = official.example(f"{name}_list")["contents"][0]
        read = await api.get(f"{V1}/{path}/{wanted['id']}", headers=as_("anonymous"))
        assert read.json() == wanted
        listed = await api.get(f"{V1}/{path}?per_page=500", headers=as_("anonymous"))
        assert wanted in listed.json()["contents"]


async def _fill(api: AsyncClient, publish: Publish) -> None:
    await _enter(api, official.made_service())
    await publish(
        pathway=[{"aor": "GBV", "step": "psychosocial", "urgency": "routine"}],
        eligibility={"sex": ["female"], "populations": ["REF"], "nationalities": ["VEN"]},
        referral={"method": "interagency_form", "response_delay": "72h"},
        pre_crisis={"existed": True, "to": "2019-01-01"},
        provider_level="national",
        translations={"en": {"name": "Psychological care", "description": "For women"}},
        minimum_age=12,
        contacts=[{"name": "Recepción", "visibility": "partners"}],
    )


@pytest.mark.parametrize("client", ["anonymous", "health-cluster", "ngo-refugio", "ngo-salud"])
@pytest.mark.parametrize("name", LISTS)
async def test_every_answer_validates_against_the_official_schema(
    api: AsyncClient, publish: Publish, name: str, client: str
) -> None:
    await _fill(api, publish)
    for query in ("", "?full=true", "?full_service=true", "?minimal=true"):
        if query and name.startswith("taxonom"):
            continue
        if query == "?minimal=true" and name != "services":
            continue
        if query == "?full_service=true" and name != "organizations":
            continue
        answer = await api.get(f"{V1}/{name}{query}", headers=as_(client))
        assert answer.status_code == 200, answer.text
        kind = SINGULAR[name] if "full" in query else LISTED[name]
        for document in answer.json()["contents"]:
            official.check(kind, document)
    for document in (await api.get(f"{V1}/{name}", headers=as_(client))).json()["contents"]:
        one = await api.get(f"{V1}/{name}/{document['id']}", headers=as_(client))
        assert one.status_code == 200, "ids resolve"
        official.check(SINGULAR[name], one.json())


@pytest.mark.parametrize("name", LISTS)
async def test_pages_first_middle_last(api: AsyncClient, publish: Publish, name: str) -> None:
    for number in range(5):
        location = {"location_type": "physical", "name": f"Sede {number}", "pcode": "VE2313"}
        await publish(
            name=f"Servicio {number}",
            organization={"name": f"Organización {number}", "description": "Una"},
            service_at_locations=[{"location": location}],
        )
    seen: list[str] = []
    number, last = 1, False
    while not last:
        page = (
            await api.get(f"{V1}/{name}?per_page=2&page={number}", headers=as_("anonymous"))
        ).json()
        assert all(key in page for key in ENVELOPE)
        assert page["page_number"] == number
        assert page["first_page"] is (number == 1)
        assert page["size"] == len(page["contents"]) <= 2
        assert page["empty"] is False
        seen += [each["id"] for each in page["contents"]]
        last = page["last_page"]
        assert last is (number == page["total_pages"])
        number += 1
    assert len(seen) == len(set(seen)) == page["total_items"]


@pytest.mark.parametrize("name", LISTS)
async def test_post_is_the_private_form_of_get(
    api: AsyncClient, publish: Publish, name: str
) -> None:
    await publish()
    await publish(name="Carpintería", categories=[])
    got = await api.get(f"{V1}/{name}?search=carpinteria&per_page=1", headers=as_("anonymous"))
    query: dict[str, str | int] = {"search": "carpinteria", "per_page": 1}
    by_body = await api.post(f"{V1}/{name}", json=query, headers=as_("anonymous"))
    by_form = await api.post(f"{V1}/{name}", data=query, headers=as_("anonymous"))
    by_query = await api.post(f"{V1}/{name}", params=query, headers=as_("anonymous"))
    assert got.status_code == 200
    assert got.json() == by_body.json() == by_form.json() == by_query.json()
    wrong = await api.post(f"{V1}/{name}", json={"nope": 1}, headers=as_("anonymous"))
    assert wrong.status_code == 422
    broken = await api.post(f"{V1}/{name}", content=b"{", headers=as_("anonymous"))
    assert broken.status_code == 400


@pytest.mark.parametrize("name", LISTS)
async def test_ndjson_streams_everything(api: AsyncClient, publish: Publish, name: str) -> None:
    for number in range(3):
        await publish(name=f"Servicio {number}")
    listed = await api.get(f"{V1}/{name}?per_page=500", headers=as_("anonymous"))
    streamed = await api.get(f"{V1}/{name}?format=ndjson", headers=as_("anonymous"))
    form = {"format": "ndjson"}
    headers = as_("ngo-refugio") | {"Idempotency-Key": "one"}
    posted = [
        await api.post(f"{V1}/{name}", json=form, headers=each)
        for each in (as_("anonymous"), as_("ngo-refugio"), headers)
    ]
    by_id = {each["id"]: each for each in listed.json()["contents"]}
    for answer in (streamed, *posted):
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert {each["id"]: each for each in lines} == by_id


async def test_the_root_says_what_this_is(api: AsyncClient) -> None:
    root = (await api.get(f"{V1}/", headers=as_("anonymous"))).json()
    assert root["version"] == "3.2.3"
    assert {"profile", "openapi_url", "description", "data_guide", "publisher"} <= set(root)
    assert root["publisher"]["name"]


async def test_a_feed_of_open_referral_uk_says_so(
    api: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Open Referral UK validator chooses its description by the version at the root."""
    app = cast("Any", api)._transport.app
    monkeypatch.setattr(app.state.context.settings, "api_profile", "uk")
    root = (await api.get(f"{V1}/", headers=as_("anonymous"))).json()
    assert root["version"] == "HSDS-UK-3.0"
    for name in ("profile", "openapi_url"):
        assert root[name].startswith("http")


UK_REQUIRED = {
    "services": {"id", "name", "status"},
    "organizations": {"id", "name", "description"},
    "service_at_locations": {"id"},
    "taxonomies": {"id", "name", "description"},
    "taxonomy_terms": {"id", "name", "description"},
}
UK_PAGE = {
    "total_items": int, "total_pages": int, "page_number": int, "size": int, "first_page": bool,
    "last_page": bool, "empty": bool, "contents": list,
}  # fmt: skip


async def test_what_that_validator_looks_at_holds(api: AsyncClient, publish: Publish) -> None:
    """The validator's description of version 3.0 (V3.0-UK) checks each list page by page and each entry by its id. It
    names the schemas of HSDS 3.0, which the official schemas above include."""
    await _fill(api, publish)
    for path, required in UK_REQUIRED.items():
        seen: list[str] = []
        number, pages = 1, 1
        while number <= min(pages, 10):
            answer = await api.get(f"{V1}/{path}?page={number}", headers=as_("anonymous"))
            page = answer.json()
            for name, kind in UK_PAGE.items():
                assert type(page[name]) is kind, (path, name)
            assert (page["page_number"], page["first_page"]) == (number, number == 1)
            seen += [each["id"] for each in page["contents"]]
            number, pages = number + 1, page["total_pages"]
        assert len(set(seen)) == len(seen) > 0, path
        for own in seen[:10]:
            assert str(UUID(own)) == own
            entry = (await api.get(f"{V1}/{path}/{own}", headers=as_("anonymous"))).json()
            assert required <= set(entry), (path, required - set(entry))
            assert entry["id"] == own
            assert not [name for name, value in entry.items() if value in (None, "", [], {})]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"day": "TU"}, True),
        ({"day": "WE"}, False),
        ({"day": "TU", "start_time": "09:00", "end_time": "17:00"}, True),
        ({"day": "TU", "start_time": "09:01"}, False),
        ({"end_time": "16:59"}, False),
        ({"minimum_age": "12", "maximum_age": "17"}, True),
        ({"minimum_age": "13"}, False),
        ({"maximum_age": "16"}, False),
    ],
)
@pytest.mark.parametrize("path", ["services", "service_at_locations"])
async def test_the_parameters_of_open_referral_uk(
    api: AsyncClient, publish: Publish, path: str, asked: dict[str, str], found: bool
) -> None:
    await publish(
        minimum_age=12,
        maximum_age=17,
        schedules=[{"freq": "WEEKLY", "byday": "TU", "opens_at": "09:00", "closes_at": "17:00"}],
    )
    answer = await api.get(f"{V1}/{path}", params=asked, headers=as_("anonymous"))
    assert (answer.json()["total_items"] == 1) is found, answer.text


async def test_the_profile_patches_apply_and_hold(api: AsyncClient, publish: Publish) -> None:
    await _fill(api, publish)
    root = (await api.get(f"{V1}/", headers=as_("anonymous"))).json()
    path = root["profile"].split("8080", 1)[1]
    profile = (await api.get(path, headers=as_("anonymous"))).json()
    patches: dict[str, Any] = {}
    for entry in profile["objects"]:
        patches[entry["name"]] = (
            await api.get(entry["patch"].split("8080", 1)[1], headers=as_("anonymous"))
        ).json()
        schema = await api.get(entry["schema"].split("8080", 1)[1], headers=as_("anonymous"))
        jsonschema.Draft202012Validator.check_schema(schema.json())
    extended = jsonschema.Draft202012Validator(
        merged(official.schema("service"), patches["service"])
    )
    listed = await api.get(f"{V1}/services?full=true", headers=as_("anonymous"))
    for document in listed.json()["contents"]:
        assert not list(extended.iter_errors(document))
    assert list(extended.iter_errors({**document, "capacity_state": "perhaps"}))


async def test_totals_and_neighbours_are_headers_too(api: AsyncClient, publish: Publish) -> None:
    for name in ("Una", "Dos", "Tres"):
        await publish(name=name)
    asked = f"{V1}/services?page=2&category=GBV-PSS&per_page=1"
    answer = await api.get(asked, headers=as_("anonymous"))
    assert answer.headers["x-total-items"] == "3"
    links = {each["rel"]: each["url"] for each in answer.links.values()}
    start = f"{V1}/services?category=GBV-PSS&per_page=1&page="
    assert links == {
        r: f"{start}{n}" for r, n in (("first", 1), ("prev", 1), ("next", 3), ("last", 3))
    }
    following = await api.get(links["next"], headers=as_("anonymous"))
    assert following.json()["page_number"] == 3
    private = await api.post(
        f"{V1}/services", json={"page": 2, "per_page": 1}, headers=as_("anonymous")
    )
    assert private.headers["x-total-items"] == "3"
    assert "link" not in private.headers


async def test_head_is_get_without_the_body(api: AsyncClient, publish: Publish) -> None:
    own = await publish()
    for path in (
        "/",
        "/services",
        f"/services/{own}",
        "/profile",
        "/services/suggestions?search=ab",
    ):
        got = await api.get(V1 + path, headers=as_("anonymous"))
        head = await api.head(V1 + path, headers=as_("anonymous"))
        assert (head.status_code, head.content) == (200, b""), path
        for name in ("etag", "content-length", "content-type"):
            assert head.headers.get(name) == got.headers.get(name), path
    refused = await api.head(f"{V1}/records/services", headers=as_("anonymous"))
    assert refused.status_code in {401, 403}


async def test_extensions_are_taxonomy_terms_for_a_plain_client(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish(eligibility={"sex": ["female"]})
    await publish(name="Otra", categories=["GBV-LEGAL"])
    terms = (await api.get(f"{V1}/taxonomy_terms?search=GBV-PSS", headers=as_("anonymous"))).json()[
        "contents"
    ]
    term = next(each for each in terms if each.get("code") == "GBV-PSS")
    found = await api.get(f"{V1}/services?taxonomy_term_id={term['id']}", headers=as_("anonymous"))
    assert [each["id"] for each in found.json()["contents"]] == [own]
    both = await api.get(
        f"{V1}/services?taxonomy_id={term['taxonomy_detail']['id']}", headers=as_("anonymous")
    )
    assert both.json()["total_items"] == 2


async def test_no_cache_gives_an_answer_to_another_audience(
    api: AsyncClient, publish: Publish
) -> None:
    await publish()
    for who, kept in (("anonymous", "no-cache"), ("ngo-refugio", "private, no-cache")):
        answer = await api.get(f"{V1}/services", headers=as_(who))
        assert answer.headers["cache-control"] == kept
        varies = {each.strip() for each in answer.headers["vary"].lower().split(",")}
        assert {"authorization", "accept-language"} <= varies
