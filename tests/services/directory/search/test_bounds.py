"""Every query has a bounded cost, whatever the number of services. An index narrows it, or the API refuses it with the
reason."""

from functools import partial
from typing import Any

import pytest
from common.db.session import Database
from directory.find.search import matching_queries
from directory.find.search.page_queries import BEST
from directory.ground.reading import bounds
from directory.ground.reading.bounds import DEEPEST, MOST_RANKED, MOST_SORTED
from httpx import AsyncClient

from benchmarks.bounds import ALONE, MODELS, WRITTEN
from benchmarks.directory import WORDS, fill
from tests.services.directory.conftest import V1, Publish, as_, service_document

TEMPLATES = 20


@pytest.fixture
async def many(database: Database, api: AsyncClient) -> AsyncClient:
    """Enter one service more than the sorting limit, all with one word in common."""
    await fill(database, MOST_SORTED + 3 * TEMPLATES, TEMPLATES)
    return api


async def asked(api: AsyncClient, **params: Any) -> tuple[int, dict[str, Any]]:
    answer = await api.get(f"{V1}/services", params=params, headers=as_("anonymous"))
    return answer.status_code, answer.json()


@pytest.mark.slow
async def test_what_would_put_everything_in_order_is_refused_with_the_reason(
    many: AsyncClient,
) -> None:
    nearly_all = " or ".join(WORDS[:20])
    for params in (
        {"search": nearly_all, "sort": "name"},
        {"sort": "name"},
        {"near": "10.6,-71.6"},
        {"near": "10.6,-71.6", "radius": "20000000"},
        {"bbox": "-180,-90,180,90"},
        {"facets": "category,area"},
        {"search": nearly_all, "facets": "category"},
    ):
        status, told = await asked(many, **params)
        assert (status, told.get("code")) == (422, "too_wide"), (params, told)
        assert f"{MOST_RANKED if 'search' in params else MOST_SORTED:,}" in told["detail"]
        assert "`area`" in told["detail"]
    broad = f'"{WORDS[0]}" or "{WORDS[1]}"'
    for words in (nearly_all, broad):
        status, told = await asked(many, search=words, per_page="100", explain="true")
        assert (status, told["total_items"], len(told["contents"])) == (200, BEST, 100)
        assert "the best 200" in told["notice"]["en"]
        worth = [each["quality"] + each["text"] for each in told["ranking"]]
        assert worth == sorted(worth, reverse=True)
    # Filtered by state, because towns are drawn at random and one of them may be empty.
    status, told = await asked(many, search=nearly_all, area="VE23", facets="category")
    assert (status, 0 < told["total_items"] <= MOST_SORTED) == (200, True)
    assert told["facets"]["category"]
    status, told = await asked(many)
    assert (status, told["total_items"] > MOST_SORTED) == (200, True)


@pytest.mark.parametrize("name", ["services", "service_at_locations"])
async def test_a_page_too_deep_is_refused_before_anything_is_read(
    api: AsyncClient, name: str
) -> None:
    for client, deepest in (("anonymous", DEEPEST), ("gbv-coordinator", DEEPEST // 2)):
        last = deepest // 500
        for page, status in ((last, 200), (last + 1, 422)):
            asked = {"page": page, "per_page": 500}
            answer = await api.get(f"{V1}/{name}", params=asked, headers=as_(client))
            assert answer.status_code == status
        assert answer.json()["code"] == "too_deep"
        assert f"{deepest:,}" in answer.json()["detail"]
        assert "ndjson" in answer.json()["detail"]


async def test_a_search_made_to_be_slow_is_short_or_refused(
    api: AsyncClient, publish: Publish
) -> None:
    await publish()  # Without a possible match the search evaluates no words.
    status, told = await asked(api, search="casa " * 2_000)
    assert (status, told["pointer"]) == (422, "/search")
    for words in (
        "%" * 300,
        "*:* & !a",
        "((((((",
        "a " * 150,
        '"' * 299,
        "or " * 100,
        "-" * 300,
        "- & !" * 60,
    ):
        assert (await asked(api, search=words))[0] == 200, words
        said: dict[str, Any] = {"params": {"search": words}, "headers": as_("anonymous")}
        assert (await api.get(f"{V1}/organizations", **said)).status_code == 200, words


@pytest.fixture
async def several(
    database: Database, api: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncClient:
    """Lower the limit of services checked one by one, then enter more than that."""
    monkeypatch.setattr(bounds, "MOST_READ", 60)
    await fill(database, 80, TEMPLATES)
    return api


@pytest.mark.parametrize("name", ["services", "service_at_locations"])
async def test_what_would_be_looked_through_one_by_one_is_refused_with_the_reason(
    several: AsyncClient, name: str
) -> None:
    asked = partial(several.get, f"{V1}/{name}")
    narrow = {"area": "VE2313"}
    half = 1 if name == "services" else 2  # Each entry also needs a site lookup.
    for client, most in (("anonymous", 60 // half), ("gbv-coordinator", 30 // half)):
        for params in (
            {"area": "VE"},
            {"modified_after": "2020-01-01T00:00:00Z"},
            {"open_at": "2026-11-23T10:00"},
            {"minimum_age": "18"},  # An unknown id, so only a check of all proves it.
            {"capacity_state": "accepting", "area": "VE"},
            {"language": "guc", "search": " or ".join(WORDS[:20])},
        ):
            answer = await asked(params=params, headers=as_(client))
            assert (answer.status_code, answer.json().get("code")) == (422, "too_wide"), params
            in_words = (
                name == "services" and "search" in params
            )  # A search also looks for the words in each service.
            assert f"more than {most // (1 + in_words)} " in answer.json()["detail"]
            assert "`area`" in answer.json()["detail"]
            answer = await asked(params={**params, **narrow}, headers=as_(client))
            assert answer.status_code == 200, (params, answer.text)
        answer = await asked(headers=as_(client))
        assert answer.json()["total_items"] == 80


async def test_around_a_postcode_no_more_sites_are_read_than_around_a_point(
    api: AsyncClient, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish()
    await publish(name="Otro")
    site = {"postcode": "4001"}
    asked = partial(api.get, f"{V1}/service_at_locations", headers=as_("anonymous"))
    for more, found in ((site, 2), ({**site, "proximity": "500"}, 2)):
        answer = await asked(params=more)
        assert answer.json()["total_items"] == found
    monkeypatch.setattr(matching_queries, "MOST_SITES", 1)
    for more in (site, {**site, "proximity": "500"}):
        answer = await asked(params=more)
        assert (answer.status_code, answer.json()["code"]) == (422, "too_wide")
        assert "`proximity`" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["services", "service_at_locations"])
async def test_a_small_place_beside_a_large_one_does_not_make_it_small(
    api: AsyncClient, publish: Publish, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A small area next to a large one does not make the query small, because PostgreSQL might read the large one
    first."""
    await publish()
    await publish(name="Otro")
    asked = partial(api.get, f"{V1}/{name}", headers=as_("anonymous"))
    monkeypatch.setattr(matching_queries, "MOST_SITES", 1)
    nowhere = {"bbox": "0,0,1,1"}
    answer = await asked(params=nowhere)
    assert (answer.status_code, answer.json()["total_items"]) == (200, 0)
    everywhere = {"near": "10.6,-71.6", "radius": "20000000"}
    answer = await asked(params=nowhere | everywhere)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_wide")
    assert "`radius`" in answer.json()["detail"]


async def test_sites_are_counted_as_each_caller_sees_them(
    api: AsyncClient, publish: Publish
) -> None:
    """The total equals the number of sites read one by one, including those hidden more strictly than their service."""
    site = service_document()["service_at_locations"][0]["location"]
    for level in ("public", "partners", "pathway", "restricted"):
        kept = {**site, "name": level, "visibility": level}
        if level == "restricted":
            kept = {key: kept[key] for key in ("name", "visibility", "location_type")}
        await publish(name=level, service_at_locations=[{"location": site}, {"location": kept}])
    await publish(name="hidden", visibility="pathway")
    for client in ("anonymous", "health-cluster", "ngo-salud", "gbv-coordinator", "cp-coordinator"):
        pages = {"per_page": "500"}
        all_of_them = await api.get(f"{V1}/service_at_locations", params=pages, headers=as_(client))
        one = await api.get(
            f"{V1}/service_at_locations", params={"per_page": "1"}, headers=as_(client)
        )
        assert one.json()["total_items"] == len(all_of_them.json()["contents"]) >= 5, client


async def test_organisations_are_bounded_like_services(
    api: AsyncClient, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Una", "Dos"):
        await publish(name=name)
    terms = await api.get(f"{V1}/taxonomy_terms?search=GBV-PSS", headers=as_("anonymous"))
    term = next(each for each in terms.json()["contents"] if each.get("code") == "GBV-PSS")
    tagged: list[dict[str, Any]] = [
        {"taxonomy_term_id": term["id"]},
        {"taxonomy_id": term["taxonomy_detail"]["id"]},
    ]
    named = service_document()["organization"]["name"].split()[0]
    asked = partial(api.get, f"{V1}/organizations", headers=as_("anonymous"))
    for params in (*tagged, {"search": named}):
        answer = await asked(params=params)
        assert (answer.status_code, answer.json()["total_items"] > 0) == (200, True), params
    monkeypatch.setattr(bounds, "MOST_READ", 2)
    monkeypatch.setattr(bounds, "MOST_SORTED", 0)
    for params in (*tagged, {"search": named}):
        answer = await asked(params=params)
        assert (answer.status_code, answer.json().get("code")) == (422, "too_wide"), params
    assert (await asked()).status_code == 200
    answer = await asked(params={"page": DEEPEST // 500 + 1, "per_page": 500})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_deep")


def test_every_parameter_is_asked_by_the_benchmark_of_bounds() -> None:
    """`./ruta bench bounds --pairs` tries each parameter alone and with each other one over 100,000 services."""
    asked = {name for params in ALONE.values() for name in params} | WRITTEN
    for name, model in MODELS.items():
        assert model.model_fields.keys() <= asked, f"{name}: add the parameter to ALONE"
