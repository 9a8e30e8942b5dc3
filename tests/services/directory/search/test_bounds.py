"""No question costs more than it may, however many services there are: it is answered from what
narrows it, or refused with the reason."""

from typing import Any

import pytest
from common.database import Database
from httpx import AsyncClient
from services_directory.search.bounds import DEEPEST, MOST_RANKED, MOST_SORTED

from benchmarks.directory import WORDS, fill
from tests.services.directory.conftest import V1, Publish, as_

TEMPLATES = 20


@pytest.fixture
async def many(database: Database, api: AsyncClient) -> AsyncClient:
    """One service more than can be sorted, all with a word in common."""
    await fill(database, MOST_SORTED + 3 * TEMPLATES, TEMPLATES)
    return api


async def asked(api: AsyncClient, **params: Any) -> tuple[int, dict[str, Any]]:
    answer = await api.get(f"{V1}/services", params=params, headers=as_("anonymous"))
    return answer.status_code, answer.json()


async def test_what_would_put_everything_in_order_is_refused_with_the_reason(
    many: AsyncClient,
) -> None:
    nearly_all = " or ".join(WORDS[:20])
    for params in (
        {"search": nearly_all},
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
    status, told = await asked(many, search=nearly_all, area="VE2313", facets="category")
    assert (status, 0 < told["total_items"] <= MOST_SORTED) == (200, True)
    assert told["facets"]["category"]
    status, told = await asked(many)
    assert (status, told["total_items"] > MOST_SORTED) == (200, True)


@pytest.mark.parametrize("name", ["services", "service_at_locations"])
async def test_a_page_too_deep_is_refused_before_anything_is_read(
    api: AsyncClient, name: str
) -> None:
    last = DEEPEST // 500
    for page, status in ((last, 200), (last + 1, 422)):
        asked = {"page": page, "per_page": 500}
        answer = await api.get(f"{V1}/{name}", params=asked, headers=as_("anonymous"))
        assert answer.status_code == status
    assert answer.json()["code"] == "too_deep"
    assert "ndjson" in answer.json()["detail"]


async def test_a_search_made_to_be_slow_is_short_or_refused(
    api: AsyncClient, publish: Publish
) -> None:
    await publish()  # where nothing is to be read, the words are not looked at
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
