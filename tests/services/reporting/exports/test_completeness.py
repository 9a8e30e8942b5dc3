"""A span of which a period is not published is refused, or named as missing, at every door."""

import io
from typing import Any

import openpyxl
import pytest
from httpx import AsyncClient

from tests.services.reporting.bulletins.test_bulletins_api import as_, drafted, story

assert story  # The imported fixture publishes only the first half of October.
PROTECTED = {
    "/reports/v1/exports/context-pack",
    "/reports/v1/exports/counts",
    "/reports/v1/programmes/{programme_id}/query",
    "/reports/v1/trafficking/{period}/ctdc",
}
OTHER = {
    # Exact numbers, which no release contains.
    "/reports/v1/activities",
    "/reports/v1/activities/indicators/{code}",
    "/reports/v1/exports/activities",
    "/reports/v1/indicators",
    "/reports/v1/indicators/caseload",
    # Lists by period, which have no numbers.
    "/reports/v1/closings",
    "/reports/v1/releases",
}


async def test_no_other_endpoint_answers_for_a_span(api: AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    found = {
        path
        for path, methods in paths.items()
        for each in methods.get("get", {}).get("parameters", ())
        if each["name"] in {"from", "to", "period"}
    }
    assert found == PROTECTED | OTHER


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("span", ["2026-10", "2026-Q4", "2026"])
async def test_an_endpoint_refuses_a_span_with_a_missing_period(
    api: AsyncClient, span: str
) -> None:
    asked = f"/reports/v1/programmes/referrals/query?from={span}&to={span}"
    refused = await api.get(asked, headers=as_("im-officer"))
    assert refused.status_code == 404
    assert "2026-10b" in refused.json()["missing"]
    assert "2026-10a" not in refused.json()["missing"]
    for form in ("csv", "xlsx", "parquet", "hxl", "dhis2"):
        asked = f"/reports/v1/exports/counts?programme=referrals&period={span}&format={form}"
        refused = await api.get(asked, headers=as_("im-officer"))
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), form
    ctdc = await api.get(f"/reports/v1/trafficking/{span}/ctdc", headers=as_("im-officer"))
    assert ctdc.status_code == 404


@pytest.mark.usefixtures("story")
async def test_a_range_that_ends_in_a_missing_period_is_refused(api: AsyncClient) -> None:
    asked = "/reports/v1/programmes/referrals/query?from=2026-10a&to=2026-11a"
    refused = await api.get(asked, headers=as_("im-officer"))
    assert (refused.status_code, refused.json()["missing"]) == (404, ["2026-10b", "2026-11a"])


@pytest.mark.usefixtures("story")
async def test_a_context_pack_shows_no_counts_of_an_incomplete_month(api: AsyncClient) -> None:
    counted = {}
    for period in ("2026-10a", "2026-10"):
        path = f"/reports/v1/exports/context-pack?period={period}&language=en"
        answer = await api.get(path, headers=as_("gbv-coordinator"))
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        rows = book["Who is left behind"].iter_rows(min_row=2, values_only=True)
        counted[period] = any(row[2] is not None for row in rows)
    assert counted == {"2026-10a": True, "2026-10": False}


@pytest.mark.usefixtures("story")
async def test_a_bulletin_of_an_incomplete_month_says_that_figures_are_missing(
    api: AsyncClient,
) -> None:
    made = await drafted(api, "2026-10")
    read = await api.get(f"/reports/v1/bulletins/{made['id']}", headers=as_("im-officer"))
    content: dict[str, Any] = read.json()["content"]
    assert '"kind":"release"' not in read.text.replace(" ", ""), "a protected number"
    sections = {each["id"]: each for each in content["sections"]}
    for name in ("referrals", "needs"):
        said = [block["text"]["en"] for block in sections[name]["blocks"] if "text" in block]
        assert "No figures of this programme have been published for this period." in said


@pytest.mark.usefixtures("story")
async def test_the_page_of_figures_lists_no_span(api: AsyncClient) -> None:
    page = await api.get("/reports/v1/exports/page?language=en", headers=as_("anonymous"))
    assert "period=2026-10a" in page.text
    assert 'period=2026-10"' not in page.text
    assert "period=2026-10&" not in page.text
