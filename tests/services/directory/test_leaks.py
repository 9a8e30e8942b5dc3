"""For every endpoint and parameter, a caller below the level gets the same bytes, whether or not the confidential
record exists."""

from pathlib import Path
from typing import Any

import pytest
from common.db.session import Database
from directory.app import create_app
from directory.find.search.parameters import ServiceQuery, SiteQuery
from directory.record.organizations.parameters import OrganizationQuery
from directory.record.taxonomies.queries import TaxonomyQuery, TermQuery
from directory.settings import Settings
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel
from stack.embedded.postgres import ServiceDatabase

from tests.services.directory.conftest import (
    V1,
    as_,
    ids_seen,
    reads_everything,
    service_document,
)
from tests.support.databases import common_settings, rolled_back
from tests.support.principals import organisation

# Values with which a person who may see the hidden record would find it. The test fails if a list parameter has no
# value.
OWN = "0190b000-0000-7000-8000-00000000beef"
SITE = "0190b000-0000-7000-8000-00000000cafe"
PLACE = "0190b000-0000-7000-8000-00000000d00d"
ORGANIZATION = "0190b000-0000-7000-8000-00000000aaaa"
TERM = "0190b000-0000-7000-8000-00000000bbbb"
TAXONOMY = "0190b000-0000-7000-8000-00000000cccc"

PROBES: dict[str, list[str]] = {
    "search": ["zzyzx", "Sede Zzyzzx", "Galpón Oculto"],
    "page": ["1", "2"],
    "per_page": ["1", "500"],
    "format": ["json", "ndjson", "geojson"],
    "taxonomy_term_id": [TERM],
    "taxonomy_id": [TAXONOMY],
    "organization_id": [ORGANIZATION],
    "modified_after": ["2020-01-01T00:00:00Z"],
    "full": ["true"],
    "full_service": ["true"],
    "minimal": ["true"],
    "category": ["TIP-ASSIST"],
    "aor": ["TIP"],
    "area": ["VE10", "VE1001"],
    "near": ["8.35,-62.65"],
    "radius": ["2000"],
    "bbox": ["-63,8,-62,9"],
    "open_at": ["2026-11-25T03:00:00"],
    "open_on": ["WE"],
    "open_from": ["02:00"],
    "open_until": ["04:00"],
    "day": ["WE"],
    "start_time": ["00:00"],
    "end_time": ["23:59"],
    "minimum_age": ["1"],
    "maximum_age": ["120"],
    "age": ["7"],
    "sex": ["other"],
    "population": ["VOT"],
    "nationality": ["GUY"],
    "without_documents": ["true"],
    "language": ["wba"],
    "capacity_state": ["waitlist"],
    "functional_status": ["partially_functional"],
    "provider_level": ["international"],
    "pre_crisis": ["true"],
    "referable": ["true"],
    "verified_after": ["2026-11-20"],
    "sort": ["relevance", "name", "modified", "distance"],
    "facets": ["category,aor,area,language,capacity_state,functional_status,provider_level,population"],
    "explain": ["true"],
    "postcode": ["8050"],
    "proximity": ["5000"],
    "top_only": ["true"],
    "parent_id": [TAXONOMY],
}  # fmt: skip
HELP: list[tuple[str, dict[str, str]]] = [
    (path, params)
    for path in ("", "/services", "/text")
    for params in (
        {"need": "exploitation"}, {"area": "VE10"}, {"area": "VE1001", "need": "exploitation"},
        {"need": "exploitation", "open_now": "true"},
    )
]  # fmt: skip
LISTS: dict[str, type[BaseModel]] = {
    "services": ServiceQuery,
    "service_at_locations": SiteQuery,
    "organizations": OrganizationQuery,
    "taxonomies": TaxonomyQuery,
    "taxonomy_terms": TermQuery,
}
BELOW = {
    "partners": ["anonymous", "auditor"],
    "pathway": ["anonymous", "health-cluster", "gbv-coordinator"],
    "restricted": ["anonymous", "health-cluster", "ngo-refugio", "im-officer"],
}
ABOVE = {"partners": "health-cluster", "pathway": "ngo-refugio", "restricted": "tip-coordinator"}


def hidden(level: str) -> dict[str, Any]:
    """Enter a record that is visible from `level` on and differs from all others in every respect."""
    location: dict[str, Any] = {"id": PLACE, "location_type": "physical", "pcode": "VE1001"}
    if level == "restricted":
        location["pcode"] = "VE10"
    else:
        location |= {
            "name": "Galpón Oculto",
            "latitude": 8.351,
            "longitude": -62.651,
            "addresses": [
                {
                    "address_1": "Calle Oculta 1",
                    "city": "Tucupita",
                    "state_province": "Delta",
                    "postal_code": "8050",
                    "country": "VE",
                    "address_type": "physical",
                }
            ],
        }
    term = {
        "id": TERM,
        "name": "zzyzx",
        "description": "zzyzx",
        "taxonomy_detail": {"id": TAXONOMY, "name": "zzyzx", "description": "zzyzx"},
    }
    return {
        "id": OWN,
        "name": "Sede Zzyzx",
        "description": "Galpón Oculto",
        "visibility": level,
        "organization": {
            "id": ORGANIZATION,
            "name": "Fundación Zzyzx",
            "description": "x",
            "visibility": level,
        },
        "categories": ["TIP-ASSIST"],
        "functional_status": {"code": "partially_functional"},
        "capacity_state": "waitlist",
        "provider_level": "international",
        "pre_crisis": {"existed": True},
        "eligibility": {"sex": ["other"], "populations": ["VOT"], "nationalities": ["GUY"]},
        "minimum_age": 5,
        "maximum_age": 9,
        "verification": {"verified_at": "2026-11-24", "valid_until": "2099-01-01"},
        "languages": [{"code": "wba"}],
        "schedules": [{"freq": "WEEKLY", "byday": "WE", "opens_at": "02:00", "closes_at": "04:00"}],
        "attributes": [{"taxonomy_term": term}],
        "service_areas": [{"extent": "VE10", "extent_type": "pcode"}],
        "service_at_locations": [{"id": SITE, "location": location}],
        "phones": [{"number": "+58 287 000 0001"}],
    }


def _requests(name: str) -> list[dict[str, str]]:
    """Return one request per parameter and value, and some combinations. Fail if a parameter has no value."""
    fields = LISTS[name].model_fields
    assert set(fields) <= set(PROBES), set(fields) - set(PROBES)
    found: list[dict[str, str]] = [{}]
    for field in fields:
        for value in PROBES[field]:
            if field == "format" and value == "geojson" and "near" not in fields:
                continue
            if field == "radius":
                continue
            if field == "sort" and "near" in fields:
                found.append({"sort": value, "near": "8.35,-62.65", "search": "casa"})
            elif field == "proximity":
                found.append({"proximity": value, "postcode": "8050"})
            else:
                found.append({field: value})
    if "near" in fields:
        found += [
            {"near": "8.35,-62.65", "radius": metres} for metres in ("100", "2000", "9000000")
        ]
    if name == "services":
        found += [{"search": "casa", "explain": "true", "full": "true"}]
        # With too few results, the search also corrects typos, matches any of the words, and uses synonyms.
        found += [
            {"search": words, "explain": "true"}
            for words in ("zzyzxx", "sede zzyzx", "abogdo zzyzx", "trata de personas", "warao casa")
        ]
    return found


async def _client(database: Database, made: ServiceDatabase, internal_jwks: Path) -> AsyncClient:
    given: dict[str, Any] = common_settings(made, internal_jwks, "nats://127.0.0.1:1")
    app = create_app(Settings(**given), database=database)
    client = AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://directory"
    )
    others: list[dict[str, Any]] = [
        {},
        {"name": "Casa de la mujer", "categories": ["TIP-JUSTICE"]},
        {"name": "Otra casa", "organization": {"name": "Otra", "description": "x"}},
    ]
    for number, changes in enumerate(others):
        answer = await client.post(
            f"{V1}/records/services",
            json=service_document(**changes),
            headers=as_("im-officer", scope="directory:read directory:write directory:curate"),
        )
        assert answer.status_code == 201, (number, answer.text)
    return client


async def _enter_hidden(api: AsyncClient, level: str) -> None:
    answer = await api.post(
        f"{V1}/records/services", json=hidden(level), headers=reads_everything()
    )
    assert answer.json().get("state") == "approved", answer.text


async def _everything(api: AsyncClient, client: str) -> dict[str, tuple[int, Any, bytes]]:
    """Return the status, the validator and the body of every request that could reveal something."""
    found: dict[str, tuple[int, Any, bytes]] = {}
    headers = as_(client)
    for name in LISTS:
        for number, params in enumerate(_requests(name)):
            # GET and POST share one handler, so the test alternates between them.
            if number % 2:
                answer = await api.get(f"{V1}/{name}", params=params, headers=headers)
            else:
                answer = await api.post(f"{V1}/{name}", json=params, headers=headers)
            assert answer.status_code == 200, (name, params, answer.text)
            key = f"{answer.request.method} {name} {params}"
            found[key] = (200, answer.headers.get("etag"), answer.content)
    for path in (
        f"services/{OWN}", f"service_at_locations/{SITE}", f"organizations/{ORGANIZATION}",
        f"taxonomies/{TAXONOMY}", f"taxonomy_terms/{TERM}", f"records/services/{OWN}",
        f"records/services/{OWN}/history", f"records/services/{OWN}/reads",
        f"records/services/{OWN}/duplicates", f"records/services/{OWN}/review", f"records/locations/{PLACE}",
        f"records/organizations/{ORGANIZATION}", "profile", "",
        "services/suggestions?search=a", "services/suggestions?search=psico",
        "services/suggestions?search=casa", f"names?service_id={OWN}&organization_id={ORGANIZATION}",
    ):  # fmt: skip
        answer = await api.get(f"{V1}/{path}", headers=headers)
        body = b"" if answer.status_code >= 400 else answer.content
        found[path] = (answer.status_code, answer.headers.get("etag"), body)
    for path, params in HELP:
        answer = await api.get(f"{V1}/help{path}", params=params, headers=headers)
        assert answer.status_code == 200, (path, params, answer.text)
        found[f"help{path} {params}"] = (200, None, answer.content)
    near = {"latitude": 8.35, "longitude": -62.65, "need": "exploitation"}
    answer = await api.post(f"{V1}/help/services", json=near, headers=headers)
    found["help near"] = (answer.status_code, None, answer.content)
    snapshot = await api.get(f"{V1}/sync/snapshot", headers=headers)
    lines = snapshot.content.splitlines()
    found["snapshot"] = (200, None, b"\n".join(sorted(lines[1:-1])))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("level", list(BELOW))
async def test_nothing_tells_a_lower_level_that_the_record_exists(
    directory_database: ServiceDatabase, internal_jwks: Path, level: str
) -> None:
    async with rolled_back(directory_database) as database:
        api = await _client(database, directory_database, internal_jwks)
        before = {client: await _everything(api, client) for client in BELOW[level]}
        await _enter_hidden(api, level)
        for client in BELOW[level]:
            after = await _everything(api, client)
            told = [key for key in after if after[key] != before[client][key]]
            assert told == [], (client, told)
        # As a control, every caller who may see the record finds it with each of these requests.
        seen = ABOVE[level]
        assert OWN in await ids_seen(api, seen)
        missed = []
        for params in _requests("services"):
            if params.get("page") == "2" or params.get("format") or params.get("per_page") == "1":
                continue
            ids = await ids_seen(api, seen, **{"per_page": 500, **params})
            if OWN not in ids and not _needs_more(params, level):
                missed.append(params)
        assert missed == []


def _needs_more(params: dict[str, str], level: str) -> bool:
    """Return whether even callers who may see the record cannot find it with these parameters. They name an exact place
    that is not stored or, for that level's organisations, the organisation."""
    exact = {"bbox", "radius"} & set(params)
    if level != "partners" and exact:
        return True
    return params.get("radius") == "100"


def test_every_read_route_is_in_this_test() -> None:
    """If you add a new way to read services, add it to `_everything`, or list it here with the reason."""
    known = {
        f"{V1}/", f"{V1}/profile", f"{V1}/profile/patches/{{name}}.json",
        f"{V1}/profile/schemas/{{name}}.json", f"{V1}/profile/codes",
        f"{V1}/services", f"{V1}/services/{{service_id}}", f"{V1}/service_at_locations",
        f"{V1}/services/suggestions", f"{V1}/names",
        f"{V1}/service_at_locations/{{site_id}}", f"{V1}/organizations",
        f"{V1}/organizations/{{organization_id}}", f"{V1}/taxonomies",
        f"{V1}/taxonomies/{{taxonomy_id}}", f"{V1}/taxonomy_terms",
        f"{V1}/taxonomy_terms/{{term_id}}", f"{V1}/sync/snapshot",
        f"{V1}/sync/changes",  # test_sync.py: needs commits.
        f"{V1}/sync/feed.atom", f"{V1}/sync/feed.json",  # The same.
        f"{V1}/records/services", f"{V1}/records/services/{{service_id}}",
        f"{V1}/records/services/{{service_id}}/history",
        f"{V1}/records/services/{{service_id}}/reads",
        f"{V1}/records/reads",  # test_curation.py: auditors only; ids without names.
        f"{V1}/records/services/{{service_id}}/duplicates",
        f"{V1}/records/services/{{service_id}}/review",
        f"{V1}/records/houses",  # test_safe_houses.py: curators only, by the record rules.
        f"{V1}/records/reminders", f"{V1}/records/organizations/{{organization_id}}",
        f"{V1}/records/locations/{{location_id}}",
        f"{V1}/help", f"{V1}/help/services", f"{V1}/help/text",
    }  # fmt: skip
    # These have their own leak tests.
    others = (
        "crosswalks", "pathways", "endorsements", "gaps", "posters", "imports", "exports",
        "risk-messages",
        "features",  # exports/test_features.py: the same documents as the exports.
        "successions",  # test_successions.py: curators, and only ids visible to them.
        "webhooks",  # test_webhooks.py: hidden entries call nobody.
    )  # fmt: skip
    from directory.app import ROUTERS

    found = {
        route.path
        for part in ROUTERS
        for route in part.routes
        if isinstance(route, APIRoute)
        and "GET" in (route.methods or set())
        and not route.path.startswith(tuple(f"{V1}/{other}" for other in others))
    }
    assert found <= known, found - known


async def test_parts_are_redacted_by_their_own_level(api: AsyncClient) -> None:
    document = service_document(
        phones=[
            {"number": "+58 1"},
            {"number": "+58 2", "visibility": "partners"},
            {"number": "+58 3", "visibility": "pathway"},
            {"number": "+58 4", "visibility": "restricted"},
        ],
    )
    document["service_at_locations"].append(
        {"location": {"location_type": "virtual", "name": "Línea de ingreso"}}
    )
    exact = document["service_at_locations"][0]["location"]
    exact["visibility"] = "pathway"
    made = await api.post(f"{V1}/records/services", json=document, headers=as_("gbv-coordinator"))
    own = made.json()["id"]
    seen = {}
    for client in ("anonymous", "health-cluster", "ngo-refugio", "gbv-coordinator"):
        seen[client] = (await api.get(f"{V1}/services/{own}", headers=as_(client))).json()
    assert [len(each["phones"]) for each in seen.values()] == [1, 2, 3, 4]
    assert [len(each["service_at_locations"]) for each in seen.values()] == [1, 1, 2, 2]
    member = next(
        site["location"]
        for site in seen["ngo-refugio"]["service_at_locations"]
        if site["location"]["location_type"] == "physical"
    )
    assert member["pcode"] == "VE2313"
    assert "latitude" not in member
    assert "addresses" not in member


async def test_reading_a_restricted_service_is_logged(api: AsyncClient) -> None:
    await _enter_hidden(api, "restricted")
    for path in (f"services/{OWN}", "services?search=zzyzx", f"service_at_locations/{SITE}"):
        assert (await api.get(f"{V1}/{path}", headers=as_("tip-coordinator"))).status_code == 200
    log = await api.get(f"{V1}/records/services/{OWN}/reads", headers=as_("tip-coordinator"))
    assert [item["client_id"] for item in log.json()["items"]] == ["tip-coordinator"] * 3
    assert {item["route"] for item in log.json()["items"]} == {
        f"{V1}/services/{OWN}", f"{V1}/services", f"{V1}/service_at_locations/{SITE}",
    }  # fmt: skip


@pytest.mark.parametrize("end", ["hidden", "withdrawn"])
async def test_the_words_of_a_term_are_hidden_with_the_last_service_that_has_it(
    api: AsyncClient, end: str
) -> None:
    """A publisher's term for a house used to stay in the term lists after the house was hidden."""
    detail = {"id": TAXONOMY, "name": "zzyzx", "description": "zzyzx"}
    term = {"id": TERM, "name": "Sede Zzyzx", "description": "zzyzx", "taxonomy_detail": detail}
    who = as_("gbv-coordinator")
    given = service_document(attributes=[{"taxonomy_term": term}])
    made = await api.post(f"{V1}/records/services", json=given, headers=who)
    path = f"{V1}/records/services/{made.json()['id']}"
    asked = [
        f"{V1}/taxonomy_terms/{TERM}", f"{V1}/taxonomies/{TAXONOMY}",
        f"{V1}/taxonomy_terms?search=zzyzx", f"{V1}/taxonomies?search=zzyzx",
    ]  # fmt: skip
    for each in asked:
        assert "zzyzx" in (await api.get(each, headers=as_("anonymous"))).text, each
    if end == "withdrawn":
        ended = await api.post(f"{path}/withdraw", headers=who)
    else:
        read = await api.get(path, headers=who)
        document = read.json()["document"] | {"visibility": "pathway"}
        headers = {**who, "If-Match": read.headers["etag"]}
        ended = await api.put(path, json=document, headers=headers)
    assert ended.json()["outcome"] == "changed", ended.text
    for each in asked:
        assert "zzyzx" not in (await api.get(each, headers=as_("anonymous"))).text, each


@pytest.mark.parametrize("road", ["record", "review", "history", "list", "doubles"])
async def test_reading_the_record_of_a_restricted_service_is_logged(
    api: AsyncClient, road: str
) -> None:
    """The record contains more than the public entry. Reads of it used to leave no trace."""
    await _enter_hidden(api, "restricted")
    who, path = as_("gbv-coordinator", aors=["TIP"]), f"{V1}/records/services"
    asked = {"list": path, "record": f"{path}/{OWN}"}.get(road, f"{path}/{OWN}/{road}")
    if road == "doubles":
        like = service_document(name="Sede Zzyzx", categories=["TIP-ASSIST"])
        like["service_areas"] = [{"name": "x", "extent": "VE10", "extent_type": "pcode"}]
        made = await api.post(path, json=like, headers=reads_everything())
        asked = f"{path}/{made.json()['id']}/duplicates"
    seen = await api.get(asked, headers=who)
    assert "Sede Zzyzx" in seen.text
    log = await api.get(f"{path}/{OWN}/reads", headers=who)
    assert [(each["client_id"], each["route"]) for each in log.json()["items"]] == [
        ("gbv-coordinator", asked)
    ]


async def test_a_member_sees_only_in_the_state_of_the_membership(api: AsyncClient) -> None:
    await _enter_hidden(api, "pathway")
    here = await api.get(f"{V1}/services/{OWN}", headers=as_("ngo-refugio", areas=["VE10"]))
    there = await api.get(f"{V1}/services/{OWN}", headers=as_("ngo-refugio", areas=["VE23"]))
    other = await api.get(f"{V1}/services/{OWN}", headers=as_("ngo-refugio", aors=["GBV"]))
    assert (here.status_code, there.status_code, other.status_code) == (200, 404, 404)


async def test_an_owner_sees_all_of_its_own(api: AsyncClient) -> None:
    document = hidden("restricted")
    document["organization"] = {"id": str(organisation(2)), "name": "Salud", "description": "x"}
    made = await api.post(f"{V1}/records/services", json=document, headers=reads_everything())
    assert made.json()["state"] == "approved", made.text
    owner = await api.get(f"{V1}/services/{OWN}", headers=as_("ngo-salud", aors=[]))
    assert owner.status_code == 200


async def test_a_hidden_place_cannot_be_copied_by_its_id(api: AsyncClient) -> None:
    await _enter_hidden(api, "pathway")
    by_id = service_document(service_at_locations=[{"location_id": PLACE}])
    refused = await api.post(f"{V1}/records/services", json=by_id, headers=as_("gbv-coordinator"))
    assert refused.status_code == 422
    assert refused.json()["pointer"] == "/service_at_locations/0/location_id"
    taken = {"id": PLACE, "location_type": "physical", "name": "Otra", "pcode": "VE2313"}
    made = await api.post(
        f"{V1}/records/services",
        json=service_document(service_at_locations=[{"location": taken}]),
        headers=as_("gbv-coordinator"),
    )
    shown = (await api.get(f"{V1}/services/{made.json()['id']}", headers=as_("anonymous"))).json()
    place = shown["service_at_locations"][0]["location"]
    assert place["name"] == "Otra"
    assert place["id"] != PLACE
    own = (await api.get(f"{V1}/records/services/{OWN}", headers=as_("tip-coordinator"))).json()
    assert own["document"]["service_at_locations"][0]["location"]["name"] == "Galpón Oculto"


@pytest.mark.parametrize("road", ["entered", "imported"])
async def test_a_hidden_organisation_is_not_read_by_entering_a_service_for_it(
    api: AsyncClient, road: str
) -> None:
    """A service's record includes its organisation, so nobody may create a service in order to read it."""
    await _enter_hidden(api, "restricted")
    im = as_("im-officer", scope=WRITE, aors=["GBV", "CP"])
    named = {"id": ORGANIZATION, "name": "Propia", "description": "x"}
    if road == "entered":
        body = service_document(organization=named)
        made = await api.post(f"{V1}/records/services", json=body, headers=im)
        assert made.status_code == 201, made.text
        own = made.json()["id"]
    else:
        row = "external_id,organisation,organisation_id,name,categories\n1,Propia,{},Mía,GP-INFO\n"
        row = row.format(ORGANIZATION)
        # A dry run comes first, with the same rules.
        for query in ("?dry_run=true", ""):
            done = await api.post(f"{V1}/imports{query}", content=row.encode(), headers=im)
            assert done.status_code == 201, done.text
        rows = await api.get(done.json()["rows_url"], headers=im)
        own = rows.json()["items"][0]["service_id"]
    hidden_one = await api.get(f"{V1}/records/organizations/{ORGANIZATION}", headers=im)
    assert hidden_one.status_code == 404, hidden_one.text
    review = await api.get(f"{V1}/records/services/{own}/review", headers=im)
    assert "Zzyzx" not in review.text
    assert '"Propia"' in review.text
    # A second entry that names this organisation gets the same one.
    again = service_document(name="Otra", organization=named)
    second = await api.post(f"{V1}/records/services", json=again, headers=im)
    records = [
        (await api.get(f"{V1}/records/services/{each}", headers=im)).json()["document"]
        for each in (own, second.json()["id"])
    ]
    assert len({each["organization_id"] for each in records} | {ORGANIZATION}) == 2


WRITERS = {
    "pathway": {"gbv-coordinator": 5, "im-officer": 8, "ngo-legal": 3},
    "restricted": {"gbv-coordinator": 5, "im-officer": 8, "ngo-refugio": 1},
}
WRITE = "directory:read directory:write directory:curate"


async def _written(api: AsyncClient, client: str, number: int) -> list[tuple[str, int, Any]]:
    """Return the response to every write that names an id of the hidden record or repeats its content."""
    scope = WRITE if client in {"gbv-coordinator", "im-officer"} else WRITE.rpartition(" ")[0]
    # The hidden record's area is not one of this caller's areas.
    headers = as_(client, scope=scope, aors=["GBV", "CP"])
    own = {"id": str(organisation(number)), "name": "Propia", "description": "x"}

    def service(**changes: Any) -> dict[str, Any]:
        return service_document(organization=own, **changes)

    place = {"id": PLACE, "location_type": "physical", "name": "Otra", "pcode": "VE2313"}
    term = {"id": TERM, "name": "otro", "description": "otro"}
    at = f"{V1}/records"
    import_row = f"external_id,organisation,organisation_id,name,categories\n{{}},Propia,{own['id']},Mía,GP-INFO\n"
    calls: list[tuple[str, str, Any]] = [
        ("PUT", f"{at}/services/{OWN}", service()),
        ("PUT", f"{at}/services/{OWN}", service(id=OWN)),
        ("PATCH", f"{at}/services/{OWN}", {"name": "x"}),
        *(("POST", f"{at}/services/{OWN}/{step}", {}) for step in (
            "submit", "withdraw", "reopen", "verify", "approve", "return")),
        ("POST", f"{at}/services/{OWN}/merge", {"into": OWN}),
        ("PUT", f"{V1}/services/{OWN}/capacity", {"state": "full"}),
        ("POST", f"{at}/services", service(id=OWN)),
        ("POST", f"{at}/services", service(id=OWN)),
        ("POST", f"{at}/services", service(service_at_locations=[{"id": SITE, "location": place}])),
        ("POST", f"{at}/services", service(service_at_locations=[{"location": place}])),
        ("POST", f"{at}/services", service(service_at_locations=[{"location_id": PLACE}])),
        ("POST", f"{at}/services", service(attributes=[{"taxonomy_term": term}])),
        ("POST", f"{at}/services", service(organization_id=ORGANIZATION)),
        ("POST", f"{at}/locations", place),
        ("POST", f"{at}/locations", place),
        ("PUT", f"{at}/locations/{PLACE}", place),
        ("PUT", f"{at}/organizations/{ORGANIZATION}", own),
        ("POST", f"{at}/organizations", {**own, "id": ORGANIZATION}),
        ("POST", f"{V1}/imports", import_row.format(OWN)),
        ("POST", f"{V1}/imports", import_row.format(OWN)),
        # This comes last, because from here on the free id is the caller's own organisation.
        ("POST", f"{at}/services", service() | {"organization": {**own, "id": ORGANIZATION}}),
    ]  # fmt: skip
    found: list[tuple[str, int, Any]] = []
    ids: dict[str, str] = {}

    def plain(value: Any) -> Any:
        """Replace ids that change in each run with their sequence numbers."""
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if not k.endswith("_at")}
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, str) and len(value) == 36 and value[14] == "7":
            return ids.setdefault(value, f"id {len(ids)}")
        return value

    for method, path, body in calls:
        sent = {"content": body.encode()} if isinstance(body, str) else {"json": body}
        answer = await api.request(method, path, headers=headers, **sent)
        told = answer.json()
        if "rows_url" in told:
            rows = await api.get(told.pop("rows_url"), headers=headers)
            told["items"] = rows.json()["items"]
        found.append((f"{method} {path}", answer.status_code, plain(told)))
        assert answer.status_code < 500, found[-1]
    seen = await api.get(f"{V1}/taxonomy_terms/{TERM}", headers=as_("anonymous"))
    found.append(("term", seen.status_code, seen.json().get("name")))
    return found


@pytest.mark.parametrize(
    ("level", "client"), [(level, client) for level in WRITERS for client in WRITERS[level]]
)
async def test_no_write_tells_that_the_record_exists(
    directory_database: ServiceDatabase, internal_jwks: Path, level: str, client: str
) -> None:
    answers = []
    for exists in (False, True):
        async with rolled_back(directory_database) as database:
            api = await _client(database, directory_database, internal_jwks)
            if exists:
                await _enter_hidden(api, level)
            answers.append(await _written(api, client, WRITERS[level][client]))
            if exists:
                record = await api.get(f"{V1}/records/services/{OWN}", headers=reads_everything())
                assert record.json()["version"] == 1
                assert record.json()["document"]["name"] == "Sede Zzyzx"
    without, beside = answers
    told = [(a, b) for a, b in zip(without, beside, strict=True) if a != b]
    assert told == []
