"""Gaps through the API in every format, and the stored cells on which they depend."""

import csv
import io
import random
import struct
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import hxl  # type: ignore[import-untyped]  # ships no type information
import openpyxl
import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.words.places import Places
from directory.pathways.gaps.models import coverage_cells, coverage_shares
from directory.pathways.gaps.projection import turn_seasons
from directory.pathways.gaps.schemas import Gaps
from directory.pathways.gaps.shares import GROUPS
from httpx import AsyncClient
from pydantic import TypeAdapter

from tests.services.directory.conftest import as_

URL = "/directory/v1/gaps"


async def gaps(api: AsyncClient, who: str = "ngo-refugio", **params: Any) -> dict[str, Any]:
    given = {"area": "VE23", "level": 2, **params}
    answer = await api.get(URL, params=given, headers=as_(who))
    assert answer.status_code == 200, answer.text
    TypeAdapter(Gaps).validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def cell(found: dict[str, Any], area: str, need: str, group: str) -> dict[str, Any]:
    return next(
        item
        for item in found["items"]
        if (item["area"], item["need"], item["group"]) == (area, need, group)
    )


async def test_the_matrix_tells_referable_full_stale_and_none_apart(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    found = await gaps(api)
    assert cell(found, "VE2313", "GBV-CMR", "woman")["coverage"] == "referable"
    assert cell(found, "VE2313", "GBV-CM", "man")["coverage"] == "none"
    assert cell(found, "VE2313", "GBV-CM", "woman")["services"] == {"referable": 1}
    assert cell(found, "VE2301", "GBV-CM", "woman")["gap"]
    assert cell(found, "VE2313", "GBV-PSS", "woman")["coverage"] == "full"
    assert cell(found, "VE2313", "GBV-LEGAL", "woman")["coverage"] == "stale"
    assert cell(found, "VE2313", "GBV-SHELTER", "woman")["coverage"] == "not_shown"
    mine = await gaps(api, "gbv-coordinator")
    assert cell(mine, "VE2313", "GBV-SHELTER", "woman")["coverage"] == "referable"
    assert cell(mine, "VE2313", "GBV-SHELTER", "child")["coverage"] == "none"


async def test_what_is_open_on_other_days_only_covers_nothing_until_its_season_begins(
    api: AsyncClient, database: Database, publish: Any
) -> None:
    """A tent for the rainy season helps nobody in the dry season, so counting it would hide the gap."""
    today = clock.today()
    begins, ends = today + timedelta(days=30), today + timedelta(days=60)
    daily = {
        "freq": "WEEKLY",
        "byday": "MO,TU,WE,TH,FR,SA,SU",
        "opens_at": "00:00",
        "closes_at": "00:00",
    }
    season = {"valid_from": begins.isoformat(), "valid_to": ends.isoformat()}
    await publish(categories=["GBV-LIV"], schedules=[daily | season])

    async def covered() -> tuple[str, bool]:
        async with database.transaction() as session:
            await turn_seasons(session)
        found = cell(await gaps(api), "VE2313", "GBV-LIV", "woman")
        return found["coverage"], found["gap"]

    assert await covered() == ("suspended", True)
    with clock.shifted(timedelta(days=31)):
        assert await covered() == ("referable", False)
    with clock.shifted(timedelta(days=90)):
        assert await covered() == ("suspended", True)
        async with database.transaction() as session:
            assert await turn_seasons(session) == 0, "counted once a turn"


async def test_a_need_that_is_met_too_late_is_a_gap_and_one_that_is_met_by_walking_in_is_none(
    api: AsyncClient, publish: Any
) -> None:
    slow = {"method": "interagency_form", "response_delay": "72h"}
    await publish(categories=["GBV-CM"], referral=slow)
    late = cell(await gaps(api), "VE2313", "GBV-CM", "woman")
    assert (late["coverage"], late["gap"], late["services"]) == ("late", True, {"late": 1})
    await publish(categories=["GBV-CM"], referral={**slow, "intake_modes": ["walk_in"]})
    met = cell(await gaps(api), "VE2313", "GBV-CM", "woman")
    assert (met["coverage"], met["gap"]) == ("referable", False)


async def test_what_disappeared_since_before_the_crisis_is_counted_as_lost(
    api: AsyncClient, publish: Any
) -> None:
    await publish(
        categories=["GBV-LIV"],
        functional_status={"code": "closed"},
        pre_crisis={"existed": True, "from": "2010-01-01", "to": "2019-01-01"},
    )
    item = cell(await gaps(api), "VE2313", "GBV-LIV", "woman")
    assert (item["coverage"], item["services"]) == ("lost", {"lost": 1})


async def test_filters_narrow_the_matrix(api: AsyncClient, scenario: dict[str, UUID]) -> None:
    found = await gaps(api, need=["GBV-CMR", "CVA"], group="woman", only_gaps=True)
    assert {item["need"] for item in found["items"]} == {"CVA"}
    assert {item["group"] for item in found["items"]} == {"woman"}
    assert len(found["items"]) == 21
    state = await gaps(api, area="VE", level=1, need="GBV-CMR", group="woman")
    covered = {item["area"] for item in state["items"] if not item["gap"]}
    assert covered == {"VE23", "VE20"}


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"area": "VE9999"}, "/area"),
        ({"area": "Zulia"}, "/area"),
        ({"area": "VE", "level": 3}, "/level"),
        ({"area": "VE", "need": "NO-SUCH"}, "/need/0"),
        ({"area": "VE", "level": 2}, "/level"),
        ({"area": "VE", "format": "docx"}, "/format"),
        ({"area": "VE", "group": "boy"}, "/group/0"),
    ],
)
async def test_bad_questions_are_422_with_a_pointer(
    api: AsyncClient, params: dict[str, Any], pointer: str
) -> None:
    answer = await api.get(URL, params=params, headers=as_("anonymous"))
    assert answer.status_code == 422
    assert answer.json()["pointer"].endswith(pointer)


async def test_a_published_pathways_steps_without_service_are_named(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    assert (await gaps(api))["open_steps"] == []
    headers = as_("gbv-coordinator")
    base = "/directory/v1/pathways"
    made = await api.post(f"{base}/proposals/GBV", json={"area": "VE23"}, headers=headers)
    for step, who in (("submit", "im-officer"), ("publish", "gbv-coordinator")):
        made = await api.post(
            f"{base}/{made.json()['pathway_id']}/{step}",
            headers={**as_(who), "If-Match": made.headers["ETag"]},
        )
        assert made.status_code == 200, made.text
    steps = (await gaps(api))["open_steps"]
    in_maracaibo = {each["step"] for each in steps if each["area"] == "VE2313"}
    assert {"psychosocial", "legal", "cash"} <= in_maracaibo
    assert not in_maracaibo & {"clinical-care-72h", "case-management", "safety"}
    assert {each["version"] for each in steps} == {"VE23:1"}


async def test_population_weighs_the_gaps(api: AsyncClient, scenario: dict[str, UUID]) -> None:
    rows = [
        {"area": "VE2313", "group": "woman", "people": 600_000},
        {"area": "VE2315", "group": "woman", "people": 30_000},
    ]
    body = {"source": "Proyección ficticia 2026", "rows": rows}
    url = f"{URL}/population"
    assert (await api.put(url, json=body, headers=as_("ngo-refugio"))).status_code == 403
    assert (await api.put(url, json=body, headers=as_("im-officer"))).json() == {"rows": 2}
    found = await gaps(api, need=["GBV-CM"], group="woman")
    assert found["weighted"] == [{"need": "GBV-CM", "people": 630_000, "without_service": 30_000}]
    assert cell(found, "VE2315", "GBV-CM", "woman")["people"] == 30_000
    bad = {**body, "rows": [{"area": "VE9999", "group": "woman", "people": 1}]}
    refused = await api.put(url, json=bad, headers=as_("im-officer"))
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/rows/0/area")
    negative = {**body, "rows": [{"area": "VE23", "group": "woman", "people": -1}]}
    refused = await api.put(url, json=negative, headers=as_("im-officer"))
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/rows/0/people")


async def test_the_workbook_holds_the_same_rows(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    found = await gaps(api)
    answer = await api.get(
        URL, params={"area": "VE23", "level": 2, "format": "xlsx"}, headers=as_("ngo-refugio")
    )
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["brechas-gaps"]
    header, *lines = list(sheet.iter_rows(values_only=True))
    assert len(lines) == len(found["items"])
    first, item = dict(zip(header, lines[0], strict=True)), found["items"][0]
    assert (first["adm2_pcode"], first["need"], first["referable"]) == (
        item["area"],
        item["need"],
        item["services"].get("referable", 0),
    )


async def test_the_hxl_table_is_understood_by_libhxl(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    params: dict[str, Any] = {"area": "VE23", "level": 2, "format": "hxl", "need": "GBV-CMR"}
    answer = await api.get(URL, params=params, headers=as_("ngo-refugio"))
    data = hxl.data(list(csv.reader(io.StringIO(answer.text))))
    assert "#adm2+code" in [column.display_tag for column in data.columns]
    gaps_only = list(data.with_rows("#indicator+gap+bool=no"))
    assert len(gaps_only) == 21 * 4
    assert {row.get("#service+code") for row in gaps_only} == {"GBV-CMR"}


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_heat_map_is_drawn(
    api: AsyncClient, scenario: dict[str, UUID], language: str
) -> None:
    params: dict[str, Any] = {
        "area": "VE",
        "level": 1,
        "need": ["GBV-CMR", "GBV-SHELTER"],
        "language": language,
    }
    drawn = await api.get(URL, params={**params, "format": "svg"}, headers=as_("anonymous"))
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.text.startswith("<svg")
    for word in ("Zulia", "Táchira", "brecha" if language == "es" else "gap"):
        assert word in drawn.text
    tree = ET.fromstring(drawn.text)  # noqa: S314 - our own
    states = Places.load().children("VE")
    assert len(tree.findall("{*}rect")) == 1 + 2 * len(states)
    image = await api.get(URL, params={**params, "format": "png"}, headers=as_("anonymous"))
    assert image.content.startswith(b"\x89PNG")
    wide, deep = struct.unpack(">II", image.content[16:24])
    assert (wide, deep) == (2 * int(tree.attrib["width"]), 2 * int(tree.attrib["height"]))


async def test_the_heat_map_says_the_numbers_of_the_matrix(
    api: AsyncClient, scenario: dict[str, UUID]
) -> None:
    params: dict[str, Any] = {"area": "VE23", "level": 2, "need": ["GBV-CMR"]}
    most: dict[str, int] = {}
    for item in (await gaps(api, "gbv-coordinator", **params))["items"]:
        found = item["services"].get("referable", 0) + item["services"].get("waitlist", 0)
        most[item["area"]] = max(most.get(item["area"], 0), found)
    drawn = await api.get(URL, params={**params, "format": "svg"}, headers=as_("gbv-coordinator"))
    tree = ET.fromstring(drawn.text)  # noqa: S314 - our own
    words = [each.text or "" for each in tree.findall("{*}text")]
    cells = Counter(each for each in words if each.isdecimal() or each in "✕–")
    assert cells == Counter(str(each) if each else "✕" for each in most.values())
    assert any(each.isdecimal() for each in cells)


async def test_cells_equal_a_recount_after_any_sequence_of_changes(
    api: AsyncClient, database: Database, scenario: dict[str, UUID]
) -> None:
    chance = random.Random(7)  # noqa: S311 - reproducible test data
    names = sorted(scenario)
    for _ in range(25):
        service_id = scenario[chance.choice(names)]
        change = chance.choice(
            [
                {"state": chance.choice(["accepting", "waitlist", "full"])},
                {"functional_status": {"code": chance.choice(["suspended", "fully_functional"])}},
            ]
        )
        answer = await api.put(
            f"/directory/v1/services/{service_id}/capacity",
            json=change,
            headers=as_(chance.choice(["gbv-coordinator", "cp-coordinator", "tip-coordinator"])),
        )
        assert answer.status_code < 500
    key = ("area", "need", "whole", "state", "visibility", "aors")
    async with database.transaction() as session:
        counts = [sa.func.count()] + [
            sa.func.count().filter(coverage_shares.c.groups.any_() == group) for group in GROUPS
        ]
        shares = sa.select(*(coverage_shares.c[name] for name in key), *counts).group_by(
            *(coverage_shares.c[name] for name in key)
        )
        counted = {tuple(row) for row in await session.execute(shares)}
        cells = sa.select(*(coverage_cells.c[name] for name in (*key, "services", *GROUPS)))
        kept = {
            tuple(row) for row in await session.execute(cells.where(coverage_cells.c.services != 0))
        }
        negative = await session.scalar(
            sa.select(sa.func.count()).where(coverage_cells.c.services < 0)
        )
    assert kept == counted
    assert len(kept) > 50
    assert negative == 0
