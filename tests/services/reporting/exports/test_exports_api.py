"""Exports over HTTP: who may get which file, and clear responses to bad requests."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from common.db.session import Database
from common.events.directory import ServicePublished
from common.ids import new_id
from httpx import AsyncClient
from reporting.recording.service import Recorder

from tests.services.reporting.activities.rows import body
from tests.services.reporting.activities.test_activities_api import PATH as ACTIVITIES
from tests.services.reporting.activities.test_activities_api import SERVICE
from tests.services.reporting.bulletins.test_bulletins_api import as_, story
from tests.services.reporting.conftest import AUDIENCE
from tests.services.reporting.events import (
    NOON,
    REFUGIO,
    SALUD,
    Arrived,
    enveloped,
    record_together,
)
from tests.support.principals import bearer

assert story  # The imported fixture publishes the half month.
PATH = "/reports/v1/exports"
COUNTS = f"{PATH}/counts?programme=referrals&period=2026-10a"
ANONYMOUS = bearer("anonymous", audience=AUDIENCE)


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.usefixtures("story")
async def test_anybody_gets_published_counts_in_every_format(api: AsyncClient) -> None:
    for form in ("csv", "xlsx", "parquet", "hxl"):
        answer = await api.get(f"{COUNTS}&format={form}&by=area,sex", headers=ANONYMOUS)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
    rows = lines((await api.get(f"{COUNTS}&by=area", headers=ANONYMOUS)).content)
    query = await api.get(
        f"/reports/v1/releases/{rows[0]['releases']}/query?by=area", headers=ANONYMOUS
    )
    asked = {row["at"]["area"]: row["count"] for row in query.json()["rows"]}
    assert {row["area"]: int(row["persons"]) for row in rows} == asked


@pytest.mark.usefixtures("story")
async def test_the_power_query_of_the_guide_opens_a_release(api: AsyncClient) -> None:
    """No Power Query engine runs here, so the test opens the address that the query names."""
    query = (Path(__file__).parents[4] / "docs/examples/releases.pq").read_text(encoding="utf-8")
    values = dict(re.findall(r'^    (\w+) = "(.+)",$', query, re.MULTILINE))
    (path,) = re.findall('RelativePath = "(.+)"', query)
    (asked,) = re.findall(r"Query = \[(.+)\]", query)
    pairs = dict(each.split(" = ") for each in asked.split(", "))
    params = {name: values.get(value, value.strip('"')) for name, value in pairs.items()}
    answer = await api.get(f"/{path}", params=params, headers=ANONYMOUS)
    assert answer.status_code == 200, answer.text
    assert lines(answer.content)[0]["releases"]


@pytest.mark.usefixtures("story")
async def test_tags_are_the_same_in_both_languages_and_no_header_holds_a_star(
    api: AsyncClient,
) -> None:
    tags = set()
    for language in ("es", "en"):
        answer = await api.get(f"{COUNTS}&format=hxl&language={language}", headers=ANONYMOUS)
        head = answer.content.decode("utf-8-sig").splitlines()[:2]
        assert head[1].startswith("#")
        assert "*" not in "".join(head)
        tags.add(head[1])
    assert len(tags) == 1, tags


@pytest.mark.usefixtures("story")
async def test_the_page_of_figures_shows_everybody_what_anybody_may_have(api: AsyncClient) -> None:
    draft = {"programme": "referrals", "period": "2026-10b"}
    made = await api.post("/reports/v1/releases", json=draft, headers=as_("im-officer"))
    assert made.status_code == 201, made.text
    pages = {
        client: (await api.get(f"{PATH}/page?language=es", headers=as_(client))).text
        for client in ("im-officer", "ngo-refugio", "anonymous")
    }
    assert len(set(pages.values())) == 1
    assert "period=2026-10a" in pages["im-officer"]
    assert "period=2026-10b" not in pages["im-officer"], "closed, not published"


@pytest.mark.usefixtures("story")
async def test_bad_questions_are_refused_with_what_is_allowed(api: AsyncClient) -> None:
    cases = {
        f"{COUNTS}&by=name": 422,
        f"{COUNTS}&area=VE99": 422,
        f"{COUNTS}&format=pdf": 422,
        f"{COUNTS}&format=dhis2": 422,
        f"{PATH}/counts?programme=referrals&period=2026-10": 404,
        f"{PATH}/counts?programme=referrals&period=2026-10b": 404,
        f"{PATH}/counts?programme=nothing&period=2026-10a": 422,
        f"{PATH}/counts?programme=referrals&period=x": 422,
        f"{PATH}/counts?programme=referrals&period=9999": 422,
        f"{PATH}/counts?programme=referrals&period=9999-12": 422,
        f"{PATH}/counts?period=2026-10a": 422,
    }
    for path, status in cases.items():
        answer = await api.get(path, headers=ANONYMOUS)
        assert answer.status_code == status, (path, answer.text)
    outside = await api.get(f"{COUNTS}&by=name", headers=ANONYMOUS)
    assert "age_band" in outside.json()["allowed"]


async def test_a_file_of_activities_never_has_protected_numbers_not_even_ones_own(
    api: AsyncClient,
) -> None:
    await api.post(ACTIVITIES, json=body(1), headers=as_("ngo-refugio"))
    await api.post(ACTIVITIES, json=body(2, **SERVICE), headers=as_("ngo-refugio"))
    assert (await api.get(f"{PATH}/activities", headers=ANONYMOUS)).status_code == 401
    for layout in ("hxl", "ven5w", "r4v"):
        path = f"{PATH}/activities?layout={layout}&format=csv"
        for client in ("ngo-refugio", "im-officer", "ngo-salud"):
            rows = lines((await api.get(path, headers=as_(client))).content)
            assert len(rows) == 2
            people = [row.get("reached") or row.get("Total_monthly") for row in rows]
            assert sorted(filter(None, people)) == ["30"], (layout, client)
            assert "Casa Azul" not in str(rows)


SERIES: dict[str, Any] = {
    "code": "risk-index",
    "title": {"es": "Índice de riesgo", "en": "Risk index"},
    "unit": {"es": "puntos", "en": "points"},
    "source": "Observatorio de ejemplo",
    "url": "https://example.org/risk",
    "licence": "CC BY 4.0",
    "retrieved_on": "2026-10-20",
    "points": [{"day": "2026-10-01", "area": "VE23", "value": "63.25"}],
}
CONTEXT = "/reports/v1/context/series"


async def test_a_series_keeps_its_provenance_and_every_edition(api: AsyncClient) -> None:
    assert (await api.post(CONTEXT, json=SERIES, headers=as_("ngo-salud"))).status_code == 403
    first = await api.post(CONTEXT, json=SERIES, headers=as_("im-officer"))
    assert first.status_code == 201, first.text
    changed = SERIES | {"points": [{"day": "2026-10-01", "area": "VE23", "value": "64"}]}
    second = await api.post(CONTEXT, json=changed, headers=as_("im-officer"))
    assert (first.json()["edition"], second.json()["edition"]) == (1, 2)
    kept = (await api.get(f"{CONTEXT}/risk-index", headers=as_("ngo-salud"))).json()
    assert [each["points"][0]["value"] for each in kept] == ["64", "63.25"]
    (newest,) = (await api.get(CONTEXT, headers=as_("ngo-salud"))).json()
    assert (newest["licence"], newest["edition"]) == ("CC BY 4.0", 2)
    assert (await api.get(f"{CONTEXT}/none", headers=as_("ngo-salud"))).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"source": ""},
        {"url": "javascript:alert(1)"},
        {"licence": None},
        {"title": {"es": "solo español"}},
        {"code": "Bad Code"},
        {"points": []},
        {"points": [{"day": "2026-10-01", "area": "VE99", "value": "1"}]},
        {"points": [{"day": "2026-10-01", "value": "1"}, {"day": "2026-10-01", "value": "2"}]},
        {"points": [{"day": "2026-10-01", "value": "NaN"}]},
    ],
)
async def test_a_series_without_provenance_or_with_bad_points_is_refused(
    api: AsyncClient, changes: dict[str, Any]
) -> None:
    answer = await api.post(CONTEXT, json=SERIES | changes, headers=as_("im-officer"))
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"]
    assert (await api.get(CONTEXT, headers=as_("im-officer"))).json() == []


async def test_stakeholders_lead_to_the_directory_and_have_the_name_of_their_own_activities(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    def service(organisation: UUID) -> Arrived:
        event = ServicePublished(
            version=1,
            service_id=new_id(),
            organisation_id=organisation,
            categories=("GBV-PSS",),
            areas=("VE2313",),
            visibility="public",
            referable=True,
        )
        return enveloped(event, event.service_id, NOON)

    await record_together(database, recorder, [service(o) for o in (REFUGIO, REFUGIO, SALUD)])
    reported = await api.post(ACTIVITIES, json=body(), headers=as_("ngo-refugio"))
    assert reported.status_code == 201
    path = f"{PATH}/context-pack?period=2026-10a&language=en"
    answer = await api.get(path, headers=as_("im-officer"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    rows = [
        (*row[:2], row[-1]) for row in book["Stakeholders"].iter_rows(min_row=2, values_only=True)
    ]
    assert rows == [
        (str(o), f"/directory/v1/organizations/{o}", name)
        for o, name in ((REFUGIO, "Fundación Refugio"), (SALUD, None))
    ]


@pytest.mark.usefixtures("story")
async def test_the_context_pack_is_tables_of_inputs_for_those_who_plan(api: AsyncClient) -> None:
    await api.post(CONTEXT, json=SERIES, headers=as_("im-officer"))
    path = f"{PATH}/context-pack?period=2026-10a&language=en"
    assert (await api.get(path, headers=as_("ngo-salud"))).status_code == 403
    answer = await api.get(path, headers=as_("gbv-coordinator"))
    assert answer.status_code == 200, answer.text
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == [
        "Stakeholders",
        "Who is left behind",
        "Risks from other sources",
        "Notes",
    ]
    states = list(book["Who is left behind"].iter_rows(min_row=2, values_only=True))
    assert len(states) > 20
    counts = [cell for row in states for cell in (row[2], row[5]) if cell is not None]
    assert any(counts)
    assert all(int(str(count)) % 11 == 0 for count in counts)
    for row in states:
        if row[8] is not None:
            assert int(str(row[2])) >= 22, "no ratio over a small base (R6)"
    risk = next(book["Risks from other sources"].iter_rows(min_row=2, values_only=True))
    assert "CC BY 4.0" in risk
